"""`planwise compare`: scenarios side by side."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from flows.launch import run_use_case
from planwise.app.compare import CompareRequest, compare_scenarios
from planwise.cli.options import AsFlow, Home, Json
from planwise.comparison.compare import Compared, Comparison
from planwise.comparison.differences import METRICS, Kind, ParameterDifference, Setting
from planwise.comparison.people import Statistics, WinnersAndLosers
from planwise.console import PLAIN, emit_json, progress, results, settings_for
from planwise.formatting import TERMINAL, counted, in_currency
from planwise.jobs import JobKind
from planwise.parameters import Value
from planwise.parameters.catalogue import Unit
from planwise.settings import Settings

money = replace(TERMINAL, scales=((1e6, "M", 2),)).money_short  # shows small differences
count, percent = TERMINAL.count, TERMINAL.percent
# How a figure of each kind is written, and its difference, whose sign is always shown.
FIGURES: Mapping[Kind, Callable[[Any], str]] = {
    Kind.COUNT: count,
    Kind.MONEY: money,
    Kind.RATE: partial(percent, decimals=2),
    Kind.RATIO: partial(TERMINAL.ratio, decimals=3),
}
CHANGES: Mapping[Kind, Callable[[Any], str]] = {
    Kind.COUNT: partial(count, sign=True),
    Kind.MONEY: partial(money, sign=True),
    Kind.RATE: TERMINAL.points,
    Kind.RATIO: partial(TERMINAL.ratio, decimals=3, sign=True),
}
TIER_MARKS = {"scenario": "*", "dynamic": "+", "default": "", "fallback": "!"}
LEGEND = "* scenario  + dynamic lever  ! fallback  no mark: default"
SHORT_STATES = (
    "headcount",
    "payroll",
    "mean_base_pay",
    "growth_all",
    "growth_compound",
    "mean_compa_ratio",
    "adjusted_gap_max",
    "median_gap",
    "below_minimum",
)
SHORT_FLOWS = ("prorated_payroll", "cola_cost", "merit_cost", "promotion_cost", "hires", "promotions")
BY_NAME = {metric.name: metric for metric in METRICS}


def render_comparison(comparison: Comparison) -> RenderableType:
    """Return the tables of a comparison, the remarks before the figures that they limit."""
    parts: list[RenderableType] = [Text(_comparison_headline(comparison), style="bold")]
    parts += [Text(f"! {remark}", style="yellow") for remark in comparison.remarks]
    parts += [render_parameters(comparison.parameters, comparison.names)]
    if comparison.years:
        parts += [_kpi_table(comparison)]
    if comparison.people:
        parts += [_people_table(comparison.people), *_movers(comparison.people)]
    return Group(*parts)


def render_parameters(differences: tuple[ParameterDifference, ...], names: tuple[str, ...]) -> RenderableType:
    """Return one row per parameter and span of years that differ."""
    if not differences:
        return Text("No lever and no assumption differs.")
    table = _table("what differs", "years", *names, title="Levers and assumptions")
    for row in differences:
        base, *others = row.settings.values()
        table.add_row(
            Text(row.parameter),
            row.when,
            _setting_text(base, row.unit, base),
            *(_setting_text(other, row.unit, base) for other in others),
        )
    return Group(table, Text(LEGEND + "\n", style="dim"))


def _comparison_headline(comparison: Comparison) -> str:
    census = comparison.base.census
    others = ", ".join(source.name for source in comparison.others)
    years = comparison.years
    span = f", {years[0]} to {years[-1]}" if years else ""
    return (
        f"{others} against {comparison.base.name}; census {census['name']}, {census['rows']:,} people{span}."
    )


def setting_text(value: Value, unit: str) -> str:
    """Return a parameter's value in its unit; rates with all their digits."""
    if value is None:
        return "none"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if unit == Unit.RATE:
        return TERMINAL.exact_percent(value, 0)
    return money(value) if unit == Unit.MONEY else f"{value:g}"


def _setting_text(own: Setting | None, unit: str, base: Setting | None) -> Text:
    if own is None:
        return Text("unknown", style="dim")
    same = base is not None and own.value == base.value and own is not base
    return Text(f"{setting_text(own.value, unit)}{TIER_MARKS.get(own.tier, '')}", style="dim" if same else "")


def _kpi_table(comparison: Comparison) -> RenderableType:
    first, last = comparison.years[0], comparison.years[-1]
    table = _table("", *comparison.names, title=f"End of {last}, then {first} to {last} in total")
    known = frozenset(metric.name for metric in comparison.metrics)
    for name in (name for name in SHORT_STATES if name in known):
        _kpi_row(table, comparison.kpi(BY_NAME[name], last))
    table.add_section()
    for name in (name for name in SHORT_FLOWS if name in known):
        _kpi_row(table, comparison.total(BY_NAME[name]))
    return table


