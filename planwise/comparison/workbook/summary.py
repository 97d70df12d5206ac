"""Sheet "Summary": what one reads first; every figure is a link to the sheet that has it."""

from planwise.comparison.comparing import Comparison
from planwise.comparison.metrics import Kind, Metric
from planwise.comparison.workbook.cells import PP, Page, minus, same, share_of_change
from planwise.comparison.workbook.kpis import TOTAL, KpiCells, When
from planwise.comparison.workbook.people import PeopleCells
from planwise.comparison.workbook.styles import Styles, set_paper

SHEET = "Summary"
STATES = (
    "headcount",
    "mean_base_pay",
    "median_base_pay",
    "payroll",
    "growth_all",
    "growth_compound",
    "mean_compa_ratio",
    "within_level_cv",
    "adjusted_gap_max",
    "below_minimum",
)
PEOPLE = ("people", "gain", "lose", "same", "net", "P10", "median", "P90")
PEOPLE_KINDS = {"net": Kind.MONEY, "P10": Kind.MONEY, "median": Kind.MONEY, "P90": Kind.MONEY}
WIDTH_MAX = 14  # columns that a remark is merged over


def write_summary(
    page: Page, comparison: Comparison, cells: KpiCells, people: PeopleCells | None, styles: Styles
) -> None:
    """Write what is compared, its limits, the last year, the totals, and whom it touches."""
    others = ", ".join(source.name for source in comparison.others)
    census = comparison.base.census
    page.text(0, 0, f"{others} against {comparison.base.name}", styles.title)
    page.text(
        1,
        0,
        f"Census {census['name']}: {census['rows']:,} people as of {census['as_of']}. Compared "
        f"{comparison.compared_at:%Y-%m-%d %H:%M} UTC. Differences are from {comparison.base.name}.",
        styles.subtitle,
    )
    row = 3
    for remark in comparison.remarks:
        page.sheet.merge_range(row, 0, row, _width(comparison) - 1, "", styles.warning)
        page.text(row, 0, str(remark), styles.warning)
        page.sheet.set_row(row, 28)
        row += 1
    if comparison.years:
        row = _figures(page, row + bool(comparison.remarks), comparison, cells, styles)
    if people is not None:
        _people(page, row, comparison, people, styles)
    page.sheet.set_column(0, 0, 36)
    page.sheet.set_column(1, 1, 16)
    page.sheet.set_column(2, 2 + _width(comparison), 17)
    set_paper(page.sheet, header_row=1, columns=1)


def _width(comparison: Comparison) -> int:
    return min(2 + len(comparison.names) + 2 * len(comparison.others), WIDTH_MAX)


def _figures(page: Page, row: int, comparison: Comparison, cells: KpiCells, styles: Styles) -> int:
    first, last = comparison.years[0], comparison.years[-1]
    states = [metric for metric in comparison.metrics if metric.name in STATES]
    flows = [metric for metric in comparison.metrics if metric.flow]
    sections: tuple[tuple[str, When, list[Metric]], ...] = (
        (f"At the end of {last}", last, states),
        (f"In total, {first} to {last}", TOTAL, flows),
    )
    for title, when, metrics in sections:
        page.text(row, 0, title, styles.section)
        row = _header(page, row + 1, comparison, styles)
        for metric in metrics:
            _metric(page, row, comparison, cells, metric, when, styles)
            row += 1
        row += 1
    return row


def _header(page: Page, row: int, comparison: Comparison, styles: Styles) -> int:
    base = comparison.base.name
    others = [source.name for source in comparison.others]
    headers = ["", "unit", *comparison.names]
    headers += [f"{name} - {base}" for name in others] + [f"{name} vs {base} %" for name in others]
    for column, header in enumerate(headers):
        page.text(row, column, header, styles.header)
    return row + 1


def _metric(
    page: Page,
    row: int,
    comparison: Comparison,
    cells: KpiCells,
    metric: Metric,
    when: When,
    styles: Styles,
) -> None:
    page.text(row, 0, metric.label, styles.label)
    page.text(row, 1, metric.kind.value, styles.label)
    refs = [
        page.formula(row, column, same(cells.at(metric.name, when, name)), styles.number[metric.kind])
        for column, name in enumerate(comparison.names, 2)
    ]
    base, *others = refs
    factor = PP if metric.kind is Kind.RATE else 1
    for offset, ref in enumerate(others, 2 + len(refs)):
        page.formula(row, offset, minus(ref, base, factor), styles.change[metric.kind])
        if metric.kind is not Kind.RATE:
            page.formula(row, offset + len(others), share_of_change(ref, base), styles.share)


def _people(page: Page, row: int, comparison: Comparison, people: PeopleCells, styles: Styles) -> None:
    title = f"The same people's base pay at the end of {comparison.years[-1]}"
    page.text(row, 0, title, styles.section)
    row += 1
    for column, header in enumerate(("", *PEOPLE)):
        page.text(row, column, header, styles.header)
    for pair in comparison.people:
        row += 1
        page.text(row, 0, f"{pair.scenario} against {pair.against}", styles.label)
        for column, header in enumerate(PEOPLE, 1):
            kind = PEOPLE_KINDS.get(header)
            style = styles.change[kind] if kind else styles.number[Kind.COUNT]
            page.formula(row, column, same(people.overall[pair.scenario, header]), style)
