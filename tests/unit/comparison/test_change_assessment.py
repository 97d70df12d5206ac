"""The risk and impact of a change: just over and just under every limit, by hand, and from two results."""

import json
from dataclasses import replace

import pytest
from comparison_worlds import publish, staff

from planwise.governance import open_ledger
from planwise.parameters import BASELINE, Risk
from planwise.release.assessment import (
    ChangeAssessment,
    ChangeEffects,
    LeverImpact,
    MeasuredFigure,
    assess_change,
    risk_report,
    risk_score,
    unmeasured,
)

GIVEN = ChangeEffects(
    cost=MeasuredFigure(0.0),
    employees=MeasuredFigure(0),
    staff=MeasuredFigure(0.0),
    payroll=MeasuredFigure(90.0),
    budget=MeasuredFigure(100.0),
    market_position=MeasuredFigure(0.5),
)


def lever(old=0.033, new=0.033, name="merit_rate_level_1", *, sensitive=True, risk=Risk.OK, years=()):
    return LeverImpact(name, name, years, old, new, sensitive, risk)


def effects(**given):
    return replace(GIVEN, **{name: MeasuredFigure(value) for name, value in given.items()})


def assessment(levers=(), of=GIVEN):
    return ChangeAssessment(
        "plan", None, tuple(levers), (), of, None, None, risk_score(levers, of), risk_report(levers, of)
    )


@pytest.mark.parametrize(
    ("cost", "points", "impact"),
    [
        (100_000, 0, Risk.LOW),
        (100_000.01, 1, Risk.MEDIUM),
        (1_000_000, 1, Risk.MEDIUM),
        (1_000_000.01, 2, Risk.HIGH),
        (5_000_000, 2, Risk.HIGH),
        (5_000_000.01, 3, Risk.HIGH),
        (-5_000_000.01, 3, Risk.HIGH),  # a cut is as large a change as a raise
    ],
)
def test_points_and_impact_class_of_a_cost(cost, points, impact):
    found = assessment(of=effects(cost=cost))
    assert (found.score.points["cost"], found.impact_class) == (points, impact)
    assert found.approvals_needed == (2 if impact is Risk.HIGH else 1)


@pytest.mark.parametrize(("people", "points"), [(100, 0), (101, 1), (1_000, 1), (1_001, 2)])
def test_points_of_the_people_affected(people, points):
    assert risk_score((), effects(employees=people)).points["employees"] == points


@pytest.mark.parametrize(
    ("old", "new", "points"),
    [
        (0.033, 0.0363, 0),  # 10 %, whatever floating point makes of it
        (0.033, 0.03631, 1),
        (0.03, 0.036, 1),
        (0.03, 0.0361, 2),
        (0.03, 0.0239, 2),
        (0.0, 0.001, 2),  # from nothing: more than any share
    ],
)
def test_points_of_the_largest_change_of_a_sensitive_lever(old, new, points):
    levers = [lever(old, new), lever(1.0, 1.4, "new_hire_salary_adjustment", sensitive=False)]
    assert risk_score(levers, GIVEN).points["levers"] == points


@pytest.mark.parametrize(
    ("cost", "people", "new", "total", "level"),
    [
        (100_001, 100, 0.0364, 2, Risk.LOW),
        (100_001, 101, 0.0364, 3, Risk.MEDIUM),
        (1_000_001, 1_001, 0.0364, 5, Risk.MEDIUM),
        (5_000_001, 1_001, 0.0364, 6, Risk.HIGH),
    ],
)
def test_levels_of_the_score(cost, people, new, total, level):
    found = assessment([lever(new=new)], effects(cost=cost, employees=people))
    assert (found.score.total, found.score.level) == (total, level)


def test_what_cannot_be_measured_is_none_with_a_reason_and_needs_two_approvals():
    nothing = unmeasured("no result of the levers in force is published")
    found = assessment([lever(new=0.034)], replace(GIVEN, cost=nothing, employees=nothing, staff=nothing))
    stored = found.as_json()
    assert stored["effects"]["cost"] == {"value": None, "why": nothing.why}
    assert {name: stored["risk"][name] for name in ("points", "total", "level", "why")} == {
        "points": {"cost": None, "employees": None, "levers": 0},
        "total": None,
        "level": None,
        "why": nothing.why,
    }
    assert (stored["impact_class"], stored["approvals_needed"]) == (None, 2)


@pytest.mark.parametrize(
    ("given", "risk"),
    [
        ({"payroll": 95.0}, 0.0),
        ({"payroll": 95.01}, 0.3),
        ({"market_position": 0.25}, 0.0),
        ({"market_position": 0.2499}, 0.2),
        ({"market_position": 0.75}, 0.0),
        ({"market_position": 0.7501}, 0.1),
        ({"staff": 0.80}, 0.0),
        ({"staff": 0.8001}, 0.2),
        ({"payroll": 101.0, "market_position": 0.1, "staff": 1.0}, 0.7),
    ],
)
def test_business_risk(given, risk):
    assert risk_report((), effects(**given)).components["business"].value == pytest.approx(risk)


