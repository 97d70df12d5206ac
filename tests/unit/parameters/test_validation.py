"""Risk per value, business rules, growth targets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.parameters import (
    Risk,
    catalogue,
    resolve,
    risk_of,
    risks,
    target_class,
    validate,
    validate_target,
)
from planwise.parameters.validation import distance_share

YEARS = (2026, 2027)
PREMIUM = catalogue().levers["new_hire_salary_adjustment"]  # bounds 1 to 1.4, recommended 1.05 to 1.2


def found(**scenario):
    return [(f.parameter, f.year, f.risk) for f in validate(resolve(YEARS, scenario=scenario))]


@pytest.mark.parametrize(
    ("premium", "risk"),
    [
        (1.05, Risk.OK),
        (1.2, Risk.OK),
        (1.25, Risk.LOW),  # a quarter of the way from 1.2 to 1.4
        (1.3, Risk.MEDIUM),
        (1.35, Risk.HIGH),
        (1.351, Risk.CRITICAL),
        (1.4, Risk.CRITICAL),
        (1.0375, Risk.LOW),  # a quarter of the way from 1.05 to 1
        (1.025, Risk.MEDIUM),
        (1.0125, Risk.HIGH),
        (1.0, Risk.CRITICAL),
    ],
)
def test_risk_is_the_quarter_of_the_way_to_the_bound(premium, risk):
    assert risk_of(PREMIUM, premium) is risk


@pytest.mark.parametrize(
    ("cola", "merit", "risk"),
    [
        (0.0, 0.033, None),
        (0.025, 0.0204, None),  # 4.54 %: within a point of 3.5 % and a rounded step
        (0.025, 0.0206, Risk.MEDIUM),
        (0.025, 0.033, Risk.HIGH),  # 5.8 %
        (0.05, 0.033, Risk.CRITICAL),
        (0.0, 0.025, None),
        (0.0, 0.02, Risk.LOW),
        (0.0, 0.0, Risk.MEDIUM),  # a freeze is a plan
    ],
)
def test_the_sum_of_cola_and_merit_is_judged_once_against_the_market(cola, merit, risk):
    levers = {"cola_rate": cola, **{f"merit_rate_level_{level}": merit for level in range(1, 6)}}
    assert found(**levers) == ([] if risk is None else [("market_budget", None, risk)])
    assert set(risks(resolve(YEARS, scenario=levers)).values()) == {Risk.OK}


def test_a_simulated_increase_replaces_that_of_the_levers_and_the_worst_year_is_named():
    effective = resolve(YEARS, scenario={"cola_rate": 0.05})
    (only,) = validate(effective, {2026: 0.035, 2027: 0.0561})
    assert (only.year, only.risk) == (2027, Risk.HIGH)
    assert "5.61% (COLA and merit) is 2.11 pp above the market's 3.50%" in only.message
    assert len(validate(effective, {2026: None})) == 1
    by_group = resolve(YEARS, scenario={"cola_rate": 0.0, "awards": "department: Sales=0.04"})
    assert validate(by_group) == []  # what the awards cost is not known from the levers
    (measured,) = validate(by_group, dict.fromkeys(YEARS, 0.0561))
    assert "increase budget of 5.61%" in measured.message


@given(st.sampled_from(sorted(catalogue().levers)), st.floats(0, 1), st.floats(0, 1))
def test_risk_never_falls_on_the_way_out(name, one, other):
    lever = catalogue().levers[name]
    near, far = sorted((one, other))
    _, high = lever.recommended
    way = lever.bounds[1] - high
    assert risk_of(lever, high + near * way).rank <= risk_of(lever, high + far * way).rank


def test_beyond_an_edge_that_is_the_bound_is_infinitely_far():
    assert distance_share(catalogue().levers["promotion_raise_level_1"], 0.04) == float("inf")


def test_the_defaults_are_all_right():
    assert validate(resolve(YEARS, scenario={})) == []
    assert set(risks(resolve(YEARS, scenario={})).values()) == {Risk.OK}


def test_a_finding_alike_in_all_years_is_reported_once():
    name = "promotion_raise_level_1"
    assert found(**{name: 0.13}) == [(name, None, Risk.LOW)]
    assert found(**{f"{name}@2027": 0.13}) == [(name, 2027, Risk.LOW)]


def test_the_worst_comes_first():
    ranks = [risk.rank for _, _, risk in found(cola_rate=0.055, promotion_raise_level_1=0.13)]
    assert ranks == sorted(ranks, reverse=True)


def messages(**scenario):
    return " ".join(f.message for f in validate(resolve(YEARS, scenario=scenario)))


@pytest.mark.parametrize(
    ("scenario", "warned", "text"),
    [
        ({"merit_rate_level_2": 0.04}, True, "Merit falls with level: 3.30% in level 3, 4.00% in level 2"),
        ({"merit_rate_level_5": 0.04}, False, "Merit falls with level"),
        ({"merit_rate_level_5": 0.0305}, False, "Merit falls with level"),  # by .25 pp
        ({"merit_rate_level_5": 0.0304}, True, "Merit falls with level: 3.04% in level 5, 3.30% in level 4"),
        ({"merit_rate_level_1": 0.025, "merit_rate_level_5": 0.056}, True, "spread over 3.10 pp"),
        ({"merit_rate_level_1": 0.025, "merit_rate_level_5": 0.055}, False, "spread"),
        ({"new_hire_salary_adjustment": 1.26}, True, "over 125%"),
        ({"new_hire_salary_adjustment": 1.25}, False, "over 125%"),
        ({"new_hire_salary_adjustment": 1.04}, True, "under 105%"),
        ({"new_hire_salary_adjustment": 1.05}, False, "under 105%"),
    ],
)
def test_business_rules_warn_beyond_their_limit_only(scenario, warned, text):
    assert (text in messages(**scenario)) is warned


def test_merit_that_falls_with_level_is_information():
    (only,) = validate(resolve(YEARS, scenario={"merit_rate_level_5": 0.03}))
    assert (only.risk, only.word) == (Risk.OK, "Note")


@pytest.mark.parametrize(
    ("growth", "name", "risk"),
    [
        (-0.01, "lags the market", Risk.MEDIUM),
        (0.0099, "lags the market", Risk.MEDIUM),
        (0.01, "is conservative", Risk.LOW),
        (0.025, "is conservative", Risk.LOW),
        (0.03, "is moderate", Risk.OK),
        (0.04, "is moderate", Risk.OK),
        (0.05, "is aggressive", Risk.MEDIUM),
        (0.06, "is aggressive", Risk.MEDIUM),
        (0.0601, "is of high risk", Risk.HIGH),
    ],
)
def test_growth_targets_are_classed(growth, name, risk):
    assert target_class(growth) == (name, risk)


def test_a_target_is_read_against_budget_and_market():
    findings = validate_target(0.05, market_budget=0.035, payroll=1_100_000, payroll_budget=1_000_000)
    assert [f.parameter for f in findings] == ["target_growth", "payroll_budget", "market_budget"]
    assert "100,000 over the budget of 1,000,000" in findings[1].message
    assert findings[1].risk is Risk.CRITICAL
    assert "1.50 pp above the market's own budget of 3.50%" in findings[2].message


def test_what_is_within_budget_or_not_given_is_not_found():
    assert len(validate_target(0.03, market_budget=0.035, payroll=9.0, payroll_budget=10.0)) == 1
    assert len(validate_target(0.09)) == 1
