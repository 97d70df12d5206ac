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
COLA = catalogue().levers["cola_rate"]  # bounds 0.01 to 0.08, recommended 0.02 to 0.035


def found(**scenario):
    return [(f.parameter, f.year, f.risk) for f in validate(resolve(YEARS, scenario=scenario))]


@pytest.mark.parametrize(
    ("cola", "risk"),
    [
        (0.02, Risk.OK),
        (0.035, Risk.OK),
        (0.04625, Risk.LOW),  # a quarter of the way from 0.035 to 0.08
        (0.0575, Risk.MEDIUM),
        (0.06875, Risk.HIGH),
        (0.069, Risk.CRITICAL),
        (0.08, Risk.CRITICAL),
        (0.0175, Risk.LOW),  # a quarter of the way from 0.02 to 0.01
        (0.015, Risk.MEDIUM),
        (0.0125, Risk.HIGH),
        (0.01, Risk.CRITICAL),
    ],
)
def test_risk_is_the_quarter_of_the_way_to_the_bound(cola, risk):
    assert risk_of(COLA, cola) is risk


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
    assert found(merit_rate_level_5=0.05) == [("merit_rate_level_5", None, Risk.LOW)]
    assert found(**{"merit_rate_level_5@2027": 0.05}) == [("merit_rate_level_5", 2027, Risk.LOW)]


def test_the_worst_comes_first():
    ranks = [risk.rank for _, _, risk in found(cola_rate=0.055, merit_rate_level_5=0.05)]
    assert ranks == sorted(ranks, reverse=True)


def messages(**scenario):
    return " ".join(f.message for f in validate(resolve(YEARS, scenario=scenario)))


@pytest.mark.parametrize(
    ("scenario", "warned", "text"),
    [
        ({"merit_rate_level_2": 0.04}, True, "Merit falls with level: 3.30% in level 3, 4.00% in level 2"),
        ({"merit_rate_level_5": 0.04}, False, "Merit falls with level"),
        ({"merit_rate_level_1": 0.025, "merit_rate_level_5": 0.056}, True, "spread over 3.10 pp"),
        ({"merit_rate_level_1": 0.025, "merit_rate_level_5": 0.055}, False, "spread"),
        ({"cola_rate": 0.0501}, True, "is above 5%"),
        ({"cola_rate": 0.05}, False, "is above 5%"),
        ({"new_hire_salary_adjustment": 1.26}, True, "over 125%"),
        ({"new_hire_salary_adjustment": 1.25}, False, "over 125%"),
        ({"new_hire_salary_adjustment": 1.04}, True, "under 105%"),
        ({"new_hire_salary_adjustment": 1.05}, False, "under 105%"),
    ],
)
def test_business_rules_warn_beyond_their_limit_only(scenario, warned, text):
    assert (text in messages(**scenario)) is warned


def test_no_cola_at_all_is_warned_about_where_bounds_allow_it():
    import dataclasses

    declared = catalogue()
    free = declared.levers["cola_rate"].model_copy(update={"bounds": (0.0, 0.08)})
    declared = dataclasses.replace(declared, levers={**declared.levers, "cola_rate": free})
    findings = validate(resolve(YEARS, scenario={"cola_rate": 0}, declared=declared))
    assert "There is no COLA" in " ".join(f.message for f in findings)


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
