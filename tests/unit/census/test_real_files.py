# ruff: noqa: E501 - tables are read by row
"""Files as systems and spreadsheets write them: read with the right values, or refused with the way to state them.

The layouts are those of real exports; people and values are invented.
"""

import gzip
from datetime import date

import numpy as np
import openpyxl
import pandas as pd
import pytest

from planwise.calibration.years import read_years
from planwise.census import ImportBlocked
from planwise.census.importer import read_census
from planwise.errors import InputError

HEAD = "Employee ID,Hire Date,Base Salary,Job Title,Department"
PAY = (48_250, 53_900, 61_200, 72_800, 44_600, 88_150, 57_300, 95_400, 46_800, 69_900)
HIRED = (
    "2012-03-05",
    "2015-09-14",
    "2018-01-22",
    "2009-06-01",
    "2021-11-08",
    "2016-04-18",
    "2019-02-25",
    "2013-10-07",
    "2020-07-13",
    "2011-12-12",
)


def payroll(head=HEAD, *, pay=PAY, hired=HIRED, more=None, mark=","):
    """Return ten employees as CSV; `more` are the further cells of each row."""
    rows = [
        mark.join([f"W{n:02}", f'"{day}"', f'"{amount}"', "Clerk", "Ops", *(more[n - 1] if more else ())])
        for n, (day, amount) in enumerate(zip(hired, pay, strict=True), start=1)
    ]
    return "\n".join([head.replace(",", mark), *rows]) + "\n"


@pytest.fixture
def read(lenient, tmp_path):
    def run(content, *, suffix="csv", as_of=date(2025, 12, 31), settings=lenient, **mapping):
        file = tmp_path / f"payroll.{suffix}"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_census(settings, file, mapping=mapping, as_of=as_of)

    return run


def total(reading):
    return (len(reading.rows), round(float(reading.rows["base_pay"].sum()), 2))


def said(reading):
    return " ".join(reading.report.notices)


@pytest.mark.parametrize(
    ("spelling", "factor"),
    [
        (lambda a: f"{a // 100_000},{a // 1000 % 100:02},{a % 1000:03}".lstrip("0,"), 1),  # Indian groups
        (lambda a: f"CHF {a // 1000}’{a % 1000:03}.00", 1), (lambda a: f"{a // 1000}'{a % 1000:03}.-", 1),
        (lambda a: f"{a // 1000}.{a % 1000:03},00 €", 1), (lambda a: f"{a // 1000}\u202f{a % 1000:03},00 EUR", 1),
        (lambda a: f"{a // 1000} {a % 1000:03} kr", 1), (lambda a: f"R$ {a // 1000}.{a % 1000:03},00", 1), (lambda a: f"₹{a}", 1),
        (lambda a: f"zł {a},00", 1), (lambda a: f"US$ {a:,}.00", 1), (lambda a: f"{a:,.2f} USD", 1),
    ],
)  # fmt: skip
def test_groups_and_currencies_of_every_country(spelling, factor, read):
    pay = [spelling(amount) for amount in PAY]
    assert total(read(payroll(pay=pay))) == (10, sum(PAY) * factor)


def test_a_cell_that_contradicts_the_number_format_of_its_column_is_named(read):
    reading = read(payroll(pay=["48.250,00", *(f"{a}.00" for a in PAY[1:])]))
    assert reading.report.reject_reasons == {"contradicting_number_format": 1}
    assert reading.report.first_rejects == ("line 2 (contradicting_number_format)",)


def test_decimal_commas_are_read_in_every_column(read):
    fte = [("1",), ("0,8",), ("1",), ("0,5",)] + [("1,0",)] * 6
    pay = [f"{a // 1000}.{a % 1000:03},00" for a in PAY]
    reading = read(payroll(f"{HEAD},FTE", pay=pay, more=fte, mark=";"), pay_is="full-time")
    assert reading.rows["fte"].tolist()[:4] == [1.0, 0.8, 1.0, 0.5]
    percent = read(payroll(f"{HEAD},FTE", more=[("100",)] * 9 + [("50%",)]), pay_is="full-time")
    assert percent.rows["fte"].tolist()[-1] == 0.5


