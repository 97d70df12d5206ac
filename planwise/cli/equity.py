"""`planwise equity`: pay gaps with intervals, quartile pay bands, categories, cost to close."""

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from planwise.app.equity import EquityRequest, MeasuredEquity, measure_equity
from planwise.cli.options import Home, Json
from planwise.console import PLAIN, emit_json, progress, results, settings_for
from planwise.equity.gaps import GapEstimate
from planwise.equity.report import ComparedGroup, EquityReport
from planwise.formatting import TERMINAL, counted, in_currency, level

CATEGORIES_SHOWN = 20
money, count, percent = TERMINAL.money_short, TERMINAL.count, TERMINAL.percent
DEFAULTS = EquityRequest()  # the options' defaults


def equity(
    request: Annotated[EquityRequest, Parameter(name="*")] = DEFAULTS,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show the pay gaps of a published result, with intervals, and the cost to close the adjusted one."""
    found = measure_equity(settings_for(home), request)
    if json:
        emit_json(found.as_json())
        return
    with in_currency(found.currency):
        results().print(render_equity(found))
    if found.output is not None:
        progress().print(f"{counted(found.rows or 0, 'raise')}: {found.output}", markup=False, soft_wrap=True)


def render_equity(found: MeasuredEquity) -> RenderableType:
    """Return the tables of a report, or why there is none."""
    report = found.report
    when = f"end of {report.year}" if report.year else "the census"
    head = Text(f"Pay equity of {found.scenario}, {when}: {count(report.people)} people.", style="bold")
    if report.why is not None:
        return Group(head, Text(f"The pay gap cannot be measured: {report.why}.", style="yellow"))
    return Group(
        head, *(part for group in report.groups for part in _of_group(report, group)), _bands(report)
    )


def _of_group(report: EquityReport, group: ComparedGroup) -> Iterator[RenderableType]:
    columns = [Column(name, justify="right") for name in ("gap", "95 % from", "to", "people", "of reference")]
    title = f"{group.group} against {report.reference}; above 0: {group.group} earns less"
    table = Table("", *columns, title=title, title_justify="left", **PLAIN)
    for name, gap in group.gaps.items():
        table.add_row(name, *_cells(gap), count(gap.people), count(gap.reference_people))
    yield table
    closing = group.closing
    if closing is None:
        yield Text(f"The adjusted gap cannot be measured: {group.regression.why}.", style="yellow")
    elif closing["reason"]:
        yield Text(f"Cost to close the adjusted gap is not shown: {closing['reason']}.")
    else:
        yield Text(
            f"Closing the adjusted gap would raise {count(closing['people'])} people and cost "
            f"{money(closing['cost'])} a year, {percent(closing['share_of_payroll'], 2)} of payroll."
        )
    yield from _categories(report, group)


def _cells(gap: GapEstimate) -> tuple[str, str, str]:
    if gap.why is not None:
        return f"not measured: {gap.why}", "", ""
    return percent(gap.value, 2), percent(gap.low, 2), percent(gap.high, 2)


def _categories(report: EquityReport, group: ComparedGroup) -> Iterator[RenderableType]:
    of_group = report.categories[report.categories["group"] == group.group]
    measured = of_group[of_group["mean_gap"].notna()]
    flagged = measured[measured["flagged"].eq(True)].sort_values("mean_gap", ascending=False)
    yield Text(
        f"Categories ({report.category}): {len(measured)} of {len(of_group)} can be measured, in "
        f"{len(flagged)} the mean gap is 5 % or more."
    )
    if flagged.empty:
        return
    columns = [Column(n, justify="right") for n in ("mean gap", "95 % from", "to", "people", "of reference")]
    table = Table("level", report.category.removeprefix("level and "), *columns, **PLAIN)
    for row in flagged.head(CATEGORIES_SHOWN).itertuples(index=False):
        gaps = (percent(value, 1) for value in (row.mean_gap, row.mean_low, row.mean_high))
        table.add_row(
            level(row.level_id), Text(str(row[1])), *gaps, count(row.people), count(row.reference_people)
        )
    yield table


def _bands(report: EquityReport) -> RenderableType:
    groups = list(dict.fromkeys(report.bands["group"]))
    columns = [Column(name, justify="right") for name in groups]
    table = Table("share of", *columns, title="Quartile pay bands", title_justify="left", **PLAIN)
    for band, rows in report.bands.groupby("band", sort=False):
        shares = rows.set_index("group")["share"]
        table.add_row(str(band), *(percent(shares[group]) for group in groups))
    return table
