"""A comparison as an Excel workbook whose totals, differences and rates are live formulas."""

from pathlib import Path

from xlsxwriter import Workbook

from planwise.comparison.comparing import Comparison
from planwise.comparison.workbook import budget, kpis, levels, levers, notes, people, summary
from planwise.comparison.workbook.cells import Page
from planwise.comparison.workbook.styles import styles_of
from planwise.errors import InputError
from planwise.storage import replace_file

__all__ = ["write_workbook"]

SUFFIX = ".xlsx"
# A text that begins like a formula, a link or a number stays text.
OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": True,
}


def write_workbook(comparison: Comparison, file: Path) -> Path:
    """Write the workbook, whole or not at all; return its path.

    Raises InputError for a name that is no .xlsx, or a place that cannot be written.
    """
    if file.suffix.lower() != SUFFIX:
        raise InputError(f"{file} is not an Excel file.", remedy=f"Choose a name that ends with {SUFFIX}.")
    try:
        with replace_file(file) as partial, partial.open("wb") as opened:
            _write(comparison, opened)
    except OSError as error:
        raise InputError(
            f"The workbook {file} cannot be written: {error.strerror or error}.",
            remedy="Choose a folder that can be written, with space; close the file if it is open.",
        ) from error
    return file.resolve()


def _write(comparison: Comparison, handle: object) -> None:
    workbook = Workbook(handle, OPTIONS)
    workbook.set_calc_mode("auto")
    workbook.set_properties(
        {"title": f"Comparison with {comparison.base.name}", "created": comparison.compared_at}
    )
    names = [summary.SHEET, levers.SHEET]
    names += [kpis.SHEET, budget.SHEET, levels.SHEET] if comparison.years else []
    names += [people.SHEET, people.EMPLOYEES_SHEET] if comparison.people else []
    pages = {name: Page(workbook.add_worksheet(name)) for name in (*names, notes.SHEET)}
    styles = styles_of(workbook)
    cells = kpis.plan_kpis(comparison)
    levers.write_levers(pages[levers.SHEET], comparison, styles)
    persons: people.PeopleCells | None = None
    checks: tuple[notes.Check, ...] = ()
    if comparison.years:
        kpis.write_kpis(pages[kpis.SHEET], comparison, cells, styles)
        sums = budget.write_budget(pages[budget.SHEET], comparison, cells, styles)
        heads = levels.write_levels(pages[levels.SHEET], comparison, styles)
        if comparison.people:
            persons = people.write_people(pages[people.SHEET], comparison, cells, styles)
            people.write_employees(pages[people.EMPLOYEES_SHEET], comparison, styles)
        checks = notes.checks_of(comparison, cells, sums, heads, persons)
    summary.write_summary(pages[summary.SHEET], comparison, cells, persons, styles)
    notes.write_notes(pages[notes.SHEET], comparison, checks, styles)
    pages[summary.SHEET].sheet.activate()
    workbook.close()
