# ruff: noqa: E501 - tables are read by row
"""Cells, rows and levels: each invalid row is rejected for its reason; all rows are counted."""

import json
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.census import ImportBlocked, census_in_use, generate_census, list_censuses
from planwise.census.dates import parse_dates
from planwise.census.levels import by_pay_quantiles, by_ranges, by_title, ranges_around_medians
from planwise.census.mapping import Range
from planwise.census.numbers import parse_money
from planwise.census.registry import levels_table
from planwise.errors import InputError
from planwise.settings import Settings

HEAD = "employee_id,hire_date,base_pay,job_title,department"
GOOD = "E1,2010-01-05,50000,Clerk,Ops"
EXTRA = f"{HEAD},birth_date,level_id,performance_rating,fte,termination_date,active"
EXTRA_GOOD = f"{GOOD},1980-02-03,1,3,1,,yes"

BAD_ROWS = {
    "missing_id": ",2011-01-05,50000,Clerk,Ops",
    "reserved_id": "NEW-2026-1,2011-01-05,50000,Clerk,Ops",
    "missing_hire_date": "E2,,50000,Clerk,Ops",
    "unparsable_hire_date": "E2,2011-02-30,50000,Clerk,Ops",
    "hire_after_census_date": "E2,2023-01-01,50000,Clerk,Ops",
    "missing_pay": "E2,2011-01-05,,Clerk,Ops",
    "unparsable_pay": "E2,2011-01-05,fifty,Clerk,Ops",
    "non_positive_pay": "E2,2011-01-05,0.00,Clerk,Ops",
    "implausible_pay": "E2,2011-01-05,5000000000,Clerk,Ops",
    "missing_job_title": "E2,2011-01-05,50000,,Ops",
    "missing_department": "E2,2011-01-05,50000,Clerk,",
    "wrong_field_count": "E2,2011-01-05,50000,Clerk",
    "wrong_field_count ": "E2,2011-01-05,50,000,Clerk,Ops",
    "unparsable_hire_date ": "E2,yesterday,50000,Clerk,Ops",
    "unparsable_hire_date  ": "E2,0010-01-05,50000,Clerk,Ops",
    "non_positive_pay ": 'E2,2011-01-05,"($1,200.00)",Clerk,Ops',
    "unparsable_pay ": 'E2,2011-01-05,"$1,2,3",Clerk,Ops',
    "unparsable_pay  ": "E2,2011-01-05,5e4,Clerk,Ops",
    "missing_pay ": "E2,2011-01-05,nan,Clerk,Ops",
    "unparsable_pay    ": "E2,2011-01-05,99999999999999999999,Clerk,Ops",
}
BAD_EXTRA_ROWS = {
    "impossible_age": "E2,2019-01-05,50000,Clerk,Ops,2007-06-01,1,3,1,,yes",
    "impossible_age ": "E2,1990-01-05,50000,Clerk,Ops,1919-12-31,1,3,1,,yes",
    "impossible_age  ": "E2,1990-01-05,50000,Clerk,Ops,1980-01-01,1,3,1,,yes",
    "impossible_age   ": "E2,1990-01-05,50000,Clerk,Ops,2030-01-01,1,3,1,,yes",
    "unparsable_birth_date": "E2,1990-01-05,50000,Clerk,Ops,long ago,1,3,1,,yes",
    "level_out_of_range": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,6,3,1,,yes",
    "level_out_of_range ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,0,3,1,,yes",
    "level_out_of_range  ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,,3,1,,yes",
    "level_out_of_range   ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,senior,3,1,,yes",
    "rating_out_of_range": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,6,1,,yes",
    "rating_out_of_range ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,3.5,1,,yes",
    "fte_out_of_range": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,3,1.2,,yes",
    "fte_out_of_range ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,3,0,,yes",
    "fte_out_of_range  ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,3,half,,yes",
    "unparsable_termination_date ": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,3,1,soon,yes",
    "unknown_status": "E2,2011-01-05,50000,Clerk,Ops,1980-02-03,1,3,1,,perhaps",
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
        "E4,2010-01-05,50000,Clerk,Ops,1980-02-03,1,3,1,2021-06-30,yes\n"  # leaves within a year
        "E5,2010-01-05,50000,Clerk,Ops,1980-02-03,1,3,1,2024-06-30,yes\n"  # a contract that ends later
        "E6,2021-02-01,50000,Clerk,Ops,1980-02-03,1,3,1,,yes\n"  # starts after the census date
    )
    result = bring(f"{EXTRA}\n{EXTRA_GOOD}\n{leavers}")

    assert result.report.filter_reasons == {"filter": 0, "left": 3, "known_leaver": 1, "not_started": 1}
    assert (result.report.rows_rejected, result.report.valid_share) == (0, 1.0)
    assert stored(result)["employee_id"].tolist() == ["E1", "E5"]
    said = " ".join(result.report.notices)
    assert "1 person with an end date within a year" in said and "1 person with a start after" in said


