"""What people read at the end of a job: rich tables on stdout, what to do next on stderr."""

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from flows.cli.answer import lever_table, print_findings
from flows.cli.layout import PLAIN, PP, money, percent
from flows.jobs.optimization import OptimizationReport
from flows.jobs.simulation import SimulationReport
from planwise.console import progress, results
from planwise.engine.outcome import Kpis
from planwise.gate import GateResult
from planwise.study import StudyResult

BRIDGE = ("exits", "cola", "merit", "promotion", "hires")
STYLES = {"critical": "bold red", "warning": "yellow", "info": "dim"}


def print_simulation(report: SimulationReport) -> None:
    """Print gate failures, KPIs by year, where it was published, and what to do next."""
    console = results()
    print_gate(console, report.gate)
    console.print(kpi_table(report.kpis, title=f"{report.scenario} on census {report.census}"))
    outcome = report.outcome
    run, reused = len(outcome.models_run), len(outcome.models_reused)
    console.print(f"{run} models run, {reused} reused, {outcome.seconds:.1f} s; gate {report.gate.status}.")
    if report.changes:
        changes = ", ".join(f"{name}={value}" for name, value in report.changes.items())
        console.print(
            f"With changes that no scenario stores: {changes}. `planwise scenario create` keeps such.",
            markup=False,
            style="yellow",
        )
    if report.published:
        console.print(f"Published: {report.published}", markup=False, soft_wrap=True)
        progress().print("Next: planwise serve, planwise optimize --target-growth 0.03")
    else:
        console.print(
            "Not published; the result in force stays. The environment keeps this one to look into.",
            style="red",
        )


def print_optimization(report: OptimizationReport) -> None:
    """Print what was found, what it changes, what it costs, and what to do next."""
    result, console = report.result, results()
    console.print(_verdict(result))
    if result.nearest_growth is not None:
        console.print(_nearest(result), markup=False, soft_wrap=True)
    if result.changes:
        console.print(lever_table(result))
    if result.kpis:
        console.print(comparison_table(result.kpis, report.baseline, result.target_growth))
    print_findings(console, result)
    if result.strategy_reason:
        console.print(f"{result.strategy}: {result.strategy_reason}", markup=False, soft_wrap=True)
    quality = "" if result.quality_score is None else f"{result.quality_score:.0%} of the gap closed; "
    console.print(
        f"{result.strategy}: {quality}{result.evaluations} evaluations, {result.real_plans} plans, "
        f"{result.cache_hits} cache hits, {result.trials_failed} failed; {result.seconds:.1f} s; "
        f"ended: {result.stopped}. Study {result.study}."
    )
    if result.advice.get("strategy"):
        console.print(result.advice["strategy"], markup=False, soft_wrap=True, style="yellow")
    if report.simulation:
        print_gate(console, report.simulation.gate)
        console.print(f"Gate {report.simulation.gate.status}. Published as scenario {report.saved_as}:")
        console.print(str(report.simulation.published), markup=False, soft_wrap=True)
        progress().print(f"Next: planwise study report {result.study}, planwise serve")
    else:
        console.print("Nothing was stored or published.")
        progress().print(f"Next: planwise study show {result.study}, planwise study report {result.study}")


def _nearest(result: StudyResult) -> str:
    """Say what comes nearest to what was asked, and what it still violates."""
    violated = [str(one.get("text", one["name"])) for one in result.constraints if not one["satisfied"]]
    if violated:
        return f"Nothing meets {', '.join(violated)}; what comes nearest is shown."
    return f"Nearest reachable growth: {result.nearest_growth:.3%}."


def _verdict(result: StudyResult) -> str:
    if result.quality_score is None:
        growth = f"growth {result.growth:.3%} ({result.kind}), as it was {result.baseline_growth:.3%}"
        return f"No target was sought: {growth}."
    state = "met" if result.converged else "not met" if result.reachable else "out of reach"
    return (
        f"Target {percent(result.target_growth)} a year is [bold]{state}[/]: growth {result.growth:.3%} "
        f"({result.kind}), gap {result.gap_pp:+.3f} pp, as it was {result.baseline_growth:.3%}."
    )


def comparison_table(kpis: Kpis, baseline: Kpis, target: float) -> Table:
    """Return growth against the target and payroll against the baseline, by year."""
    columns = ("growth", "compound", "to target", "payroll", "before", "difference")
    table = Table("year", *(Column(name, justify="right") for name in columns), **PLAIN)
    total = 0.0
    for year, old in zip(kpis, baseline, strict=True):
        difference = year["payroll"] - old["payroll"]
        total += difference
        table.add_row(
            str(year["simulation_year"]),
            percent(year["growth_all"]),
            percent(year["growth_compound"]),
            f"{PP * (year['growth_compound'] - target):+.2f} pp",
            money(year["payroll"]),
            money(old["payroll"]),
            money(difference),
        )
    table.add_section()
    table.add_row("sum", "", "", "", "", "", money(total))
    return table


def print_gate(console: Console, gate: GateResult) -> None:
    """Print what failed, if anything did."""
    told = [check for check in gate.failed if check.severity != "info"]
    if not told:
        return
    table = Table(
        "severity", "expectation", "observed", "allowed", "rows", title=f"{gate.suite} gate: {gate.status}"
    )
    observed = {row["expectation"]: row["observed"] for row in gate.as_table()}
    for check in told:
        table.add_row(
            Text(check.severity, style=STYLES[check.severity]),
            f"{check.expectation} on {check.table}",
            Text(observed[check.expectation]),
            Text(check.threshold),
            f"{check.unexpected_rows:,}" if check.unexpected_rows else "",
        )
    console.print(table)


def kpi_table(kpis: Kpis, *, title: str) -> Table:
    """Return one row per simulated year; growth and its bridge in percent."""
    table = Table(
        "year",
        *(Column(name, justify="right") for name in ("heads", "payroll", "growth", "compound")),
        *(Column(name, justify="right", style="dim") for name in BRIDGE),
        title=title,
        caption="growth of mean base pay, its parts to the right; compound: a year since the census",
        **PLAIN,
    )
    for year in kpis:
        table.add_row(
            str(year["simulation_year"]),
            f"{year['headcount']:,}",
            money(year["payroll"]),
            percent(year["growth_all"]),
            percent(year["growth_compound"]),
            *(percent(year[f"bridge_{part}"]) for part in BRIDGE),
        )
    return table
