"""The workbook's sheets of levers, KPIs, budget and levels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from xlsxwriter.format import Format

from planwise.comparison.compare import Comparison
from planwise.comparison.differences import (
    BRIDGE,
    BUDGET,
    LEVEL_METRICS,
    SAVINGS,
    Kind,
    Metric,
    ParameterDifference,
    numeric,
)
from planwise.comparison.workbook_cells import (
    PP,
    Formula,
    Ref,
    SheetWriter,
    growth,
    headings,
    minus,
    plus_minus,
    ratio,
    same,
    share_of_change,
    total,
    weighted_mean,
)

LEVERS_SHEET = "Levers"
HEADER_ROW = 3
LEVER_NAME, LEVER_KIND, LEVER_LABEL, LEVER_UNIT, LEVER_YEARS, LEVER_FIRST = range(6)


def write_levers(page: SheetWriter, comparison: Comparison) -> None:
    """Write one row per parameter and span of years; differences are formulas where there are numbers."""
    base, *others = comparison.names
    page.title(
        "Levers and assumptions that differ",
        "Everything else is equal in all of them. Tier: where a value comes from (scenario, dynamic lever, "
        "default, fallback).",
    )
    fixed = ["parameter", "kind", "label", "unit", "years"]
    values = headings(fixed, comparison.names)[len(fixed) :]
    headers = fixed + [header for name in values for header in (name, f"{name} tier")]
    headers += [f"{name} - {base}" for name in others]
    row = HEADER_ROW
    for difference in comparison.parameters:
        row += 1
        _lever_row(page, row, difference)
    if row == HEADER_ROW:
        row += 1
        page.text(row, 0, "none", page.styles.label)
    page.table((HEADER_ROW, row), headers, "levers")
    page.paper(header_row=HEADER_ROW, columns=1, widths=(34, 11, 34, 11, 11, 15), last=len(headers) - 1)


def _lever_row(page: SheetWriter, row: int, difference: ParameterDifference) -> None:
    styles = page.styles
    for column, text in (
        (LEVER_NAME, difference.parameter),
        (LEVER_KIND, difference.kind),
        (LEVER_LABEL, difference.label),
        (LEVER_UNIT, difference.unit),
        (LEVER_YEARS, difference.when),
    ):
        page.text(row, column, text, styles.label)
    refs: list[Ref | None] = []
    column = LEVER_FIRST
    for setting in difference.settings.values():
        value = None if setting is None else setting.value
        if numeric(value) is None:
            page.text(row, column, "none" if value is None else value, styles.label)
            refs.append(None)
        else:
            refs.append(page.number(row, column, value, styles.parameter[difference.unit]))
        page.text(row, column + 1, "unknown" if setting is None else setting.tier, styles.label)
        column += 2
    base, *others = refs
    factor = PP if difference.unit == "rate" else 1
    for ref in others:
        if ref is not None and base is not None:
            page.formula(row, column, minus(ref, base, factor), styles.parameter_change[difference.unit])
        column += 1


KPIS_SHEET = "KPIs per year"
KPIS_HEADER_ROW, FIRST_KPI_ROW = 3, 4
KPI_LABEL, KPI_UNIT, KPI_YEAR, KPI_FIRST = range(4)
BEFORE, TOTAL = "opening", "total"
STATES = ("headcount", "mean_base_pay", "payroll")  # known for the end of the year before as well
When = int | str


@dataclass(frozen=True)
class KpiCells:
    """The cell of each figure, by metric, year (or BEFORE, TOTAL) and scenario."""

    refs: Mapping[tuple[str, When, str], Ref]
    years: tuple[int, ...]

    def at(self, metric: str, when: When, scenario: str) -> Ref:
        """Return one figure's cell."""
        return self.refs[metric, when, scenario]

    def has(self, metric: str) -> bool:
        """Whether the results have the metric."""
        return any(name == metric for name, _, _ in self.refs)

    def before(self, metric: str, year: int, scenario: str) -> Ref:
        """Return the cell of a state at the end of the year before."""
        earlier = BEFORE if year == self.years[0] else year - 1
        return self.at(metric, earlier, scenario)


