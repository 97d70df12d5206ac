"""The same person under another id: which pairs are offered, which are not, and what joining them does."""

from datetime import date

import pandas as pd
import pytest
from calibration_worlds import census, person

from planwise.calibration import calibrate, calibration_json, calibration_markdown, join_rekeyed
from planwise.calibration.rekeyed import find_rekeyed
from planwise.calibration.years import pay_date_note


def staff(identifier, hired, pay=50_000, title="Clerk", department="Parks"):
    return person(identifier, pay, hired=hired, title=title) | {"department": department}


STAYS = [staff(f"stay-{k}", f"2001-01-{k + 1:02}") for k in range(20)]


def offered(left, came):
    """Return the pairs that are offered between the census of 2020 and that of 2021."""
    found = find_rekeyed((census(2020, *STAYS, *left), census(2021, *STAYS, *came)))
    return [(pair.old_id, pair.new_id) for pair in found.people]


@pytest.mark.parametrize(
    ("left", "came", "expected"),
    [
        # a marriage: department and title are as they were
        ([staff("a", "2015-03-02")], [staff("b", "2015-03-02", 51_000)], [("a", "b")]),
        # either of the two is enough, however it is written
        ([staff("a", "2015-03-02")], [staff("b", "2015-03-02", title="Chief")], [("a", "b")]),
        ([staff("a", "2015-03-02")], [staff("b", "2015-03-02", department="Fire", title="CLERK ")],
         [("a", "b")]),
        ([staff("a", "2015-03-02", title="x")], [staff("b", "2015-03-02", department="parks (045)")],
         [("a", "b")]),
        ([staff("a", "2015-03-02")], [staff("b", "2015-03-02", title="Chief", department="Fire")], []),
        ([staff("a", "2015-03-02")], [staff("b", "2015-03-03")], []),  # another hire date
        ([staff("a", "2015-03-02")], [staff("b", "2015-03-02", 62_500)], [("a", "b")]),  # 25 % more
        ([staff("a", "2015-03-02")], [staff("b", "2015-03-02", 62_600)], []),  # more than that
        ([staff("a", "2015-03-02")], [staff("b", "2015-03-02", 37_400)], []),
        # two who could be: none of them is offered
        ([staff("a", "2015-03-02"), staff("c", "2015-03-02")], [staff("b", "2015-03-02")], []),
        ([staff("a", "2015-03-02")], [staff("b", "2015-03-02"), staff("d", "2015-03-02")], []),
        # hired after the first census: nobody who was in it
        ([staff("a", "2021-02-01")], [staff("b", "2021-02-01")], []),
        ([staff("a", None)], [staff("b", None)], []),
    ],
)  # fmt: skip
def test_who_is_offered_as_one_person(left, came, expected):
    assert offered(left, came) == expected


def test_who_comes_back_under_the_old_id_is_two_people():
    a, b = staff("a", "2015-03-02"), staff("b", "2015-03-02")
    assert (
        find_rekeyed((census(2020, *STAYS, a), census(2021, *STAYS, b), census(2022, *STAYS, a))).people == ()
    )
    assert (
        find_rekeyed((census(2019, *STAYS, b), census(2020, *STAYS, a), census(2021, *STAYS, b))).people == ()
    )


def test_who_changes_the_id_twice_keeps_the_first_one_and_the_count_is_by_year():
    years = [census(2020 + k, *STAYS, staff(name, "2015-03-02")) for k, name in enumerate("abc")]
    found = find_rekeyed(years)

    assert [(pair.old_id, pair.new_id) for pair in found.people] == [("a", "b"), ("a", "c")]
    assert [(year.exits, year.older_entrants, year.offered) for year in found.years] == [(1, 1, 1), (1, 1, 1)]
    joined = join_rekeyed(years)
    assert all("a" in year.people.index and len(year.people) == 21 for year in joined)
    assert "1 of 1 who left before y2021" in joined[1].notices[0]
    assert calibrate(joined).headcounts[0].exits == 0 and calibrate(years).headcounts[0].exits == 1
    assert joined[1].people.loc["a", "base_pay"] == 50_000 and years[1].people.index.str.contains("b").any()


def test_they_are_counted_always_and_listed_without_pay():
    years = (
        census(2020, *STAYS, staff("a", "2015-03-02", 51_234)),
        census(2021, *STAYS, staff("b", "2015-03-02")),
    )
    found = calibrate(years)
    plain = calibration_json(found)["rekeyed"]

    assert plain["years"][0] | {"year": ""} == {
        "year": "", "exits": 1, "older_entrants": 1, "offered": 1, "share": 1.0,
    }  # fmt: skip
    assert plain["people"][0]["hire_date"] == date(2015, 3, 2).isoformat()
    assert not any("pay" in name for name in plain["people"][0])
    listed, counted = calibration_markdown(found), calibration_markdown(found, with_people=False)
    assert (
        "| a | b | 2015-03-02 | Parks | Clerk |" in listed and "51" not in listed.split("Data anomalies")[1]
    )
    assert "2015-03-02" not in counted and "| 1 | 1 | 1 | 100.0% |" in counted


def paid(factor, raises):
    before = census(2020, *(person(f"e{k}", 40_000 + 97 * k) for k in range(len(raises))))
    pay = [round((40_000 + 97 * k) * (1 + r) * factor, 2) for k, r in enumerate(raises)]
    return before, census(2021, *(person(f"e{k}", p) for k, p in enumerate(pay)))


AWARDS = [0.0] * 40 + [0.02] * 40 + [0.0312 + 0.0023 * k for k in range(20)]


@pytest.mark.parametrize("factor", [27 / 26, 26 / 27, 53 / 52])
def test_a_year_of_another_number_of_pay_dates_is_noticed(factor):
    note = pay_date_note(*paid(factor, AWARDS))
    assert note is not None and f"off by {factor - 1:+.2%}" in note


@pytest.mark.parametrize(
    "raises",
    [
        AWARDS,
        [0.025] * 100,
        [27 / 26 - 1] * 10 + [0.02] * 60 + [0.0] * 30,  # 10 % happen to have that raise
        [0.001 * k for k in range(100)],  # no raise is shared
        [0.0333] * 100,  # not round, whatever it is divided by
    ],
)
def test_ordinary_raises_get_no_note(raises):
    assert pay_date_note(*paid(1.0, raises)) is None


def test_the_note_is_among_those_of_the_year(tmp_path):
    from planwise.calibration.years import _with_pay_date_note

    years = _with_pay_date_note(paid(27 / 26, AWARDS))
    assert years[0].notices == () and "times 27/26" in years[1].notices[0]
    assert isinstance(years[1].people, pd.DataFrame)
