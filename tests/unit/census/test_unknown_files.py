# ruff: noqa: E501 - tables are read by row
"""Files that an HR analyst may bring: read with the right values and said, or refused with the way to state them."""

import gzip
import io
import os
import zipfile
from datetime import date

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from planwise.census import ImportBlocked, import_census
from planwise.census import reader as reader_module
from planwise.census.importer import read_census
from planwise.errors import InputError

HEAD = "Employee ID,Hire Date,Base Salary,Job Title,Department"
PAY = (48_250, 53_900, 61_200, 72_800, 44_600, 88_150, 57_300, 95_400, 46_800, 69_900)
HIRED = ("2012-03-05", "2015-09-14", "2018-01-22", "2009-06-01", "2021-11-08", "2016-04-18", "2019-02-25", "2013-10-07", "2020-07-13", "2011-12-12")  # fmt: skip
AS_OF = date(2025, 12, 31)


def payroll(head=HEAD, *, pay=PAY, hired=HIRED, ids=None, dept="Ops", more=((),) * 10):
    """Return ten employees as CSV; `more` are the further cells of each row."""
    ids = ids or [f"W{n:02}" for n in range(1, 11)]
    cells = zip(ids, hired, pay, more, strict=True)
    rows = [",".join(f'"{cell}"' for cell in (i, h, p, "Clerk", dept, *m)) for i, h, p, m in cells]
    return "\n".join([head, *rows]) + "\n"


@pytest.fixture
def read(lenient, tmp_path):
    def run(content, *, suffix="csv", **mapping):
        file = tmp_path / f"payroll.{suffix}"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_census(lenient, file, mapping=mapping, as_of=AS_OF)

    return run


def said(reading):
    return " ".join(reading.report.notices)


def column(name, *values):
    """Return ten employees with one more column: the values given, the last one for the rest."""
    cells = [*values, *[values[-1]] * (10 - len(values))]
    return payroll(f"{HEAD},{name}", more=[(cell,) for cell in cells])