def _kpi_row(table: Table, compared: Compared) -> None:
    kind = compared.metric.kind
    base, *others = compared.values
    cells = [Text(FIGURES[kind](compared.values[base]))]
    for name in others:
        cell = Text(FIGURES[kind](compared.values[name]))
        if compared.difference(name):
            cell.append(f"\n{_difference(compared, name)}", style="dim")
        cells.append(cell)
    table.add_row(compared.metric.label, *cells)


def _difference(compared: Compared, name: str) -> str:
    text = CHANGES[compared.metric.kind](compared.difference(name))
    share = compared.relative(name)
    with_share = compared.metric.kind in (Kind.MONEY, Kind.COUNT) and share is not None
    return f"{text} ({percent(share, sign=True)})" if with_share else text


def _people_table(pairs: tuple[WinnersAndLosers, ...]) -> RenderableType:
    table = _table(
        "",
        "people",
        "gain",
        "lose",
        "same",
        "P10",
        "median",
        "P90",
        "sum",
        title=f"The same people's base pay at the end of {pairs[0].year}, against {pairs[0].against}",
    )
    for pair in pairs:
        for name, of in ((pair.scenario, pair.overall), *_levels(pair)):
            table.add_row(
                Text(name),
                *map(count, (of.people, of.gain, of.lose, of.same)),
                *(money(value, sign=True) for value in (of.p10, of.median, of.p90, of.net)),
            )
        table.add_section()
    return table


def _levels(pair: WinnersAndLosers) -> Iterator[tuple[str, Statistics]]:
    for group in pair.groups:
        if group.attribute == "level":
            yield f"  level {group.group}", group.statistics


def _movers(pairs: tuple[WinnersAndLosers, ...]) -> Iterator[RenderableType]:
    for pair in pairs:
        text = [
            f"{row['employee_id']} {money(row['difference'], sign=True)} (level {row['level_id']}, "
            f"{row['department']})"
            for row in (*pair.gainers[:1], *pair.losers[:1])
        ]
        yield Text(f"{_payroll(pair)} Most moved: {'; '.join(text) or 'none'}.")


def _payroll(pair: WinnersAndLosers) -> str:
    bridge = pair.payroll
    text = f"Payroll of {pair.scenario} {money(bridge.difference, sign=True)}"
    if bridge.only_other_people or bridge.only_base_people:
        text += (
            f": {money(bridge.matched, sign=True)} for the same people, "
            f"{money(bridge.only_other, sign=True)} for {bridge.only_other_people:,} only there, "
            f"{money(-bridge.only_base, sign=True)} for {bridge.only_base_people:,} not there"
        )
    return f"{text}."


def _table(*columns: str, title: str) -> Table:
    first, *others = columns
    return Table(
        Column(first, overflow="fold"),
        *(Column(name, justify="right", overflow="fold") for name in others),
        title=title,
        title_justify="left",
        **PLAIN,
    )


PUBLISHED = CompareRequest()  # the options' defaults


def compare(
    *scenarios: Annotated[str, Parameter(help="Two or more names; the first is the base.")],
    request: Annotated[CompareRequest, Parameter(name="*")] = PUBLISHED,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Compare the published results of scenarios; the first is the base of all differences."""
    settings = settings_for(home)
    report = compare_scenarios(
        settings,
        request.model_copy(update={"scenarios": scenarios}),
        simulate=lambda name: _simulate(settings, name, flow),
    )
    if json:
        emit_json(report.as_json())
        return
    with in_currency(report.comparison.currency):
        results().print(render_comparison(report.comparison))
    if report.workbook is not None:
        progress().print(f"Workbook: {report.workbook}", markup=False, soft_wrap=True)
    if report.csv is not None:
        progress().print(
            f"{counted(report.csv_rows or 0, 'employee')}: {report.csv}", markup=False, soft_wrap=True
        )
    if report.workbook is None and report.csv is None:
        progress().print(
            "Next: add --xlsx FILE for a workbook; planwise employee ID --scenario A --against B."
        )


def _simulate(settings: Settings, name: str, as_flow: bool | None) -> None:
    from planwise.app.requests import SimulateRequest
    from planwise.app.simulate import simulate as job  # SQLMesh is slow to import and rarely needed here

    request = SimulateRequest(scenario=name)
    run_use_case(settings, job=job, flow="simulate", request=request, as_flow=as_flow, kind=JobKind.SIMULATE)
