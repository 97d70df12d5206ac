"""A study's answer in a few lines: cost, people, robustness, constraints, trade-offs, risks, warnings."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from flows.cli.layout import PLAIN, PP, money, percent, signed_money
from planwise.study import StudyResult

FINDINGS_SHOWN = 3  # worst first; the others are in the result
GROWTH = "growth_compound"


def print_findings(console: Console, result: StudyResult) -> None:
    """Print what a study's closing found; what was not computed says why, in dim."""
    for line in (*_objective(result), *_cost(result), *_people(result), *_robustness(result)):
        console.print(line, soft_wrap=True)
    if result.binding:
        console.print(f"At their bounds: {escape(', '.join(result.binding))}", soft_wrap=True)
    if len(result.constraints) > 1:
        console.print(constraint_table(result.constraints))
    if result.front:
        console.print(front_table(result.front, result.picks))
    for line in _risks(result):
        console.print(line, soft_wrap=True)
    for warning in result.warnings:
        console.print(escape(warning), style="yellow", soft_wrap=True)


def lever_table(result: StudyResult) -> Table:
    """Return one row per changed lever: values, change, what it does alone to growth, its risk."""
    right = [Column(name, justify="right") for name in ("old", "new", "change", "growth alone")]
    table = Table("lever", *right, "risk", **PLAIN)
    alone = _object(result.parameter_impact).get(GROWTH, {})
    risks = _object(result.risk).get("levers", {})
    for name, change in result.changes.items():
        effect = alone.get("alone", {}).get(name)
        table.add_row(
            name,
            f"{change['old']:.4f}",
            f"{change['new']:.4f}",
            f"{change['change'] * PP:+.2f} pp",
            "-" if effect is None else f"{effect * PP:+.2f} pp",
            risks.get(name, risks.get(name.partition("@")[0], "")),
        )
    if alone:
        table.add_section()
        table.add_row("together beyond the sum", "", "", "", f"{alone['remainder'] * PP:+.2f} pp", "")
    return table


def constraint_table(constraints: list[dict[str, Any]]) -> Table:
    """Return one row per constraint: what it limits, what it is, what is allowed."""
    right = [Column(name, justify="right") for name in ("actual", "limit")]
    table = Table("constraint", *right, "", **PLAIN)
    for one in constraints:
        held = "holds" if one["satisfied"] else "[red]violated[/]"
        table.add_row(
            escape(str(one.get("text", one["name"]))),
            _figure(one.get("actual")),
            _figure(one.get("limit")),
            held,
        )
    return table


def front_table(front: list[dict[str, Any]], picks: Mapping[str, Any]) -> Table:
    """Return the knee and the picks of a front, with their objectives (1 is the scenario as it is)."""
    names = list(front[0]["values"])
    right = [Column(name, justify="right") for name in (*names, "growth")]
    table = Table("trial", *right, "", title=f"{len(front)} trade-offs, of which", **PLAIN)
    chosen = {picks["knee"], *picks["diverse"]}
    for point in front:
        if point["trial"] in chosen:
            values = (f"{point['values'][name]:.4g}" for name in names)
            mark = "knee" if point["trial"] == picks["knee"] else "pick"
            table.add_row(str(point["trial"]), *values, percent(point["growth"]), mark)
    return table


def _objective(result: StudyResult) -> Iterator[str]:
    """Yield what a score is made of, where it is more than the target and the change."""
    weights = result.objective.get("weights", {})
    if set(weights) - {"targets", "change"}:
        parts = " + ".join(
            f"{name} {result.objective[name]:.4g} × {weight:g}" for name, weight in weights.items()
        )
        yield f"Objective {result.objective['value']:.4g} = {parts} (1 is as it was)."


def _cost(result: StudyResult) -> Iterator[str]:
    if isinstance(result.cost_impact, str):
        yield f"[dim]Cost: {escape(result.cost_impact)}.[/]"
        return
    horizon, highest = result.cost_impact["horizon"]["payroll"], result.cost_impact["highest_payroll"]
    yield (
        f"Cost: payroll over the horizon {money(horizon['after'])}, {signed_money(horizon['difference'])} "
        f"({_signed(horizon['difference_rate'])}); highest year {money(highest['after'])}, "
        f"{signed_money(highest['difference'])}."
    )


def _people(result: StudyResult) -> Iterator[str]:
    found = result.employee_impact
    if isinstance(found, str):
        yield f"[dim]People: {escape(found)}.[/]"
        return
    text = f"People: in {found['year']} the pay of {found['differ']:,} of {found['compared']:,} differs"
    if found["differ"]:
        amount, rate = found["difference"], found["difference_rate"]
        text += (
            f", {found['winners']:,} earn more, {found['losers']:,} less; "
            f"median {signed_money(amount['median'])} ({_signed(rate['median'])}), "
            f"P10 to P90 {_signed(rate['p10'])} to {_signed(rate['p90'])}"
        )
    yield f"{text}."


def _robustness(result: StudyResult) -> Iterator[str]:
    found = result.robustness
    if isinstance(found, str):
        yield f"[dim]Robustness: {escape(found)}.[/]"
        return
    growth = found["growth"]
    text = f"Under {found['seeds']} other seeds: growth {percent(growth['p10'])} to {percent(growth['p90'])} "
    text += f"(P10 to P90), mean {percent(growth['mean'])}"
    if found["share_within_tolerance"] is not None:
        low, high = found["share_interval"]
        text += (
            f"; {found['share_within_tolerance']:.0%} within the tolerance (95 %: {low:.0%} to {high:.0%})"
        )
    if found["share_over_payroll"] is not None:
        text += f"; {found['share_over_payroll']:.0%} over the payroll limit"
    yield f"{text}."


def _risks(result: StudyResult) -> Iterator[str]:
    found = _object(result.risk)
    if not found:
        return
    findings = found["findings"]
    yield f"Risk: [bold]{found['level']}[/], {len(findings)} finding{'' if len(findings) == 1 else 's'}" + (
        ":" if findings else "."
    )
    for finding in findings[:FINDINGS_SHOWN]:
        year = "" if finding["year"] is None else f"{finding['year']}: "
        yield f"  {finding['risk']} {year}{escape(finding['message'])}"
    if len(findings) > FINDINGS_SHOWN:
        yield f"[dim]  and {len(findings) - FINDINGS_SHOWN} more: planwise study report {result.study}[/]"


def _object(found: Mapping[str, Any] | str) -> Mapping[str, Any]:
    return {} if isinstance(found, str) else found


def _signed(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:+.1%}"


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return money(value) if abs(value) >= PP else f"{value:.4g}"
