# ruff: noqa: E501 - arithmetic is read in one line
"""New hires: a drawn place in the range, the market's movement, a template from among the recent hires."""

import pytest
from worlds import STILL, employee, world

GROWING = STILL | {"headcount_growth": 1, "new_hire_salary_adjustment": 1.15, "market_movement": 0.03}
FIRST = "NEW-2026-0000001"  # draws of its profile: .767 level, .707 template, .215 date, .6295722 position


def test_pay_is_the_drawn_position_in_the_range_times_adjustment_times_market():
    """.35 + (2 x .6295722 - 1) x .15 = .38887167 of 40,000..60,000 = 47,777.4333; x 1.15 x 1.03."""
    result = world([employee()], GROWING)

    assert result.chain(FIRST) == [("growth", "2026-03-20", 56_592.37)]


@pytest.mark.parametrize(
    ("position", "spread", "pay"),
    [
        (0.35, 0, 55_671.50),  # 47,000 x 1.1845
        (0.95, 0.5, 71_070.00),  # clipped to the maximum: 60,000 x 1.1845
        (0, 0, 47_380.00),  # 40,000 x 1.1845
    ],
)
def test_position_and_spread(position, spread, pay):
    result = world([employee()], GROWING | {"hire_range_position": position, "hire_range_spread": spread})

    assert result.pay(FIRST) == pay


def test_the_market_compounds_from_the_census():
    """Second year: 50,000 x 1.03 x 1.05."""
    levers = {"years": 2, "hire_range_position": 0.5, "hire_range_spread": 0, "new_hire_salary_adjustment": 1}
    result = world([employee()], GROWING | levers | {"market_movement@2027": 0.05})

    assert result.pay("NEW-2026-0000001") == 51_500.00
    assert result.pay("NEW-2027-0000001", 2027) == 54_075.00


def test_a_hire_copies_a_recent_hire_of_the_level():
    """Only B was hired in the last three years: department, gender, FTE and age at hire are B's."""
    people = [
        employee("A", department="Ops", gender="M"),
        employee(
            "B", department="Lab", gender="F", job_title="Chemist", fte=0.5,
            hire_date="2024-03-20", birth_date="1994-03-20",
        ),
    ]  # fmt: skip
    hire = world(people, GROWING | {"headcount_growth": 0.5}).person(FIRST)

    assert (hire["department"], hire["gender"], hire["job_title"], hire["fte"]) == (
        "Lab",
        "F",
        "Chemist",
        0.5,
    )
    assert hire["performance_rating"] == 3
    assert hire["age"] == 30
    assert hire["tenure_years"] == 0.783  # 20 March to 31 December: 286 days / 365.25
    assert hire["prorated_pay"] == 22_249.33  # 56,592.37 x .5 x 287 / 365


def test_level_mix_is_that_of_recent_hires_or_as_configured():
    """The level draw of .767 falls in level 1 of (.8, .2), in level 2 of (.5, .5) by the census's own mix."""
    people = [employee("A"), employee("B", level_id=2, base_pay=70_000)]
    assert world(people, GROWING | {"headcount_growth": 0.5}).person(FIRST)["level_id"] == 2

    shares = {f"new_hire_level_share_{level}": 0 for level in (1, 2, 3, 4, 5)}
    shares |= {"new_hire_level_share_1": 0.8, "new_hire_level_share_2": 0.2}
    assert world(people, GROWING | {"headcount_growth": 0.5} | shares).person(FIRST)["level_id"] == 1


def test_an_empty_level_is_hired_into_under_its_own_name():
    shares = {f"new_hire_level_share_{level}": float(level == 3) for level in (1, 2, 3, 4, 5)}
    hire = world([employee()], GROWING | shares).person(FIRST)

    assert (hire["level_id"], hire["job_title"], hire["department"]) == (3, "L3", "Ops")


def test_a_hire_has_no_cola_unless_employed_on_its_day():
    """Hired on 20 March: a COLA of 20 March counts, one of 19 March does not."""
    on_time = world([employee()], GROWING | {"cola_date": "03-20", "cola_rate": 0.05})
    assert [reason for reason, _, _ in on_time.chain(FIRST)] == ["growth", "COLA"]
    assert on_time.pay(FIRST) == 59_421.99  # 56,592.37 x 1.05 = 59,421.9885
    too_early = world([employee()], GROWING | {"cola_date": "03-19"})
    assert [reason for reason, _, _ in too_early.chain(FIRST)] == ["growth"]


@pytest.mark.parametrize(("adjustment", "pay"), [(1.15, 47_380.00), (1.265, 52_118.00), (1.0, 41_200.00)])
def test_a_hire_has_the_place_in_the_range_of_the_recent_hire_it_copies(adjustment, pay):
    """B is the one recent hire, at 46,000: 46,000 x 1.03, times the adjustment over the 1.15 that B was paid already."""
    people = [employee("A"), employee("B", hire_date="2024-03-20", base_pay=46_000)]
    copying = {"headcount_growth": 0.5, "hire_range_position": None, "new_hire_salary_adjustment": adjustment}

    assert world(people, GROWING | copying).pay(FIRST) == pay


def test_in_a_level_without_employees_there_is_nobody_to_copy():
    """Position .1 + (2 x .6295722 - 1) x .1 = .12591444 of 90,000..130,000, x 1.15 x 1.03."""
    shares = {f"new_hire_level_share_{level}": float(level == 3) for level in (1, 2, 3, 4, 5)}
    copying = {"hire_range_position": None, "hire_range_spread": 0.1}

    assert world([employee()], GROWING | shares | copying).pay(FIRST) == 112_570.83
