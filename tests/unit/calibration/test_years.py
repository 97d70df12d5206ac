"""Yearly censuses: read, put on one scale of levels, and what changed between them."""

from datetime import date

import pandas as pd
import pytest
from calibration_worlds import RANGES, census, person

from planwise.calibration.estimate import on_one_scale
from planwise.calibration.years import (
    _with_plain_departments,
    levels_of,
    quirks,
    read_years,
    transition,
    transitions,
)
from planwise.census import default_levels, register_census
from planwise.errors import InputError
from planwise.settings import Settings

HEADER = "id,hired,salary,title,department,unit\n"
MAPPING = {
    "columns": {
        "employee_id": "id",
        "hire_date": "hired",
        "base_pay": "salary",
        "job_title": "title",
        "department": "department",
    },
    "formats": {"hire_date": "%Y-%m-%d"},
    "levels": "ranges",
    "ranges": {1: [30_000, 50_000], 2: [50_000, 90_000]},
}


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


@pytest.fixture
def file(tmp_path):
    def write(name, *rows):
        path = tmp_path / name
        path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
        return path

    return write


def row(employee_id, pay=40_000, unit="core"):
    return f"{employee_id},2015-03-01,{pay},Clerk,All,{unit}"


def read(settings, files, days, **options):
    dates = [date.fromisoformat(day) for day in days]
    return read_years(settings, files, mappings=[MAPPING], as_of=dates, **options)


def test_files_are_read_and_nothing_is_registered(settings, file):
    files = [file("a.csv", row("1"), row("2", 60_000)), file("b.csv", row("1"), row("3", unit="summer"))]
    first, second = read(settings, files, ["2020-12-31", "2021-12-31"], row_filter="unit <> 'summer'")

    assert first.people["level_id"].to_dict() == {"1": 1, "2": 2}
    assert first.people["base_pay"].tolist() == [40_000.0, 60_000.0]
    assert (len(second.people), second.rows_filtered) == (1, 1)
    assert second.ids_in_file == {"1", "3"}
    assert not settings.censuses_dir.exists()


def test_censuses_of_the_home_go_by_name(settings, file):
    frame = read(settings, [file("a.csv", row("1")), file("b.csv", row("1"))], ["2020-12-31", "2021-12-31"])
    for year, name in zip(frame, ("y20", "y21"), strict=True):
        rows = year.people.reset_index()
        register_census(settings, name, rows, default_levels(), as_of=year.as_of, use=False)

    years = read_years(settings, ["y20", "y21"])

    assert [year.as_of.year for year in years] == [2020, 2021]
    assert years[0].ids_in_file is None
    assert not years[0].levels_by_pay


@pytest.mark.parametrize(
    ("files", "days", "message", "remedy"),
    [
        (["1"], ["2020-12-31"], "1 census given", "the year before"),
        (["1", "1"], ["2021-12-31", "2020-12-31"], "is not later than", "oldest first"),
        (["1", "1"], ["2019-12-31", "2021-12-31"], "731 days lie between", "without a gap"),
        (
            ["1", "2"],
            ["2020-12-31", "2021-12-31"],
            "0 of 1 employee ids of 0.csv are in 1.csv; at least 10%",
            "same person's",
        ),
        (["1", "1"], ["2020-12-31"], "1 date for 2 censuses", "one per census"),
        (["1", "1"], [], "0.csv: no census date was given", "--as-of 2013-06-30,2014-06-30"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_with_the_way_out(settings, file, files, days, message, remedy):
    paths = [file(f"{k}.csv", row(employee_id)) for k, employee_id in enumerate(files)]
    with pytest.raises(InputError) as refused:
        read(settings, paths, days)
    assert message in refused.value.what
    assert remedy in (refused.value.remedy or "")


def test_a_file_that_is_not_there(settings):
    with pytest.raises(InputError, match="nowhere"):
        read(settings, ["nowhere.csv", "nowhere.csv"], ["2020-12-31", "2021-12-31"])
    with pytest.raises(InputError, match="Unknown census 'nowhere'"):
        read_years(settings, ["nowhere", "nowhere"])


BY_PAY = "pay-quantiles (asked for)"


def test_ranges_of_the_first_year_move_by_the_median_raise():
    # raises of 2, 4 and 10 %: the median is 4 %, so 50,000 becomes 52,000 and 80,000 becomes 83,200
    first = census(2020, person("a", 49_000), person("b", 60_000), person("c", 79_000), levels_from=BY_PAY)
    second = census(
        2021,
        person("a", 49_980),
        person("b", 62_400),
        person("c", 86_900),
        person("new", 51_999.99),
        levels_from=BY_PAY,
        ranges=RANGES.iloc[:1],  # the second year's own are not looked at
    )

    (_, later), scale = on_one_scale((first, second))

    assert scale.movements == (pytest.approx(0.04),)
    assert later.ranges["minimum"].tolist() == [31_200, 52_000, 83_200]
    assert later.people["level_id"].to_dict() == {"a": 1, "b": 2, "c": 3, "new": 1}
    assert "moved each year by the median raise (+4.00%)" in scale.rule


def test_the_outermost_ranges_are_open():
    pay = census(2020, person("a", 1), person("b", 29_999), person("c", 50_000), person("d", 1e9)).people
    assert levels_of(pay["base_pay"], RANGES).tolist() == [1, 1, 2, 3]


def test_given_levels_stay_and_their_own_ranges_tell_the_movement():
    moved = RANGES.assign(minimum=RANGES["minimum"] * 1.02, maximum=RANGES["maximum"] * 1.02)
    first = census(2020, person("a", 99_000, level=1))
    second = census(2021, person("a", 120_000, level=2), ranges=moved)

    years, scale = on_one_scale((first, second))

    assert [year.people.loc["a", "level_id"] for year in years] == [1, 2]
    assert scale.movements == (pytest.approx(0.02),)


def test_two_kinds_of_levels_are_refused():
    first = census(2020, person("a", 49_000), levels_from=BY_PAY)
    second = census(2021, person("a", 49_000))
    with pytest.raises(InputError, match="Some years have levels by pay"):
        on_one_scale((first, second))


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
        "stays": "7_to_9",
        "leaves": "under_1",
        "returns": "3_to_4",
        "falls": "10_to_14",
        "rehired": "5_to_6",
        "half": "5_to_6",
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


def test_a_units_number_is_taken_off_departments_that_another_year_has_without():
    def staffed(year, *names):
        return census(year, *(person(f"e{k}", 40_000) | {"department": n} for k, n in enumerate(names)))

    plain = staffed(2020, "Police", "Fire", "Parks (East)")
    numbered = staffed(2021, "POLICE (386)", "Fire (01", "Parks (East)")
    found = _with_plain_departments([plain, numbered])

    assert found[1].people["department"].tolist() == ["Police", "Fire", "Parks (East)"]
    assert found[1].renamed and not found[0].renamed
    assert "2 departments of y2021 end with the number of a unit" in found[1].notices[0]
    alone = _with_plain_departments([numbered, numbered])
    assert alone[1].people["department"].tolist() == ["POLICE (386)", "Fire (01", "Parks (East)"]