def test_absent_facts_are_said_to_be_absent_and_defaults_are_noted(bring, stored):
    plain = bring(f"{HEAD}\n{GOOD}\n")
    assert not any(plain.census.availability.values())
    assert stored(plain)[["performance_rating", "fte"]].astype(float).values.tolist() == [[3.0, 1.0]]

    partial = bring(f"{HEAD},gender,performance_rating\n{GOOD},Female,\nE2,2011-01-05,6,a,b,unknown,5\n")
    assert partial.census.availability == {
        "birth_date": False, "gender": True, "ethnicity": False, "performance_rating": True,
        "job_family": False, "location": False, "manager_id": False,
    }  # fmt: skip
    assert stored(partial)["gender"].tolist() == ["F", None]
    assert "1 row was given performance_rating 3, having none." in partial.report.notices


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
    assert [c.name for c in list_censuses(settings)[0]] == [before.name]


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


AS_OF = date(2015, 6, 30)


def cents(*texts: str, style: str | None = None) -> list[int | None]:
    money = parse_money(pd.Series(texts, dtype=object), style)
    return [None if bad else int(c) for c, bad in zip(money.cents, money.bad, strict=True)]


def days(*texts: str, as_of: date = AS_OF, fmt: str | None = None, past: bool = False) -> list[str | None]:
    dates = parse_dates(pd.Series(texts, dtype=object), as_of, fmt, past=past)
    return [None if pd.isna(d) else d.date().isoformat() for d in dates.days]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('$69,222.18 ', 6_922_218), ("69222.18", 6_922_218), ("69222", 6_922_200), ("69222.1", 6_922_210),
        ("69222.", 6_922_200), ("USD 69,222", 6_922_200), ("69 222.18", 6_922_218), ("69'222.18", 6_922_218),
        ("69\u00a0222.18", 6_922_218), ("69222.18 €", 6_922_218), ("£1,000", 100_000), ("-5", -500), ("(5.00)", -500), ("5-", -500),
        ("-$5", -500), ("$-5", -500), ("−5", -500), ("0.005", 1), ("69222.185", 6_922_219), ("69222.1849999", 6_922_218),
        ("", None), ("$", None), ("abc", None), ("1,23", None), ("1,2345", None), ("12,34,567", 123_456_700), ("--5", None), ("(-5)", None),
        ("(5", None), ("5)", None), ("1e5", None), ("nan", None), ("inf", None), ("5 USD extra", None), ("１００", None), (".", None),
        ("1234567890123", None),
    ],
)  # fmt: skip
def test_money(text, expected):
    assert cents(text, style="1,234.56") == [expected]


def test_one_european_value_decides_for_the_column():
    assert cents("69.222,18 €", "50.000", "1000") == [6_922_218, 5_000_000, 100_000]


def test_one_american_value_decides_for_the_column():
    assert cents("69,222.18", "50.123", "69.222,18") == [6_922_218, None, None]


def test_money_that_can_be_read_two_ways_is_rejected_unless_stated():
    with pytest.raises(InputError, match="thousands or decimals"):
        cents("50.000", "60.000")
    assert cents("50.000", style="1.234,56") == [5_000_000]
    with pytest.raises(InputError, match=r"formats\.base_pay"):
        cents("1", style="money")


