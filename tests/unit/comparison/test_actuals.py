"""Actuals after a release: every trigger fired and just not, both layouts, and files that cannot be used."""

from datetime import UTC, date, datetime

import pytest

from planwise.errors import InputError
from planwise.release.actuals import (
    Observation,
    ReleasedFigures,
    check_actuals,
    read_actuals,
    review_date,
    rollback_recommended,
)

TODAY = date(2026, 9, 30)
PLAN = ReleasedFigures(
    "prod",
    "f",
    {
        2026: {
            "payroll": 800_000.0,
            "headcount": 10,
            "turnover": 0.1,
            "satisfaction": None,
            "market_position": 1.1,
        }
    },
)
READ = ["date,payroll,headcount,turnover,satisfaction,market_position"]


def read(tmp_path, *lines):
    file = tmp_path / "actuals.csv"
    file.write_text("\n".join(lines) + "\n")
    return read_actuals(file, today=TODAY).observations


@pytest.mark.parametrize(
    ("metric", "value", "before", "fired"),
    [
        ("payroll", 880_000, None, True),
        ("payroll", 879_999, None, False),
        ("payroll", 600_000, None, False),
        ("turnover", 0.12, None, True),
        ("turnover", 0.1199, None, False),
        ("satisfaction", 3.4, 4.0, True),
        ("satisfaction", 3.41, 4.0, False),
        ("market_position", 0.99, None, True),
        ("market_position", 0.991, None, False),
        ("headcount", 30, None, False),
    ],
)
def test_each_trigger_at_its_limit_and_just_under(metric, value, before, fired):
    (found,) = check_actuals([Observation(TODAY, metric, value, before)], PLAN)
    assert (found.fired, found.why) == (fired, None)
    high = metric in ("payroll", "turnover")
    assert rollback_recommended([found]) == (fired and high)


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (Observation(TODAY, "satisfaction", 3.0), "the plan has no figure"),
        (Observation(date(2031, 1, 1), "payroll", 9e9), "no year 2031, only 2026"),
        (Observation(TODAY, "turnover", 0.5, 0.0), "to compare with is 0"),
    ],
)
def test_what_cannot_be_compared_says_why_and_fires_nothing(seen, why):
    (found,) = check_actuals([seen], PLAN)
    assert why in found.why and found.deviation is None and not found.fired
    assert found.as_json()["deviation"] is None


def test_a_row_a_date_with_figures_to_compare_with(tmp_path):
    found = read(
        tmp_path,
        *READ,
        "2026-06-30,,11,12%,3.0,",
        "baseline,,,,4,",
        '2026-03-31,"810,000.50",10,0.11,3.9,1.05',
    )
    assert found[:3] == (
        Observation(date(2026, 3, 31), "payroll", 810_000.5),
        Observation(date(2026, 3, 31), "headcount", 10),
        Observation(date(2026, 3, 31), "turnover", 0.11),
    )
    assert found[-1] == Observation(date(2026, 6, 30), "satisfaction", 3.0, 4.0)
    assert [one.value for one in found if one.metric == "turnover"] == [0.11, 0.12]


def test_a_row_a_metric(tmp_path):
    found = read(tmp_path, "Metric;Value;Baseline", "Market Position;0.95;1.0", "payroll;812000;")
    assert found == (
        Observation(TODAY, "payroll", 812_000),
        Observation(TODAY, "market_position", 0.95, 1.0),
    )


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["metric,value"], "no row of actuals"),
        (["metric,amount", "payroll,1"], "no column value"),
        (["payroll,turnover", "1,2"], "no column date"),
        ([*READ, ",,,,,"], "no row of actuals"),
        (["date,payrol", "2026-01-01,1"], "unknown column 'payrol'"),
        (["metric,value", "turnovr,0.1"], "line 2: unknown metric 'turnovr'"),
        (["metric,value", "payroll,"], "line 2: payroll has no value"),
        (["metric,value", "payroll,81.250.000"], "line 2: value is not a number"),
        (["metric,value", "payroll,-5"], "line 2: value is not a number"),
        (["metric,value", "payroll,nan"], "line 2: value is not a number"),
        (["metric,value", "turnover,14"], "over 100 % a year"),
        (["metric,value", "payroll,104%"], "payroll is an amount"),
        (["metric,value", "payroll,81,250,000"], "line 2: 4 fields"),
        (["metric,value", "payroll,1", "payroll,2"], "payroll of 2026-09-30 twice"),
        (["date,payroll", "31.3.2026,1"], "line 2: date '31.3.2026' is not a date"),
        (["date,payroll", "baseline,1", "2026-01-01,"], "has no figure"),
        (["metric,value,metric", "payroll,1,payroll"], "the column metric twice"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, lines, text):
    with pytest.raises(InputError) as raised:
        read(tmp_path, *lines)
    assert text in raised.value.what and raised.value.remedy
    assert "81.250" not in str(raised.value)  # pay is not quoted


def test_a_review_is_thirty_days_after_the_release():
    assert review_date(datetime(2026, 11, 28, 23, 30, tzinfo=UTC)) == date(2026, 12, 28)