@pytest.mark.parametrize(
    ("first", "read_as"),
    [
        ("3/5/2012 12:00:00 AM", None), ("2012-03-05 00:00:00 UTC", "2012-03-05"), ("2012-03-05T00:00:00.000+01:00", "2012-03-05"),
        ("2012-03-05Z", "2012-03-05"), ("40973", "2012-03-05"), ("40973.5", "2012-03-05"), ("5. Mär 2012", "2012-03-05"), ("5. März 2012", "2012-03-05"),
        ("5 mars 2012", "2012-03-05"), ("1er août 2012", "2012-08-01"), ("5 de marzo de 2012", "2012-03-05"), ("05MAR2012", "2012-03-05"),
        ("7. Okt 2013", "2013-10-07"), ("12 mrt 2012", "2012-03-12"), ("12 paź 2012", "2012-10-12"), ("Mon, 5 March 2012", "2012-03-05"),
        ("March 5th, 2012", "2012-03-05"), ("5-Mar-12", "2012-03-05"), ("2012年3月5日", "2012-03-05"), ("05. 03. 2012", "2012-03-05"), ("05.03.12", "2012-03-05"),
        ("98/03/05", "1998-03-05"), ("20120305", "2012-03-05"), ("12-Dez-2012", "2012-12-12"), ("3 gennaio 2012", "2012-01-03"),
    ],
)  # fmt: skip
def test_dates_as_systems_write_them(first, read_as, read):
    if read_as is None:
        with pytest.raises(InputError, match="hire_date: nothing in the column shows whether 3/5/2012"):
            read(payroll(hired=[first] * 10))
        read_as, later = "2012-03-05", "9/14/2015 12:00:00 AM"
    else:
        later = first
    reading = read(payroll(hired=[first, *[later] * 9]))
    assert (len(reading.rows), str(reading.rows["hire_date"][0].date())) == (10, read_as)


def test_one_date_column_settles_the_order_of_another(read):
    ends = [("",)] * 9 + [("13/02/2014",)]
    reading = read(payroll(f"{HEAD},Termination Date", hired=["03/05/2012"] * 10, more=ends))
    assert str(reading.rows["hire_date"][0].date()) == "2012-05-03"


@pytest.mark.parametrize(
    ("stated", "cell"),
    [("%m/%d/%Y", "3/5/2012 12:00:00 AM"), ("%Y-%m-%d %H:%M:%S %Z", "2012-03-05 10:00:00 UTC"), ("%Y-%m-%d %Z", "2012-03-05 CET"),
     ("%d. %b %Y", "5. Mär 2012"), ("%d %B %y", "5 mars 12"), ("spreadsheet", "40973"), ("spreadsheet-1904", "39511"),
     # midnights behind the date, in the format or not
     ("%Y-%m-%d", "2012-03-05 00:00:00"), ("%Y-%m-%d 00:00:00", "2012-03-05 00:00:00"), ("%Y-%m-%dT00:00:00.000", "2012-03-05T00:00:00.000"),
     ("%m/%d/%Y", "03/05/2012 12:00:00 AM"), ("%m/%d/%Y 12:00:00 AM", "03/05/2012 12:00:00 AM"), ("%m/%d/%Y %I:%M:%S %p", "03/05/2012 12:00:00 AM"),
     ("%m/%d/%Y", "3/5/2012 0:00"), ("%m/%d/%y", "03/05/2012 12:00:00 AM"), ("%m/%d/%y", "3/5/12 0:00"), ("%b %d %Y", "Mar 5 2012 12:00AM"),
     ("%d-%b-%y", "05-MAR-12 12.00.00.000000000 AM"), ("%Y-%m-%d", "2012-03-05 00:00:00+00"), ("%Y-%m-%d", "2012-03-05-00.00.00.000000"),
     ("%Y%m%d", "20120305000000"), ("%Y%m%d", "20120305 000000"), ("%d.%m.%Y", "05.03.2012 00:00:00")],
)  # fmt: skip
def test_a_stated_format_ignores_times_and_knows_names_of_months(stated, cell, read):
    reading = read(payroll(hired=[cell] * 10), formats={"hire_date": stated})
    assert str(reading.rows["hire_date"][0].date()) == "2012-03-05"


