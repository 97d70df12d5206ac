"""The snapshot's statuses and ratios, the census as year 0, and the summary by level."""

import pytest
from worlds import STILL, employee, world

LEVERS = STILL | {"cola_rate": 0.02, "merit_rate_level_1": 0.04, "market_movement": 0.03}


def test_the_four_statuses():
    """D leaves of itself (.032 < .05); growth of 50 % hires seven, of whom the first two leave again."""
    # .4466 within twelve months is .245 in the year: ceil(5 / .755) = 7
    people = [employee(i) for i in "ABCDEFGH"]
    levers = LEVERS | {"termination_rate": 0.05, "headcount_growth": 0.5, "new_hire_termination_rate": 0.4466}
    snapshot = world(people, levers).snapshot
    year = snapshot[snapshot.simulation_year == 2026]

    by_status = year.groupby("employment_status").employee_id.agg(list).apply(sorted)
    assert by_status["experienced_termination"] == ["D"]
    assert by_status["continuous_active"] == list("ABCEFGH")
    assert by_status["new_hire_termination"] == ["NEW-2026-0000001", "NEW-2026-0000002"]
    assert by_status["new_hire_active"] == [f"NEW-2026-000000{n}" for n in (3, 4, 5, 6, 7)]
    leaver = year.set_index("employee_id").loc["D"]
    assert str(leaver.termination_date)[:10] == "2026-02-11"
    assert leaver.base_pay == 51_000.00  # at exit: the COLA of 1 January, no merit


def test_year_zero_is_the_census_as_it_is():
    person = employee(base_pay=50_000.66, fte=0.5, birth_date="1985-12-31", hire_date="2020-02-29")
    row = world([person], LEVERS).person("A", 0)

    assert (row["employment_status"], row["opening_base_pay"], row["base_pay"]) == (
        "continuous_active", 50_000.66, 50_000.66,
    )  # fmt: skip
    assert row["prorated_pay"] == 25_000.33  # half of it
    assert row["age"] == 40  # forty that very day
    assert row["tenure_years"] == 5.8371  # 2,132 days / 365.25
    assert row["market_reference"] == 50_000.00
    assert row["compa_ratio"] == 1.000013
    assert row["range_penetration"] == 0.500033
    assert (row["range_minimum"], row["range_maximum"]) == (40_000.00, 60_000.00)


def test_ratios_are_to_the_ranges_of_the_year():
    """53,040 against a range moved by the COLA to 40,800..61,200, and a market moved to 51,500."""
    row = world([employee()], LEVERS | {"range_adjustment": None}).person("A")

    assert (row["base_pay"], row["market_reference"]) == (53_040.00, 51_500.00)
    assert row["compa_ratio"] == 1.04
    assert row["range_penetration"] == 0.6  # 12,240 / 20,400
    assert (row["range_minimum"], row["range_maximum"]) == (40_800.00, 61_200.00)


def test_summary_by_level():
    """Level 1 of the census: 39,999.99, 50,000, 60,000; level 2: 70,000."""
    people = [
        employee("A", base_pay=39_999.99),
        employee("B"),
        employee("C", base_pay=60_000),
        employee("E", level_id=2, base_pay=70_000),
    ]
    levels = world(people, LEVERS).level_summary.set_index(["simulation_year", "level_id"])
    first, second = levels.loc[(0, 1)], levels.loc[(0, 2)]

    assert (first.headcount, first.median_base_pay) == (3, 50_000)
    assert first.mean_base_pay == pytest.approx(49_999.996667, abs=1e-6)
    assert first.cv == pytest.approx(8_164.97 / 50_000, abs=1e-6)  # sqrt((10,000^2 + 0 + 10,000^2) / 3)
    assert first.mean_compa_ratio == pytest.approx(1.0, abs=1e-6)
    assert (first.below_minimum, first.above_maximum) == (1, 1)  # the maximum is the next level's
    assert (second.headcount, second.cv, second.below_minimum, second.above_maximum) == (1, 0, 0, 0)


def test_movement_by_level():
    """F (draw .012) rises from level 1 to 2, D (draw .032) leaves from level 1."""
    people = [employee("D"), employee("F"), employee("B", level_id=2, base_pay=70_000)]
    levers = LEVERS | {
        "termination_rate": 0.05,
        "promotion_probability_level_1": 0.05,
        "headcount_growth": -0.3,
    }
    levels = world(people, levers).level_summary.set_index(["simulation_year", "level_id"])

    counts = ["headcount", "hires", "terminations", "promotions_in"]
    assert list(levels.loc[(2026, 1), counts]) == [0, 0, 1, 0]
    assert list(levels.loc[(2026, 2), counts]) == [2, 0, 0, 1]


def test_within_level_spread_is_weighted_by_heads():
    """Level 1: 40,000 and 60,000 (cv .2); level 2: one person (cv 0): 2 x .2 / 3."""
    people = [
        employee("A", base_pay=40_000),
        employee("B", base_pay=60_000),
        employee("C", level_id=2, base_pay=70_000),
    ]
    kpi = world(people, STILL).kpi()

    assert kpi["within_level_cv"] == pytest.approx(0.4 / 3, abs=1e-6)
