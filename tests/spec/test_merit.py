# ruff: noqa: E501 - arithmetic is read in one line
"""Merit: the level's rate, distributed by performance and by position in range, never over its limits."""

from datetime import date

import duckdb
import pytest
from worlds import STILL, effective_for, employee, shared, world

from planwise.engine.preview import check_against_census, load_census_tables
from planwise.engine.project import CATALOG
from planwise.errors import InputError
from planwise.parameters.values import GroupMerit

LEVERS = STILL | {"cola_rate": 0.01, "merit_rate_level_1": 0.04, "merit_rate_level_2": 0.06}


def rates(result):
    merit = result.events[result.events.event_reason == "MERIT"]
    return dict(zip(merit.employee_id, merit.applied_rate, strict=True))


def test_performance_multipliers_are_scaled_to_the_budget_of_the_level():
    """Ratings 3, 5, 5 = multipliers 1, 1.4, 1.4 on equal pay: scaled by 3 / 3.8, the mean raise stays 4 %."""
    people = [employee(i, performance_rating=r) for i, r in zip("ABC", (3, 5, 5), strict=True)]
    people.append(employee("D", level_id=2, base_pay=70_000, performance_rating=5))
    result = world(people, LEVERS)

    assert rates(result) == pytest.approx({"A": 0.031579, "B": 0.044211, "C": 0.044211, "D": 0.06}, abs=1e-9)
    assert [result.pay(i) for i in "ABCD"] == [52_094.74, 52_732.66, 52_732.66, 74_942.00]
    assert result.budget.merit_cost[0] == 1_594.74 + 2 * 2_232.66 + 4_242.00


def test_the_budget_is_weighted_by_pay_not_by_heads():
    """Multipliers 1 on 40,400 and 0.6 on 60,600: scaled by 101,000 / 76,760."""
    people = [employee("A", base_pay=40_000), employee("B", base_pay=60_000, performance_rating=2)]
    result = world(people, LEVERS)

    assert rates(result) == pytest.approx({"A": 0.052632, "B": 0.031579}, abs=1e-9)
    assert result.budget.merit_cost[0] == pytest.approx(0.04 * 101_000, abs=0.05)


def test_the_lowest_rating_gets_nothing_and_leaves_no_event():
    people = [employee("A", performance_rating=1), employee("B")]
    result = world(people, LEVERS)

    assert rates(result) == pytest.approx({"B": 0.08}, abs=1e-9)  # the whole level's budget
    assert world([employee("A", performance_rating=1)], LEVERS).pay("A") == 50_500.00


def test_merit_matrix_by_position_in_range():
    """Level 1 is 40,000..60,000; after a COLA of 1 % the six are below it, in its quarters, and above it.

    Their pay is 297,500, weighted 78,780 + 62,216 + 49,500 + 36,764 + 19,442.50 + 0 = 246,702.50: each
    multiplier is scaled by 1.205906, so that the budget stays 4 %.
    """
    matrix = {"below_range": 2, "1": 1.4, "2": 1.1, "3": 0.7, "4": 0.35, "above_range": 0}
    levers = LEVERS | {f"merit_multiplier_quartile_{band}": m for band, m in matrix.items()}
    pay = {"A": 39_000, "B": 44_000, "C": 44_554.46, "D": 52_000, "E": 55_000, "G": 60_000}
    result = world([employee(i, base_pay=p) for i, p in pay.items()], levers)

    assert rates(result) == pytest.approx(
        {"A": 0.096472, "B": 0.067531, "C": 0.05306, "D": 0.033765, "E": 0.016883}, abs=1e-9
    )
    assert {i: result.pay(i) for i in pay} == {
        "A": 43_190.03,  # 39,390 x 1.096472
        "B": 47_441.08,  # 44,440 x 1.067531
        "C": 47_387.70,  # 45,000.00, the first cent of the second quarter, x 1.05306
        "D": 54_293.34,  # 52,520 x 1.033765
        "E": 56_487.85,  # 55,550 x 1.016883
        "G": 60_600.00,
    }
    assert result.kpi()["merit_cost"] == 11_900.00  # 4 % of 297,500


MERIT_4 = STILL | {"cola_rate": 0, "merit_rate_level_1": 0.04}
TEAMS = [employee("A", performance_rating=5), employee("C", department="Eng")]


