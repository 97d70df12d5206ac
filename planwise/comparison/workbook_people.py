"""The workbook's sheets "People" and "Employees": winners and losers, in groups and one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xlsxwriter.format import Format

from planwise.comparison.compare import Comparison
from planwise.comparison.differences import Kind
from planwise.comparison.people import ATTRIBUTES, Group, Statistics, WinnersAndLosers
from planwise.comparison.sources import Row
from planwise.comparison.workbook_cells import (
    Ref,
    SheetWriter,
    minus,
    plus_minus,
    ratio,
    share_of_change,
    total,
)
from planwise.comparison.workbook_figures import KpiCells
from planwise.errors import InputError

PEOPLE_SHEET, EMPLOYEES_SHEET = "People", "Employees"
HEADERS = (
    "people", "gain", "lose", "same", "share who gain", "sum of gains", "sum of losses", "net",
    "P10", "median", "P90", "P10 %", "median %", "P90 %",
)  # fmt: skip
COUNTS, SUMS = ("people", "gain", "lose", "same"), ("gained", "lost")
PERCENTILES = ("p10", "median", "p90")
EMPLOYEE_HEADERS = (
    "employee", "level", "level there", "department", "pay in base", "pay there", "difference", "difference %"
)  # fmt: skip
HEADER_ROW = 3
SHEET_ROWS_MAX = 1_048_576  # Excel's


@dataclass(frozen=True)
class PeopleCells:
    """The cells of a pair's figures, by scenario and header; the payroll difference in two ways."""

    overall: Mapping[tuple[str, str], Ref]
    payroll: Mapping[str, tuple[Ref, Ref]]


def write_people(page: SheetWriter, comparison: Comparison, cells: KpiCells) -> PeopleCells:
    """Write a block for each pair: groups with totals, the payroll bridge, the largest differences."""
    year = comparison.years[-1]
    page.title(
        "Winners and losers",
        f"Annual full-time base pay at the end of {year} of people active in both results, matched by id. "
        "Groups of fewer than ten people are counted together.",
    )
    overall: dict[tuple[str, str], Ref] = {}
    payroll: dict[str, tuple[Ref, Ref]] = {}
    row = 3
    for pair in comparison.people:
        page.text(row, 0, f"{pair.scenario} against {pair.against}", page.styles.section)
        row += 1
        for attribute in ATTRIBUTES:
            groups = [group for group in pair.groups if group.attribute == attribute]
            if not groups:
                page.text(row, 0, f"by {attribute}: the census does not have it", page.styles.subtitle)
                row += 2
                continue
            row, found = _groups(page, row, attribute, groups, pair.overall)
            overall |= {(pair.scenario, header): ref for header, ref in found.items()}
        row, payroll[pair.scenario] = _payroll(page, row, pair, cells)
        for title, movers in (("Gain most", pair.gainers), ("Lose most", pair.losers)):
            row = _movers(page, row, title, movers)
    page.paper(header_row=1, columns=1, widths=(26, 13), last=len(HEADERS))
    return PeopleCells(overall, payroll)


def write_employees(page: SheetWriter, comparison: Comparison) -> None:
    """Write one row per person and pair, the largest differences first, up to the requested number."""
    listed = sum(len(pair.employees) for pair in comparison.people)
    if listed + HEADER_ROW + 1 > SHEET_ROWS_MAX:
        raise InputError(
            f"{listed:,} employees do not fit on one sheet of {SHEET_ROWS_MAX:,} rows.",
            remedy="Ask for fewer, or compare fewer scenarios.",
        )
    matched = sum(pair.overall.people for pair in comparison.people)
    page.title(
        "Employees",
        f"{listed:,} of {matched:,} matched people, the largest differences of each pair first; the totals "
        'on "People" count everyone. Personal data: treat as confidential.',
    )
    row = HEADER_ROW + 1
    for pair in comparison.people:
        for person in pair.employees:
            page.text(row, 0, pair.scenario, page.styles.label)
            _person(page, row, 1, person)
            row += 1
    headers = ("scenario", *EMPLOYEE_HEADERS)
    page.table((HEADER_ROW, max(row - 1, HEADER_ROW + 1)), headers, "employees")
    page.paper(header_row=HEADER_ROW, columns=2, widths=(20, 20, 10, 10, 26, 14), last=len(headers))