LINES = payroll().splitlines()
READ = {
    "a row of averages": (payroll() + "Average,,63830,,\n", 10, "Left out"),
    "the header again on each page": ("\n".join([*LINES[:6], LINES[0], *LINES[6:]]) + "\n", 10, "repeats the header"),
    "texts kept by a formula": (payroll().replace('"W01"', '="00123"').replace('"48250"', '="48250"'), 10, ""),
    "amounts in cents": (payroll(pay=[amount * 100 for amount in PAY]), 10, "no amount in cents"),
    "zeros too many": (payroll(pay=[*PAY[:9], 6_990_000]), 10, "line 11: 6,990,000.00"),
    "the full-time rate of part-timers": (payroll(f"{HEAD},FTE".replace("Base Salary", "FTE Salary"), more=[(1,)] * 8 + [(0.5,)] * 2), 10, "full-time pay"),
    "part-time by hours": (column("Weekly Hours", "20", "40"), 10, "'Weekly Hours' shows 1 person"),
    "part-time by type": (column("Employment Type", "Part Time", "Full Time"), 10, "'Employment Type' shows 1 person"),
    "a code page that is not certain": (payroll(dept="Księgowość").encode("cp1250"), 10, "'Ksiêgowoœæ'. If that is wrong"),
    "letters damaged before": (payroll(dept="BÃ¼ro"), 10, "damaged before"),
    "no end as SAP writes it": (column("Termination Date", "00.00.0000"), 10, ""),
    "no end as .NET writes it": (column("Termination Date", "0001-01-01T00:00:00"), 10, ""),
    "no end as a spreadsheet shows 0": (column("Termination Date", "1/0/1900 12:00:00 AM"), 10, ""),
    "markers of nothing": (column("Termination Date", "<NA>", "n.d.", "?", "#N/V", ""), 10, ""),
    "dates as numbers with a point": (payroll(hired=[day.replace("-", "") + ".0" for day in HIRED]), 10, ""),
    "letters of a status": (column("Empl Status", "T", "D", "A", "L", "A"), 8, ""),
    "letters of true and false": (column("Active", "F", "T"), 9, ""),
    "an old end before a new hire": (payroll(f"{HEAD},Rehire Date,Termination Date,Status", more=[("2020-01-06", "2018-06-30", "Active")] + [("", "", "Active")] * 9), 10, "earlier employment"),
    "ids of a float column": (payroll(ids=[f"{n}.0" for n in range(1, 11)]), 10, ""),
    "ids with a spreadsheet's mark": (payroll(ids=[f"'{n:05}" for n in range(10)]), 10, ""),
    "ids that differ by leading zeros": (payroll(ids=["0800", "800", *"abcdefgh"]), 10, "Ids '0800' and '800' differ only by leading zeros"),
    "one ethnicity in two spellings": (column("Ethnicity", "White", "WHITE", "White"), 10, "'WHITE' as 'White'"),
    "marks of an Indian amount": (payroll(pay=[f"₹{amount}/-" for amount in PAY]), 10, "INR"),
    "columns of the manager": (payroll(f"{HEAD},Manager Employee ID,Manager: Hire Date,Previous Salary", more=[("M1", "2000-01-01", 1)] * 10), 10, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_read_right_and_said(case, read):
    content, people, note = READ[case]
    reading = read(content)
    assert (len(reading.rows), reading.report.rows_rejected) == (people, 0)
    assert note in said(reading)
    assert set(reading.rows["hire_date"].astype(str)) <= {*HIRED, "2020-01-06"}
    assert reading.rows["employee_id"].str.fullmatch(r"W\d\d|\d+|[a-h]").all()


REFUSED = {
    "two weeks' pay by the header": (payroll(HEAD.replace("Base Salary", "Bi-Weekly Salary"), pay=[f"{a / 26:.2f}" for a in PAY]), "pay_unit: biweekly"),
    "half a month's pay by a column": (payroll(f"{HEAD},Pay Period", pay=[f"{a / 24:.2f}" for a in PAY], more=[("Semi-Monthly",)] * 10), "Semi-Monthly: semimonthly"),
    "mostly monthly, some annual": (payroll(pay=[*(round(a / 12) for a in PAY[:7]), *PAY[7:]]), "looks like pay of two units"),
    "letters of a unit": (payroll(f"{HEAD},Pay Basis", pay=[*PAY[:8], 19.5, 22.75], more=[("A",)] * 8 + [("H",)] * 2), "'Pay Basis' says hourly 2"),
    "a status of another name": (column("Crew Status", "Terminated", "Active"), "columns: {active: Crew Status}"),
    "ids that a spreadsheet shortened": (payroll(ids=[f"1.2345{n}E+11" for n in range(10)]), "digits are lost"),
    "a proposed salary only": (payroll(HEAD.replace("Base Salary", "Proposed Salary")), "base_pay cannot be found"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_asked_about_instead_of_guessed(case, read):
    content, reason = REFUSED[case]
    with pytest.raises(InputError) as error:
        read(content)
    assert reason in str(error.value)


def test_mostly_hourly_pay_among_annual_pay_is_rejected(read):
    reading = read(payroll(pay=[18.5, 19.25, 22, 21.4, 17.9, 23.1, *PAY[6:]]))
    assert reading.report.reject_reasons == {"pay_of_another_unit": 6}
    annual = read(payroll(pay=[f"{a / 26:.2f}" for a in PAY]), pay_unit="biweekly")
    assert annual.rows["base_pay"].sum() == pytest.approx(sum(PAY), abs=2)


REPORTS = {
    "Workday": ("Employee_ID,Hire_Date,Business_Title,Cost Center - Name,Total_Base_Pay_Annualized_in_USD,Worker_Status", "1001,2012-03-05,Analyst,Finance,58000,Active"),
    "ADP": ("File Number,Payroll Name,Position ID,Position Status,Hire Date,Rehire Date,Termination Date,Job Title Description,Home Department Description,Annual Salary", "000123,Ann,P1,Active,2010-03-15,2012-03-05,2011-06-30,Analyst,Finance,58000"),
    "BambooHR": ("Employee #,Status,Hire Date,Original Hire Date,Job Information: Job Title,Department,Compensation: Pay rate,Pay Rate - Currency Code", "12,Active,2012-03-05,2011-01-01,Analyst,Finance,58000.00,USD"),
    "UKG": ("Employee Id,Date Hired,Date Re-Hired,Default Job (HR),Default Department,Annual Salary", "12,2010-03-05,2012-03-05,Analyst,Finance,58000"),
    "Oracle": ("Person Number,Legal Employer Hire Date,Enterprise Hire Date,Job,Position,Department,Annualized Full-Time Salary,Salary Amount,Salary Basis", "3,2013-03-05,2012-03-05,Analyst,Analyst 7,Finance,58000,4833.33,Monthly Salary"),
    "Gusto": ("Employee,Employee ID,Job title,Department,Start date,Compensation amount,Payment unit", 'Ann,7,Analyst,Finance,2012-03-05,"$58,000.00",Year'),
    "Personio": ("ID,Vorname,Einstellungsdatum,Contract end date,Termination date,Last day of work,Position,Abteilung,Gehalt (jährlich)", "4711,Ann,05.03.2012,,,,Analyst,Finance,58000"),
    "HiBob": ("Bob ID,Start date,Original start date,Title,Department,Salary - Base salary,Salary - Pay period,Base salary (Annual)", "3512,2012-03-05,2010-01-01,Analyst,Finance,,Annual,58000"),
    "SAP": ("PersNr,Eintritt,Austritt,Planstelle,Organisationseinheit,Jahresgehalt,Währg,BsGrd", '17,05.03.2012,31.12.9999,Analyst,Finance,"58.000,00",EUR,"100,00"'),
    "Sage": ("Mitarbeiternummer,Eintrittsdatum,Wiedereintrittsdatum,Tätigkeitsbezeichnung,Abteilungsname,Bruttogehalt p.a.", '17,05.03.2012,,Analyst,Finance,"58.000,00"'),
    "PayFit": ("N° salarié,Date de début de contrat,Intitulé de poste,Équipe,Rémunération annuelle brute (EUR)", '17,05.03.2012,Analyst,Finance,"58 000,00"'),
}  # fmt: skip


@pytest.mark.parametrize("system", REPORTS)
def test_headers_of_reports_with_sections_units_and_notes(system, read):
    if system == "HiBob":  # a report shows one of the two
        REPORTS[system] = tuple(
            line.replace(",Base salary (Annual)", "").replace(",,Annual,58000", ",58000,Annual")
            for line in REPORTS[system]
        )
    rows = read("\n".join(REPORTS[system]) + "\n").rows
    found = (
        str(rows["hire_date"][0].date()),
        rows["base_pay"][0],
        rows["job_title"][0],
        rows["department"][0],
    )
    assert found == ("2012-03-05", 58_000.0, "Analyst", "Finance")


def test_the_day_of_being_hired_again_counts_where_there_is_one(read):
    reading = read(column("Rehire Date", "2020-01-06", "NULL"))
    assert [str(day.date()) for day in reading.rows["hire_date"]] == ["2020-01-06", *HIRED[1:]]
    assert "1 row has a 'Rehire Date', from which tenure counts" in said(reading)
    assert "columns: {hire_date: Hire Date}" in said(reading)


NAMED = "Last Name,First Name,Birth Date,Hire Date,Base Salary,Job Title,Department\n"
ANN, BOB = (
    "Archer,Ann,1980-02-01,2012-03-05,50000,Clerk,Ops\n",
    "Baker,Bob,1981-02-01,2013-03-05,60000,Clerk,Ops\n",
)


def test_a_file_without_ids_gets_stable_ones(read):
    first = read(NAMED + ANN + BOB)
    later = read(
        NAMED + BOB.replace("60000", "61000").replace("Baker", "BAKER ") + ANN.replace("Clerk", "Chief")
    )
    assert set(first.rows["employee_id"]) == set(later.rows["employee_id"]) and len(first.ids) == 2
    assert "made of 'Last Name', 'First Name', 'Birth Date'" in said(first) and "Archer" not in said(first)
    stated = read(
        "Hired,Salary,Title,Dept,Born\n2012-03-05,50000,a,b,1980-01-01\n",
        columns={"hire_date": "Hired"},
        person=["Born", "Hired"],
    )
    assert stated.rows["employee_id"].str.startswith("H").all()
    with pytest.raises(InputError, match=r"person: \[HEADER"):
        read("Hired,Salary,Title,Dept\n2012-03-05,50000,a,b\n")


def test_namesakes_are_rejected_or_numbered_by_hire_date(read):
    text = NAMED + ANN.replace("2012", "2014").replace("50000", "51000") + ANN + BOB
    assert read(text).report.reject_reasons == {"duplicate_id": 2}
    numbered = read(text + BOB, namesakes="number")  # an equal row is a copy
    ids = numbered.rows["employee_id"]
    assert ids[0] == f"{ids[1]}-2" and "1 person shares the id" in said(numbered)
    assert numbered.report.reject_reasons == {"duplicate_id": 1}
    with pytest.raises(InputError, match="for ids that are made of names"):
        read(payroll(), namesakes="number")


@pytest.mark.parametrize(
    "number",
    ["078-05-112{}", "07805112{}", "AB 12 34 5{} C", "1 84 12 76 451 089 4{}", "65 18081{} A 009", "756.1234.5678.9{}", "198112{}8-9874", "1234567{}Z", "01018{}-1234"],
)  # fmt: skip
def test_numbers_of_persons_are_hashed_with_or_without_separators(number, read):
    ids = [number.format(n % 9 + 1) if "{}8-" not in number else number.format(n % 2 + 1) for n in range(2)]
    texts = [f"{HEAD}\n" + "".join(f"{spelled},2012-03-05,5000{n},Clerk,Ops\n" for n, spelled in enumerate(spelling)) for spelling in (ids, [i.replace("-", "").replace(" ", "").replace(".", "") for i in ids])]  # fmt: skip
    first, other = (read(text) for text in texts)
    assert first.rows["employee_id"].str.fullmatch("H[0-9a-f]{20}").all()
    assert set(first.rows["employee_id"]) == set(other.rows["employee_id"])
    assert "keyed hashes" in said(first)


def test_ids_that_are_spelled_alike_are_named(read):
    reading = read(payroll(ids=["É1", "E\u03011", "w02", "W02", "W03\u200b", "W03", *"abcd"]))
    assert reading.report.reject_reasons == {"duplicate_id": 6}
    assert r"'\xc91' and 'E\u03011'; 'w02' and 'W02'; 'W03\u200b' and 'W03' differ only by case" in said(
        reading
    )


def test_what_was_stated_is_kept_and_offered_for_the_next_file_with_the_header(lenient, tmp_path):
    file, later, other = (tmp_path / name for name in ("pay 2024.csv", "pay 2025.csv", "other.csv"))
    text = payroll(HEAD.replace("Base Salary", "Monthly Salary"), pay=[f"{a / 12:.2f}" for a in PAY])
    for path in (file, later):
        path.write_text(text)
    other.write_text(payroll())
    stated = import_census(
        lenient,
        file,
        mapping={"as_of": date(2024, 12, 31)},
        options={"pay_unit": "monthly"},
        row_filter="Department = 'Ops'",
    )
    kept = next((lenient.root / "mappings").iterdir())
    assert f"kept for the next file with this header: {kept}" in stated.report.notices[-1]
    with pytest.raises(InputError) as error:
        read_census(lenient, later, as_of=AS_OF)
    assert f"`planwise census import '{later}' --mapping {kept}`" in str(error.value)
    again = read_census(lenient, later, mapping=kept, as_of=AS_OF)
    assert (
        again.report.rows_accepted == 10
        and again.report.filter == "Department = 'Ops'"
        and again.report.as_of == "2025-12-31"
    )
    assert "with a mapping before" not in said(again) + said(read_census(lenient, other, as_of=AS_OF))


def workbook(cells):
    book = openpyxl.Workbook()
    for place, value in cells.items():
        book.active[place] = value
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def large_text_workbook():
    """Return a workbook whose one text is larger than the memory that may read it."""
    source, made = zipfile.ZipFile(io.BytesIO(workbook({"A1": "TEXT"}))), io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b">TEXT<", b">" + b"x" * 200_000_000 + b"<"))
    return made.getvalue()


def parquet(table):
    saved = io.BytesIO()
    pq.write_table(table, saved)
    return saved.getvalue()


def repeated_text():
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 15_000, pa.int32()), pa.array(["x" * 90_000]))
    return pa.table({name: text for name in HEAD.split(",")})


