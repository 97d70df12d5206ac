# ruff: noqa: E501 - tables are read by row
"""Payroll files: layouts, columns and mapping, filters, and files that are rejected."""

import gzip
import io
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from planwise.census import list_censuses
from planwise.census.mapping import load_mapping
from planwise.errors import InputError

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


MAPPED_HEAD = "Key,When,Money,What,Where,Kind"
MAPPED_TEXT = (
    f'{MAPPED_HEAD}\nE1,05.01.2010,"50.000,00",Clerk,Ops,full\nE2,06.01.2010,"60.000,00",Chief,Ops,part\n'
)
YAML = """
columns: {employee_id: Key, hire_date: When, base_pay: money, job_title: What}
formats: {hire_date: "%d.%m.%Y"}
constants: {department: All, level_id: 2}
filter: Kind = 'full'
as_of: 2019-12-31
"""

BAD_YAML = {
    "unknown key": ("colums: {}", "colums"),
    "repeated key": ("filter: a\nfilter: b", "repeated key filter"),
    "not YAML": ("columns: [", "not valid YAML"),
    "a list": ("- a", "not valid"),
    "unknown column": ("columns: {basepay: x}", "Did you mean base_pay"),
    "unknown constant": ("constants: {pay: 1}", r"constants\.pay"),
    "format of a text": ("formats: {job_title: x}", "a text has no format"),
    "unknown levels": ("levels: magic", "levels"),
    "level map without numbers": ("levels: {Clerk: high}", "levels"),
    "column and constant": ("columns: {fte: F}\nconstants: {fte: 1}", "both a column and a constant"),
    "constant id": ("constants: {employee_id: 1}", "cannot be a constant"),
    "levels twice": ("columns: {level_id: L}\nlevels: {Clerk: 1}", "contradict"),
    "half a range": ("ranges: [{level_id: 1, minimum: 5}]", "ranges"),
    "range of one number": ("ranges: {1: [5]}", "not valid"),
    "no date": ("as_of: soon", "as_of"),
}  # fmt: skip


def test_a_mapping_settles_everything(bring, stored, tmp_path: Path):
    (tmp_path / "m.yaml").write_text(YAML)

    result = bring(MAPPED_TEXT, mapping=tmp_path / "m.yaml", as_of=None)

    assert (result.report.rows_accepted, result.report.rows_filtered) == (1, 1)
    assert result.report.as_of == "2019-12-31"
    assert (
        bring(MAPPED_TEXT, mapping=tmp_path / "m.yaml", as_of=date(2020, 6, 30)).report.as_of == "2020-06-30"
    )
    row = stored(result).iloc[0]
    assert (str(row.hire_date), row.base_pay, row.department, row.level_id) == ("2010-01-05", 50000, "All", 2)


@pytest.mark.parametrize("case", BAD_YAML)
def test_a_bad_mapping_is_rejected_by_name(case, tmp_path: Path):
    text, message = BAD_YAML[case]
    (tmp_path / "m.yaml").write_text(text)

    with pytest.raises(InputError, match=message) as refused:
        load_mapping(tmp_path / "m.yaml")
    assert "m.yaml" in refused.value.what


