from datetime import date

import pandas as pd
import pytest
from calibration_worlds import census, person

from planwise.calibration.years import quirks, transition, transitions

A = census(
    2020,
    person("stays", 40_000, hired="2012-03-01", born="1980-06-15"),
    person("leaves", 42_000, hired="2020-05-01", born="1999-12-31"),
    person("returns", 45_000, hired="2017-12-31"),
    person("falls", 50_000, hired="2010-01-01"),
    person("rehired", 41_000, hired="2015-01-01"),
    person("half", 30_000, hired="2015-01-01", fte=0.5),
    ids_in_file=frozenset({"stays", "leaves", "returns", "falls", "rehired", "half", "casual"}),
    rejected={"duplicate_id": 2, "missing_pay": 1},
    rows_filtered=1,
)
B = census(
    2021,
    person("stays", 41_200, hired="2012-03-01", born="1980-06-15"),
    person("falls", 49_000, hired="2010-01-01"),
    person("rehired", 41_000, hired="2021-02-01"),
    person("half", 30_000, hired="2015-01-01", fte=0.5),
    person("casual", 33_000, hired="2018-01-01"),
    person("new", 35_000, hired="2021-07-01"),
    ids_in_file=frozenset({"stays", "falls", "rehired", "half", "casual", "new", "leaves"}),
)
C = census(2022, person("stays", 42_000), person("returns", 46_000), person("new", 36_000))


def test_who_left_stayed_and_joined():
    step = transition(A, B)

    assert step.opening.index[step.opening["left"]].tolist() == ["leaves", "returns"]
    assert sorted(step.stayers.index) == ["falls", "half", "rehired", "stays"]
    assert step.stayers.loc["stays", "raise_rate"] == pytest.approx(0.03)
    assert step.entrants["new"].to_dict() == {"casual": False, "new": True}


def test_bands_are_those_on_the_first_day_of_the_year():
    opening = transition(A, B).opening

    # 31 December 2017 to 1 January 2021 are 3 whole years, 1 May 2020 none, 1 January 2010 eleven
    assert opening["tenure_band"].to_dict() == {
        "stays": "6_to_10",
        "leaves": "under_1",
        "returns": "3_to_5",
        "falls": "over_10",
        "rehired": "6_to_10",
        "half": "6_to_10",
    }
    assert opening["age_band"].to_dict() == {
        "stays": "35_to_44",
        "leaves": "under_25",
        "returns": "not available",
        "falls": "not available",
        "rehired": "not available",
        "half": "not available",
    }


def test_what_looks_odd_is_counted():
    years = (A, B, C)
    first, second = quirks(years, transitions(years))

    assert first == {
        "year": "2020-12-31 to 2021-12-31",
        "left_and_came_back_later": 1,
        "entrants_who_were_there_before": 0,
        "entrants_hired_before_the_year": 1,
        "exits_still_in_the_next_file": 1,
        "entrants_in_the_last_file": 1,
        "hire_date_changed": 1,
        "rehired_within_the_year": 1,
        "pay_falls": 1,
        "part_time": 1,
        "rejected_duplicate_ids": 2,
        "rejected_rows": 3,
        "filtered_rows": 1,
    }
    assert second["entrants_who_were_there_before"] == 1
    assert second["exits_still_in_the_next_file"] is None  # a census of the home: the file is not known


def test_a_census_of_new_year_opens_that_very_day():
    new_year = census(2020, person("a", 1))
    assert new_year.opening == date(2021, 1, 1)
    moved = type(new_year)(**{**vars(new_year), "as_of": date(2021, 1, 1)})
    assert moved.opening == date(2021, 1, 1)


def test_nobody_is_lost():
    for step in transitions((A, B, C)):
        assert len(step.opening) - step.opening["left"].sum() + len(step.entrants) == len(step.after.people)
        assert isinstance(step.stayers, pd.DataFrame)
