"""One bad row among good ones: it is rejected for its reason, the others are accepted, all are counted."""

import json

import pandas as pd
import pytest

from planwise.census import ImportBlocked, census_in_use, generate_census, list_censuses
from planwise.settings import Settings

HEAD = "employee_id,hire_date,base_pay,job_title,department"
GOOD = "E1,2010-01-05,50000,Clerk,Ops"
EXTRA = f"{HEAD},birth_date,level_id,performance_rating,fte,termination_date,active"
EXTRA_GOOD = f"{GOOD},1980-02-03,1,3,1,,yes"

BAD_ROWS = {
    "missing_id": ",2011-01-05,50000,Clerk,Ops",
    "reserved_id": "NEW-2026-1,2011-01-05,50000,Clerk,Ops",
    "missing_hire_date": "E2,,50000,Clerk,Ops",
    "unparsable_date": "E2,2011-02-30,50000,Clerk,Ops",
    "hire_after_census_date": "E2,2021-01-01,50000,Clerk,Ops",
    "missing_pay": "E2,2011-01-05,,Clerk,Ops",
    "unparsable_pay": "E2,2011-01-05,fifty,Clerk,Ops",
    "non_positive_pay": "E2,2011-01-05,0.00,Clerk,Ops",
    "implausible_pay": "E2,2011-01-05,5000000000,Clerk,Ops",
    "missing_job_title": "E2,2011-01-05,50000,,Ops",
    "missing_department": "E2,2011-01-05,50000,Clerk,",
    "wrong_field_count": "E2,2011-01-05,50000,Clerk",
    "wrong_field_count ": "E2,2011-01-05,50,000,Clerk,Ops",
    "unparsable_date ": "E2,yesterday,50000,Clerk,Ops",
    "unparsable_date  ": "E2,0010-01-05,50000,Clerk,Ops",
    "non_positive_pay ": 'E2,2011-01-05,"($1,200.00)",Clerk,Ops',
    "unparsable_pay ": 'E2,2011-01-05,"$1,2,3",Clerk,Ops',
    "unparsable_pay  ": "E2,2011-01-05,5e4,Clerk,Ops",
    "unparsable_pay   ": "E2,2011-01-05,nan,Clerk,Ops",
    "unparsable_pay    ": "E2,2011-01-05,99999999999999999999,Clerk,Ops",
}
BAD_EXTRA_ROWS = {
    "impossible_age": "E2,2019-01-05,50000,Clerk,Ops,2007-06-01,1,3,1,,yes",
    "impossible_age ": "E2,1990-01-05,50000,Clerk,Ops,1919-12-31,1,3,1,,yes",
    "impossible_age  ": "E2,1990-01-05,50000,Clerk,Ops,1980-01-01,1,3,1,,yes",
    "impossible_age   ": "E2,1990-01-05,50000,Clerk,Ops,2030-01-01,1,3,1,,yes",
    "unparsable_date": "E2,1990-01-05,50000,Clerk,Ops,long ago,1,3,1,,yes",
    "level_out_of_range": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,6,3,1,,yes",
    "level_out_of_range ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,0,3,1,,yes",
    "level_out_of_range  ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,,3,1,,yes",
    "level_out_of_range   ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,senior,3,1,,yes",
    "rating_out_of_range": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,6,1,,yes",
    "rating_out_of_range ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,3.5,1,,yes",
    "fte_out_of_range": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,3,1.2,,yes",
    "fte_out_of_range ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,3,0,,yes",
    "fte_out_of_range  ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,3,half,,yes",
    "unparsable_date ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,3,1,soon,yes",
    "unreadable_active_flag": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,3,1,,perhaps",
}


@pytest.mark.parametrize(
    ("reason", "lines"),
    [(r, (HEAD, GOOD, row)) for r, row in BAD_ROWS.items()]
    + [(r, (EXTRA, EXTRA_GOOD, row)) for r, row in BAD_EXTRA_ROWS.items()],
)
def test_a_bad_row_is_rejected_with_its_reason_and_line(reason, lines, bring, stored):
    result = bring("\n".join(lines))

    report = result.report
    assert (report.rows_read, report.rows_accepted, report.rows_rejected, report.rows_filtered) == (
        2,
        1,
        1,
        0,
    )
    assert report.reject_reasons == {reason.strip(): 1}
    rejects = pd.read_csv(report.rejects_file, dtype=str)
    assert rejects[["line", "reason"]].values.tolist() == [["3", reason.strip()]]
    assert stored(result)["employee_id"].tolist() == ["E1"]


def test_rows_of_one_id_that_differ_are_all_rejected(bring, stored):
    result = bring(f"{HEAD}\n{GOOD}\nE2,2010-01-05,1,Clerk,Ops\nE2,2010-01-05,2,Clerk,Ops\n")

    assert result.report.reject_reasons == {"duplicate_id": 2}
    assert stored(result)["employee_id"].tolist() == ["E1"]


def test_a_row_written_twice_counts_once(bring, stored):
    result = bring(f"{HEAD}\n{GOOD}\n{GOOD}\n{GOOD}\n")

    assert result.report.reject_reasons == {"duplicate_id": 2}
    assert stored(result)["employee_id"].tolist() == ["E1"]