@pytest.mark.parametrize(
    ("new", "risk"),
    [(1.05, 0.1), (1.0501, 0.3), (1.10, 0.3), (1.1001, 0.5), (1.2, 0.5), (1.2001, 0.8), (0.7, 0.8)],
)
def test_implementation_risk(new, risk):
    report = risk_report([lever(1.0, new)], GIVEN)
    assert report.components["implementation"].value == risk


def test_the_report_is_the_mean_of_its_parts_with_ranked_factors():
    """Parameter (1.0 + .2) / 2 = .6; business .3 + .2 = .5; implementation: the largest changes of two
    levers, 40 % and 2 %, 21 % on average, .8; market .3. The mean is .55."""
    levers = [
        lever(0.030, 0.042, risk=Risk.CRITICAL, years=(2026,)),
        lever(0.030, 0.031, risk=Risk.LOW, years=(2027,)),
        lever(1.0, 1.02, "new_hire_salary_adjustment", sensitive=False, risk=Risk.LOW),
    ]
    report = risk_report(levers, effects(payroll=96.0, staff=0.9))
    found = {name: one.value for name, one in report.components.items()}
    assert found == {"parameter": 0.6, "business": 0.5, "implementation": 0.8, "market": 0.3}
    assert (report.overall, report.level) == (0.55, Risk.MEDIUM)
    weights = [factor.weight for factor in report.factors]
    assert weights == sorted(weights, reverse=True) == [1.0, 0.8, 0.3, 0.3, 0.2, 0.2, 0.2]
    assert [text.split()[0] for text in report.mitigations] == ["Bring", "Release"]  # business is not over .5


def test_parts_of_the_report_that_cannot_be_measured_are_named():
    nothing = unmeasured("none")
    of = replace(GIVEN, budget=nothing, market_position=nothing, staff=nothing)
    report = risk_report([lever(0.0, 0.01)], of)
    assert report.components["business"].value is None and report.components["business"].why
    assert report.components["implementation"].why == "every changed lever was 0 before"
    assert report.overall == pytest.approx((0.0 + 0.3) / 2) and len(report.not_measured) == 3


RAISED = {"merit_rate_level_1": 0.036, "cola_rate@2027": 0.02, "payroll_budget": 820_000}


def test_the_impact_of_a_scenario_is_what_both_results_simulate(settings):
    """1,500 instead of 1,000 for six of twelve in 2027: 3,000 more on 792,000."""
    publish(settings, BASELINE, staff(*[1_000] * 12), create=False)
    publish(settings, "plan", staff(*[1_500] * 6, *[1_000] * 6), overrides=RAISED)
    with open_ledger(settings) as ledger:
        found = assess_change(settings, ledger, "plan")
    rows = {row["lever"]: row for row in found.as_json()["levers"]}
    merit, cola = rows["merit_rate_level_1"], rows["cola_rate"]
    assert (merit["old"], merit["new"], merit["change"], merit["years"]) == (0.033, 0.036, 0.003, None)
    assert (merit["rate"], merit["significant"], merit["direction"]) == (0.090909091, True, "higher")
    assert (cola["old"], cola["new"], cola["rate"], cola["years"]) == (0, 0.02, None, [2027])
    assert cola["why"] == "the old value is 0" and cola["significant"]
    assert found.against == BASELINE
    assert (found.effects.cost.value, found.effects.employees.value, found.effects.staff.value) == (
        3_000,
        6,
        0.5,
    )
    assert found.as_json()["people"]["groups"][0] == {
        "attribute": "all",
        "group": "everyone",
        "people": 12,
        "gain": 6,
        "lose": 0,
        "difference": 3_000.0,
        "median_rate": pytest.approx(250 / 51_000),  # between nothing and 500 on 51,000
    }
    json.dumps(found.as_json())  # it is stored in the ledger
    assert found.costs.horizon.payroll.difference == 3_000 and found.impact_class is Risk.LOW
    assert found.score.points == {"cost": 0, "employees": 0, "levers": 2}
    assert found.effects.budget.value == 820_000  # 795,000 is 97 % of it
    assert found.report.components["business"].value == 0.3
    assert found.report.not_measured == (
        "Market position: no market survey is in use: match the job titles (`planwise enrich market`) and "
        "decide on those it leaves open.",
    )


def test_a_cost_is_not_measured_against_levers_that_are_no_longer_in_force(settings):
    publish(settings, BASELINE, staff(*[1_000] * 12), create=False)
    publish(settings, "plan", staff(*[1_500] * 12), overrides=RAISED)
    with open_ledger(settings) as ledger:
        ledger.dynamic_levers.replace({"cola_rate": 0.01})
        found = assess_change(settings, ledger, "plan")
    assert found.effects.cost.value is None and "planwise simulate --scenario plan" in found.effects.cost.why
    with open_ledger(settings) as ledger:
        ledger.scenarios.set("plan", {"cola_rate": 0.02})
        publish(settings, "plan", staff(*[1_500] * 12), overrides=RAISED | {"cola_rate": 0.02}, create=False)
        found = assess_change(settings, ledger, "plan")
    assert found.against is None and "planwise simulate --scenario baseline" in found.effects.cost.why
    assert {row.lever: row.old for row in found.levers}["cola_rate"] == 0.01
