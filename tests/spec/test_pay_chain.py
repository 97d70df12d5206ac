# ruff: noqa: E501 - arithmetic is read in one line
"""COLA, promotion and merit: pay chains in date order, rounded to cents at each event."""

import pandas as pd
import pytest
from worlds import STILL, employee, world

# F's promotion draw of 2026 is .012: with a probability of 5 % F is promoted.
F = employee("F", base_pay=58_123.45)
LEVERS = STILL | {
    "cola_rate": 0.03,
    "merit_rate_level_1": 0.05,
    "merit_rate_level_2": 0.04,
    "promotion_raise_level_1": 0.085,
    "promotion_probability_level_1": 0.05,
}
ANOTHER_ORDER = {"merit_date": "02-15", "promotion_date": "06-30", "cola_date": "11-01"}


def test_cola_then_promotion_then_merit_at_the_new_level():
    result = world([F], LEVERS)

    assert result.chain("F") == [
        ("COLA", "2026-01-01", 59_867.15),  # 58,123.45 x 1.03  = 59,867.1535
        ("promotion", "2026-04-01", 64_955.86),  # 59,867.15 x 1.085 = 64,955.85775
        ("MERIT", "2026-07-01", 67_554.09),  # 64,955.86 x 1.04  = 67,554.0944
    ]
    # 90 days, 91 days, 184 days: (90 x 59,867.15 + 91 x 64,955.86 + 184 x 67,554.09) / 365
    assert result.person("F")["prorated_pay"] == 65_010.90


def test_merit_of_the_old_level_then_promotion_then_cola():
    result = world([F], LEVERS | ANOTHER_ORDER)

    assert result.chain("F") == [
        ("MERIT", "2026-02-15", 61_029.62),  # 58,123.45 x 1.05  = 61,029.6225
        ("promotion", "2026-06-30", 66_217.14),  # 61,029.62 x 1.085 = 66,217.1377
        ("COLA", "2026-11-01", 68_203.65),  # 66,217.14 x 1.03  = 68,203.6542
    ]
    # (45 x 58,123.45 + 135 x 61,029.62 + 124 x 66,217.14 + 61 x 68,203.65) / 365 = 23,225,901.96 / 365
    assert result.person("F")["prorated_pay"] == 63_632.61
    assert result.events.set_index("event_reason").level_id.to_dict() == {
        "MERIT": 1,
        "promotion": 2,
        "COLA": 2,
    }


def test_raises_of_one_day_chain_as_cola_promotion_merit():
    result = world([F], LEVERS | dict.fromkeys(ANOTHER_ORDER, "04-01"))

    assert [pay for _, _, pay in result.chain("F")] == [59_867.15, 64_955.86, 67_554.09]
    assert result.person("F")["prorated_pay"] == 65_228.73  # (90 x 58,123.45 + 275 x 67,554.09) / 365


@pytest.mark.parametrize(
    ("ranges_move", "floor", "rate"),
    [(0, 60_000.00, 0.165049), (None, 61_800.00, 0.2), (0.05, 63_000.00, 0.223301)],
)
def test_promotion_reaches_the_minimum_of_the_new_range_in_that_year(ranges_move, floor, rate):
    """50,000 x 1.03 x 1.085 = 55,877.50 is under level 2, which begins at 60,000 x the movement of ranges."""
    result = world([F | {"base_pay": 50_000}], LEVERS | {"range_adjustment": ranges_move})

    promotion = result.events.set_index("event_reason").loc["promotion"]
    assert (promotion.previous_compensation, promotion.compensation_amount) == (51_500.00, floor)
    assert promotion.applied_rate == pytest.approx(rate, abs=1e-9)


@pytest.mark.parametrize(
    ("limit", "pay", "rate", "below"),
    [
        (0.2, 60_000.00, 0.165049, 0),  # 61,800.00 at most: the minimum is within it
        (0.15, 59_225.00, 0.15, 1),  # 51,500 x 1.15, under the minimum of 60,000
        (0.05, 55_877.50, 0.085, 1),  # the promotion raise itself is not limited
    ],
)
def test_the_lift_to_the_new_minimum_stops_at_the_promotion_raise_limit(limit, pay, rate, below):
    """50,000 x 1.03 = 51,500, x 1.085 = 55,877.50."""
    result = world([F | {"base_pay": 50_000}], LEVERS | {"promotion_raise_max": limit})

    assert result.chain("F")[1] == ("promotion", "2026-04-01", pay)
    groups = result.increase_budget.set_index(["attribute", "group"])
    for figures in (result.kpi(), groups.loc["all", "all"], groups.loc["level", "1"]):
        assert figures["promotion_raise_mean"] == pytest.approx(rate, abs=1e-9)
        assert figures["promotion_raise_largest"] == pytest.approx(rate, abs=1e-9)
        assert figures["promoted_below_range"] == below
    assert pd.isna(world([employee()], STILL).kpi()["promotion_raise_mean"])


def test_rounding_is_of_each_event_and_not_of_the_sum():
    """100.30 x 1.025 = 102.8075 -> 102.81, x 1.033 = 106.20273 -> 106.20; unrounded it would be 106.2001475."""
    levers = STILL | {"cola_rate": 0.025, "merit_rate_level_1": 0.033}
    result = world([employee(base_pay=100.30)], levers)

    assert [pay for _, _, pay in result.chain("A")] == [102.81, 106.20]


def test_half_a_cent_rounds_up():
    result = world([employee(base_pay=101.00)], STILL | {"cola_rate": 0.0125, "merit_rate_level_1": 0.01})

    assert result.chain("A")[0] == ("COLA", "2026-01-01", 102.26)  # 102.2625
    result = world([employee(base_pay=102.00)], STILL | {"cola_rate": 0.0125, "merit_rate_level_1": 0.01})
    assert result.chain("A")[0] == ("COLA", "2026-01-01", 103.28)  # 103.275


def test_the_second_year_starts_where_the_first_ended():
    result = world([employee()], STILL | {"years": 2, "cola_rate@2026": 0.02, "cola_rate@2027": 0.04})

    assert [pay for _, _, pay in result.chain("A", 2026)] == [51_000.00, 52_683.00]  # x 1.02, x 1.033
    assert [pay for _, _, pay in result.chain("A", 2027)] == [54_790.32, 56_598.40]  # x 1.04, x 1.033
    assert result.person("A", 2027)["opening_base_pay"] == 52_683.00


def test_no_promotion_out_of_the_top_level_or_before_the_minimum_tenure():
    young = employee("F", hire_date="2025-04-02", base_pay=58_000)  # a day short of a year on 1 April
    assert [reason for reason, _, _ in world([young], LEVERS).chain("F")] == ["COLA", "MERIT"]
    old_enough = young | {"hire_date": "2025-04-01"}
    assert "promotion" in [reason for reason, _, _ in world([old_enough], LEVERS).chain("F")]
    top = employee("F", level_id=3, base_pay=100_000)
    always = LEVERS | {"promotion_probability_level_3": 0.3}
    assert [reason for reason, _, _ in world([top], always).chain("F")] == ["COLA", "MERIT"]