def test_leavers_are_filtered_not_rejected_whatever_else_their_row_says(bring, stored):
    leavers = (
        "E2,2010-01-05,-1,Clerk,Ops,,,,,2015-01-01,yes\n"
        "E3,2010-01-05,50000,Clerk,Ops,1980-02-03,1,3,1,,Terminated\n"
        "E1,2001-01-05,40000,Clerk,Ops,1980-02-03,1,3,1,2005-01-01,yes\n"  # left, and was hired again
        "E4,2010-01-05,50000,Clerk,Ops,1980-02-03,1,3,1,2021-06-30,yes\n"  # leaves after the census date
    )
    result = bring(f"{EXTRA}\n{EXTRA_GOOD}\n{leavers}")

    assert result.report.filter_reasons == {"filter": 0, "left": 3}
    assert (result.report.rows_rejected, result.report.valid_share) == (0, 1.0)
    assert stored(result)["employee_id"].tolist() == ["E1", "E4"]


def test_absent_facts_are_said_to_be_absent_and_defaults_are_noted(bring, stored):
    plain = bring(f"{HEAD}\n{GOOD}\n")
    assert not any(plain.census.availability.values())
    assert stored(plain)[["performance_rating", "fte"]].astype(float).values.tolist() == [[3.0, 1.0]]

    partial = bring(f"{HEAD},gender,performance_rating\n{GOOD},Female,\nE2,2011-01-05,6,a,b,unknown,5\n")
    assert partial.census.availability == {
        "birth_date": False, "gender": True, "ethnicity": False, "performance_rating": True,
    }  # fmt: skip
    assert stored(partial)["gender"].tolist() == ["F", None]
    assert "1 rows without performance_rating were given 3." in partial.report.notices


def test_blank_lines_are_not_rows(bring):
    report = bring(f"{HEAD}\n\n,,,,\n   \n{GOOD}\n\n\n").report

    assert (report.rows_read, report.rows_accepted) == (1, 1)


def test_the_gate_blocks_below_the_share_and_leaves_everything_as_it_was(bring, settings: Settings):
    before = generate_census(settings, employees=10)
    rows = [f"E{n},2010-01-05,{50000 + n},Clerk,Ops" for n in range(999)]

    with pytest.raises(ImportBlocked, match="2 of 1,000 rows are not valid") as blocked:
        bring("\n".join([HEAD, *rows[:-1], "X,,5,a,b", "Y,2010-01-05,-5,a,b"]), settings=settings)

    assert blocked.value.exit_code == 3
    report = json.loads(blocked.value.report.report_file.read_text())
    assert (report["census"], report["rows_rejected"]) == (None, 2)
    assert len(pd.read_csv(report["rejects_file"])) == 2
    assert census_in_use(settings) == before.name
    assert [c.name for c in list_censuses(settings)] == [before.name]


def test_the_gate_passes_at_the_share_exactly(bring, settings: Settings):
    rows = [f"E{n},2010-01-05,{50000 + n},Clerk,Ops" for n in range(999)]

    result = bring("\n".join([HEAD, *rows, "X,,5,a,b"]), settings=settings)

    assert (result.report.rows_accepted, result.report.valid_share) == (999, 0.999)
    assert census_in_use(settings) == "payroll"


def test_the_rejects_file_runs_no_formula(bring):
    report = bring(f"{HEAD}\n{GOOD}\n=HYPERLINK(1),,5,@SUM(A1),+cmd\n-2+3,,5,a,b\n").report

    cells = pd.read_csv(report.rejects_file, dtype=str, keep_default_na=False).to_numpy().ravel()
    assert {"'=HYPERLINK(1)", "'@SUM(A1)", "'+cmd", "'-2+3"} <= set(cells)
    assert not [c for c in cells if c.startswith(("=", "+", "-", "@"))]


def test_names_and_numbers_of_persons_are_nowhere_in_the_home(bring, lenient):
    text = (
        "Employee Name,SSN,Hire Date,Base Salary,Job Title,Department\n"
        "Ada Lovelace,123-45-6789,2010-01-05,50000,Clerk,Ops\nCharles Babbage,987-65-4321,,50000,Clerk,Ops\n"
    )
    by_name = bring(text, mapping={"columns": {"employee_id": "Employee Name"}})
    by_number = bring(text, mapping={"columns": {"employee_id": "SSN"}}, name="other")

    assert by_name.report.columns_dropped == ["SSN"]
    assert by_number.report.columns_dropped == ["Employee Name"]
    written = b"".join(p.read_bytes() for p in lenient.root.rglob("*") if p.is_file())
    for secret in (b"Lovelace", b"lovelace", b"Babbage", b"123-45", b"987-65", b"123456789"):
        assert secret not in written


def test_numbers_written_like_ssn_are_hashed_whatever_the_header(bring, stored):
    result = bring(f"{HEAD}\n123-45-6789,2010-01-05,50000,Clerk,Ops\n")

    assert stored(result)["employee_id"].str.match(r"^H[0-9a-f]{20}$").all()