@pytest.mark.parametrize("stated", ["%-d.%Q.%Y", "%d%d%m%Y", "%", "%Y-%m", "%%", "%H:%M", "[", "(%Y-%m-%d"])
def test_no_stated_format_is_more_than_a_wrong_input(stated, read):
    with pytest.raises((InputError, ImportBlocked)):
        reading = read(payroll(), formats={"hire_date": stated})
        assert reading.report.reject_reasons == {"unparsable_hire_date": 10}
        raise InputError("every row was rejected")


@pytest.mark.parametrize(
    "end",
    [
        "9999-12-31",
        "31.12.9999",
        "12/31/9999",
        "4712-12-31",
        "2199-12-31",
        "99991231",
        "unbefristet",
        "NULL",
        "N/A",
        "#N/A",
        "-",
        "(blank)",
        "\\N",
    ],
)
def test_no_end_and_nothing_as_systems_write_them(end, read):
    reading = read(payroll(f"{HEAD},Termination Date", more=[(end,)] * 10))
    assert total(reading) == (10, sum(PAY))


def test_na_is_a_text_unless_the_file_uses_it_for_nothing(read):
    text = payroll().replace("Ops", "NA", 1)
    assert "NA" in set(read(text).rows["department"])
    nothing = payroll(f"{HEAD},FTE", more=[("NA",)] * 10).replace("Ops", "NA", 1)
    assert read(nothing).report.reject_reasons == {"missing_department": 1}


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("", ""), ("sep=,\n", ""), ("Staff list as of 31 December 2025\n\"Source: HR, payroll\"\n\n", ""), ("Report,,,,\n,,,,\n", "\nGenerated by the HR system on 1 Jan 2026\n"),
        ("", "Grand total,,638300,,\n"), ("", "Summe;;638.300,00;;\n".replace(";", ",").replace("638.300,00", "638300")), ("", "TOTAL\nPage 1 of 1\n"),
    ],
)  # fmt: skip
def test_what_stands_around_the_table_is_left_out_and_said(above, below, read):
    reading = read(above + payroll() + below)
    assert total(reading) == (10, sum(PAY))
    assert reading.report.rows_rejected == 0
    assert ("above it" in said(reading)) == bool(above.replace("sep=,\n", ""))
    assert ("Left out" in said(reading)) == bool(below)
    assert not set("0123456789") & set(said(reading).split("above it:")[-1].split("State")[0]), (
        "digits are masked"
    )


def test_a_workbook_with_titles_and_totals(tmp_path, lenient):
    book = openpyxl.Workbook()
    book.active.append(["Salary survey 2025"])
    book.active.append([])
    for line in payroll().splitlines():
        book.active.append([cell.strip('"') for cell in line.split(",")])
    book.active.append(["Total", None, sum(PAY)])
    book.save(tmp_path / "p.xlsx")
    assert total(read_census(lenient, tmp_path / "p.xlsx", as_of=date(2025, 12, 31))) == (10, sum(PAY))


def test_stated_rows_above_the_header_are_skipped_and_a_missing_header_shows_the_first_lines(read):
    text = "a,b,c,d,e\n1,2,3,4,5\n" + payroll()
    assert total(read(text, skip_rows=2)) == (10, sum(PAY))
    with pytest.raises(
        InputError, match=r"first lines \(digits masked\): 'who when what'; 'W## ####"
    ) as error:
        read("who,when,what\nW01,2012-03-05,48250\n")
    assert "skip_rows" in str(error.value)


def test_sums_of_rows_are_no_employees(read):
    unlabelled = payroll() + f"X1,2010-01-01,{sum(PAY)},All staff,All\n"
    assert total(read(unlabelled)) == (10, sum(PAY))
    lines = payroll().splitlines()
    lines.insert(6, f"X1,2010-01-01,{sum(PAY[:5])},Half,Ops")
    reading = read("\n".join([*lines, f"X2,2010-01-01,{sum(PAY[5:])},Half,Ops"]) + "\n")
    assert total(reading) == (10, sum(PAY))
    assert reading.report.filter_reasons["sum_of_rows"] == 2


