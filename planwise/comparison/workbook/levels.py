"""Sheet "Levels": headcount and pay by level and year, all levels in total, differences beside them."""

from collections.abc import Mapping, Sequence

from planwise.comparison.comparing import Comparison
from planwise.comparison.metrics import LEVEL_METRICS, Kind
from planwise.comparison.workbook.cells import Page, Ref, minus, share_of_change, total, weighted_mean
from planwise.comparison.workbook.styles import Styles, add_table, set_paper

SHEET = "Levels"
HEADER_ROW = 3
SCENARIO, YEAR, LEVEL, FIRST_VALUE = range(4)
ALL = "all"
SUMMED = frozenset({"headcount", "hires", "terminations", "promotions_in", "below_minimum", "above_maximum"})
AVERAGED = frozenset({"mean_base_pay", "mean_compa_ratio"})  # weighted by headcount
COMPARED = ("headcount", "mean_base_pay")
Cells = dict[tuple[str, int, int | str, str], Ref]


def write_levels(page: Page, comparison: Comparison, styles: Styles) -> Mapping[tuple[str, int], Ref]:
    """Write the sheet; return where each scenario's headcount of a year stands, for the checks."""
    base = comparison.base.name
    page.text(0, 0, "Levels", styles.title)
    page.text(
        1,
        0,
        f"At year end; differences are from {base} in the same year and level. All levels: sums, and means "
        "weighted by headcount.",
        styles.subtitle,
    )
    refs: Cells = {}
    row = HEADER_ROW + 1
    for name in comparison.names:
        for year in comparison.years:
            levels = comparison.level_ids(year)
            for level in levels:
                _level(page, row, refs, (name, year, level), comparison, styles)
                _compared(page, row, refs, (name, year, level), base, styles)
                row += 1
            _all_levels(page, row, refs, (name, year), levels, styles)
            _compared(page, row, refs, (name, year, ALL), base, styles)
            row += 1
    headers = ["scenario", "year", "level", *(metric.label for metric in LEVEL_METRICS)]
    headers += ["Headcount difference", "Mean base pay difference", "Mean base pay difference %"]
    add_table(page.sheet, (HEADER_ROW, row - 1), headers, "levels", styles)
    page.sheet.set_column(SCENARIO, SCENARIO, 22)
    page.sheet.set_column(YEAR, LEVEL, 7)
    page.sheet.set_column(FIRST_VALUE, len(headers) - 1, 14)
    set_paper(page.sheet, header_row=HEADER_ROW, columns=FIRST_VALUE)
    return {(name, year): refs[name, year, ALL, "headcount"] for name, year, _, _ in refs}


def _level(
    page: Page,
    row: int,
    refs: Cells,
    key: tuple[str, int, int],
    comparison: Comparison,
    styles: Styles,
) -> None:
    name, year, level = key
    figures = comparison.figures[name].levels.get((year, level), {})
    page.text(row, SCENARIO, name, styles.label)
    page.number(row, YEAR, year, styles.plain)
    page.number(row, LEVEL, level, styles.plain)
    for column, metric in enumerate(LEVEL_METRICS, FIRST_VALUE):
        nobody = 0 if metric.name in SUMMED else None
        value = figures.get(metric.name, nobody)
        ref = page.number(row, column, value, styles.number[metric.kind])
        refs[name, year, level, metric.name] = ref


def _all_levels(
    page: Page,
    row: int,
    refs: Cells,
    key: tuple[str, int],
    levels: Sequence[int],
    styles: Styles,
) -> None:
    name, year = key
    page.text(row, SCENARIO, name, styles.total_label)
    page.number(row, YEAR, year, styles.plain)
    page.text(row, LEVEL, ALL, styles.total_label)
    heads = [refs[name, year, level, "headcount"] for level in levels]
    for column, metric in enumerate(LEVEL_METRICS, FIRST_VALUE):
        parts = [refs[name, year, level, metric.name] for level in levels]
        style = styles.total[metric.kind]
        if metric.name in SUMMED:
            refs[name, year, ALL, metric.name] = page.formula(row, column, total(parts), style)
        elif metric.name in AVERAGED:
            refs[name, year, ALL, metric.name] = page.formula(row, column, weighted_mean(parts, heads), style)


def _compared(
    page: Page, row: int, refs: Cells, key: tuple[str, int, int | str], base: str, styles: Styles
) -> None:
    name, year, level = key
    if name == base:
        return
    heads, pay = ((refs[name, year, level, m], refs[base, year, level, m]) for m in COMPARED)
    column = FIRST_VALUE + len(LEVEL_METRICS)
    bold = level == ALL
    change = styles.total_change if bold else styles.change
    page.formula(row, column, minus(*heads), change[Kind.COUNT])
    page.formula(row, column + 1, minus(*pay), change[Kind.MONEY])
    page.formula(row, column + 2, share_of_change(*pay), styles.total_share if bold else styles.share)
