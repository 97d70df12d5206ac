"""A comparison as an Excel workbook whose totals, differences and rates are live formulas."""

import math
from collections.abc import Mapping
from pathlib import Path

from xlsxwriter import Workbook

from planwise.comparison.compare import Comparison
from planwise.comparison.differences import Kind, Metric
from planwise.comparison.workbook_cells import (
    Ref,
    SheetWriter,
    minus,
    same,
    styles_of,
)
from planwise.comparison.workbook_figures import (
    BUDGET_SHEET,
    KPIS_SHEET,
    LEVELS_SHEET,
    LEVERS_SHEET,
    TOTAL,
    BudgetCells,
    KpiCells,
    When,
    difference_headers,
    plan_kpis,
    write_budget,
    write_differences,
    write_kpis,
    write_levels,
    write_levers,
)
from planwise.comparison.workbook_people import (
    EMPLOYEES_SHEET,
    PEOPLE_SHEET,
    PeopleCells,
    write_employees,
    write_people,
)
from planwise.errors import InputError
from planwise.storage import replace_file

SUMMARY_SHEET = "Summary"
SUMMARY_STATES = (
    "headcount",
    "mean_base_pay",
    "median_base_pay",
    "payroll",
    "growth_all",
    "growth_compound",
    "mean_compa_ratio",
    "within_level_cv",
    "adjusted_gap_max",
    "median_gap",
    "below_minimum",
)
PEOPLE = ("people", "gain", "lose", "same", "net", "P10", "median", "P90")
PEOPLE_KINDS = {"net": Kind.MONEY, "P10": Kind.MONEY, "median": Kind.MONEY, "P90": Kind.MONEY}
WIDTH_MAX = 14  # columns that a remark is merged over


def write_summary(
    page: SheetWriter, comparison: Comparison, cells: KpiCells, people: PeopleCells | None
) -> None:
    """Write what is compared, its limits, the last year, the totals, and the people affected."""
    others = ", ".join(source.name for source in comparison.others)
    census = comparison.base.census
    page.title(
        f"{others} against {comparison.base.name}",
        f"Census {census['name']}: {census['rows']:,} people as of {census['as_of']}. Compared "
        f"{comparison.compared_at:%Y-%m-%d %H:%M} UTC. Differences are from {comparison.base.name}.",
    )
    row = 3
    for remark in comparison.remarks:
        page.sheet.merge_range(row, 0, row, _width(comparison) - 1, "", page.styles.warning)
        page.text(row, 0, str(remark), page.styles.warning)
        page.sheet.set_row(row, 28)
        row += 1
    if comparison.years:
        row = _figures(page, row + bool(comparison.remarks), comparison, cells)
    if people is not None:
        _people(page, row, comparison, people)
    page.paper(header_row=1, columns=1, widths=(36, 16, 17), last=2 + _width(comparison))


def _width(comparison: Comparison) -> int:
    return min(2 + len(comparison.names) + 2 * len(comparison.others), WIDTH_MAX)


def _figures(page: SheetWriter, row: int, comparison: Comparison, cells: KpiCells) -> int:
    first, last = comparison.years[0], comparison.years[-1]
    states = [metric for metric in comparison.metrics if metric.name in SUMMARY_STATES]
    flows = [metric for metric in comparison.metrics if metric.flow]
    sections: tuple[tuple[str, When, list[Metric]], ...] = (
        (f"At the end of {last}", last, states),
        (f"In total, {first} to {last}", TOTAL, flows),
    )
    headers = ["", "unit", *comparison.names, *difference_headers(comparison)]
    for title, when, metrics in sections:
        page.text(row, 0, title, page.styles.section)
        page.headers(row + 1, headers, page.styles.header)
        row += 2
        for metric in metrics:
            _metric(page, row, comparison, cells, metric, when)
            row += 1
        row += 1
    return row


def _metric(
    page: SheetWriter, row: int, comparison: Comparison, cells: KpiCells, metric: Metric, when: When
) -> None:
    styles = page.styles
    page.text(row, 0, metric.label, styles.label)
    page.text(row, 1, metric.kind.value, styles.label)
    refs = [
        page.formula(row, column, same(cells.at(metric.name, when, name)), styles.number[metric.kind])
        for column, name in enumerate(comparison.names, 2)
    ]
    write_differences(page, row, refs, metric.kind)


def _people(page: SheetWriter, row: int, comparison: Comparison, people: PeopleCells) -> None:
    styles = page.styles
    title = f"The same people's base pay at the end of {comparison.years[-1]}"
    page.text(row, 0, title, styles.section)
    row += 1
    page.headers(row, ("", *PEOPLE), styles.header)
    for pair in comparison.people:
        row += 1
        page.text(row, 0, f"{pair.scenario} against {pair.against}", styles.label)
        for column, header in enumerate(PEOPLE, 1):
            kind = PEOPLE_KINDS.get(header)
            style = styles.change[kind] if kind else styles.number[Kind.COUNT]
            page.formula(row, column, same(people.overall[pair.scenario, header]), style)


NOTES_SHEET = "Notes"
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
        "Largest gap within level, department and tenure band; 0.03 = 3 % less. It describes. Empty where it "
        "cannot be measured: the reason is among the remarks.",
    ),
    ("median pay gap", "Median base pay of men minus that of women, over that of men."),
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


