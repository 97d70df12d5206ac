# ruff: noqa: E501 - tables are read by row
"""The same three employees in every layout give the same census."""

import gzip
import io
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

TEXT = (
    "Employee ID,Hire Date,Annual Salary,Job Title,Department\n"
    'E1,01/15/2010,"$50,000.50 ",Clerk,Café\nE2,2/28/2015,60000,"Clerk, senior",Ops\nE3,12/31/2020,$1,Chief,Ops\n'
)


def _semicolons(delimiter: str) -> str:
    frame = pd.read_csv(io.StringIO(TEXT), dtype=str)
    return frame.to_csv(index=False, sep=delimiter)


LAYOUTS = {
    "utf-8": TEXT.encode(),
    "utf-8 with mark": TEXT.encode("utf-8-sig"),
    "utf-16": TEXT.encode("utf-16"),
    "utf-16 without mark": TEXT.encode("utf-16-le"),
    "utf-32": TEXT.encode("utf-32"),
    "latin-1": TEXT.encode("latin-1"),
    "semicolon": _semicolons(";").encode(),
    "tab": _semicolons("\t").encode(),
    "pipe": _semicolons("|").encode(),
    "windows line ends": TEXT.replace("\n", "\r\n").encode(),
    "bare carriage returns": TEXT.replace("\n", "\r").encode(),
    "mixed line ends": TEXT.replace("\n", "\r\n", 2).encode(),
    "no last line end": TEXT.rstrip().encode(),
    "gzip": gzip.compress(TEXT.encode()),
    "gzip in utf-16": gzip.compress(TEXT.encode("utf-16")),
    "blanks and empty columns": TEXT.replace("\n", ",,\n").replace("E1,", "  E1 ,").encode(),
    "blank first lines": ("\n\n" + TEXT).encode(),
    "spaces after delimiters": TEXT.replace('E2,2/28/2015,60000,"', 'E2, 2/28/2015, 60000, "').encode(),
}


@pytest.fixture
def expected(bring):
    return bring(TEXT, name="expected").census.content_hash


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_does_not_matter(layout, bring, expected):
    assert bring(LAYOUTS[layout]).census.content_hash == expected


def _typed() -> pd.DataFrame:
    frame = pd.read_csv(io.StringIO(TEXT), dtype=str)
    frame["Hire Date"] = pd.to_datetime(frame["Hire Date"])
    frame["Annual Salary"] = [50000.5, 60000.0, 1.0]
    return frame


def test_excel(bring, expected):
    buffer = io.BytesIO()
    _typed().to_excel(buffer, index=False)

    result = bring(buffer.getvalue(), suffix="xlsx")

    assert result.report.source["kind"] == "excel"
    assert result.census.content_hash == expected


def test_excel_with_several_sheets_wants_one_named(bring, expected):
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer) as book:
        pd.DataFrame({"note": ["read me"]}).to_excel(book, sheet_name="Notes")
        _typed().to_excel(book, sheet_name="Staff", index=False)

    with pytest.raises(Exception, match="several sheets with content: Notes, Staff"):
        bring(buffer.getvalue())
    assert bring(buffer.getvalue(), mapping={"sheet": "Staff"}).census.content_hash == expected


@pytest.mark.parametrize("pay", ["float64", "string", "decimal"])
def test_parquet(pay, bring, expected):
    frame = _typed()
    if pay == "string":
        frame["Annual Salary"] = ["$50,000.50", "60000", "1"]
    if pay == "decimal":
        frame["Annual Salary"] = [Decimal(v) for v in ("50000.50", "60000.00", "1.00")]
    buffer = io.BytesIO()
    frame.to_parquet(buffer)

    assert bring(buffer.getvalue(), suffix="parquet").census.content_hash == expected


def test_row_order_and_file_bytes_do_not_change_the_hash_but_the_content_does(bring, expected):
    head, *rows = TEXT.splitlines()
    assert bring("\n".join([head, *reversed(rows)])).census.content_hash == expected
    assert bring(TEXT.replace("60000", "60000.01")).census.content_hash != expected
    assert bring(TEXT, as_of=date(2021, 1, 1)).census.content_hash != expected


def test_a_cell_may_hold_a_line_end(bring, stored):
    result = bring(TEXT.replace('"Clerk, senior"', '"Clerk,\nsenior"'))

    assert result.report.rows_accepted == 3


@pytest.mark.parametrize(
    ("headers", "source"),
    [
        ("SurveyYear,EmployeeID,JobTitle,AgencyID,Agency,HireDate,AnnualSalary,GrossPay", "AnnualSalary"),
        (
            "Employee ID,Gender,Current Annual Salary,2016 Gross Pay Received,2016 Overtime Pay,Department,"
            "Department Name,Division,Assignment Category,Employee Position Title,Underfilled Job Title,Date First Hired",
            "Current Annual Salary",
        ),
        ("emp_id;START-DATE;base salary;Title;Dept.", "base salary"),
        ("EMPLOYEE NUMBER|date hired|Salary|Position|Business Unit", "Salary"),
    ],
)
def test_headers_are_guessed(headers, source):
    from planwise.census.mapping import load_mapping, resolve_columns

    delimiter = next(d for d in ",;|" if d in headers)
    found = resolve_columns(headers.split(delimiter), load_mapping(None)).headers

    assert found["base_pay"] == source
    assert {"employee_id", "hire_date", "job_title", "department"} <= set(found)
