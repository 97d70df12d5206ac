"""Sheet "KPIs per year": every metric by year, its total, and the differences from the first scenario."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from planwise.comparison.comparing import Comparison
from planwise.comparison.metrics import Kind, Metric
from planwise.comparison.workbook.cells import (
    PP,
    Formula,
    Page,
    Ref,
    growth,
    headings,
    minus,
    plus_minus,
    ratio,
    same,
    share_of_change,
    total,
)
from planwise.comparison.workbook.styles import Styles, add_table, set_paper

SHEET = "KPIs per year"
HEADER_ROW, FIRST_ROW = 3, 4
LABEL, UNIT, YEAR, FIRST_VALUE = range(4)
BEFORE, TOTAL = "opening", "total"
STATES = ("headcount", "mean_base_pay", "payroll")  # known for the end of the year before as well
When = int | str


@dataclass(frozen=True)
class KpiCells:
    """Where each figure stands: by metric, year (or BEFORE, TOTAL) and scenario."""

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
    """Say where each figure will stand, so that a formula can name a cell further down."""
    refs: dict[tuple[str, When, str], Ref] = {}
    row = FIRST_ROW
    for metric in comparison.metrics:
        for when in _rows_of(metric, comparison.years):
            for column, name in enumerate(comparison.names, FIRST_VALUE):
                refs[metric.name, when, name] = Ref(
                    SHEET, row, column, _value(comparison, metric, when, name)
                )
            row += 1
    return KpiCells(refs, comparison.years)


def write_kpis(page: Page, comparison: Comparison, cells: KpiCells, styles: Styles) -> None:
    """Write the sheet; growth, rates, changes and totals are formulas over the figures beside them."""
    base, others = comparison.base.name, [source.name for source in comparison.others]
    page.text(0, 0, "KPIs per year", styles.title)
    page.text(1, 0, f"Differences are from {base}; rates differ by percentage points (pp).", styles.subtitle)
    first_difference = FIRST_VALUE + len(comparison.names)
    row = FIRST_ROW
    for metric in comparison.metrics:
        for when in _rows_of(metric, comparison.years):
            in_total = when == TOTAL
            number, change = (
                (styles.total, styles.total_change) if in_total else (styles.number, styles.change)
            )
            page.text(row, LABEL, metric.label, styles.total_label if in_total else styles.label)
            page.text(row, UNIT, metric.kind.value, styles.total_label if in_total else styles.label)
            _write_year(page, row, when, styles)
            for name in comparison.names:
                ref = cells.at(metric.name, when, name)
                formula = _formula(cells, comparison, metric, when, name)
                if formula is None:
                    page.number(row, ref.column, ref.value, number[metric.kind])
                else:
                    page.formula(row, ref.column, formula, number[metric.kind])
            of = cells.at(metric.name, when, base)
            for offset, name in enumerate(others):
                ref = cells.at(metric.name, when, name)
                factor = PP if metric.kind is Kind.RATE else 1
                page.formula(row, first_difference + offset, minus(ref, of, factor), change[metric.kind])
                if metric.kind is not Kind.RATE:
                    column = first_difference + len(others) + offset
                    style = styles.total_share if in_total else styles.share
                    page.formula(row, column, share_of_change(ref, of), style)
            row += 1
    headers = headings(["metric", "unit", "year"], comparison.names)
    headers += [f"{name} - {base}" for name in others] + [f"{name} vs {base} %" for name in others]
    add_table(page.sheet, (HEADER_ROW, row - 1), headers, "kpis", styles)
    page.sheet.set_column(LABEL, LABEL, 38)
    page.sheet.set_column(UNIT, UNIT, 16)
    page.sheet.set_column(YEAR, YEAR, 9)
    page.sheet.set_column(FIRST_VALUE, len(headers) - 1, 17)
    set_paper(page.sheet, header_row=HEADER_ROW, columns=FIRST_VALUE)


def _rows_of(metric: Metric, years: tuple[int, ...]) -> tuple[When, ...]:
    before = (BEFORE,) if metric.name in STATES else ()
    return (*before, *years, *((TOTAL,) if metric.flow else ()))


def _value(comparison: Comparison, metric: Metric, when: When, name: str) -> float | None:
    figures = comparison.figures[name]
    if when == TOTAL:
        value = comparison.total(metric).values[name]
    elif when == BEFORE:
        value = figures.before[comparison.years[0]].get(metric.name)
    else:
        value = figures.kpis[int(when)].get(metric.name)
    return float(value) if isinstance(value, Decimal) else value


def _formula(
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


def _write_year(page: Page, row: int, when: When, styles: Styles) -> None:
    if isinstance(when, int):
        page.number(row, YEAR, when, styles.plain)
    else:
        page.text(row, YEAR, when, styles.total_label if when == TOTAL else styles.label)