def test_a_missing_mapping_is_rejected(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        load_mapping(tmp_path / "none.yaml")


def test_a_header_that_is_not_there_is_rejected_with_the_nearest(bring):
    with pytest.raises(InputError, match="Did you mean 'Money'"):
        bring(MAPPED_TEXT, mapping={"columns": {"base_pay": "Mony"}})


def test_a_person_s_name_cannot_become_another_column(bring):
    with pytest.raises(InputError, match="identifies a person"):
        bring(
            "employee_id,hire_date,base_pay,Last Name\n1,2010-01-01,5,Doe\n",
            mapping={"columns": {"job_title": "Last Name"}},
        )


def test_null_leaves_a_guessable_column_out(bring):
    text = "employee_id,hire_date,base_pay,job_title,department,gender\n1,2010-01-01,5,a,b,F\n"

    assert bring(text).census.availability["gender"]
    assert not bring(text, mapping={"columns": {"gender": None}}).census.availability["gender"]


def test_a_constant_date_is_not_read_by_the_columns_format(bring, stored):
    text = "employee_id,base_pay,job_title,department\n1,5,a,b\n"

    mapping = {"constants": {"hire_date": "2010-01-05"}, "formats": {"hire_date": "%m/%d/%y"}}
    assert str(stored(bring(text, mapping=mapping))["hire_date"][0]) == "2010-01-05"


def test_without_a_date_today_is_taken_and_said(bring):
    from datetime import UTC, datetime

    report = bring(
        "employee_id,hire_date,base_pay,job_title,department\n1,2010-01-01,5,a,b\n",
        as_of=None,
        now=lambda: datetime(2031, 5, 6, tzinfo=UTC),
    ).report

    assert report.as_of == "2031-05-06"
    assert any("today" in notice for notice in report.notices)


FILTERED_TEXT = (
    "employee_id,hire_date,base_pay,job_title,department,Name,Pay Grade\n"
    'E1,2010-01-01,"$50,000.00 ",Clerk,Ops,Ann,3\nE2,2010-01-01,"$9,000.00 ",Chief,Ops,Bob,\n'
)


@pytest.mark.parametrize(
    ("expression", "accepted"),
    [
        ("job_title = 'Clerk'", 1),
        ("money(base_pay) > 10000", 1),
        ("base_pay > 10000", 1),  # read as numbers because the comparison needs them
        ('"Pay Grade" = 3', 1),
        ('"Pay Grade" IS NULL', 1),
        ("job_title ILIKE 'c%' -- all of them", 2),
        ("row_number() OVER (ORDER BY money(base_pay)) = 1", 1),
        (
            "max(job_title) OVER (PARTITION BY department) = 'Clerk' AND upper(trim(job_title)) IN ('CLERK')",
            1,
        ),
        (
            "coalesce(try_cast(\"pay grade\" AS INTEGER), 0) + len(employee_id) > 4 OR nullif(department, 'Ops') = 'x'",
            1,
        ),
        ("try_strptime(hire_date, '%Y-%m-%d') < DATE '2012-01-01' AND hire_date SIMILAR TO '2010.*'", 2),
        ("true OR NULL", 2),
    ],
)
def test_rows_are_kept_where_the_expression_is_true(expression, accepted, bring):
    report = bring(FILTERED_TEXT, row_filter=expression).report

    assert (report.rows_accepted, report.rows_filtered, report.rows_rejected) == (accepted, 2 - accepted, 0)
    assert report.filter_reasons["filter"] == 2 - accepted


@pytest.mark.parametrize(
    "expression",
    [
        "1", "NULL", "'text'", "job_title", "nope = 1", "job_title = 'open", "true; DROP TABLE file", "true); SELECT (true",
        "true), (true", "true) FROM file LIMIT 1 --", "EXISTS (SELECT * FROM read_csv('/etc/passwd'))",
        "EXISTS (SELECT * FROM read_text('/etc/hostname'))", "EXISTS (SELECT * FROM '/etc/passwd')", "EXISTS (SELECT * FROM glob('/*'))",
        "EXISTS (SELECT * FROM frame)", "EXISTS (SELECT * FROM table)", "getenv('HOME') <> ''", "(COPY file TO '/tmp/x')",
        "EXISTS (SELECT * FROM read_parquet('https://example.org/x.parquet'))", "Name = 'Ann'", "",
        "job_title IN (SELECT job_title FROM file)", "random() < 2", "uuid() <> ''", "gen_random_uuid()::text <> department", "now() > '2010-01-01'",
        "current_date > '2010-01-01'", "hire_date::date < today()", "current_user <> ''", "current_setting('threads') <> ''", "getvariable('x') IS NULL",
        "row_number() OVER (ORDER BY random()) > 0", "nextval('s') > 0", "pg_sleep(1) IS NULL", "len(repeat('x', 3000000000)) > 0",
        "len(list_transform([1], x -> x + random())) = 1", "len(range(4000000000)) > 0", "lpad('', 4000000000, 'x') > ''", "replace(job_title, 'C', repeat('x', 9)) = 'a'",
        "replace(job_title, 'C', 'CCCC') = 'a'", "string_agg(job_title) OVER () <> ''", "job_title::INTEGER[2000000000] IS NULL", "COLUMNS(*) IS NOT NULL", "$1 = 'a'", "#1 > 0", "NOT " * 2000 + "true", "true OR " * 2000 + "true", "ago(INTERVAL 1 DAY) > '2010-01-01'", "true) AS keep FROM file WHERE (random() > 0",
    ],
)  # fmt: skip
def test_anything_else_is_rejected(expression, bring, tmp_path):
    with pytest.raises(InputError, match="filter"):
        bring(FILTERED_TEXT, mapping={"filter": expression} if expression else {"filter": " "})


def test_a_filter_that_keeps_nobody_is_rejected(bring):
    with pytest.raises(InputError, match="No row of"):
        bring(FILTERED_TEXT, row_filter="false")


def test_the_command_line_s_filter_adds_to_the_mapping_s(bring):
    report = bring(
        FILTERED_TEXT,
        mapping={"filter": "job_title LIKE 'C%' OR false"},
        row_filter="department = 'X' OR employee_id = 'E1'",
    ).report

    assert report.rows_accepted == 1


HEAD = "employee_id,hire_date,base_pay,job_title,department"
GOOD = f"{HEAD}\nE1,2010-01-05,50000,Clerk,Ops\n"


def zipped(name):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, "text")
    return content.getvalue()