def test_pay_of_another_unit_among_annual_pay_is_named_with_line_and_value(read):
    reading = read(payroll() + "W11,2022-05-16,18.45,Guard,Ops\nW12,2023-08-21,15.32,Clerk,Ops\n")
    assert reading.report.reject_reasons == {"pay_of_another_unit": 2}
    assert "line 12: 18.45; line 13: 15.32" in said(reading)
    monthly = read(payroll(pay=[*PAY[:8], 3900, 5825]))
    assert monthly.report.reject_reasons == {"pay_of_another_unit": 2}


def test_a_column_that_says_the_unit_is_used_when_told(read):
    bases = [("Annual",)] * 8 + [("Hourly",), ("Monthly",)]
    text = payroll(f"{HEAD},Pay Basis", pay=[*PAY[:8], "22.50", "5825"], more=bases)
    with pytest.raises(
        InputError, match=r"'Pay Basis' says hourly 1, monthly 1, such as line 10: 22\.50"
    ) as error:
        read(text)
    assert "pay_unit: {column: Pay Basis" in str(error.value)
    told = read(text, pay_unit={"column": "Pay Basis"})
    assert told.rows["base_pay"].tolist()[-2:] == [22.5 * 2080, 5825 * 12]
    assert (
        read(text, pay_unit={"column": "Pay Basis"}, hours_per_year=1950).rows["base_pay"].tolist()[-2]
        == 22.5 * 1950
    )
    with pytest.raises(InputError, match="words without a unit: 'Piece'"):
        read(text.replace("Monthly", "Piece"), pay_unit={"column": "Pay Basis"})
    annual = payroll(f"{HEAD},Pay Type", more=[("Salary",), ("Hourly",)] * 5)
    assert total(read(annual)) == (10, sum(PAY)), "annual amounts of hourly staff stay"


@pytest.mark.parametrize(
    ("header", "unit", "factor"),
    [("Monthly Salary", "monthly", 12), ("Monatsgehalt", "monthly", 12), ("Hourly Rate", "hourly", 2080), ("Salaire mensuel", "monthly", 12), ("Weekly Pay", "weekly", 52)],
)  # fmt: skip
def test_a_header_of_another_unit_is_asked_about(header, unit, factor, read):
    text = payroll(HEAD.replace("Base Salary", header), pay=[f"{amount / factor:.2f}" for amount in PAY])
    with pytest.raises(InputError, match=f"which is {unit} pay") as error:
        read(text)
    assert header in str(error.value) and f"pay_unit: {unit}" in str(error.value)
    assert total(read(text, pay_unit=unit))[1] == pytest.approx(sum(PAY), rel=0.001)


def test_pay_that_is_low_throughout_is_asked_about(read):
    text = payroll(pay=[f"{amount / 12:.2f}" for amount in PAY])
    with pytest.raises(InputError, match="looks like monthly pay"):
        read(text)
    assert len(read(text, pay_unit="annual").rows) == 10


@pytest.mark.parametrize("where", ["marks", "column", "codes"])
def test_mixed_currencies_are_refused_however_the_file_says_them(where, read):
    codes = ["USD"] * 6 + ["EUR"] * 4
    if where == "column":
        text = payroll(f"{HEAD},Currency", more=[(code,) for code in codes])
    else:
        marks = {"USD": "$", "EUR": "€"} if where == "marks" else {"USD": "USD ", "EUR": "EUR "}
        text = payroll(pay=[f"{marks[c]}{a}" for c, a in zip(codes, PAY, strict=True)])
    with pytest.raises(
        InputError,
        match=r"several currencies: .* 6 rows \(the first in line 2\), EUR 4 rows \(the first in line 8\)",
    ):
        read(text)
    assert read(text, currency="USD").report.reject_reasons == {"other_currency": 4}
    with pytest.raises(InputError, match="ISO 4217"):
        read(text, currency="DOLLARS")


