"""Tables and sentences that commands print about studies; other commands would import the studies in vain."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from planwise.app.optimize import OptimizationReport
from planwise.cli.tables import money, percent
from planwise.console import PLAIN, print_gate, progress, results
from planwise.engine.outcome import Kpis
from planwise.formatting import TERMINAL, counted, in_currency
from planwise.risk.worlds import MEANS
from planwise.study import StudyResult
from planwise.study.chance import ChanceCheck
from planwise.study.constraints import PAYROLL, held_text, violated
from planwise.study.post_analysis import TARGET, NotComputed
from planwise.study.problem import PP
from planwise.study.space import members
from planwise.study.spec import added_risk, stop_reason
from planwise.study.target import MEASURES, Target

points = TERMINAL.points

FINDINGS_SHOWN = 3  # worst first; the report has all


def print_findings(console: Console, result: StudyResult) -> None:
    """Print a study's findings; reasons why one was not computed are dim."""
    for line in (*_objective(result), *_cost(result), *_people(result), *_robustness(result)):
        console.print(line, soft_wrap=True)
    for sentence in result.at_bounds:
        console.print(escape(sentence), soft_wrap=True)
    if limits := [name for name in result.binding if name not in result.levers]:
        console.print(f"At their limits: {escape(', '.join(limits))}", soft_wrap=True)
    if len(result.constraints) > 1:
        console.print(constraint_table(result.constraints))
    if result.front:
        console.print(front_table(result.front, result.picks))
    for line in _risks(result):
        console.print(line, soft_wrap=True)
    for warning in result.warnings:
        console.print(escape(warning), style="yellow", soft_wrap=True)


def lever_table(result: StudyResult) -> Table:
    """Return one row per changed lever: old and new value, change, its effect on the target alone, risk."""
    right = [Column(name, justify="right") for name in ("old", "new", "change", "alone")]
    table = Table("lever", *right, "risk", **PLAIN)
    impact = result.parameter_impact
    alone = None if isinstance(impact, NotComputed) else impact.figures.get(TARGET)
    risks = {} if isinstance(result.risk, NotComputed) else result.risk.levers
    shown: set[str] = set()
    for name, change in result.changes.items():
        moved = next((one for one in alone.alone if name in members(one)), name) if alone else name
        if moved in shown:
            continue
        shown.add(moved)
        effect = None if alone is None else alone.alone.get(moved)
        levels = len(members(moved))
        table.add_row(
            name if levels == 1 else f"merit of {levels} levels",
            f"{change['old']:.4f}",
            f"{change['new']:.4f}",
            points(change["change"]),
            points(effect),
            str(risks.get(name, risks.get(name.partition("@")[0], ""))),
        )
    if alone is not None:
        table.add_section()
        table.add_row("interaction", "", "", "", points(alone.remainder), "")
    return table


def answer_table(answers: list[dict[str, Any]], target: Mapping[str, Any]) -> Table:
    """Return one row per answer: what it reaches, its levers, payroll and risk."""
    measure = MEASURES[target["measure"]]
    right = [Column(name, justify="right") for name in (measure.label, "increases", "payroll")]
    table = Table("answer", *right, "merit", Column("COLA", justify="right"), "risk", **PLAIN)
    for one in answers:
        merit = sorted({row["merit"] for row in one["who"]})
        spread = (
            percent(merit[0], 2) if len(merit) == 1 else f"{percent(merit[0], 2)} to {percent(merit[-1], 2)}"
        )
        others = [name for name in one["levers"] if not name.startswith(("merit_", "cola_"))]
        more = f" and {counted(len(others), 'other lever')}" if others and not one["note"] else ""
        table.add_row(
            one["name"],
            measure.text(one["reached"]) + ("" if one["met"] else " (missed)"),
            percent(one["increase_rate"], 2),
            money(one["payroll"]),
            spread + more,
            percent(one["who"][0]["cola"], 2),
            added_risk(one["risk"]),
        )
    return table


