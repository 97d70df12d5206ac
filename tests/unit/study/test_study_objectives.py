"""Objectives and constraints by hand: the baseline's payroll goes from 100 to 110 to 121."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_worlds import BASE, LEVELS, SPACE, evaluation, exact, kpis

from planwise.errors import InputError
from planwise.study.constraints import (
    excess,
    parse_constraint,
    parse_constraints,
    risk_ratio,
    share_over,
    within_budget,
)
from planwise.study.objectives import (
    PRESETS,
    adjusted_gap_part,
    cost_part,
    equity_part,
    parse_objectives,
    targets_part,
)
from planwise.study.problem import Problem, problem_of

BASELINE = kpis()


def test_cost_is_the_payroll_change_over_the_baselines():
    assert cost_part(kpis(payroll_change=(12.0, 12.6)), BASELINE) == pytest.approx(24.6 / 21)
    assert cost_part(BASELINE, BASELINE) == 1


def test_a_payroll_that_hardly_moves_is_measured_by_a_hundredth_of_its_opening():
    still = kpis(payroll=(100.0, 100.1), payroll_change=(0.0, 0.1))
    assert cost_part(kpis(payroll_change=(1.0, 1.0)), still) == pytest.approx(2.0 / 1.0)
    shrinking = kpis(payroll=(90.0, 81.0), payroll_change=(-10.0, -9.0))
    assert cost_part(shrinking, shrinking) == -1


def test_equity_and_gap_are_the_last_years_over_the_baselines():
    assert equity_part(kpis(within_level_cv=(0.9, 0.22)), BASELINE) == pytest.approx(1.1)
    assert adjusted_gap_part(kpis(adjusted_gap_max=(0.9, 0.024)), BASELINE) == pytest.approx(0.8)
    assert equity_part(kpis(within_level_cv=(0, 0.02)), kpis(within_level_cv=(0, 0.0))) == pytest.approx(2)
    assert adjusted_gap_part(kpis(adjusted_gap_max=(0, 0.002)), kpis(adjusted_gap_max=(0, 0.0))) == 2
    assert adjusted_gap_part(kpis(adjusted_gap_max=(0.0, None)), BASELINE) == pytest.approx(1 / 0.03)


def test_targets_is_the_squared_gap_in_tolerances():
    assert targets_part(0.027, 0.03, 0.001) == pytest.approx(9)


def test_a_weighted_objective_is_the_weighted_sum_of_its_parts():
    problem = Problem(exact(target_growth=0.03, objectives=PRESETS["balanced"]), SPACE, "preview")
    problem = problem.with_baseline(evaluation())
    found = evaluation(growth=0.028, payroll_change=(12.0, 12.6), within_level_cv=(0.2, 0.18))
    by_hand = 0.4 * 24.6 / 21 + 0.3 * 0.9 + 0.3 * 4
    assert problem.score(found) == pytest.approx(by_hand)
    assert problem.values(found) == (problem.score(found),)
    assert problem.parts(found) == pytest.approx({"cost": 24.6 / 21, "equity": 0.9, "targets": 4})


def test_a_front_has_one_value_an_objective_and_ranks_by_their_sum():
    question = exact(target_growth=0.03, objectives=parse_objectives("cost,equity"))
    problem = Problem(question, SPACE, "preview").with_baseline(evaluation())
    found = evaluation(payroll_change=(12.0, 12.6), within_level_cv=(0.2, 0.18))
    assert question.multi_objective and not question.seeks_target
    assert problem.values(found) == pytest.approx((24.6 / 21, 0.9))
    assert problem.score(found) == pytest.approx(24.6 / 21 + 0.9)
    assert problem.on_target(evaluation(growth=0.5))  # no target is sought


def test_the_default_is_the_gap_and_a_hundredth_of_the_change():
    problem = Problem(exact(target_growth=0.03), SPACE, "preview")
    found = evaluation({"cola_rate": 0.055}, growth=0.028)  # one recommended width of .03
    assert problem.parts(found) == pytest.approx({"targets": 4, "change": 0.01})
    assert problem.score(found) == pytest.approx(4.01)


def test_before_the_baseline_is_known_an_evaluation_is_scaled_by_itself():
    problem = Problem(exact(target_growth=0.03, objectives=parse_objectives("cost,equity")), SPACE, "preview")
    assert problem.values(evaluation(payroll_change=(12.0, 12.6))) == (1, 1)


def test_what_objectives_spell():
    assert parse_objectives("cost=.4, equity=.3,targets=0.3") == PRESETS["balanced"]
    assert parse_objectives("cost,adjusted_gap") == (("cost", None), ("adjusted_gap", None))
    assert parse_objectives("growth") == PRESETS["growth"]
    assert all(sum(weight for _, weight in preset) == pytest.approx(1) for preset in PRESETS.values())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("costs", "Did you mean cost"),
        ("balance", "Did you mean balanced"),
        ("cost=.4,equity", "some have none"),
        ("cost=.4,cost=.6", "twice"),
        ("cost=0", "not above 0"),
        ("cost=much", "not a number"),
        ("cost=nan", "not above 0"),
        ("", "Unknown objective"),
    ],
)
def test_invalid_objectives_are_rejected(text, says):
    with pytest.raises(InputError, match=says):
        parse_objectives(text)


@given(st.floats(0.1, 10), st.floats(0.01, 100))
def test_scaled_parts_do_not_know_the_currency(factor, currency):
    changes = tuple(value * factor * currency for value in (10.0, 11.0))
    baseline = kpis(
        payroll=tuple(value * currency for value in (110.0, 121.0)),
        payroll_change=tuple(value * currency for value in (10.0, 11.0)),
    )
    assert cost_part(kpis(payroll_change=changes), baseline) == pytest.approx(factor)


def value(text, **columns):
    return excess(parse_constraint(text), kpis(**columns))


def test_payroll_is_the_highest_year_as_a_share_of_the_limit():
    assert value("payroll<=110", payroll=(110.0, 121.0)) == pytest.approx(0.1)
    assert value("payroll<=110", payroll=(99.0, 88.0)) == pytest.approx(-0.1)
    assert value("payroll<=121", payroll=(110.0, 121.0)) == 0


def test_raises_are_of_any_year():
    assert value("raise<=0.1", raise_max=(0.15, 0.05)) == pytest.approx(0.05)
    assert value("raise>=0.015", raise_min=(0.01, 0.02)) == pytest.approx(0.005)
    assert value("raise>=0", raise_min=(None, None)) == 0  # no employee was there at both ends of a year
    assert value("raise<=10%", raise_max=(0.05, 0.04)) == pytest.approx(-0.05)


def test_gap_and_heads_are_the_last_years():
    assert value("adjusted_gap<=0.02", adjusted_gap_max=(0.5, 0.03)) == pytest.approx(0.01)
    assert value("adjusted_gap<=0.02", adjusted_gap_max=(0.0, None)) == pytest.approx(0.98)
    assert value("below_minimum<=3", below_minimum=(0, 5), headcount=(100, 50)) == pytest.approx(2 / 50)


@pytest.mark.parametrize(
    ("share", "ratio"), [(0.0, 1.4), (0.2, 1.4), (0.25, 1.3), (0.5, 1.2), (0.74, 1.2), (0.99, 1.1)]
)
def test_the_payroll_of_the_seeds_that_may_be_over(share, ratio):
    """Of four ratios, floor(4 x share) may be over the limit."""
    assert risk_ratio((1.1, 1.3, 1.2, 1.4), share) == ratio


@given(st.lists(st.floats(0.5, 2), min_size=1, max_size=30), st.floats(0, 0.99), st.floats(50, 200))
def test_the_chance_constraint_holds_exactly_when_few_enough_seeds_are_over(ratios, share, payroll):
    limit = 100.0
    held = payroll * risk_ratio(ratios, share) <= limit
    allowed = int(share * len(ratios) + 1e-9)
    over = sum(payroll * ratio > limit for ratio in ratios)
    assert held == (over <= allowed)


def test_payroll_risk_is_judged_by_the_ratios_of_the_seeds():
    question = exact(target_growth=0.03, constraints=("payroll<=130", "payroll_risk<=0.25"), seeds=4)
    problem = Problem(question, SPACE, "preview").with_baseline(evaluation())
    replicates = [evaluation(payroll=(100.0, 121 * ratio)) for ratio in (0.9, 1.0, 1.05, 1.2)]
    problem = problem.with_replicates(evaluation(), replicates)
    assert problem.seed_ratios == pytest.approx((1.2, 1.05, 1.0, 0.9))
    values = problem.constraints(evaluation())
    assert values["payroll_risk"] == pytest.approx(121 * 1.05 / 130 - 1)  # one of four may be over
    assert problem.feasible(evaluation())
    shown = {one["name"]: one for one in problem.described(evaluation())}
    assert shown["payroll_risk"]["actual"] == 0.25 and shown["payroll"]["actual"] == 121
    assert not problem.feasible(evaluation(payroll=(100.0, 125.0)))  # 125 x 1.05 > 130
    assert share_over([1, 2, 3, 4], 2) == 0.5


def test_merit_falls_by_the_largest_step_between_levels():
    question = exact(target_growth=0.03, constraints=("merit_monotone",))
    problem = problem_of(question, BASE, LEVELS, "preview")
    assert problem.lever_constraints({})["merit_monotone"] == 0  # all alike
    falling = {"merit_rate_level_2": 0.04, "merit_rate_level_3": 0.035, "merit_rate_level_4": 0.034}
    assert problem.lever_constraints(falling)["merit_monotone"] == pytest.approx(0.005)
    rising = {f"merit_rate_level_{level}": 0.03 + level / 1000 for level in LEVELS}
    assert problem.lever_constraints(rising)["merit_monotone"] == pytest.approx(-0.001)
    assert not problem.feasible(evaluation(falling)) and problem.feasible(evaluation(rising))


def test_merit_monotone_looks_at_the_levels_of_the_census_and_at_every_year():
    problem = problem_of(
        exact(target_growth=0.03, constraints=("merit_monotone",), tune=("merit_rate_level_2@2027",)),
        BASE,
        (2, 4),
        "preview",
    )
    assert problem.lever_constraints({"merit_rate_level_2@2027": 0.034})["merit_monotone"] == pytest.approx(
        0.001
    )
    assert sum(rule.name == "merit_monotone" for rule in problem.rules) == 5  # one pair, five years


def test_a_merit_order_that_no_levers_can_keep_is_rejected_at_once():
    base = BASE.with_levers({"merit_rate_level_1": 0.08, "merit_rate_level_2": 0.02})
    with pytest.raises(InputError, match="merit_monotone cannot be met"):
        problem_of(
            exact(target_growth=0.03, tune=("cola_rate",), constraints=("merit_monotone",)),
            base,
            LEVELS,
            "real",
        )
    near = exact(
        target_growth=0.03, tune=("merit_rate_level_1",), constraints=("merit_monotone", "change<=0.01")
    )
    with pytest.raises(InputError, match="merit_monotone cannot be met"):
        problem_of(near, base, LEVELS, "real")


def test_a_change_is_limited_for_all_levers_or_for_one():
    question = exact(target_growth=0.03, constraints=("change<=0.01", "change.cola_rate<=0.005"))
    problem = problem_of(question, BASE, LEVELS, "preview")
    values = problem.lever_constraints({"cola_rate": 0.031, "merit_rate_level_1": 0.03})
    assert values == {
        "change": pytest.approx(-0.004),
        "change.cola_rate": pytest.approx(0.001),
        "merit_step": pytest.approx(-0.002),  # 3.0 % beside 3.3 %
    }
    cola, merit = (
        next(one for one in problem.space if one.name == name) for name in ("cola_rate", "merit_rate_level_1")
    )
    assert (cola.low, cola.high, merit.low, merit.high) == (0.02, 0.03, 0.023, 0.043)
    assert (cola.hard_low, cola.hard_high) == (0.0, 0.08)


def test_a_change_limit_with_values_that_differ_by_year_counts_from_every_year():
    base = BASE.with_levers({"cola_rate@2026": 0.03})  # 2.5 % after
    space = problem_of(exact(target_growth=0.03, constraints=("change<=0.01",)), base, LEVELS, "real").space
    cola = next(one for one in space if one.name == "cola_rate")
    assert (cola.low, cola.high, cola.start) == (0.02, 0.035, 0.026)
    with pytest.raises(InputError, match="differs by more than that"):
        problem_of(exact(target_growth=0.03, constraints=("change<=0.002",)), base, LEVELS, "real")


def test_the_gate_is_a_constraint_and_violations_add_up():
    question = exact(target_growth=0.03, constraints=("payroll<=110", "raise<=0.1"))
    problem = Problem(question, SPACE, "real")
    assert problem.constraints(evaluation(gate="failed"))["gate"] == 1
    assert problem.violation(evaluation()) == pytest.approx(0.1 + 0.05)
    assert problem.settled(evaluation()) == "on target, but not within payroll, raise_max"
    assert problem.settled(evaluation(gate="failed", payroll=(1.0, 1.0), raise_max=(0, 0))).endswith(
        "gate failed"
    )
    assert {"payroll", "raise_max"} <= set(problem.binding(evaluation()))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (" payroll <= 1_200_000.50 ", "payroll<=1200000.5"),
        ("payroll<=1e9", "payroll<=1000000000"),
        ("raise<=20%", "raise<=0.2"),
        ("raise>=-0.05", "raise>=-0.05"),
        ("change.cola_rate@2027<=.01", "change.cola_rate@2027<=0.01"),
        ("merit_monotone", "merit_monotone"),
        ("locked.cola_rate", "locked.cola_rate"),
        ("below_minimum<=0", "below_minimum<=0"),
        ("payroll_risk<=5%", "payroll_risk<=0.05"),
    ],
)
def test_a_constraint_has_one_canonical_text(text, canonical):
    assert str(parse_constraint(text)) == canonical
    assert parse_constraint(canonical) == parse_constraint(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("payrol<=1", "Did you mean payroll"),
        ("payroll>=1", "Write payroll<=X"),
        ("payroll", "Write payroll<=X"),
        ("payroll<1", "not a constraint"),
        ("payroll<=much", "not a number"),
        ("payroll<=inf", "not finite"),
        ("payroll<=0", "above 0"),
        ("payroll_risk<=1", "below 1"),
        ("merit_monotone<=1", "Write merit_monotone"),
        ("raise<=20", "20 %"),
        ("below_minimum<=1.5", "whole number"),
        ("adjusted_gap<=2", "log points"),
        ("change<=0", "lock the lever"),
        ("locked", "takes one lever"),
        ("payroll.cola_rate<=1", "takes no lever"),
        ("", "not a constraint"),
    ],
)
def test_a_text_that_is_no_constraint_says_what_is(text, says):
    with pytest.raises(InputError, match=says):
        parse_constraint(text)


def test_one_quantity_is_limited_once_and_a_risk_needs_a_limit():
    assert len(parse_constraints(("raise<=0.2", "raise>=0", "raise<=0.2"))) == 2
    with pytest.raises(InputError, match="payroll is limited twice"):
        parse_constraints(("payroll<=1", "payroll<=2"))
    risk = exact(target_growth=0.03, constraints=("payroll_risk<=0.05",))
    with pytest.raises(InputError, match="payroll_budget"):
        risk.for_scenario(BASE)
    assert risk.for_scenario(BASE.with_assumptions({"payroll_budget": 1e7})).limit("payroll").bound == 1e7


def test_the_payroll_budget_is_a_constraint_and_the_lower_limit_holds():
    assert within_budget(("merit_monotone",), 100.0) == ("merit_monotone", "payroll<=100")
    assert within_budget(("payroll<=90",), 100.0) == ("payroll<=90",)
    assert within_budget(("payroll<=110",), 100.0) == ("payroll<=100",)
    assert within_budget(("payroll<=110",), None) == ("payroll<=110",)


@given(st.floats(1e-3, 1e15))
def test_a_limit_is_read_back_as_it_was_written(limit):
    constraint = parse_constraint(f"payroll<={limit!r}")
    assert parse_constraint(str(constraint)).limit == pytest.approx(limit, rel=1e-14)