def plan_kpis(comparison: Comparison) -> KpiCells:
    """Return the cell that each figure will have, so that a formula can refer to a later row."""
    refs: dict[tuple[str, When, str], Ref] = {}
    row = FIRST_KPI_ROW
    for metric in comparison.metrics:
        for when in _rows_of(metric, comparison.years):
            for column, name in enumerate(comparison.names, KPI_FIRST):
                refs[metric.name, when, name] = Ref(
                    KPIS_SHEET, row, column, _kpi_value(comparison, metric, when, name)
                )
            row += 1
    return KpiCells(refs, comparison.years)


def write_kpis(page: SheetWriter, comparison: Comparison, cells: KpiCells) -> None:
    """Write the sheet; growth, rates, changes and totals are formulas over the figures beside them."""
    styles = page.styles
    base = comparison.base.name
    page.title("KPIs per year", f"Differences are from {base}; rates differ by percentage points (pp).")
    row = FIRST_KPI_ROW
    for metric in comparison.metrics:
        for when in _rows_of(metric, comparison.years):
            in_total = when == TOTAL
            number = styles.total if in_total else styles.number
            page.text(row, KPI_LABEL, metric.label, styles.total_label if in_total else styles.label)
            page.text(row, KPI_UNIT, metric.kind.value, styles.total_label if in_total else styles.label)
            _write_year(page, row, when)
            for name in comparison.names:
                ref = cells.at(metric.name, when, name)
                formula = _kpi_formula(cells, comparison, metric, when, name)
                if formula is None:
                    page.number(row, ref.column, ref.value, number[metric.kind])
                else:
                    page.formula(row, ref.column, formula, number[metric.kind])
            refs = [cells.at(metric.name, when, name) for name in comparison.names]
            write_differences(page, row, refs, metric.kind, total=in_total)
            row += 1
    headers = headings(["metric", "unit", "year"], comparison.names)
    headers += difference_headers(comparison)
    page.table((KPIS_HEADER_ROW, row - 1), headers, "kpis")
    page.paper(header_row=KPIS_HEADER_ROW, columns=KPI_FIRST, widths=(38, 16, 9, 17), last=len(headers) - 1)


def difference_headers(comparison: Comparison) -> list[str]:
    """Return the headers of the columns that `write_differences` writes."""
    base, *others = comparison.names
    return [f"{name} - {base}" for name in others] + [f"{name} vs {base} %" for name in others]


def write_differences(
    page: SheetWriter, row: int, refs: Sequence[Ref], kind: Kind, *, total: bool = False
) -> None:
    """Write, beside a metric's cells, each one's difference from the first, and its share except of rates."""
    styles, (base, *others) = page.styles, refs
    change = (styles.total_change if total else styles.change)[kind]
    factor = PP if kind is Kind.RATE else 1
    for column, ref in enumerate(others, refs[-1].column + 1):
        page.formula(row, column, minus(ref, base, factor), change)
        if kind is not Kind.RATE:
            share = styles.total_share if total else styles.share
            page.formula(row, column + len(others), share_of_change(ref, base), share)


def _rows_of(metric: Metric, years: tuple[int, ...]) -> tuple[When, ...]:
    before = (BEFORE,) if metric.name in STATES else ()
    return (*before, *years, *((TOTAL,) if metric.flow else ()))


def _kpi_value(comparison: Comparison, metric: Metric, when: When, name: str) -> float | None:
    figures = comparison.figures[name]
    if when == TOTAL:
        value = comparison.total(metric).values[name]
    elif when == BEFORE:
        value = figures.before[comparison.years[0]].get(metric.name)
    else:
        value = figures.kpis[int(when)].get(metric.name)
    return float(value) if isinstance(value, Decimal) else value


