# ruff: noqa: E501 - arithmetic is read in one line
"""Drift: what people get beyond the award without a decision, drawn from donors of their group, tenure, level."""

from math import floor

import pandas as pd
import pytest
from reference.rules import lanes
from worlds import STILL, employee, shared, world

from planwise.parameters.calibrated_rates import ASSUMPTION, store_rates

LEVERS = STILL | {"cola_rate": 0.02, "merit_rate_level_1": 0, "merit_rate_level_2": 0}
OLD = "10_to_14"  # hired on 1 January 2015: eleven years on 1 January 2026
PEOPLE = [
    employee("A", department="Police", hire_date="2015-01-01"),
    employee("B", department="Fire", hire_date="2015-01-01", fte=0.5),
    employee("C", department="Police", hire_date="2015-01-01", level_id=2, base_pay=70_000),
]


def donors(*groups):
    """Return donors, each group a name, a tenure band, a level, a drift and how many people have it."""
    rows = [(*kind, drift) for *kind, drift, people in groups for _ in range(people)]
    return pd.DataFrame(rows, columns=["award_group", "tenure_band", "level_id", "drift"])


def drifting(*groups, people=PEOPLE, **levers):
    key = store_rates(shared().settings, {"drift_donors": donors(*groups)})
    return world(people, LEVERS | {ASSUMPTION: key} | levers)


def test_each_draws_from_thirty_donors_of_group_tenure_and_level():
    """A: 50,000 x 1.02 = 51,000, x 1.01 = 51,510. B, of no group of its own: 51,000 x .98 = 49,980, a raise that
    did not come. C: of the group and tenure there are 60 donors, of the level 29: theirs, 1 % or 3 %."""
    result = drifting(
        ("department: Police", OLD, 1, 0.01, 31),
        ("department: Police", OLD, 2, 0.03, 29),
        ("", OLD, 1, -0.02, 30),
    )

    assert result.chain("A") == [("COLA", "2026-01-01", 51_000.00), ("DRIFT", "2026-01-01", 51_510.00)]
    assert result.chain("B") == [("COLA", "2026-01-01", 51_000.00), ("DRIFT", "2026-01-01", 49_980.00)]
    place = floor(lanes(42, 2026, "drift_donor", "C")[0] * 60)  # 31 times 1 %, then 29 times 3 %
    assert result.pay("C") == (72_114.00 if place < 31 else 73_542.00)  # 71,400 x 1.01 or 1.03
    budget = result.budget.iloc[0]
    assert budget.drift_cost == 510.00 - 510.00 + result.pay("C") - 71_400
    assert budget.drift_rate == pytest.approx(budget.drift_cost / 145_000)
    assert budget.cola_cost == 1_000.00 + 500.00 + 1_400.00
    assert budget.increase_cost == budget.cola_cost
    growth = result.compensation_growth.set_index("simulation_year").loc[2026]
    assert growth.bridge_drift == pytest.approx((510.00 - 1_020.00 + result.pay("C") - 71_400) / 170_000)
    listed = result.increases.set_index("employee_id")
    assert listed.new_pay.to_dict() == {"A": 51_000.00, "B": 51_000.00, "C": 71_400.00}  # what was decided


def test_too_few_of_a_group_are_everybody():
    """29 of Police, 31 in all: Fire's and Police's people draw from all of them."""
    result = drifting(("department: Police", OLD, 1, 0.01, 29), ("", OLD, 1, 0.01, 2))

    assert [result.pay(i) for i in "ABC"] == [51_510.00, 51_510.00, 72_114.00]


def test_drift_can_be_shifted_by_level_and_group():
    """1 % + .5 pp for level 1; for Police half of it and .5 pp: .5 % + .5 pp; C, level 2, .5 %."""
    result = drifting(
        ("", OLD, 1, 0.01, 30), drift_shift_level_1=0.005, drift_groups="department: Police=x0.5"
    )

    assert [result.pay(i) for i in "ABC"] == [51_510.00, 51_765.00, 71_757.00]


def test_a_world_moves_the_drift_of_each_group():
    """Normal draws of 2026, seed 42: Police .29789, everyone else -.31311. A hundredth: 1 % + .2979 pp = 1.2979 % for
    A and C, of 51,000 and 71,400; B 0 - .3131 %."""
    result = drifting(
        ("department: Police", OLD, 1, 0.01, 30), ("", OLD, 1, 0, 30), drift_varies_by_group=0.01
    )

    assert [result.pay(i) for i in "ABC"] == [51_661.93, 50_840.32, 72_326.70]


def test_who_is_promoted_or_hired_in_the_year_does_not_drift():
    people = [employee("A", hire_date="2015-01-01"), employee("H", hire_date="2026-01-01")]
    always = {"promotion_probability_level_1": 0.3, "promotion_multiplier_tenure_10_to_14": 20}
    result = drifting(("", OLD, 1, 0.01, 30), people=people[:1], **always)

    reasons = [reason for reason, _, _ in result.chain("A")]
    assert ("DRIFT" in reasons) != ("promotion" in reasons)


def test_without_donors_nothing_drifts():
    plain = world(PEOPLE, LEVERS)
    key = store_rates(shared().settings, {})
    same = world(PEOPLE, LEVERS | {ASSUMPTION: key})

    for mart in ("fct_yearly_events", "fct_budget", "fct_workforce_snapshot", "fct_scenario_kpis"):
        assert plain.frames[mart].equals(same.frames[mart]), mart
