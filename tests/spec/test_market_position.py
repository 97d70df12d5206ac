"""The market of job titles: each person's reference, compa-ratio and percentile, and the reason for none."""

import pytest
from worlds import STILL, employee, world

LEVERS = STILL | {"cola_rate": 0.02, "merit_rate_level_1": 0.04, "market_movement": 0.03}
ANALYST = {"name": "Analyst", "status": "linked", "matched_id": "13-1111", "matched_name": "Analysts"}
WAGES = {"p10": 40_000, "p25": 45_000, "p50": 50_000, "p75": 60_000, "p90": 80_000}
MARKET = [
    ANALYST | WAGES,
    {"name": "Wizard", "status": "review"},
    {"name": "Cook", "status": "linked", "matched_id": "35-2014", "matched_name": "Cooks"},
]
PEOPLE = [
    employee("A"),
    employee("B", job_title="Wizard"),
    employee("C", job_title="Cook", department="Field"),
    employee("D", base_pay=53_000),
]


@pytest.fixture(scope="module")
def matched():
    return world(PEOPLE, LEVERS, market=MARKET)


def market_of(row):
    return row["market_reference"], row["market_ratio"], row["market_position"]


def test_the_reference_is_of_the_job_title_and_moves_with_the_market(matched):
    """53,000: 50 + 25 x 3,000 / 10,000. A year on 50,000 x 1.02 x 1.04 of 51,500, and 56,222.40."""
    assert market_of(matched.person("A", 0)) == (50_000.00, 1.0, 50.0)
    assert market_of(matched.person("D", 0)) == (50_000.00, 1.06, 57.5)
    assert market_of(matched.person("A")) == (51_500.00, 1.029903, 53.7379)
    assert market_of(matched.person("D")) == (51_500.00, 1.091697, 61.4621)


def test_a_title_without_a_reference_has_none_and_says_why(matched):
    """Their level's midpoint is no market."""
    for who, why in (("B", "review"), ("C", "no_wages")):
        row = matched.person(who)
        assert row["market_reason"] == why
        assert [value != value for value in market_of(row)] == [True, True, True]  # all null


def test_means_are_of_those_who_have_a_reference(matched):
    """(1.029903 + 1.091697) / 2 and (53.7379 + 61.4621) / 2, of two of four."""
    kpi = matched.kpi()
    assert (kpi["market_people"], kpi["market_share"], kpi["market_reason"]) == (2, 0.5, None)
    assert (kpi["mean_market_ratio"], kpi["mean_market_position"]) == pytest.approx((1.0608, 57.6))
    level = matched.level_summary.set_index(["simulation_year", "level_id"])
    assert level.loc[(0, 1), "mean_market_ratio"] == pytest.approx(1.03)
    assert level.loc[(2026, 1), "mean_market_position"] == pytest.approx(57.6)


def test_groups_have_their_own_position_and_reason(matched):
    found = matched.market_position.set_index(["simulation_year", "attribute", "group"])
    ops, field = found.loc[(2026, "department", "Ops")], found.loc[(2026, "department", "Field")]
    assert (ops.headcount, ops.market_people) == (3, 2)
    assert (ops.mean_base_pay, ops.mean_market_reference) == pytest.approx((54_631.20, 51_500.00))
    assert (field.market_people, field.market_reason) == (0, "no_match")
    assert found.loc[(0, "job_title", "Wizard"), "market_reason"] == "review"
    assert found.loc[(0, "job_title", "Analyst"), "mean_market_position"] == 53.75  # 50 and 57.5


def test_the_increase_list_has_the_market_before_and_after(matched):
    row = matched.increases.set_index("employee_id").loc["D"]
    assert (row.market_reference, row.market_ratio_before, row.market_ratio_after) == (
        51_500.00, 1.06, 1.091697,
    )  # fmt: skip
    wizard = matched.increases.set_index("employee_id").loc["B"]
    assert wizard[["market_reference", "market_ratio_before", "market_ratio_after"]].isna().all()


@pytest.mark.parametrize(
    ("pay", "missing", "position"),
    [
        (39_000, (), 10.0),  # at P10 below it, at P90 above it
        (90_000, (), 90.0),
        (42_500, (), 17.5),
        (70_000, (), 82.5),
        (70_000, ("p75",), 76.6667),  # 50 + 40 x 20,000 / 30,000
        (90_000, ("p90",), 75.0),  # above the last that is published
        (41_000, ("p10",), 25.0),
    ],
)
def test_percentiles_are_interpolated_between_those_that_are_published(pay, missing, position):
    wages = WAGES | dict.fromkeys(missing)
    result = world([employee(base_pay=pay)], STILL | {"years": 1}, market=[ANALYST | wages])
    assert result.person("A", 0)["market_position"] == position


def test_hires_have_the_market_of_their_title():
    growing = STILL | {"headcount_growth": 1, "market_movement": 0.03}
    result = world([employee()], growing, market=MARKET)
    hired = result.snapshot[result.snapshot.employment_status == "new_hire_active"].iloc[0]
    assert hired.market_reference == 51_500.00
    assert hired.market_ratio == pytest.approx(float(hired.base_pay) / 51_500, abs=1e-6)


def test_without_a_survey_no_one_has_a_position():
    result = world(PEOPLE, LEVERS)
    row = result.person("A")
    assert (row["market_reference"], row["market_reason"]) == (51_500.00, "no_survey")  # of the midpoint
    kpi = result.kpi()
    assert (kpi["market_people"], kpi["market_reason"]) == (0, "no_survey")
    assert kpi["mean_market_ratio"] != kpi["mean_market_ratio"]  # null
    assert set(result.market_position.market_reason) == {"no_survey"}