def _kpi_formula(
    cells: KpiCells, comparison: Comparison, metric: Metric, when: When, name: str
) -> Formula | None:
    """Return how a figure follows from others on the sheet; None for what the marts say themselves."""
    if when == TOTAL:
        return total([cells.at(metric.name, year, name) for year in comparison.years])
    if when == BEFORE or not all(map(cells.has, INPUTS.get(metric.name, ()))):
        return None
    year = int(when)

    def at(other: str) -> Ref:
        return cells.at(other, year, name)

    match metric.name:
        case "growth_all":
            return growth(at("mean_base_pay"), cells.before("mean_base_pay", year, name))
        case "growth_compound" if comparison.years[0] == _first_year(comparison, name):
            years = year - comparison.years[0] + 1
            return growth(at("mean_base_pay"), cells.at("mean_base_pay", BEFORE, name), years)
        case "opening_headcount":
            return same(cells.before("headcount", year, name))
        case "payroll_change":
            return minus(at("payroll"), cells.before("payroll", year, name))
        case "terminations":
            return plus_minus([at(part) for part in INPUTS["terminations"]], [])
        case "termination_rate":
            return ratio(at("experienced_terminations"), at("opening_headcount"))
        case "promotion_rate":
            return ratio(at("promotions"), at("opening_headcount"))
    return None


INPUTS: Mapping[str, tuple[str, ...]] = {
    "growth_all": ("mean_base_pay",),
    "growth_compound": ("mean_base_pay",),
    "opening_headcount": ("headcount",),
    "payroll_change": ("payroll",),
    "terminations": ("experienced_terminations", "new_hire_terminations", "reductions"),
    "termination_rate": ("experienced_terminations", "opening_headcount"),
    "promotion_rate": ("promotions", "opening_headcount"),
}


def _first_year(comparison: Comparison, name: str) -> int:
    return next(source.years[0] for source in comparison.sources if source.name == name)


def _write_year(page: SheetWriter, row: int, when: When) -> None:
    styles = page.styles
    if isinstance(when, int):
        page.number(row, KPI_YEAR, when, styles.plain)
    else:
        page.text(row, KPI_YEAR, when, styles.total_label if when == TOTAL else styles.label)


BUDGET_SHEET = "Budget"
BUDGET_HEADERS = (
    "payroll before",
    "COLA",
    "drift",
    "merit",
    "promotions",
    "hires",
    "exits",
    "payroll change",
    "payroll after",
)
BRIDGE_HEADERS = ("exits", "COLA", "drift", "merit", "promotions", "hires", "growth of mean pay")
SAVED = 1 + len(BUDGET)  # the column of exits, whose pay is saved
BUDGET_WIDTH = 1 + len(BUDGET_HEADERS)
Grid = Mapping[tuple[int | str, int], Ref]


@dataclass(frozen=True)
class BudgetCells:
    """The cells that the notes check: total payroll change, growth of the last year."""

    payroll_change: Mapping[str, Ref]
    growth: Mapping[str, Ref]


def write_budget(page: SheetWriter, comparison: Comparison, cells: KpiCells) -> BudgetCells:
    """Write a block a scenario, then a block of differences for each but the first."""
    page.title(
        "Budget and growth bridge",
        "Currency a year, weighted by FTE: COLA + drift + merit + promotions + hires - exits = payroll "
        "change. Below: growth of mean base pay and its parts.",
    )
    row = 3
    budgets: dict[str, Grid] = {}
    bridges: dict[str, Grid] = {}
    for name in comparison.names:
        row, budgets[name] = _budget(page, row, name, cells)
        row, bridges[name] = _bridge(page, row, name, cells)
    base = comparison.base.name
    for other in comparison.others:
        title = f"{other.name} - {base}"
        row = _budget_differences(
            page, row, title, BUDGET_HEADERS, budgets[other.name], budgets[base], Kind.MONEY
        )
        row = _budget_differences(
            page, row, title, BRIDGE_HEADERS, bridges[other.name], bridges[base], Kind.RATE
        )
    page.paper(header_row=1, columns=1, widths=(22, 17), last=BUDGET_WIDTH)
    last = comparison.years[-1]
    return BudgetCells(
        payroll_change={
            name: budgets[name][TOTAL, BUDGET_HEADERS.index("payroll change")] for name in budgets
        },
        growth={name: bridges[name][last, len(BRIDGE)] for name in bridges},
    )