def test_amounts_paid_to_part_timers_are_asked_about(read):
    fte = [1, 0.5, 1, 0.6, 0.5, 1, 0.8, 1, 1, 0.5]
    paid = [round(a * f, 2) for a, f in zip(PAY, fte, strict=True)]
    text = payroll(f"{HEAD},FTE", pay=paid, more=[(str(f),) for f in fte])
    with pytest.raises(InputError, match="5 part-timers may be what they are paid"):
        read(text)
    assert total(read(text, pay_is="paid")) == (10, sum(PAY))
    assert total(read(text, pay_is="full-time")) == (10, sum(paid))
    rates = read(payroll(f"{HEAD},FTE", more=[(str(f),) for f in fte]))
    assert total(rates) == (10, sum(PAY)) and "taken for full-time pay" in said(rates)


@pytest.mark.parametrize(
    ("content", "encoding", "department"),
    [
        (payroll().replace("Ops", "Büro").encode("cp1252"), "cp1252", "Büro"), (payroll().replace("Ops", "Diseño").encode("latin-1"), "cp1252", "Diseño"),
        (payroll().replace("Ops", "Zoë’s").encode("cp1252"), "cp1252", "Zoë’s"), (payroll().replace("Ops", "Büro").encode(), "utf-8", "Büro"),
        (payroll().replace("Ops", "Büro").encode("utf-16"), "utf-16", "Büro"), (payroll().replace("Ops", "Büro").encode("utf-16-le"), "utf-16-le", "Büro"),
        (payroll().replace("Ops", "Büro").encode("utf-8-sig"), "utf-8-sig", "Büro"),
    ],
)  # fmt: skip
def test_encodings(content, encoding, department, read):
    reading = read(content)
    assert (set(reading.rows["department"]), reading.report.source["encoding"]) == ({department}, encoding)


def test_a_guessed_encoding_is_said_and_can_be_stated(read):
    content = payroll().replace("Ops", "Отдел кадров и заработной платы").encode("cp1251")
    assert read(content, encoding="cp1251").rows["department"][0].startswith("Отдел")
    odd = payroll().replace("Ops", "B\x81ro").encode("latin-1")  # 0x81 means nothing in Windows-1252
    assert "(guessed)" in read(odd).report.source["encoding"]
    with pytest.raises(InputError, match="'klingon' is unknown"):
        read(content, encoding="klingon")
    with pytest.raises(InputError, match="not valid utf-8"):
        read(content, encoding="utf-8")


STATUSES = {
    "Active": 1, "Voluntarily Terminated": 0, "Leave of Absence": 1, "Terminated for Cause": 0, "Deceased": 0, "Resigned": 0, "Suspended": 1, "Ceased": 0,
    "Full-time": 1, "Part-time": 1, "On Leave": 1, "Retired": 0, "Elternzeit": 1, "ausgeschieden": 0, "Future Start": 0, "Active - Payroll Eligible": 1,
}  # fmt: skip


@pytest.mark.parametrize(("word", "employed"), STATUSES.items())
def test_status_words(word, employed, read):
    reading = read(payroll(f"{HEAD},Employment Status", more=[("Active",)] * 9 + [(word,)]))
    assert (len(reading.rows), reading.report.rows_rejected) == (9 + employed, 0)


def test_an_unknown_status_is_named_with_the_key_that_states_it(read):
    text = payroll(f"{HEAD},Status", more=[("Active",)] * 8 + [("Zeta",), ("Omega",)])
    reading = read(text)
    assert reading.report.reject_reasons == {"unknown_status": 2}
    assert "'Zeta' (1), 'Omega' (1). State it: `statuses: {Zeta: active}`" in said(reading)
    assert len(read(text, statuses={"zeta": "active", "OMEGA": "left"}).rows) == 9
    assert (
        read(text, statuses={"zeta": "ignore", "OMEGA": "left"}).report.filter_reasons["ignored_status"] == 1
    )


def test_contradictions_and_placeholders_are_counted(read):
    ends = [("Active", "2024-06-30")] * 2 + [("Active", "")] * 8
    reading = read(payroll(f"{HEAD},Status,Termination Date", more=ends))
    assert len(reading.rows) == 8 and "2 rows have an active status and an end date in the past" in said(
        reading
    )
    placeholder = read(payroll(hired=["1900-01-01", "1900-01-01", *HIRED[2:]]))
    assert "placeholder dates: 1900-01-01 (2)" in said(placeholder)