def constraint_table(constraints: list[dict[str, Any]]) -> Table:
    """Return one row per constraint: metric, value, limit."""
    right = [Column(name, justify="right") for name in ("actual", "limit")]
    table = Table("constraint", *right, "", **PLAIN)
    for one in constraints:
        figure = money if one["name"] == PAYROLL else TERMINAL.number
        held = escape(held_text(one))
        held = f"[red]{held}[/]" if one["satisfied"] is False else held
        table.add_row(
            escape(str(one.get("text", one["name"]))),
            figure(one.get("actual")),
            figure(one.get("limit")),
            held,
        )
    return table


def front_table(front: list[dict[str, Any]], picks: Mapping[str, Any]) -> Table:
    """Return the knee and the picks of a front; objectives are relative to the scenario (1 is unchanged)."""
    names = list(front[0]["values"])
    right = [Column(name, justify="right") for name in (*names, "growth")]
    table = Table("trial", *right, "", title=f"{len(front)} trade-offs, of which", **PLAIN)
    chosen = {picks["knee"], *picks["diverse"]}
    for point in front:
        if point["trial"] in chosen:
            values = (f"{point['values'][name]:.4g}" for name in names)
            mark = "knee" if point["trial"] == picks["knee"] else "pick"
            table.add_row(str(point["trial"]), *values, percent(point["growth"], 2), mark)
    return table


def _objective(result: StudyResult) -> Iterator[str]:
    """Yield the terms of a score that has more than target and change."""
    weights = result.objective.get("weights", {})
    if set(weights) - {"targets", "change"}:
        parts = " + ".join(
            f"{name} {result.objective[name]:.4g} × {weight:g}" for name, weight in weights.items()
        )
        yield f"Objective {result.objective['value']:.4g} = {parts} (1 is unchanged)."


def _cost(result: StudyResult) -> Iterator[str]:
    cost = result.cost_impact
    if isinstance(cost, NotComputed):
        yield f"[dim]Cost: {escape(str(cost))}.[/]"
        return
    horizon, highest = cost.horizon.payroll, cost.highest_payroll
    yield (
        f"Cost: payroll over the horizon {money(horizon.after)}, {money(horizon.difference, sign=True)} "
        f"({percent(horizon.difference_rate, sign=True)}); highest year {money(highest.after)}, "
        f"{money(highest.difference, sign=True)}."
    )


def _people(result: StudyResult) -> Iterator[str]:
    found = result.employee_impact
    if isinstance(found, NotComputed):
        yield f"[dim]People: {escape(str(found))}.[/]"
        return
    people = found.everybody
    text = f"People: in {found.year} pay differs for {people.differ:,} of {people.compared:,}"
    difference, rate = people.difference, people.difference_rate
    if difference is not None and rate is not None:
        text += (
            f", {people.winners:,} earn more, {people.losers:,} less; "
            f"median {money(difference.median, sign=True)} ({percent(rate.median, sign=True)}), "
            f"P10 to P90 {percent(rate.p10, sign=True)} to {percent(rate.p90, sign=True)}"
        )
    yield f"{text}."


def _robustness(result: StudyResult) -> Iterator[str]:
    found = result.robustness
    if isinstance(found, NotComputed):
        yield f"[dim]Robustness: {escape(str(found))}.[/]"
        return
    measure, reached = MEASURES[result.target["measure"]], found.reached
    low, high, mean = map(measure.text, (reached.p10, reached.p90, reached.mean))
    text = f"In {found.seeds} other draws of {found.drawn}: {measure.label} {low} to {high} (P10 to P90)"
    text += f", mean {mean}"
    if found.share_within_tolerance is not None and found.share_interval is not None:
        least, most = found.share_interval
        text += f"; {found.share_within_tolerance:.0%} within the tolerance (95 %: {least:.0%} to {most:.0%})"
    if found.share_over_payroll is not None:
        text += f"; {found.share_over_payroll:.0%} over the payroll limit"
    yield f"{text}. {' '.join(MEANS[found.drawn])}"
    if isinstance(result.chance, ChanceCheck):
        yield result.chance.text


def _risks(result: StudyResult) -> Iterator[str]:
    found = result.risk
    if isinstance(found, NotComputed):
        return
    findings = found.findings
    yield (
        f"Risk: [bold]{found.level.value}[/], {counted(len(findings), 'finding')}"
        + (":" if findings else ".")
    )
    for finding in findings[:FINDINGS_SHOWN]:
        year = "" if finding.year is None else f"{finding.year}: "
        yield f"  {finding.risk.value} {year}{escape(finding.message)}"
    if len(findings) > FINDINGS_SHOWN:
        yield f"[dim]  and {len(findings) - FINDINGS_SHOWN} more: planwise study report {result.study}[/]"


