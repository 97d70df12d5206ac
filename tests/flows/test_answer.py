"""What people read about a study's answer, in the terminal and beside the run."""

import io

import pytest
from rich.console import Console

from planwise.app.optimize import summary
from planwise.cli.tables import lever_table, print_findings
from planwise.parameters import Finding, Risk
from planwise.risk.assessment import Assessment, Spread
from planwise.risk.impact import (
    AmountChange,
    Cost,
    CostImpact,
    ImpactGroup,
    Parts,
    PayDifferences,
    PeopleImpact,
)
from planwise.study import StudyResult
from planwise.study.post_analysis import NotComputed, ParameterImpact, Robustness

AMOUNTS = PayDifferences(low=-10.0, p10=-10.0, median=20.0, p90=30.0, high=40.0, mean=20.0)
RATES = PayDifferences(low=-0.01, p10=-0.01, median=0.02, p90=0.03, high=0.04, mean=0.02)


def result(**changes):
    """Return a result with everything in it."""
    payroll = AmountChange.of(2e6, 2.5e6)
    given = {
        "study": "s",
        "scenario": "baseline",
        "strategy": "solve",
        "target_growth": 0.03,
        "tolerance": 0.001,
        "converged": True,
        "reachable": True,
        "feasible": True,
        "stopped": "converged",
        "kind": "real",
        "growth": 0.03,
        "baseline_growth": 0.05,
        "gap_pp": 0.0,
        "iterations": 1,
        "evaluations": 60,
        "real_plans": 1,
        "cache_hits": 2,
        "trials_failed": 0,
        "seconds": 3.0,
        "levers": {"cola_rate@2027": 0.01},
        "changes": {"cola_rate@2027": {"old": 0.025, "new": 0.01, "change": -0.015}},
        "kpis": [],
        "constraints": [
            {"name": "gate", "text": "gate", "actual": None, "limit": None, "value": 0.0, "satisfied": True},
            {
                "name": "raise_max",
                "text": "raise<=0.2",
                "actual": 0.3,
                "limit": 0.2,
                "value": 0.1,
                "satisfied": False,
            },
        ],
        "objective": {"value": 0.75, "cost": 0.9, "targets": 0.6, "weights": {"cost": 0.5, "targets": 0.5}},
        "binding": ["cola_rate@2027"],
        "nearest_growth": None,
        "environment": None,
        "fingerprint": None,
        "quality_score": 1.0,
        "robustness": Robustness(
            seeds=20,
            seeds_asked=20,
            tolerance=0.001,
            share_within_tolerance=0.45,
            share_interval=[0.26, 0.66],
            growth=Spread(p10=0.027, p50=0.029, p90=0.031, mean=0.029, sd=0.001, n=20),
            growth_by_seed=[0.029] * 20,
            payroll=Spread(p10=2.4e6, p50=2.5e6, p90=2.6e6, mean=2.5e6, sd=1e5, n=20),
            payroll_limit=2.7e6,
            share_over_payroll=0.05,
        ),
        "cost_impact": CostImpact({}, Cost(payroll, payroll), payroll),
        "employee_impact": PeopleImpact(
            2030, 0, 0, ImpactGroup(100, 90, 0.9, 80, 10, 1800.0, AMOUNTS, RATES), by_level={}
        ),
        "parameter_impact": ParameterImpact(
            {"growth_compound": Parts(0.05, 0.03, -0.02, {"cola_rate@2027": -0.019}, -0.001)}
        ),
        "risk": Assessment(
            level=Risk.CRITICAL,
            levers={"cola_rate": Risk.CRITICAL, "cola_rate@2027": Risk.HIGH},
            target=None,
            findings=[Finding("cola_rate", 2027, Risk.HIGH, f"finding [{place}]") for place in range(5)],
        ),
        "front": [
            {"trial": number, "values": {"cost": 1.0, "targets": 2.0}, "growth": 0.03} for number in (4, 5, 6)
        ],
        "picks": {"knee": 4, "diverse": [5]},
        "warnings": ["mind [this]"],
    }
    return StudyResult(**{**given, **changes})


def told(shown):
    text = io.StringIO()
    console = Console(file=text, width=200, highlight=False)
    if isinstance(shown, StudyResult):
        print_findings(console, shown)
    else:
        console.print(shown)
    return text.getvalue()


def test_the_answer_tells_cost_people_other_seeds_constraints_and_risks():
    text = told(result())
    assert "Objective 0.75 = cost 0.9 × 0.5 + targets 0.6 × 0.5" in text
    assert "payroll over the horizon 2.5 M, +500,000 (+25.0%)" in text
    assert "in 2030 pay differs for 90 of 100, 80 earn more, 10 less; median +20 (+2.0%)" in text
    assert "45% within the tolerance (95 %: 26% to 66%); 5% over the payroll limit" in text
    assert "violated" in text and "CRITICAL, 5 findings" in text and "and 2 more" in text
    assert "finding [0]" in text and "mind [this]" in text  # brackets are no markup
    assert "knee" in text and "pick" in text and "3 trade-offs" in text


def test_a_lever_has_the_risk_of_its_own_year_and_what_it_does_alone():
    text = told(lever_table(result()))
    assert "HIGH" in text and "-1.90 pp" in text and "interaction" in text


@pytest.mark.parametrize(
    "field", ["robustness", "cost_impact", "employee_impact", "parameter_impact", "risk", "sensitivity"]
)
def test_what_was_not_computed_says_why(field):
    lacking = result(**{field: NotComputed("cancelled")})
    text = told(lacking) + told(lever_table(lacking)) + summary(lacking)
    if field in ("robustness", "cost_impact", "employee_impact"):
        assert "not computed: cancelled" in text


def test_the_page_beside_the_run_has_the_same_in_short():
    page = summary(result())
    assert "100% of the gap closed" in page and "80 earn more, 10 less" in page and "Risk: CRITICAL" in page
    assert "mind [this]" in page
    assert "target" not in summary(result(quality_score=None)).splitlines()[2]