def test_spellings_of_one_department_are_one(read):
    text = (
        payroll()
        .replace("Ops", "SALES", 3)
        .replace("Ops", "Sales")
        .replace("Clerk", "Sales  rep", 1)
        .replace("Clerk", "Sales Rep")
    )
    reading = read(text)
    assert set(reading.rows["department"]) == {"Sales"} and set(reading.rows["job_title"]) == {"Sales Rep"}
    assert "'SALES' as 'Sales'" in said(reading)


SYSTEMS = {
    "Workday": ("Employee ID,Worker,Hire Date,Original Hire Date,Continuous Service Date,Business Title,Job Profile,Supervisory Organization,Cost Center,Worker Status,Total Base Pay Annualized - Amount,Currency,FTE", "1001,Ann A,2012-03-05,2010-01-01,2010-01-01,Analyst,Analyst II,Finance,CC10,Active,58000,USD,1"),
    "ADP": ("File Number,Associate ID,Payroll Name,Hire Date,Position Status,Job Title Description,Home Department Description,Annual Salary,Regular Pay Rate Amount,Rate Type", "000123,AX1,Ann,2012-03-05,Active,Analyst,Finance,58000,27.88,Hourly"),
    "BambooHR": ("Employee #,First Name,Last Name,Hire Date,Job Title,Department,Division,Employment Status,Pay Rate,Pay Type,Pay Per", "12,Ann,A,2012-03-05,Analyst,Finance,Corp,Full-Time,58000.00,Salary,Year"),
    "UKG": ("Employee Number,Employee Name,Last Hire,Original Hire,Job,Org Level 1,Employment Status,Annual Salary,Hourly Pay Rate", "0012,Ann A,2012-03-05,2010-01-01,Analyst,Finance,Active,58000,27.88"),
    "SuccessFactors": ("User ID,First Name,Hire Date,Original Start Date,Job Title,Department,Employee Status,Pay Grade,Annualized Salary,FTE", "sf12,Ann,2012-03-05,2010-01-01,Analyst,Finance,Active,G7,58000,1.0"),
    "Oracle": ("Person Number,Display Name,Enterprise Hire Date,Assignment Status,Job Name,Department Name,Annual Salary,Currency Code", "30001,Ann A,2012-03-05,Active - Payroll Eligible,Analyst,Finance,58000,USD"),
    "Paycom": ("Employee Code,Employee Name,Hire Date,Rehire Date,Position Title,Department Desc,Employee Status,Annual Salary,Termination Date", "A0F1,Ann A,2012-03-05,,Analyst,Finance,Active,58000,"),
    "Gusto": ("Employee ID,First name,Start date,End date,Job title,Department,Compensation,Compensation time unit,Employment status", "7,Ann,2012-03-05,,Analyst,Finance,58000.00,Year,Active"),
    "Rippling": ("Employee number,Full name,Start date,Title,Department,Employment type,Employment status,Annual compensation,Work email", "21,Ann A,2012-03-05,Analyst,Finance,Salaried full-time,Active,58000,ann@example.org"),
    "Personio": ("ID,First name,Hire date,Position,Department,Status,Fix salary,Fix salary interval,Termination date", "4711,Ann,2012-03-05,Analyst,Finance,active,58000,yearly,"),
    "HiBob": ("Employee ID,Display name,Start date,Job title,Department,Site,Status,Base salary,Salary Pay period", "88,Ann A,2012-03-05,Analyst,Finance,Berlin,Employed,58000,Annual"),
    "German payroll": ("Pers.-Nr.,Nachname,Eintritt,Austritt,Tätigkeit,Abteilung,Bruttojahresgehalt,Geschlecht,Beschäftigungsgrad", '00017,A,05.03.2012,,Analyst,Finance,"58.000,00 €",weiblich,100'),
    "German HR": ("Personalnummer,Vorname,Eintrittsdatum,Austrittsdatum,Stellenbezeichnung,Kostenstelle,Jahresgehalt", '00017,Ann,05.03.2012,31.12.9999,Analyst,Finance,"58.000,00"'),
    "French payroll": ("Matricule,Nom,Prénom,Date d'entrée,Date de sortie,Emploi,Service,Salaire annuel brut,Sexe", '00017,A,Ann,05.03.2012,,Analyst,Finance,"58 000,00 €",F'),
}  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS)
def test_headers_of_hr_systems(system, read):
    rows = read("\n".join(SYSTEMS[system]) + "\n").rows
    facts = (
        str(rows["hire_date"][0].date()),
        rows["base_pay"][0],
        rows["job_title"][0],
        rows["department"][0],
    )
    assert facts == ("2012-03-05", 58_000.0, "Analyst", "Finance")