UNREADABLE = {
    "empty": (b"", "is empty"),
    "only line ends": (b"\r\n\r\n", "is empty"),
    "only a header": (HEAD, "header and no rows"),
    "only delimiters": (",,,\n,,,\n", "holds no text"),
    "cut gzip": (gzip.compress(GOOD.encode())[:30], "damaged gzip"),
    "fake gzip": (b"\x1f\x8bnonsense", "damaged gzip"),
    "fake excel": (b"PK\x03\x04nonsense", "not a readable Excel"),
    "old fake excel": (b"\xd0\xcf\x11\xe0nonsense", "not a readable Excel"),
    "a zip of something else": (zipped("notes.txt"), "not a readable Excel"),
    "fake parquet": (b"PAR1nonsense", "Parquet"),
    "only the ends of parquet": (b"PAR1" + bytes(40) + b"PAR1", "Parquet"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x01", "NUL bytes"),
    "all bytes": (bytes(range(256)) * 9, "NUL bytes"),
    "broken utf-8 after a mark": (b"\xef\xbb\xbfid,\xff\xfe\n1,2\n", "not valid utf-8"),
    "unclosed quote at the end": (f'{GOOD}E2,2011-01-05,5,Clerk,"Ops\n', "quote is opened"),
    "unclosed quote over everything": (
        f'{HEAD}\nE1,2010-01-05,5,"Clerk,Ops\n' + "E2,x,1,a,b\n" * 20_000,
        "quote|field",
    ),
}

UNMAPPABLE = {
    "unknown headers": ("a,b\n1,2\n", "employee_id, hire_date, base_pay, job_title, department cannot be found"),
    "one column": ("employee_id\n1\n", "hire_date, base_pay"),
    "no header": ("E1,2010-01-05,50000,Clerk,Ops\nE2,2010-01-05,50000,Clerk,Ops\n", "headers are: E1, 2010-01-05"),
    "no id": (GOOD.replace("employee_id", "key"), "employee_id cannot be found"),
    "no hire date": (GOOD.replace("hire_date", "when"), "constants: {hire_date: 2010-01-01}"),
    "no pay": (GOOD.replace("base_pay", "bonus"), "base_pay cannot be found"),
    "no department": (GOOD.replace("department", "floor"), "constants: {department: All}"),
    "two pays": ("Employee ID,Hire Date,Base Salary,Annual Salary,Title,Dept\n1,2010-01-05,5,6,a,b\n", "'Base Salary' or 'Annual Salary'"),
    "two dates": ("Employee ID,Hire Date,Date of Hire,Salary,Title,Dept\n1,2010-01-05,2010-01-05,6,a,b\n", "hire_date could come from"),
    "repeated header": ("Employee ID,Hire Date,Salary,Salary,Title,Dept\n1,2010-01-05,5,6,a,b\n", "'Salary' or 'Salary (2)'"),
    "thousands or decimals": (GOOD.replace("50000", "50.000"), "'50.000' can be thousands or decimals"),
    "falling medians": (f"{HEAD},level_id\nE1,2010-01-05,50000,a,b,1\nE2,2010-01-05,40000,a,b,2\n", "not above that of level 1"),
    "equal medians": (f"{HEAD},level_id\nE1,2010-01-05,50000,a,b,1\nE2,2010-01-05,50000,a,b,2\n", "not above that of level 1"),
    "a level without anybody": (f"{HEAD},level_id\nE1,2010-01-05,50000,a,b,1\nE2,2010-01-05,90000,a,b,3\n", "Level 2 has no employees"),
    "all have left": (f"{HEAD},active\nE1,2010-01-05,50000,a,b,no\n", "No row of payroll.csv is left"),
}  # fmt: skip


@pytest.mark.parametrize("case", [*UNREADABLE, *UNMAPPABLE])
def test_a_malformed_file_is_rejected(case, bring, lenient):
    content, message = (UNREADABLE | UNMAPPABLE)[case]

    with pytest.raises(InputError, match=_literal(message)):
        bring(content)

    assert list_censuses(lenient) == ((), ())


def test_a_missing_file_is_rejected(lenient, tmp_path):
    from planwise.census import import_census

    with pytest.raises(InputError, match="cannot be read"):
        import_census(lenient, tmp_path / "nowhere.csv")


def _literal(message: str) -> str:
    import re

    return "|".join(map(re.escape, message.split("|")))