def _budget(page: SheetWriter, row: int, name: str, cells: KpiCells) -> tuple[int, Grid]:
    styles = page.styles
    row = _budget_header(page, row, f"{name}: payroll", BUDGET_HEADERS)
    grid: dict[tuple[int | str, int], Ref] = {}
    money = styles.number[Kind.MONEY]
    for year in cells.years:
        page.number(row, 0, year, styles.plain)
        grid[year, 0] = page.formula(row, 1, same(cells.before("payroll", year, name)), money)
        for column, metric in enumerate((*BUDGET, SAVINGS), 1):
            grid[year, column] = _part(page, (row, 1 + column), cells, metric, year, name, money)
        added, exits = [grid[year, column] for column in range(1, SAVED)], grid[year, SAVED]
        grid[year, SAVED + 1] = page.formula(row, SAVED + 2, plus_minus(added, [exits]), money)
        after = plus_minus([grid[year, 0], grid[year, SAVED + 1]], [])
        grid[year, SAVED + 2] = page.formula(row, SAVED + 3, after, money)
        row += 1
    page.text(row, 0, TOTAL, styles.total_label)
    for column in range(1, SAVED + 2):
        refs = [grid[year, column] for year in cells.years]
        grid[TOTAL, column] = page.formula(row, 1 + column, total(refs), styles.total[Kind.MONEY])
    return row + 2, grid


def _part(
    page: SheetWriter,
    place: tuple[int, int],
    cells: KpiCells,
    metric: str,
    year: int,
    name: str,
    style: Format,
) -> Ref:
    """Write a part of a sum: the KPI's cell, or 0 where the results are older than the part."""
    row, column = place
    if not cells.has(metric):
        return page.number(row, column, 0, style)
    return page.formula(row, column, same(cells.at(metric, year, name)), style)


def _bridge(page: SheetWriter, row: int, name: str, cells: KpiCells) -> tuple[int, Grid]:
    styles = page.styles
    row = _budget_header(page, row, f"{name}: growth of mean base pay", BRIDGE_HEADERS)
    grid: dict[tuple[int | str, int], Ref] = {}
    for year in cells.years:
        page.number(row, 0, year, styles.plain)
        for column, metric in enumerate(BRIDGE):
            style = styles.number[Kind.RATE]
            grid[year, column] = _part(page, (row, 1 + column), cells, metric, year, name, style)
        parts = [grid[year, column] for column in range(len(BRIDGE))]
        grid[year, len(BRIDGE)] = page.formula(row, 1 + len(BRIDGE), total(parts), styles.total[Kind.RATE])
        row += 1
    return row + 1, grid


def _budget_differences(
    page: SheetWriter, row: int, title: str, headers: Sequence[str], own: Grid, of: Grid, kind: Kind
) -> int:
    styles = page.styles
    what = "payroll" if kind is Kind.MONEY else "growth of mean base pay"
    row = _budget_header(page, row, f"{title}: {what}", headers)
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


def _budget_header(page: SheetWriter, row: int, title: str, headers: Sequence[str]) -> int:
    styles = page.styles
    page.text(row, 0, title, styles.section)
    page.text(row + 1, 0, "year", styles.header)
    page.headers(row + 1, headers, styles.header, 1)
    return row + 2


LEVELS_SHEET = "Levels"
LEVEL_SCENARIO, LEVEL_YEAR, LEVEL_ID, LEVEL_FIRST = range(4)
ALL = "all"
SUMMED = frozenset({"headcount", "hires", "terminations", "promotions_in", "below_minimum", "above_maximum"})
AVERAGED = frozenset({"mean_base_pay", "mean_compa_ratio"})  # weighted by headcount
COMPARED = ("headcount", "mean_base_pay")
LevelCells = dict[tuple[str, int, int | str, str], Ref]