def test_the_last_hire_is_taken_where_all_have_one_and_said(read):
    text = "Employee ID,Last Hire,Hire Date,Base Salary,Job Title,Department\nA,{},2010-01-05,50000,Clerk,Ops\nB,2015-01-05,2011-01-05,50000,Clerk,Ops\n"
    reading = read(text.format("2014-01-05"))
    assert reading.report.columns["hire_date"] == "Last Hire" and "not from 'Hire Date'" in said(reading)
    assert read(text.format("")).report.columns["hire_date"] == "Hire Date"


@pytest.mark.parametrize("identifier", ["078-05-1120", "078051120", "078 05 1120", "ann.archer@example.org"])
def test_ids_that_name_a_person_are_pseudonyms(identifier, read):
    other = identifier.replace("1120", "1121").replace("ann", "bob")
    text = [*payroll().replace("W01", identifier).splitlines()[:2], f"{other},2012-03-05,50000,Clerk,Ops"]
    reading = read("\n".join(text) + "\n")
    assert reading.rows["employee_id"].str.match(r"^H[0-9a-f]{20}$").all() and len(reading.rows) == 2
    assert identifier not in reading.report.rejects_file.read_text()


@pytest.mark.parametrize("twin", ["w01", "W01\u200b", "Ｗ01"])
def test_ids_that_differ_by_case_or_unicode_only_are_one_person(twin, read):
    reading = read(payroll() + f"{twin},2012-03-05,50000,Clerk,Ops\n")
    assert reading.report.reject_reasons == {"duplicate_id": 2}


def test_one_person_written_two_ways_between_years_is_no_turnover(settings, tmp_path):
    files = [tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.csv"]
    files[0].write_text(payroll().replace("W", "00"))
    files[1].write_text(payroll().replace("W0", "").replace("W", "").replace("2012-03-05", "2012-03-06"))
    first, second = read_years(settings, files[:2], as_of=[date(2024, 12, 31), date(2025, 12, 31)])
    assert set(first.people.index) == set(second.people.index)
    assert "ids of b.csv match those of a.csv only without case, leading zeros" in second.notices[-1]


def test_a_small_file_with_a_bad_row_names_the_setting_and_the_rows(settings, read):
    with pytest.raises(ImportBlocked, match=r"The first: line 12 \(missing_pay\)") as error:
        read(payroll() + "W11,2012-03-05,,Clerk,Ops\n", settings=settings)
    assert "PLANWISE_VALID_ROWS_MIN_SHARE" in str(error.value)


def test_a_compressed_file_with_dates_of_a_million_rows_is_read_per_distinct_cell(read):
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "Employee ID": [f"E{n}" for n in range(5000)],
            "Hire Date": [
                f"{m}/{d}/{y}"
                for m, d, y in zip(
                    rng.integers(1, 13, 5000),
                    rng.integers(1, 29, 5000),
                    rng.integers(1990, 2025, 5000),
                    strict=True,
                )
            ],
            "Base Salary": rng.integers(30_000, 150_000, 5000),
            "Job Title": "Clerk",
            "Department": "Ops",
        }
    )
    reading = read(gzip.compress(frame.to_csv(index=False).encode()), suffix="csv.gz")
    assert total(reading) == (5000, frame["Base Salary"].sum())
    assert (reading.rows["hire_date"] == pd.to_datetime(frame["Hire Date"], format="%m/%d/%Y")).all()
