"""A comparison as people read it in a terminal: what differs, what comes of it, whom it touches."""

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from planwise.comparison.comparing import Compared, Comparison
from planwise.comparison.formatting import change, figure, money, setting
from planwise.comparison.metrics import METRICS, Kind
from planwise.comparison.parameters import ParameterDifference
from planwise.comparison.people import Statistics, WinnersAndLosers
from planwise.comparison.sources import Setting

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
    "below_minimum",
)
SHORT_FLOWS = ("prorated_payroll", "cola_cost", "merit_cost", "promotion_cost", "hires", "promotions")
BY_NAME = {metric.name: metric for metric in METRICS}


def render_comparison(comparison: Comparison) -> RenderableType:
    """Return the tables of a comparison, the remarks before the figures that they limit."""
    parts: list[RenderableType] = [Text(_headline(comparison), style="bold")]
    parts += [Text(f"! {remark}", style="yellow") for remark in comparison.remarks]
    parts += [render_parameters(comparison.parameters, comparison.names)]
    if comparison.years:
        parts += [_figures(comparison)]
    if comparison.people:
        parts += [_people(comparison.people), *_movers(comparison.people)]
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
            _setting(base, row.unit, base),
            *(_setting(other, row.unit, base) for other in others),
        )
    return Group(table, Text(LEGEND + "\n", style="dim"))


def _headline(comparison: Comparison) -> str:
    census = comparison.base.census
    others = ", ".join(source.name for source in comparison.others)
    years = comparison.years
    span = f", {years[0]} to {years[-1]}" if years else ""
    return (
        f"{others} against {comparison.base.name}; census {census['name']}, {census['rows']:,} people{span}."
    )


def _setting(own: Setting | None, unit: str, base: Setting | None) -> Text:
    if own is None:
        return Text("unknown", style="dim")
    same = base is not None and own.value == base.value and own is not base
    return Text(f"{setting(own.value, unit)}{TIER_MARKS.get(own.tier, '')}", style="dim" if same else "")


def _figures(comparison: Comparison) -> RenderableType:
    first, last = comparison.years[0], comparison.years[-1]
    table = _table("", *comparison.names, title=f"End of {last}, then {first} to {last} in total")
    known = frozenset(metric.name for metric in comparison.metrics)
    for name in (name for name in SHORT_STATES if name in known):
        _row(table, comparison.kpi(BY_NAME[name], last))
    table.add_section()
    for name in (name for name in SHORT_FLOWS if name in known):
        _row(table, comparison.total(BY_NAME[name]))
    return table


def _row(table: Table, compared: Compared) -> None:
    kind = compared.metric.kind
    base, *others = compared.values
    cells = [Text(figure(compared.values[base], kind))]
    for name in others:
        cell = Text(figure(compared.values[name], kind))
        if compared.difference(name):
            cell.append(f"\n{_difference(compared, name)}", style="dim")
        cells.append(cell)
    table.add_row(compared.metric.label, *cells)


def _difference(compared: Compared, name: str) -> str:
    told = change(compared.difference(name), compared.metric.kind)
    share = compared.relative(name)
    with_share = compared.metric.kind in (Kind.MONEY, Kind.COUNT) and share is not None
    return f"{told} ({share:+.1%})" if with_share else told


def _people(pairs: tuple[WinnersAndLosers, ...]) -> RenderableType:
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
                *(f"{count:,}" for count in (of.people, of.gain, of.lose, of.same)),
                *(money(value, sign="+") for value in (of.p10, of.median, of.p90, of.net)),
            )
        table.add_section()
    return table


def _levels(pair: WinnersAndLosers) -> Iterator[tuple[str, Statistics]]:
    for group in pair.groups:
        if group.attribute == "level":
            yield f"  level {group.group}", group.statistics


def _movers(pairs: tuple[WinnersAndLosers, ...]) -> Iterator[RenderableType]:
    for pair in pairs:
        told = [
            f"{row['employee_id']} {money(row['difference'], sign='+')} (level {row['level_id']}, "
            f"{row['department']})"
            for row in (*pair.gainers[:1], *pair.losers[:1])
        ]
        yield Text(f"{_payroll(pair)} Most moved: {'; '.join(told) or 'nobody'}.")


def _payroll(pair: WinnersAndLosers) -> str:
    bridge = pair.payroll
    told = f"Payroll of {pair.scenario} {money(bridge.difference, sign='+')}"
    if bridge.only_other_people or bridge.only_base_people:
        told += (
            f": {money(bridge.matched, sign='+')} for the same people, {money(bridge.only_other, sign='+')} "
            f"for {bridge.only_other_people:,} only there, {money(-bridge.only_base, sign='+')} for "
            f"{bridge.only_base_people:,} not there"
        )
    return f"{told}."


def _table(*columns: str, **more: str) -> Table:
    first, *others = columns
    return Table(
        Column(first, overflow="fold"),
        *(Column(name, justify="right", overflow="fold") for name in others),
        box=box.SIMPLE_HEAD,
        padding=(0, 0),
        collapse_padding=True,
        pad_edge=False,
        title_justify="left",
        **more,  # type: ignore[arg-type]
    )
