"""Sheet "Budget": what changed payroll and mean pay, by scenario and year, and the differences."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from planwise.comparison.comparing import Comparison
from planwise.comparison.metrics import BRIDGE, BUDGET, SAVINGS, Kind
from planwise.comparison.workbook.cells import PP, Page, Ref, minus, plus_minus, same, total
from planwise.comparison.workbook.kpis import TOTAL, KpiCells
from planwise.comparison.workbook.styles import Styles, set_paper

SHEET = "Budget"
HEADERS = (
    "payroll before",
    "COLA",
    "merit",
    "promotions",
    "hires",
    "exits",
    "payroll change",
    "payroll after",
)
BRIDGE_HEADERS = ("exits", "COLA", "merit", "promotions", "hires", "growth of mean pay")
WIDTH = 1 + len(HEADERS)
Grid = Mapping[tuple[int | str, int], Ref]


@dataclass(frozen=True)
class BudgetCells:
    """Where the sums stand that the notes check: payroll change in total, growth of the last year."""

    payroll_change: Mapping[str, Ref]
    growth: Mapping[str, Ref]


def write_budget(page: Page, comparison: Comparison, cells: KpiCells, styles: Styles) -> BudgetCells:
    """Write a block a scenario, then a block of differences for each but the first."""
    page.text(0, 0, "Budget and growth bridge", styles.title)
    page.text(
        1,
        0,
        "Currency a year, weighted by FTE: COLA + merit + promotions + hires - exits = payroll change. "
        "Below: growth of mean base pay and its parts.",
        styles.subtitle,
    )
    row = 3
    budgets: dict[str, Grid] = {}
    bridges: dict[str, Grid] = {}
    for name in comparison.names:
        row, budgets[name] = _budget(page, row, name, cells, styles)
        row, bridges[name] = _bridge(page, row, name, cells, styles)
    base = comparison.base.name
    for other in comparison.others:
        title = f"{other.name} - {base}"
        row = _differences(page, row, title, HEADERS, budgets[other.name], budgets[base], Kind.MONEY, styles)
        row = _differences(
            page, row, title, BRIDGE_HEADERS, bridges[other.name], bridges[base], Kind.RATE, styles
        )
    page.sheet.set_column(0, 0, 22)
    page.sheet.set_column(1, WIDTH, 17)
    set_paper(page.sheet, header_row=1, columns=1)
    last = comparison.years[-1]
    return BudgetCells(
        payroll_change={name: budgets[name][TOTAL, HEADERS.index("payroll change")] for name in budgets},
        growth={name: bridges[name][last, len(BRIDGE)] for name in bridges},
    )


def _budget(page: Page, row: int, name: str, cells: KpiCells, styles: Styles) -> tuple[int, Grid]:
    row = _header(page, row, f"{name}: payroll", HEADERS, styles)
    grid: dict[tuple[int | str, int], Ref] = {}
    money = styles.number[Kind.MONEY]
    for year in cells.years:
        page.number(row, 0, year, styles.plain)
        grid[year, 0] = page.formula(row, 1, same(cells.before("payroll", year, name)), money)
        for column, metric in enumerate((*BUDGET, SAVINGS), 1):
            ref = page.formula(row, 1 + column, same(cells.at(metric, year, name)), money)
            grid[year, column] = ref
        added, exits = [grid[year, column] for column in range(1, 5)], grid[year, 5]
        grid[year, 6] = page.formula(row, 7, plus_minus(added, [exits]), money)
        grid[year, 7] = page.formula(row, 8, plus_minus([grid[year, 0], grid[year, 6]], []), money)
        row += 1
    page.text(row, 0, TOTAL, styles.total_label)
    for column in range(1, 7):
        refs = [grid[year, column] for year in cells.years]
        grid[TOTAL, column] = page.formula(row, 1 + column, total(refs), styles.total[Kind.MONEY])
    return row + 2, grid


def _bridge(page: Page, row: int, name: str, cells: KpiCells, styles: Styles) -> tuple[int, Grid]:
    row = _header(page, row, f"{name}: growth of mean base pay", BRIDGE_HEADERS, styles)
    grid: dict[tuple[int | str, int], Ref] = {}
    for year in cells.years:
        page.number(row, 0, year, styles.plain)
        for column, metric in enumerate(BRIDGE):
            ref = page.formula(row, 1 + column, same(cells.at(metric, year, name)), styles.number[Kind.RATE])
            grid[year, column] = ref
        parts = [grid[year, column] for column in range(len(BRIDGE))]
        grid[year, len(BRIDGE)] = page.formula(row, 1 + len(BRIDGE), total(parts), styles.total[Kind.RATE])
        row += 1
    return row + 1, grid


def _differences(
    page: Page,
    row: int,
    title: str,
    headers: Sequence[str],
    own: Grid,
    of: Grid,
    kind: Kind,
    styles: Styles,
) -> int:
    what = "payroll" if kind is Kind.MONEY else "growth of mean base pay"
    row = _header(page, row, f"{title}: {what}", headers, styles)
    factor = PP if kind is Kind.RATE else 1
    for when in dict.fromkeys(when for when, _ in own):
        write: Callable[..., object] = page.number if isinstance(when, int) else page.text
        write(row, 0, when, styles.plain if isinstance(when, int) else styles.total_label)
        style = styles.change[kind] if isinstance(when, int) else styles.total_change[kind]
        for column in range(len(headers)):
            if (when, column) in own:
                formula = minus(own[when, column], of[when, column], factor)
                page.formula(row, 1 + column, formula, style)
        row += 1
    return row + 1


def _header(page: Page, row: int, title: str, headers: Sequence[str], styles: Styles) -> int:
    page.text(row, 0, title, styles.section)
    page.text(row + 1, 0, "year", styles.header)
    for column, header in enumerate(headers, 1):
        page.text(row + 1, column, header, styles.header)
    return row + 2