def _groups(
    page: SheetWriter, row: int, attribute: str, groups: Sequence[Group], overall: Statistics
) -> tuple[int, dict[str, Ref]]:
    styles = page.styles
    page.text(row, 0, f"by {attribute}", styles.header)
    page.headers(row, HEADERS, styles.header, 1)
    row += 1
    written = []
    for group in groups:
        page.text(row, 0, group.group, styles.label)
        found = _counted(page, row, group.statistics)
        written.append(_derived(page, row, found, group.statistics, styles.cents_change))
        row += 1
    page.text(row, 0, "all", styles.total_label)
    found = {}
    for column, header in enumerate(HEADERS, 1):
        if header in (*COUNTS, "sum of gains", "sum of losses"):
            kind = Kind.COUNT if header in COUNTS else Kind.MONEY
            parts = [refs[header] for refs in written]
            style = styles.total[kind] if kind is Kind.COUNT else styles.total_cents
            found[header] = page.formula(row, column, total(parts), style)
    return row + 2, _derived(page, row, found, overall, styles.total_cents_change)


def _counted(page: SheetWriter, row: int, statistics: Statistics) -> dict[str, Ref]:
    found = {}
    for column, name in enumerate(COUNTS, 1):
        found[name] = page.number(row, column, getattr(statistics, name), page.styles.number[Kind.COUNT])
    for header, name in (("sum of gains", "gained"), ("sum of losses", "lost")):
        column = 1 + HEADERS.index(header)
        found[header] = page.number(row, column, getattr(statistics, name), page.styles.cents)
    return found


def _derived(
    page: SheetWriter, row: int, found: dict[str, Ref], statistics: Statistics, net_style: Format
) -> dict[str, Ref]:
    """Write what follows from the counts and sums, and the percentiles, which follow from nothing here."""
    styles = page.styles
    share = ratio(found["gain"], found["people"])
    found["share who gain"] = page.formula(
        row, 1 + HEADERS.index("share who gain"), share, styles.number[Kind.RATE]
    )
    net = plus_minus([found["sum of gains"], found["sum of losses"]], [])
    found["net"] = page.formula(row, 1 + HEADERS.index("net"), net, net_style)
    for name in PERCENTILES:
        header = name if name == "median" else name.upper()
        column = 1 + HEADERS.index(header)
        found[header] = page.number(row, column, getattr(statistics, name), styles.change[Kind.MONEY])
        page.number(
            row, 1 + HEADERS.index(f"{header} %"), getattr(statistics, f"{name}_relative"), styles.share
        )
    return found


def _payroll(
    page: SheetWriter, row: int, pair: WinnersAndLosers, cells: KpiCells
) -> tuple[int, tuple[Ref, Ref]]:
    """Write why payroll differs; return the cells of the sum and of the KPIs' difference, which equal it."""
    styles = page.styles
    bridge, year = pair.payroll, cells.years[-1]
    page.text(row, 0, "Payroll (base pay x FTE)", styles.header)
    page.text(row, 1, "people", styles.header)
    page.text(row, 2, "payroll", styles.header)
    lines = (
        ("the same people", pair.overall.people, bridge.matched),
        (f"only in {pair.scenario}", bridge.only_other_people, bridge.only_other),
        (f"only in {pair.against}", bridge.only_base_people, bridge.only_base),
    )
    refs = []
    for text, people, amount in lines:
        row += 1
        page.text(row, 0, text, styles.label)
        page.number(row, 1, people, styles.number[Kind.COUNT])
        refs.append(page.number(row, 2, amount, styles.cents))
    row += 1
    page.text(row, 0, "difference", styles.total_label)
    difference = page.formula(row, 2, plus_minus(refs[:2], refs[2:]), styles.total_cents_change)
    row += 1
    page.text(row, 0, "difference of the KPIs", styles.label)
    kpis = minus(cells.at("payroll", year, pair.scenario), cells.at("payroll", year, pair.against))
    return row + 2, (difference, page.formula(row, 2, kpis, styles.cents_change))


def _movers(page: SheetWriter, row: int, title: str, movers: Sequence[Row]) -> int:
    page.text(row, 0, title if movers else f"{title}: none", page.styles.section)
    if not movers:
        return row + 2
    row += 1
    page.headers(row, EMPLOYEE_HEADERS, page.styles.header)
    for person in movers:
        row += 1
        _person(page, row, 0, person)
    return row + 2


def _person(page: SheetWriter, row: int, column: int, person: Row) -> None:
    styles = page.styles
    page.text(row, column, person["employee_id"], styles.label)
    page.number(row, column + 1, person["level_id"], styles.plain)
    page.number(row, column + 2, person["other_level_id"], styles.plain)
    page.text(row, column + 3, person["department"] or "", styles.label)
    base = page.number(row, column + 4, person["base_pay"], styles.cents)
    other = page.number(row, column + 5, person["other_pay"], styles.cents)
    page.formula(row, column + 6, minus(other, base), styles.cents_change)
    page.formula(row, column + 7, share_of_change(other, base), styles.share)
