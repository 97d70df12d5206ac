"""The workbook: live formulas that give what the marts say, and nothing else that calculates."""

import openpyxl
import pytest
from comparison_worlds import Person, publish, staff
from formulas import Workbook

from planwise.comparison import compare, workbook_people
from planwise.comparison.workbook import write_workbook
from planwise.errors import InputError

EVIL = ["=cmd()", "+1+1", "@SUM(A1)", "-2+3", '=HYPERLINK("http://evil.test")', "\t=1+1", "http://evil.test"]
SHEETS = ["Summary", "Levers", "KPIs per year", "Budget", "Levels", "People", "Employees", "Notes"]


@pytest.fixture(scope="module")
def file(four_to_read, tmp_path_factory):
    comparison = compare(four_to_read, ["base", "lean", "same", "hiring"], employees=100)
    return write_workbook(comparison, tmp_path_factory.mktemp("book") / "four.xlsx")


@pytest.fixture(scope="module")
def book(file):
    return Workbook(file)


def row_of(book, sheet, *texts):
    """The row that begins with these cells."""
    for row in book.cached[sheet].iter_rows(values_only=True):
        if tuple(row[: len(texts)]) == texts:
            return row
    raise AssertionError(f"{texts} is not on {sheet}")


def test_every_formula_gives_what_its_cell_shows(book):
    book.check(at_least=500, rel=1e-12, near=1e-9)


def test_totals_and_differences_are_formulas_and_every_sheet_has_some(book):
    assert book.book.sheetnames == SHEETS
    assert {sheet for sheet, _ in book.formulas()} == set(SHEETS)
    kpis = book.book["KPIs per year"]
    totals = [row for row in kpis.iter_rows() if row[2].value == "total"]
    assert len(totals) == 13
    for row in totals:
        assert all(str(cell.value).startswith("=SUM(") for cell in row[3:7])
        assert all(cell.data_type == "f" for cell in row[7:10])


def test_totals_equal_the_marts(book):
    cola = row_of(book, "KPIs per year", "Cost of COLA", "currency a year", "total")
    assert cola[3:7] == (12_000, 7_000, 12_000, 12_000)
    assert cola[7:10] == (-5_000, 0, 0)
    change = row_of(book, "KPIs per year", "Change of payroll", "currency a year", "total")
    assert change[3:7] == (12_000, 7_000, 12_000, 42_000)
    growth = row_of(book, "KPIs per year", "Change in average pay", "rate", 2027)
    assert growth[3] == pytest.approx(1_000 / 65_000)
    compound = row_of(book, "KPIs per year", "Change in average pay a year since the census", "rate", 2027)
    assert compound[3] == pytest.approx((66_000 / 65_000) ** 0.5 - 1)
    assert row_of(book, "Levels", "hiring", 2027, "all")[3] == 13
    assert row_of(book, "Levels", "base", 2027, "all")[7] == 66_000  # the mean of all levels


def test_a_changed_input_moves_its_totals(file):
    """The figures of the sheet hang together: nothing beside an input is pasted."""
    book = Workbook(file)
    sheet = book.book["KPIs per year"]
    (cell,) = [
        row[4]
        for row in sheet.iter_rows()
        if [c.value for c in row[:3]] == ["Cost of COLA", "currency a year", 2027]
    ]
    before = book.value("Summary", _cell(book, "Summary", "Cost of COLA", 3))
    cell.value += 100
    book._known.clear()
    assert book.value("Summary", _cell(book, "Summary", "Cost of COLA", 3)) == before + 100
    budget = book.book["Budget"]
    assert any(
        book.value("Budget", c.coordinate) == 7_100
        for row in budget.iter_rows()
        for c in row
        if c.data_type == "f"
    )


def _cell(book, sheet, text, column):
    (row,) = [row for row in book.book[sheet].iter_rows() if row[0].value == text]
    return row[column].coordinate


def test_sums_come_by_in_two_ways_agree(book):
    assert len(book.checks()) == 4 * 3 + 3
    assert [row for row in book.checks() if abs(row[3]) > 1e-6] == []


def test_people_and_employees(book):
    people = row_of(book, "Summary", "lean against base")
    assert people[1:6] == (12, 2, 6, 4, -5_000)
    employees = list(book.cached["Employees"].iter_rows(min_row=5, values_only=True))
    assert len(employees) == 36
    assert employees[0][:3] == ("lean", "E00", 1)
    assert employees[0][5:8] == (51_000, 50_000, -1_000)
    assert sum(row[7] for row in employees if row[0] == "lean") == -5_000


def test_employee_rows_are_capped_and_the_sheet_says_so(four, tmp_path):
    file = write_workbook(compare(four, ["base", "lean"], employees=3), tmp_path / "few.xlsx")
    sheet = openpyxl.load_workbook(file)["Employees"]
    assert [row[1].value for row in sheet.iter_rows(min_row=5)] == ["E00", "E01", "E02"]
    assert sheet["A2"].value.startswith("3 of 12 matched people")


def test_a_reader_finds_headers_formats_and_paper(book):
    kpis = book.book["KPIs per year"]
    assert kpis.freeze_panes == "D5"
    assert kpis.page_setup.orientation == "landscape"
    assert kpis.print_title_rows == "$4:$4"
    assert "kpis" in kpis.tables
    formats = {(row[0].value, row[2].value): row[3].number_format for row in kpis.iter_rows(min_row=5)}
    assert formats["Change in average pay", 2027] == "0.00%"
    assert formats["Payroll at year end", 2027] == "#,##0"
    notes = [row for row in book.cached["Notes"].iter_rows(values_only=True) if row[0] == "lean"]
    assert notes[0][1] == ("lean" * 16)


