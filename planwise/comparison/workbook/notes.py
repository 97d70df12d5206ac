"""Sheet "Notes": what was compared, under which limits, what the words mean, and the sums checked."""

import math
from collections.abc import Mapping

from planwise.comparison.comparing import Comparison
from planwise.comparison.workbook.budget import BudgetCells
from planwise.comparison.workbook.cells import Page, Ref, minus, same
from planwise.comparison.workbook.kpis import TOTAL, KpiCells
from planwise.comparison.workbook.people import PeopleCells
from planwise.comparison.workbook.styles import Styles, set_paper

SHEET = "Notes"
LINE_HEIGHT, LINE_LETTERS = 14, 150  # of a paragraph over the sheet's width, at its column widths
Check = tuple[str, Ref, Ref]
DEFINITIONS = (
    (
        "growth of mean base pay",
        "Mean year-end annual base pay of everyone active, over a year earlier, - 1.",
    ),
    ("compound growth", "The same a year since the census; what a study's target means."),
    (
        "growth bridge",
        "Exits: those who stay against all at the opening. COLA, merit, promotions: raises of those who "
        "stay. Hires: all at the close against those who stay. The parts sum to the growth.",
    ),
    ("payroll", "Annual base pay x FTE of everyone active at year end."),
    ("pay earned in the year", "Base pay by days employed, with each raise from its date, x FTE."),
    ("payroll change", "COLA + merit + promotions + hires - exits, each weighted by FTE."),
    (
        "adjusted pay gap",
        "Largest gap within level, department and tenure band; 0.03 = 3 % less. It describes.",
    ),
    ("compa-ratio", "Base pay over the midpoint of the level's range of the year."),
    (
        "winners and losers",
        "People active in both results in the last common year, matched by employee id; hires match by "
        "their slot. Level is the base's. Percentiles interpolate. One person's figures are a draw, not a "
        "forecast.",
    ),
    ("formulas", "Totals, differences, growth and shares are live; other figures are the published marts'."),
)
SOURCE_HEADERS = (
    "scenario", "fingerprint", "census", "people", "as of", "census hash", "years", "gate", "checks",
    "not held", "published (UTC)",
)  # fmt: skip


def write_notes(
    page: Page,
    comparison: Comparison,
    checks: tuple[Check, ...],
    styles: Styles,
) -> None:
    """Write sources, remarks, definitions and checks."""
    page.text(0, 0, "Notes", styles.title)
    row = 2
    page.text(row, 0, "Published results", styles.section)
    row += 1
    for column, header in enumerate(SOURCE_HEADERS):
        page.text(row, column, header, styles.header)
    for source in comparison.sources:
        row += 1
        about = source.as_json()
        census, gate = about["census"], about["gate"]
        cells = (
            source.name, source.fingerprint, census["name"], f"{census['rows']:,}", census["as_of"],
            census["content_hash"], f"{source.years[0]}-{source.years[-1]}", gate["status"],
            gate["evaluated"], ", ".join(gate["failed"]) or "none", source.published_at,
        )  # fmt: skip
        for column, text in enumerate(cells):
            page.text(row, column, text, styles.wrapped)
    row += 2
    page.text(row, 0, "To know before comparing", styles.section)
    for remark in comparison.remarks or ("Nothing: same census, years and seed; nothing out of date.",):
        row += 1
        _paragraph(page, row, 0, str(remark), styles)
    row += 2
    page.text(row, 0, "Words", styles.section)
    for word, meaning in DEFINITIONS:
        row += 1
        page.text(row, 0, word, styles.label)
        _paragraph(page, row, 1, meaning, styles)
    if checks:
        _checks(page, row + 2, checks, styles)
    page.sheet.set_column(0, 0, 60)
    page.sheet.set_column(1, len(SOURCE_HEADERS) - 1, 18)
    set_paper(page.sheet, header_row=0, columns=0)


def checks_of(
    comparison: Comparison,
    cells: KpiCells,
    budget: BudgetCells,
    headcounts: Mapping[tuple[str, int], Ref],
    people: PeopleCells | None,
) -> tuple[Check, ...]:
    """Return pairs of cells that must be equal, come by in two ways."""
    last = comparison.years[-1]
    found = []
    for name in comparison.names:
        found += [
            (
                f"{name}: payroll change of all years, from its parts and from payroll",
                budget.payroll_change[name],
                cells.at("payroll_change", TOTAL, name),
            ),
            (
                f"{name}: growth of {last}, from its parts and from mean pay",
                budget.growth[name],
                cells.at("growth_all", last, name),
            ),
            (
                f"{name}: headcount of {last}, from the levels and from the KPIs",
                headcounts[name, last],
                cells.at("headcount", last, name),
            ),
        ]
    for scenario, (matched, payroll) in (people.payroll if people else {}).items():
        found.append(
            (f"{scenario}: difference of payroll, person by person and of the KPIs", matched, payroll)
        )
    return tuple(found)


def _paragraph(page: Page, row: int, column: int, text: str, styles: Styles) -> None:
    page.sheet.merge_range(row, column, row, len(SOURCE_HEADERS) - 1, "", styles.wrapped)
    page.text(row, column, text, styles.wrapped)
    page.sheet.set_row(row, LINE_HEIGHT * math.ceil(len(text) / LINE_LETTERS))


def _checks(page: Page, row: int, checks: tuple[Check, ...], styles: Styles) -> None:
    page.text(row, 0, "Sums come by in two ways; the difference is rounding", styles.section)
    row += 1
    for column, header in enumerate(("check", "one way", "the other way", "difference")):
        page.text(row, column, header, styles.header)
    for text, one, other in checks:
        row += 1
        page.text(row, 0, text, styles.wrapped)
        first = page.formula(row, 1, same(one), styles.parameter["multiplier"])
        second = page.formula(row, 2, same(other), styles.parameter["multiplier"])
        page.formula(row, 3, minus(first, second), styles.parameter_change["multiplier"])