def write_notes(page: SheetWriter, comparison: Comparison, checks: tuple[Check, ...]) -> None:
    """Write sources, remarks, definitions and checks."""
    styles = page.styles
    page.title("Notes")
    row = 2
    page.text(row, 0, "Published results", styles.section)
    row += 1
    page.headers(row, SOURCE_HEADERS, styles.header)
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
        _write_paragraph(page, row, 0, str(remark))
    row += 2
    page.text(row, 0, "Words", styles.section)
    for word, meaning in DEFINITIONS:
        row += 1
        page.text(row, 0, word, styles.label)
        _write_paragraph(page, row, 1, meaning)
    if checks:
        _write_checks(page, row + 2, checks)
    page.paper(header_row=0, columns=0, widths=(60, 18), last=len(SOURCE_HEADERS) - 1)


def checks_of(
    comparison: Comparison,
    cells: KpiCells,
    budget: BudgetCells,
    headcounts: Mapping[tuple[str, int], Ref],
    people: PeopleCells | None,
) -> tuple[Check, ...]:
    """Return pairs of cells that must be equal: one figure calculated in two ways."""
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
        ]
        if headcounts:
            text = f"{name}: headcount of {last}, from the levels and from the KPIs"
            found.append((text, headcounts[name, last], cells.at("headcount", last, name)))
    for scenario, (matched, payroll) in (people.payroll if people else {}).items():
        found.append(
            (f"{scenario}: difference of payroll, person by person and of the KPIs", matched, payroll)
        )
    return tuple(found)


def _write_paragraph(page: SheetWriter, row: int, column: int, text: str) -> None:
    page.sheet.merge_range(row, column, row, len(SOURCE_HEADERS) - 1, "", page.styles.wrapped)
    page.text(row, column, text, page.styles.wrapped)
    page.sheet.set_row(row, LINE_HEIGHT * math.ceil(len(text) / LINE_LETTERS))


def _write_checks(page: SheetWriter, row: int, checks: tuple[Check, ...]) -> None:
    styles = page.styles
    page.text(row, 0, "The same sums calculated in two ways; the difference is rounding", styles.section)
    row += 1
    page.headers(row, ("check", "one way", "the other way", "difference"), styles.header)
    for text, one, other in checks:
        row += 1
        page.text(row, 0, text, styles.wrapped)
        first = page.formula(row, 1, same(one), styles.parameter["multiplier"])
        second = page.formula(row, 2, same(other), styles.parameter["multiplier"])
        page.formula(row, 3, minus(first, second), styles.parameter_change["multiplier"])


__all__ = ["write_workbook"]

SUFFIX = ".xlsx"
# A text that begins like a formula, a link or a number stays text.
OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": True,
}


def write_workbook(comparison: Comparison, file: Path, *, with_people: bool = True) -> Path:
    """Write the workbook, whole or not at all; return its path.

    Without people it has no levels, groups and single people: it reveals no one person's pay.

    Raises InputError for a name that is no .xlsx, or a place that cannot be written.
    """
    if file.suffix.lower() != SUFFIX:
        raise InputError(f"{file} is not an Excel file.", remedy=f"Choose a name that ends with {SUFFIX}.")
    try:
        with replace_file(file) as partial, partial.open("wb") as opened:
            _write(comparison, opened, with_people=with_people)
    except OSError as error:
        raise InputError(
            f"The workbook {file} cannot be written: {error.strerror or error}.",
            remedy="Choose a folder that can be written, with space; close the file if it is open.",
        ) from error
    return file.resolve()


def _write(comparison: Comparison, handle: object, *, with_people: bool) -> None:
    workbook = Workbook(handle, OPTIONS)
    workbook.set_calc_mode("auto")
    workbook.set_properties(
        {"title": f"Comparison with {comparison.base.name}", "created": comparison.compared_at}
    )
    names = [SUMMARY_SHEET, LEVERS_SHEET]
    names += [KPIS_SHEET, BUDGET_SHEET] if comparison.years else []
    names += [LEVELS_SHEET] if comparison.years and with_people else []
    names += [PEOPLE_SHEET, EMPLOYEES_SHEET] if comparison.people and with_people else []
    sheets = {name: workbook.add_worksheet(name) for name in (*names, NOTES_SHEET)}
    styles = styles_of(workbook, comparison.currency)
    pages = {name: SheetWriter(sheet, styles) for name, sheet in sheets.items()}
    cells = plan_kpis(comparison)
    write_levers(pages[LEVERS_SHEET], comparison)
    persons: PeopleCells | None = None
    checks: tuple[Check, ...] = ()
    if comparison.years:
        write_kpis(pages[KPIS_SHEET], comparison, cells)
        sums = write_budget(pages[BUDGET_SHEET], comparison, cells)
        heads = write_levels(pages[LEVELS_SHEET], comparison) if LEVELS_SHEET in pages else {}
        if PEOPLE_SHEET in pages:
            persons = write_people(pages[PEOPLE_SHEET], comparison, cells)
            write_employees(pages[EMPLOYEES_SHEET], comparison)
        checks = checks_of(comparison, cells, sums, heads, persons)
    write_summary(pages[SUMMARY_SHEET], comparison, cells, persons)
    write_notes(pages[NOTES_SHEET], comparison, checks)
    pages[SUMMARY_SHEET].sheet.activate()
    workbook.close()