LARGE = {
    "many bytes": (b"x," * 600_000, "csv", "has 1,200,000 bytes"),
    "a compressed file": (gzip.compress(b"x," * 600_000), "csv.gz", "more bytes when uncompressed"),
    "many cells": (b"a,b\n" + b",\n" * 60_000, "csv", "more than 100,000 cells"),
    "many columns": (",".join(map(str, range(10_000))).encode(), "csv", "10,000 columns in line 1"),
    "an endless line": (b"x" * 900_000, "csv", "a line has more than 500,000 characters"),
    "a far cell": (workbook({"A1": "x", "XFD1048576": "y"}), "xlsx", "Ctrl+End"),
    "many rows": (parquet(pa.table({name: pa.nulls(1_000_000, pa.int8()) for name in HEAD.split(",")})), "parquet", "5,000,000 cells"),
    "a repeated text": (parquet(repeated_text()), "parquet", "more than 1,000,000 characters"),
}  # fmt: skip


@pytest.mark.parametrize("case", LARGE)
def test_what_is_too_large_ends_with_a_message(case, read, monkeypatch):
    for name, limit in {
        "FILE_BYTES_MAX": 1_000_000,
        "CELLS_MAX": 100_000,
        "LINE_CHARACTERS_MAX": 500_000,
    }.items():
        monkeypatch.setattr(reader_module, name, limit)
    content, suffix, reason = LARGE[case]
    with pytest.raises(InputError) as error:
        read(content, suffix=suffix)
    assert reason in str(error.value) and error.value.remedy


