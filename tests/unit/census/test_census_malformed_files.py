# ruff: noqa: E501 - tables are read by row
"""Every malformed file ends in a clear error that names the trouble, and never registers anything."""

import gzip

import pytest

from planwise.census import list_censuses
from planwise.errors import InputError

HEAD = "employee_id,hire_date,base_pay,job_title,department"
GOOD = f"{HEAD}\nE1,2010-01-05,50000,Clerk,Ops\n"

UNREADABLE = {
    "empty": (b"", "is empty"),
    "only line ends": (b"\r\n\r\n", "is empty"),
    "only a header": (HEAD, "header and no rows"),
    "only delimiters": (",,,\n,,,\n", "holds no text"),
    "cut gzip": (gzip.compress(GOOD.encode())[:30], "damaged gzip"),
    "fake gzip": (b"\x1f\x8bnonsense", "damaged gzip"),
    "fake excel": (b"PK\x03\x04nonsense", "not a readable Excel"),
    "old fake excel": (b"\xd0\xcf\x11\xe0nonsense", "not a readable Excel"),
    "fake parquet": (b"PAR1nonsense", "Parquet"),
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
    "a name is no id": (GOOD.replace("employee_id", "Full Name"), "columns: {employee_id: Full Name}` is hashed"),
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
def test_a_malformed_file_is_refused(case, bring, lenient):
    content, message = (UNREADABLE | UNMAPPABLE)[case]

    with pytest.raises(InputError, match=_literal(message)):
        bring(content)

    assert list_censuses(lenient) == ()


def test_a_missing_file_is_refused(lenient, tmp_path):
    from planwise.census import import_census

    with pytest.raises(InputError, match="cannot be read"):
        import_census(lenient, tmp_path / "nowhere.csv")


def _literal(message: str) -> str:
    import re

    return "|".join(map(re.escape, message.split("|")))