@pytest.mark.parametrize(
    ("currencies", "payroll", "change"),
    [
        (("EUR", "EUR"), '"€"#,##0', '+"€"#,##0;-"€"#,##0;"€"0'),
        (("CHF", "CHF"), '"CHF\u00a0"#,##0', '+"CHF\u00a0"#,##0;-"CHF\u00a0"#,##0;"CHF\u00a0"0'),
        (("EUR", "USD"), "#,##0", "+#,##0;-#,##0;0"),
    ],
)
def test_amounts_have_the_currency_of_the_census(settings, tmp_path, currencies, payroll, change):
    people = [Person(f"E{n}", (50_000, 50_000, 50_000 + n)) for n in range(12)]
    for name, currency in zip(("base", "other"), currencies, strict=True):
        publish(settings, name, people, census={"currency": currency})
    file = write_workbook(compare(settings, ["base", "other"]), tmp_path / "money.xlsx")
    rows = openpyxl.load_workbook(file)["KPIs per year"].iter_rows(min_row=5)
    found = next(row for row in rows if (row[0].value, row[2].value) == ("Payroll at year end", 2027))
    assert (found[3].number_format, found[5].number_format) == (payroll, change)


def test_text_of_users_stays_text(settings, tmp_path):
    people = [
        Person(f"{text}{n}", (50_000, 50_000, 50_000 + n), department=text, gender=text, job=text)
        for text in EVIL
        for n in range(12)
    ]
    publish(settings, "base", people, gate=EVIL)
    publish(settings, "other", people, census={"name": "=1+1"})
    comparison = compare(settings, ["base", "other"], employees=1_000)
    file = write_workbook(comparison, tmp_path / "evil.xlsx")
    book = openpyxl.load_workbook(file)
    found = {}
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.hyperlink is None
                if cell.data_type == "f":
                    assert not any(text in cell.value for text in ("cmd", "HYPERLINK", "evil", "@"))
                elif cell.value in EVIL:
                    found.setdefault(cell.value, set()).add((sheet.title, cell.data_type))
    assert set(found) == set(EVIL)
    assert all(kind == "s" for places in found.values() for _, kind in places)
    assert all({"People", "Employees"} <= {sheet for sheet, _ in places} for places in found.values())
    assert {"=1+1"} <= {c.value for row in book["Notes"].iter_rows() for c in row if c.data_type == "s"}


def test_scenarios_called_like_a_column_are_told_apart(settings, tmp_path):
    for name in ("year", "unit", "label"):
        publish(settings, name, staff(*[0] * 12), overrides={} if name == "year" else {"cola_rate": 0.02})
    file = write_workbook(compare(settings, ["year", "unit", "label"]), tmp_path / "names.xlsx")
    book = openpyxl.load_workbook(file)
    for sheet, table in (("KPIs per year", "kpis"), ("Levers", "levers")):
        headers = [column.name for column in book[sheet].tables[table].tableColumns]
        assert len(headers) == len(set(headers))
        assert "scenario unit" in headers


def test_without_common_years_or_people_the_rest_is_written(four, tmp_path):
    publish(four, "later", staff(*[0] * 12), years=(2031, 2032), census={"content_hash": "x" * 64})
    file = write_workbook(compare(four, ["base", "later"]), tmp_path / "none.xlsx")
    assert openpyxl.load_workbook(file).sheetnames == ["Summary", "Levers", "Notes"]


def test_remarks_are_on_the_first_sheet(four, tmp_path):
    publish(four, "short", staff(*[0] * 12), years=(2026,))
    file = write_workbook(compare(four, ["base", "short"]), tmp_path / "short.xlsx")
    texts = [cell.value for row in openpyxl.load_workbook(file)["Summary"].iter_rows() for cell in row]
    assert any("The horizons differ" in str(text) for text in texts)


def test_a_file_that_cannot_be_written_is_said_and_leaves_nothing(four, tmp_path):
    comparison = compare(four, ["base", "lean"])
    with pytest.raises(InputError, match="not an Excel file"):
        write_workbook(comparison, tmp_path / "file.csv")
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(InputError, match="cannot be written") as error:
        write_workbook(comparison, tmp_path / "taken" / "file.xlsx")
    assert error.value.remedy
    (tmp_path / "folder.xlsx").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_workbook(comparison, tmp_path / "folder.xlsx")
    assert not list(tmp_path.glob(".*.xlsx"))


@pytest.mark.parametrize("employees", [-1, 100_001])
def test_no_more_employees_than_a_spreadsheet_opens(four_to_read, employees):
    with pytest.raises(InputError, match=f"{employees:,} employees are outside 0 to 100,000"):
        compare(four_to_read, ["base", "lean"], employees=employees)


def test_more_rows_than_a_sheet_has_are_refused(four_to_read, tmp_path, monkeypatch):
    monkeypatch.setattr(workbook_people, "SHEET_ROWS_MAX", 10)
    comparison = compare(four_to_read, ["base", "lean"], employees=12)
    with pytest.raises(InputError, match="12 employees do not fit on one sheet of 10 rows"):
        write_workbook(comparison, tmp_path / "big.xlsx")
    assert list(tmp_path.iterdir()) == []