def test_a_workbook_that_needs_too_much_memory_ends_with_a_message(read, monkeypatch):
    monkeypatch.setattr(reader_module, "BOOK_MEMORY_BYTES", 256 * 2**20)
    with pytest.raises(InputError, match=r"within 0 GiB of memory"):
        read(large_text_workbook(), suffix="xlsx")


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "missing"])
def test_what_is_no_file_is_not_waited_for(kind, lenient, tmp_path):
    path = tmp_path / "payroll.csv" if kind != "device" else "/dev/zero"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    for arguments in (
        {"file": tmp_path.joinpath(path)},
        {"file": tmp_path / "x.csv", "mapping": tmp_path.joinpath(path)},
    ):
        with pytest.raises(InputError, match=r"is a folder|is no regular file|cannot be read: No such"):
            read_census(lenient, **arguments, as_of=AS_OF)


MAPPINGS = {
    "aliases that grow": "a: &a [x, x]\nb: &b [*a, *a]\ncolumns: {employee_id: *b}\n", "an anchor in itself": "columns: &x {hire_date: *x}\n", "brackets": "[" * 20_000, "no date": "as_of: 2015-13-45\n",
    "a list": "- a\n", "a long number": f"skip_rows: {'9' * 6000}\n", "a list as key": "? [a, b]\n: c\n", "bytes": "filter: !!binary aGVsbG8=\n", "a tag": "filter: !!python/object/apply:os.system [ls]\n",
    "infinite": "ranges: {1: [.inf, .nan]}\n", "too few": "ranges: {1: []}\n", "numbers": "columns: {1: 2}\n", "large": f"filter: {'x' * 2_000_000}\n", "false": "false\n", "a set": "columns: !!set {a, b}\n",
    "a unit without a column": "pay_unit: {words: {a: hourly}}\n", "a negative row": "skip_rows: -1\n", "no encoding": "encoding: rot13\n", "a codec of bytes": "encoding: base64\n", "null in a name": 'sheet: "a\\0b"\n',
    "lone surrogate": 'constants: {department: "\\ud800"}\n', "a far level": "levels: {Clerk: 99}\n", "a huge level": f"levels: {{Clerk: {10**30}}}\n", "control characters": "filter: \x07\n", "deep map": "{a: " * 3000,
}  # fmt: skip


@pytest.mark.parametrize("case", MAPPINGS)
def test_no_mapping_is_more_than_a_wrong_input(case, settings, tmp_path):
    file, mapping = tmp_path / "payroll.csv", tmp_path / "mapping.yaml"
    file.write_text(payroll())
    mapping.write_text(MAPPINGS[case], encoding="utf-8", errors="surrogatepass")
    with pytest.raises((InputError, ImportBlocked)):
        read_census(settings, file, mapping=mapping, as_of=AS_OF)