@pytest.mark.parametrize(
    ("groups", "pay", "pool"),
    [
        (None, 51_666.65, 2_000.00),  # 4 % x 1 x 100,000 / 120,000 = 3.3333 %
        ("department: Eng=+0.5pp", 51_875.00, 2_250.00),  # 4.5 % of it: 3.75 %
        ("department: Eng=x0.5", 50_833.35, 1_000.00),  # 2 % of it: 1.6667 %
        ("department: Eng=-5pp", 50_000.00, 0.00),  # never below zero
        ("department: Ops=+0.005", 51_666.65, 2_000.00),
    ],
)
def test_a_group_has_a_factor_or_points_on_its_levels_rate(groups, pay, pool):
    """Ratings 5 and 3 on 50,000 each: multipliers 1.4 and 1, scaled by 100,000 / 120,000."""
    result = world(TEAMS, MERIT_4 | {"merit_groups": groups})

    assert result.pay("C") == pay
    rows = result.increase_budget.set_index(["attribute", "group"])
    assert rows.merit_pool["department", "Eng"] == pool
    assert rows.merit_cost["department", "Eng"] == pytest.approx(pay - 50_000, abs=1e-6)
    own = 0.045 if groups and "Ops" in groups else 0.04  # A of Ops gets 1.1667 times the rate of its group
    assert result.pay("A") == pytest.approx(50_000 * (1 + own * 7 / 6), abs=0.03)


def test_a_group_has_any_name():
    name = """R&D; "Labs" = it's $cola_rate_2026"""
    people = [employee("A", performance_rating=5), employee("C", department=name)]
    groups = f"department: {GroupMerit(name, factor=0.5)}"

    assert world(people, MERIT_4 | {"merit_groups": groups}).pay("C") == 50_833.35


def test_groups_that_the_census_does_not_have_are_named():
    runner = shared()
    census = runner.census(TEAMS)
    with duckdb.connect() as database:
        database.execute(f"ATTACH ':memory:' AS {CATALOG}")
        load_census_tables(database, census)
        for text, message in (
            ("department: eng=x2", "department 'eng' is not in"),
            ("location: X=x2", "location 'X'"),
        ):
            effective = effective_for(census, MERIT_4 | {"merit_groups": text})
            with pytest.raises(InputError, match=message):
                check_against_census(database, census, effective)


def test_individual_raise_max():
    people = [employee("A"), employee("B", performance_rating=5), employee("C", performance_rating=5)]
    result = world(people, LEVERS | {"individual_raise_max": 0.035})

    assert rates(result) == pytest.approx({"A": 0.031579, "B": 0.035, "C": 0.035}, abs=1e-9)


def test_range_maximum_cap_pays_the_rest_as_a_lump_sum():
    """A stops at 60,000; B, above it already, gets all in a lump sum and no raise; C at half time is far below."""
    people = [
        employee("A", base_pay=59_000, fte=0.5),  # 59,590 x 1.04 = 61,973.60: 1,973.60 over
        employee("B", base_pay=62_000),  # 62,620 x .04 = 2,504.80
        employee("C", base_pay=50_000),
    ]
    result = world(people, LEVERS | {"range_maximum_cap": True})

    assert [result.pay(i) for i in "ABC"] == [60_000.00, 62_620.00, 52_520.00]
    assert rates(result) == pytest.approx({"A": 0.00688, "C": 0.04}, abs=1e-9)
    assert result.kpi()["lump_sum_cost"] == 3_491.60  # 0.5 x 1,973.60 + 2,504.80
    assert result.kpi()["merit_cost"] == 2_225.00  # 0.5 x 410.00 + 2,020.00


def test_merit_needs_half_a_year_of_service_on_its_date():
    """Hired on 1 January: eligible on 1 July, not on 30 June."""
    person, first_day = employee(hire_date="2026-01-01"), date(2026, 1, 1)
    on_time = world([person], LEVERS | {"merit_date": "07-01"}, as_of=first_day)
    too_soon = world([person], LEVERS | {"merit_date": "06-30"}, as_of=first_day)

    assert [reason for reason, _, _ in on_time.chain("A")] == ["COLA", "MERIT"]
    assert [reason for reason, _, _ in too_soon.chain("A")] == ["COLA"]