def write_levels(page: SheetWriter, comparison: Comparison) -> Mapping[tuple[str, int], Ref]:
    """Write the sheet; return the cells of each scenario's headcount by year, for the checks."""
    base = comparison.base.name
    page.title(
        "Levels",
        f"At year end; differences are from {base} in the same year and level. All levels: sums, and means "
        "weighted by headcount.",
    )
    refs: LevelCells = {}
    row = HEADER_ROW + 1
    for name in comparison.names:
        for year in comparison.years:
            levels = comparison.level_ids(year)
            for level in levels:
                _level(page, row, refs, (name, year, level), comparison)
                _level_differences(page, row, refs, (name, year, level), base)
                row += 1
            _all_levels(page, row, refs, (name, year), levels)
            _level_differences(page, row, refs, (name, year, ALL), base)
            row += 1
    headers = ["scenario", "year", "level", *(metric.label for metric in LEVEL_METRICS)]
    headers += ["Headcount difference", "Mean base pay difference", "Mean base pay difference %"]
    page.table((HEADER_ROW, row - 1), headers, "levels")
    page.paper(header_row=HEADER_ROW, columns=LEVEL_FIRST, widths=(22, 7, 7, 14), last=len(headers) - 1)
    return {(name, year): refs[name, year, ALL, "headcount"] for name, year, _, _ in refs}


def _level(
    page: SheetWriter, row: int, refs: LevelCells, key: tuple[str, int, int], comparison: Comparison
) -> None:
    styles = page.styles
    name, year, level = key
    figures = comparison.figures[name].levels.get((year, level), {})
    page.text(row, LEVEL_SCENARIO, name, styles.label)
    page.number(row, LEVEL_YEAR, year, styles.plain)
    page.number(row, LEVEL_ID, level, styles.plain)
    for column, metric in enumerate(LEVEL_METRICS, LEVEL_FIRST):
        value = figures.get(metric.name, 0 if metric.name in SUMMED else None)
        ref = page.number(row, column, value, styles.number[metric.kind])
        refs[name, year, level, metric.name] = ref


def _all_levels(
    page: SheetWriter, row: int, refs: LevelCells, key: tuple[str, int], levels: Sequence[int]
) -> None:
    styles = page.styles
    name, year = key
    page.text(row, LEVEL_SCENARIO, name, styles.total_label)
    page.number(row, LEVEL_YEAR, year, styles.plain)
    page.text(row, LEVEL_ID, ALL, styles.total_label)
    heads = [refs[name, year, level, "headcount"] for level in levels]
    for column, metric in enumerate(LEVEL_METRICS, LEVEL_FIRST):
        parts = [refs[name, year, level, metric.name] for level in levels]
        style = styles.total[metric.kind]
        if metric.name in SUMMED:
            refs[name, year, ALL, metric.name] = page.formula(row, column, total(parts), style)
        elif metric.name in AVERAGED:
            refs[name, year, ALL, metric.name] = page.formula(row, column, weighted_mean(parts, heads), style)


def _level_differences(
    page: SheetWriter, row: int, refs: LevelCells, key: tuple[str, int, int | str], base: str
) -> None:
    styles = page.styles
    name, year, level = key
    if name == base:
        return
    heads, pay = ((refs[name, year, level, m], refs[base, year, level, m]) for m in COMPARED)
    column = LEVEL_FIRST + len(LEVEL_METRICS)
    bold = level == ALL
    change = styles.total_change if bold else styles.change
    page.formula(row, column, minus(*heads), change[Kind.COUNT])
    page.formula(row, column + 1, minus(*pay), change[Kind.MONEY])
    page.formula(row, column + 2, share_of_change(*pay), styles.total_share if bold else styles.share)
