"""What people read at the end of a job: rich tables on stdout, what to do next on stderr."""

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from flows.jobs.simulation import SimulationReport
from planwise.console import progress, results
from planwise.engine.outcome import Kpis
from planwise.gate import GateResult

BRIDGE = ("exits", "cola", "merit", "promotion", "hires")
MILLION = 1_000_000
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
        box=box.SIMPLE_HEAD,
        padding=(0, 0),
        collapse_padding=True,
        pad_edge=False,
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


def percent(rate: float | None) -> str:
    """Return a rate as percent, - when there is none."""
    return "-" if rate is None else f"{rate:.2%}"


def money(amount: float | None) -> str:
    """Return an amount, in millions from a million on, - when there is none."""
    if amount is None:
        return "-"
    return f"{amount / MILLION:,.1f} M" if abs(amount) >= MILLION else f"{amount:,.0f}"


def bullet(lines: Iterable[str]) -> str:
    """Return lines as a list."""
    return "\n".join(f"  - {line}" for line in lines)