def print_answers(report: OptimizationReport) -> None:
    """Print the answers side by side where policy does not meet the target; nothing where it does."""
    if report.result.answers:
        console = results()
        console.print("Policy does not meet the target; the answers:")
        with in_currency(report.currency):
            console.print(answer_table(report.result.answers, report.result.target))


def print_optimization(report: OptimizationReport) -> None:
    """Print the result, changed levers, costs and the next step."""
    result, console = report.result, results()
    with in_currency(report.currency):
        console.print(_verdict(result))
        if result.nearest is not None:
            console.print(_nearest(result), markup=False, soft_wrap=True)
        print_answers(report)
        if result.changes:
            console.print(lever_table(result))
        if result.kpis:
            console.print(comparison_table(result.kpis, report.baseline))
        print_findings(console, result)
    if result.strategy_reason:
        console.print(f"{result.strategy}: {result.strategy_reason}", markup=False, soft_wrap=True)
    quality = "" if result.quality_score is None else f"{result.quality_score:.0%} of the gap closed; "
    console.print(
        f"{result.strategy}: {quality}{result.evaluations} evaluations, {result.real_plans} plans, "
        f"{result.cache_hits} cache hits, {result.trials_failed} failed; {result.seconds:.1f} s; "
        f"stopped: {stop_reason(result.stopped)}. Study {result.study}.",
        markup=False,  # a limit of a group has brackets
    )
    if result.advice.get("strategy"):
        console.print(result.advice["strategy"], markup=False, soft_wrap=True, style="yellow")
    if report.simulation:
        print_gate(console, report.simulation.gate)
        console.print(f"Gate {report.simulation.gate.status}. Published as scenario {report.saved_as}:")
        console.print(str(report.simulation.published), markup=False, soft_wrap=True)
        progress().print(f"Next: planwise study report {result.study}, planwise serve")
    else:
        refused = result.why_ask if result.converged and result.kind == "real" else None
        why = "" if refused is None else f": {refused}, and --allow-risk was not given"
        console.print(f"Nothing was stored or published{why}.")
        progress().print(f"Next: planwise study show {result.study}, planwise study report {result.study}")


def _nearest(result: StudyResult) -> str:
    """Return a line on the nearest reachable result and the constraints it violates."""
    if broken := violated(result.constraints):
        return f"No trial satisfies {', '.join(broken)}; the nearest one is shown."
    measure = MEASURES[result.target["measure"]]
    return f"Nearest reachable {measure.label}: {measure.text(result.nearest, 3)}."


def _verdict(result: StudyResult) -> str:
    if result.quality_score is None:
        growth = f"growth of average pay {result.growth:.3%}, before: {result.baseline_growth:.3%}"
        return f"No target: {growth} ({result.kind})."
    target = Target.from_json(result.target)
    met = "met" if result.within_policy else "[yellow]met, outside policy[/]"
    state = met if result.converged else "not met" if result.reachable else "out of reach"
    return (
        f"Target {target.text()} is [bold]{state}[/]: {target.measure.text(result.reached, 3)} "
        f"({result.kind}), {target.gap_text((result.gap_pp or 0.0) / PP)} to go, "
        f"before: {target.measure.text(result.baseline_reached, 3)}."
    )


def comparison_table(kpis: Kpis, baseline: Kpis) -> Table:
    """Return increase budget, growth, and payroll against the baseline, by year."""
    columns = ("increases", "those who stay", "average pay", "payroll", "before", "difference")
    table = Table("year", *(Column(name, justify="right") for name in columns), **PLAIN)
    total = 0.0
    for year, old in zip(kpis, baseline, strict=True):
        difference = year["payroll"] - old["payroll"]
        total += difference
        table.add_row(
            str(year["simulation_year"]),
            percent(year["increase_rate"], 2),
            percent(year["growth_continuing"], 2),
            percent(year["growth_all"], 2),
            money(year["payroll"]),
            money(old["payroll"]),
            money(difference),
        )
    table.add_section()
    table.add_row("sum", "", "", "", "", "", money(total))
    return table
