"""The risk assessment of a set of levers."""

from planwise.parameters import Risk, resolve
from planwise.risk.assessment import assess

YEARS = (2026, 2027)
BASE = resolve(YEARS, scenario={})
KPIS = [{"payroll": 100.0}, {"payroll": 130.0}]


def test_what_is_as_recommended_is_ok():
    found = assess(BASE, KPIS, target_growth=0.03, payroll_budget=200)
    assert found.level is Risk.OK and found.findings == () and found.target == "is moderate"
    assert found.levers["cola_rate"] is Risk.OK


def test_findings_are_worst_first_and_the_worst_is_the_level():
    levers = BASE.with_levers({"cola_rate": 0.055, "merit_rate_level_2": 0.024})
    found = assess(levers, KPIS, target_growth=0.05, payroll_budget=120)
    told = [(f.risk, f.parameter) for f in found.findings]
    assert (
        told[0] == (Risk.CRITICAL, "payroll_budget")
        and "10 over the budget of 120" in found.findings[0].message
    )
    assert [risk.rank for risk, _ in told] == sorted((risk.rank for risk, _ in told), reverse=True)
    assert (Risk.HIGH, "cola_rate") in told and (Risk.MEDIUM, "target_growth") in told
    assert found.level is Risk.CRITICAL and found.target == "is aggressive"


def test_a_lever_has_its_worst_year_and_each_where_they_differ():
    levers = BASE.with_levers({"cola_rate@2027": 0.08})
    found = assess(levers, KPIS, target_growth=None, payroll_budget=None).levers
    assert found["cola_rate"] is found["cola_rate@2027"] is Risk.CRITICAL
    assert found["cola_rate@2026"] is Risk.OK and "merit_rate_level_1@2026" not in found


def test_without_a_target_the_budget_still_counts():
    found = assess(BASE, KPIS, target_growth=None, payroll_budget=120)
    assert found.target is None and found.level is Risk.CRITICAL
    assert assess(BASE, KPIS, target_growth=None, payroll_budget=130).level is Risk.OK


def test_the_json_form_is_plain():
    told = assess(
        BASE.with_levers({"cola_rate": 0.055}), KPIS, target_growth=0.03, payroll_budget=None
    ).as_json()
    assert told["level"] == "HIGH" and told["findings"][0]["year"] is None
    assert type(told["levers"]["cola_rate"]) is str
