"""Sheet "Levers": the levers and assumptions that differ, by year where they do, with their tiers."""

from planwise.comparison.comparing import Comparison
from planwise.comparison.differences import numeric
from planwise.comparison.parameters import ParameterDifference
from planwise.comparison.workbook.cells import PP, Page, Ref, headings, minus
from planwise.comparison.workbook.styles import Styles, add_table, set_paper

SHEET = "Levers"
HEADER_ROW = 3
NAME, KIND, LABEL, UNIT, YEARS, FIRST_VALUE = range(6)


def write_levers(page: Page, comparison: Comparison, styles: Styles) -> None:
    """Write one row per parameter and span of years; differences are formulas where there are numbers."""
    base, *others = comparison.names
    page.text(0, 0, "Levers and assumptions that differ", styles.title)
    page.text(
        1,
        0,
        "Everything else is equal in all of them. Tier: where a value comes from (scenario, dynamic lever, "
        "default, fallback).",
        styles.subtitle,
    )
    fixed = ["parameter", "kind", "label", "unit", "years"]
    values = headings(fixed, comparison.names)[len(fixed) :]
    headers = fixed + [header for name in values for header in (name, f"{name} tier")]
    headers += [f"{name} - {base}" for name in others]
    row = HEADER_ROW
    for difference in comparison.parameters:
        row += 1
        _row(page, row, difference, styles)
    if row == HEADER_ROW:
        row += 1
        page.text(row, 0, "none", styles.label)
    add_table(page.sheet, (HEADER_ROW, row), headers, "levers", styles)
    page.sheet.set_column(NAME, NAME, 34)
    page.sheet.set_column(KIND, KIND, 11)
    page.sheet.set_column(LABEL, LABEL, 34)
    page.sheet.set_column(UNIT, YEARS, 11)
    page.sheet.set_column(FIRST_VALUE, len(headers) - 1, 15)
    set_paper(page.sheet, header_row=HEADER_ROW, columns=1)


def _row(page: Page, row: int, difference: ParameterDifference, styles: Styles) -> None:
    for column, text in (
        (NAME, difference.parameter),
        (KIND, difference.kind),
        (LABEL, difference.label),
        (UNIT, difference.unit),
        (YEARS, difference.when),
    ):
        page.text(row, column, text, styles.label)
    refs: list[Ref | None] = []
    column = FIRST_VALUE
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