@given(
    st.lists(st.decimals(min_value=Decimal("0.01"), max_value=Decimal("999999999.99"), places=2), min_size=1)
)
def test_money_round_trips_through_every_usual_spelling(amounts: list[Decimal]):
    expected = [int(a * 100) for a in amounts]
    for spelling in ("{:.2f}", "${:,.2f} ", "{:,.2f}", "USD {:.2f}"):
        assert cents(*(spelling.format(a) for a in amounts)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2010-01-05", "2010-01-05"), ("2010-1-5", "2010-01-05"), ("20100105", "2010-01-05"), ("2010/01/05", "2010-01-05"),
        ("2010-01-05 00:00:00", "2010-01-05"), ("2010-01-05T12:30:00Z", "2010-01-05"), ("1/15/2010", "2010-01-15"),
        ("01/15/10", "2010-01-15"), ("5-Jan-2010", "2010-01-05"), ("05 January 2010", "2010-01-05"), ("Jan 5, 2010", "2010-01-05"),
        ("5-jan-68", "1968-01-05"), ("5.1.2010", "2010-01-05"), ("2/29/2012", "2012-02-29"), ("2/29/2011", None), ("13/13/2010", None),
        ("0/5/2010", None), ("2010", None), ("", None), ("n/a", None), ("00/00/00", None), ("1/5/210", None), ("1899-12-31", None),
        ("5-Foo-2010", None), ("9999-12-31", None),
    ],
)  # fmt: skip
def test_dates(text, expected):
    assert days(text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6/30/15", "2015-06-30"), ("7/31/15", "2015-07-31"), ("1/31/35", "2035-01-31"), ("7/31/35", "1935-07-31"),
        ("5/31/52", "1952-05-31"), ("5/31/68", "1968-05-31"), ("5/31/69", "1969-05-31"), ("1/1/00", "2000-01-01"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("fmt", [None, "%m/%d/%y"])
def test_two_digit_years_lie_within_80_years_before_and_20_after_the_census(text, expected, fmt):
    assert days(text, fmt=fmt) == [expected]


def test_two_digit_birth_years_are_past():
    assert days("7/1/15", "6/30/15", past=True) == ["1915-07-01", "2015-06-30"]


def test_four_digit_years_are_never_moved():
    assert days("7/31/2068", "2068-07-31") == ["2068-07-31", "2068-07-31"]


def test_one_day_above_12_decides_the_order_for_the_column():
    assert days("13/02/2010", "03/02/2010") == ["2010-02-13", "2010-02-03"]
    assert days("02/13/2010", "03/02/2010") == ["2010-02-13", "2010-03-02"]


def test_an_order_that_no_value_settles_is_asked():
    with pytest.raises(
        InputError, match="nothing in the column shows whether 03/02/2010 is month/day/year or"
    ):
        days("03/02/2010")
    assert days("03/03/2010") == ["2010-03-03"], "the same day in any order"
    with pytest.raises(InputError, match="dates of two orders"):
        days("13/02/2010", "02/13/2010")


@pytest.mark.parametrize("fmt", ["banana", "%m/%d", "%Y", "%H:%M"])
def test_a_format_that_gives_no_date_is_rejected(fmt):
    with pytest.raises(InputError, match="does not name year, month and day"):
        days("1/1/2010", fmt=fmt)


def test_an_explicit_format_is_the_only_one():
    assert days("03.02.2010", "2010-02-03", fmt="%d.%m.%Y") == ["2010-02-03", None]


@given(st.lists(st.dates(date(1936, 1, 1), AS_OF), min_size=1))
def test_dates_round_trip_through_every_usual_spelling(dates: list[date]):
    expected = [d.isoformat() for d in dates]
    unambiguous = [*dates, date(2010, 12, 31)]
    assert days(*(d.isoformat() for d in dates)) == expected
    assert days(*(f"{d:%d-%b-%Y}" for d in dates)) == expected
    assert days(*(f"{d.month}/{d.day}/{d:%y}" for d in unambiguous))[:-1] == expected
    assert days(*(f"{d:%d/%m/%Y}" for d in unambiguous))[:-1] == expected


TABLE = (Range(level_id=1, minimum=10, maximum=20), Range(level_id=2, minimum=20, maximum=50))


def test_quantiles_give_the_mix():
    settled = by_pay_quantiles(np.arange(1_000, 101_000, 100))

    assert np.bincount(settled.level_id).tolist() == [0, 400, 300, 180, 90, 30]
    first, last = settled.ranges.iloc[0], settled.ranges.iloc[-1]
    assert (first["name"], first["minimum"], first["maximum"]) == (
        "Pay band 1",
        174.58,
        244.42,
    )  # 209.50 / 1.2
    assert (last["name"], last["minimum"], last["maximum"]) == ("Pay band 5", 765.0, 1224.0)  # 994.50 / 1.3


@given(
    st.lists(st.integers(1, 10**7), min_size=1, max_size=60)
    | st.lists(st.integers(1, 4), min_size=1, max_size=60)
)
def test_ranges_lie_around_the_median_of_their_level_whatever_the_ties(pays: list[int]):
    cents = np.array(pays) * 100
    settled = by_pay_quantiles(cents)

    table = levels_table(settled.ranges)  # rising
    assert (
        sorted(set(settled.level_id.tolist()))
        == settled.ranges["level_id"].tolist()
        == table["level_id"].to_pylist()
    )
    for row in settled.ranges.itertuples():
        median = np.median(cents[settled.level_id == row.level_id]) / 100
        assert (row.minimum + row.maximum) / 2 == pytest.approx(median, abs=0.011)
        assert row.maximum / row.minimum - 1 == pytest.approx(
            0.35 + 0.05 * row.level_id, abs=0.03 / row.minimum
        )
    for pay in set(cents.tolist()):
        assert len(set(settled.level_id[cents == pay].tolist())) == 1


def test_too_few_distinct_pays_collapse_and_say_so():
    settled = by_pay_quantiles(np.array([50_000_00] * 9 + [60_000_00]))

    assert settled.level_id.tolist() == [1] * 9 + [2]
    assert "2 created" in settled.notices[0]


def test_one_pay_gives_one_level_around_it():
    assert by_pay_quantiles(np.array([50_000_00])).ranges[["minimum", "maximum"]].values.tolist() == [
        [41_666.67, 58_333.33]  # 50,000 / 1.2, and as far above
    ]


@pytest.mark.parametrize(
    ("pay", "level"), [(9.99, 0), (10, 1), (19.99, 1), (20, 2), (49.99, 2), (50, 0), (-1, 0)]
)
def test_ranges_are_half_open_without_gaps(pay, level):
    assert by_ranges(np.array([round(pay * 100)]), TABLE).level_id.tolist() == [level]


@pytest.mark.parametrize(
    ("second", "message"),
    [((25, 50), "a gap"), ((15, 50), "an overlap")],
)
def test_a_range_table_with_a_gap_or_an_overlap_is_rejected(second, message):
    with pytest.raises(InputError, match=message):
        by_ranges(np.array([1]), (TABLE[0], Range(level_id=2, minimum=second[0], maximum=second[1])))


def test_a_level_outside_1_to_5_or_twice_is_rejected():
    for ids in ((1, 1), (5, 6), (0, 1)):
        with pytest.raises(InputError, match="each level once, from 1 to 5"):
            by_ranges(np.array([1]), tuple(Range(level_id=i, minimum=1, maximum=2) for i in ids))


def test_titles_are_matched_whatever_their_case_and_spaces_and_nothing_is_guessed():
    titles = pd.Series(["CLERK", " chief  of staff", "Intern"])

    assert by_title(titles, {"Clerk": 1, "Chief of Staff": 4}).tolist() == [1, 4, 0]
    with pytest.raises(InputError, match="outside 1 to 5"):
        by_title(titles, {"Clerk": 6})


def test_given_levels_have_their_median_as_midpoint():
    """Spreads of levels 2, 3 and 4 are 45, 50 and 55 %: 100 / 1.225, 400 / 1.25, 900 / 1.275."""
    ranges = ranges_around_medians(np.array([100_00, 100_00, 400_00, 900_00]), np.array([2, 2, 3, 4]))

    assert ranges["level_id"].tolist() == [2, 3, 4]
    assert ranges["minimum"].tolist() == [81.63, 320.0, 705.88]
    assert ranges["maximum"].tolist() == [118.37, 480.0, 1094.12]


def test_requested_levels_win_over_a_guessed_column_and_rejects_have_their_reason(bring):
    text = (
        "employee_id,hire_date,base_pay,job_title,department,level_id\n"
        "E1,2010-01-01,15,Clerk,Ops,5\nE2,2010-01-01,30,Chief,Ops,1\nE3,2010-01-01,50,Intern,Ops,1\n"
    )
    ranges = {1: [10, 20], 2: [20, 50]}

    by_range = bring(text, mapping={"levels": "ranges", "ranges": ranges}).report
    assert by_range.reject_reasons == {"pay_outside_ranges": 1}
    by_map = bring(text, mapping={"levels": {"clerk": 1, "chief": 2}}).report
    assert by_map.reject_reasons == {"title_without_level": 1}
    assert by_map.levels_from == "title, ranges around median pay"
    assert [row["name"] for row in by_map.levels] == ["Pay band 1", "Pay band 2"]
    overlapping = {"levels": {"clerk": 1, "chief": 2}, "ranges": {1: [10, 30], 2: [20, 50]}}
    named = bring(text, mapping={**overlapping, "level_names": {2: "Chiefs"}}).report
    assert [(row["name"], row["minimum"]) for row in named.levels] == [("Pay band 1", 10), ("Chiefs", 20)]
    assert bring(text, levels="pay-quantiles").report.levels_from == "pay-quantiles (asked for)"
    assert "default" in bring(text.replace("level_id", "x")).report.levels_from
    with pytest.raises(InputError, match="--levels"):
        bring(text, levels="magic")
    with pytest.raises(InputError, match="nothing uses them"):
        bring(text.replace("level_id", "x"), mapping={"ranges": ranges})
