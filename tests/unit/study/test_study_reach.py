"""Reach in closed form: what binds, what no lever meets, and levers that act against their declaration."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kpi_rows import evaluation
from scipy.optimize import minimize
from study_worlds import BASE, LEVELS, SPACE, closed_form

from planwise.risk.ensemble import replicate_seeds
from planwise.study.linear_model import MARGIN, Model, Region, furthest, least_change, least_excess
from planwise.study.problem import Problem, problem_of
from planwise.study.reachability import evaluate_bounds, reachability_of
from planwise.study.space import extreme, start_of
from planwise.study.spec import StudySpec
from planwise.study.strategies.solve import SOLVE
from planwise.study.trial import Trial, TrialPurpose

PROMOTION = "promotion_probability_level_1"


def growth(levers):
    """Promotions lower the mean here: those promoted are replaced by cheap hires."""
    effective = BASE.with_levers(levers)
    fixed = closed_form(lambda name: effective.number(name, 2026))
    return fixed - 0.05 * effective.number(PROMOTION, 2026)


def told(levers, seed=None, nervous=0.0):
    """Payroll is 100 (1 + growth); with nerves, other seeds pay more, more yet with more merit."""
    found = growth(levers)
    merit = levers.get("merit_rate_level_1", 0.033)
    payroll = 100 * (1 + found) + (400 * (merit - 0.033) if nervous else 0.0)
    place = 0 if seed is None else replicate_seeds(0, 11).index(seed)  # 1 to 10, as the seeds are derived
    payroll *= 1 + 0.001 * place * (1 + nervous * (merit / 0.033) ** 2)
    return replace(evaluation(levers, growth=found, payroll=(100.0, payroll)), seed=seed)


def searched(problem, nervous=0.0):
    search, answers, trials = evaluate_bounds(problem, SOLVE), None, []
    while True:
        try:
            batch = next(search) if answers is None else search.send(answers)
        except StopIteration as end:
            return end.value, trials
        answers = tuple(
            Trial(
                0, one.kind, one.purpose, one.iteration, one.levers, "", told(one.levers, one.seed, nervous)
            )
            for one in batch
        )
        trials += answers


def problem(target, **question):
    return problem_of(StudySpec(target_growth=target, **question), BASE, LEVELS, "preview")


BASELINE = growth({})


def test_a_lever_that_acts_against_its_declaration_is_not_claimed_out_of_reach():
    """With promotions at their declared best the target is out of bounds; the slopes say that it is not."""
    asked = problem(0, tune=(PROMOTION, "cola_rate"))
    declared = growth(extreme(asked.space, highest=True))
    most = growth({PROMOTION: 0.0, "cola_rate": 0.08})
    assert declared < most
    target = (declared + most) / 2 + 0.002
    stopped, trials = searched(problem(target, tune=(PROMOTION, "cola_rate")))
    assert stopped == "converged" and trials[-1].evaluation.growth == pytest.approx(target, abs=1e-4)


def test_beyond_what_the_slopes_promise_it_is_out_of_reach_and_says_how_far_it_goes():
    asked = problem(0.2, tune=(PROMOTION, "cola_rate"))
    stopped, trials = searched(asked)
    nearest = reachability_of(trials).nearest(asked)
    assert stopped == "unreachable"
    assert nearest.growth == pytest.approx(growth({PROMOTION: 0.0, "cola_rate": 0.08}))
    assert asked.binding(nearest) == ["cola_rate", PROMOTION]


def test_a_budget_cuts_the_reach_where_it_should():
    """Payroll is 100 (1 + growth) here, so a limit of 103 is a growth of 3 %."""
    asked = problem(0.05, constraints=("payroll<=103",))
    stopped, trials = searched(asked)
    nearest = reachability_of(trials).nearest(asked)
    assert stopped == "unreachable" and "payroll" in asked.binding(nearest)
    assert nearest.growth == pytest.approx(0.03, abs=1e-4) and nearest.growth <= 0.03
    assert searched(problem(0.029, constraints=("payroll<=103",)))[0] == "converged"


def test_a_constraint_that_no_lever_meets_is_named_with_what_comes_nearest():
    asked = problem(0.05, constraints=("payroll<=90", "raise<=0.2"))
    stopped, trials = searched(asked)
    assert stopped == "infeasible: payroll cannot be met, even without the target"
    lowest = growth(extreme(asked.space, highest=False))
    assert reachability_of(trials).nearest(asked).growth == pytest.approx(lowest, abs=1e-6)


def test_a_limit_that_answers_only_far_from_the_start_is_met_there(monkeypatch):
    """Raises are 30 % wherever promotion raises are above 6 %, so that no slope at 8.5 % shows the way."""

    def cliff(levers, seed=None, nervous=0.0):
        raised = 0.3 if levers.get("promotion_raise_level_1", 0.085) > 0.06 else 0.1
        return evaluation(levers, growth=growth(levers), raise_max=(raised, raised))

    monkeypatch.setitem(globals(), "told", cliff)
    levers = ("promotion_raise_level_1", "cola_rate")
    stopped, trials = searched(problem(BASELINE, constraints=("raise<=0.2",), tune=levers))
    assert stopped == "converged" and trials[-1].evaluation.kpis[-1]["raise_max"] == 0.1


def test_a_target_is_not_looked_at_when_none_is_sought():
    asked = problem(0.4, objectives=(("cost", None), ("equity", None)))
    baseline = told({})
    trials = [
        Trial(0, "preview", p, 0, {}, "", baseline)
        for p in (TrialPurpose.BASELINE, TrialPurpose.LOWEST, TrialPurpose.HIGHEST)
    ]
    assert reachability_of(trials).nearest(asked) is None


def test_payroll_over_under_other_seeds_is_sought_again_with_what_they_paid():
    """The seeds pay more the more merit there is, so the first answer is over where the baseline is not.

    Least change moves merit to 3.784 %: payroll is 100 (1 + target) + 1.94, the ninth seed's 4.45 % more. The
    baseline's ninth is 3.6 % more. A limit of 4.1 % more lets the first answer by, until its seeds are asked.
    """
    target, nervous, seeds = BASELINE + 0.01, 3.0, 10
    limit = (100 * (1 + target) + 1.94) * 1.041
    limits = (f"payroll<={limit}", "payroll_risk<=0.1")
    asked = problem(target, constraints=limits, seeds=seeds, tune=("cola_rate", "merit_rate_level_1"))
    asked = replace(asked, own_seed=0)
    stopped, trials = searched(asked, nervous)
    assert stopped == "converged"
    answer = trials[-1].evaluation

    def over(levers):
        paid = [told(levers, seed, nervous).kpis[-1]["payroll"] for seed in asked.replicate_seeds]
        return sum(one > limit for one in paid)

    first = next(trial for trial in trials if trial.purpose == "seed" and trial.levers)
    assert over(first.levers) > 1 >= over(answer.levers)  # of ten, one may be over
    assert len([trial for trial in trials if trial.purpose == "seed"]) == 3 * seeds  # baseline, first, answer


def region(low=-3.0, high=3.0, size=4):
    return Region(np.full(size, low), np.full(size, high), np.zeros((0, size)), np.zeros(0))


vectors = st.lists(st.floats(0.05, 2), min_size=4, max_size=4).map(np.array)


@given(vectors, st.floats(-2, 2))
def test_the_least_change_on_one_linear_output_is_along_its_slopes(slopes, aim):
    """Lagrange: z = aim · s / (s·s), as long as no bound is in the way."""
    by_hand = aim * slopes / (slopes @ slopes)
    if np.abs(by_hand).max() > 2.9:
        return
    model = Model(np.zeros(4), np.array([0.0]), slopes[None, :])
    assert least_change(region(), model, aim) == pytest.approx(by_hand, abs=1e-5)


@settings(max_examples=12, deadline=None)
@pytest.mark.filterwarnings("ignore::UserWarning")  # of the other optimiser, about straight lines
@given(vectors, st.lists(st.floats(-1, 1), min_size=4, max_size=4).map(np.array), st.floats(0.1, 1))
def test_the_least_change_with_a_constraint_is_that_of_another_optimiser(slopes, others, aim):
    model = Model(np.zeros(4), np.array([0.0, -0.2]), np.array([slopes, others]))
    found = least_change(region(), model, aim)
    reference = minimize(
        lambda z: z @ z,
        np.full(4, 0.1),
        method="trust-constr",
        bounds=[(-3, 3)] * 4,
        constraints=[
            {"type": "eq", "fun": lambda z: slopes @ z - aim},
            {"type": "ineq", "fun": lambda z: 0.2 - MARGIN - others @ z},
        ],
        options={"maxiter": 500, "gtol": 1e-8},
    )
    if reference.constr_violation < 1e-6:
        assert found @ found <= float(reference.fun) * 1.001 + 1e-6
        assert slopes @ found == pytest.approx(aim, abs=1e-6) and others @ found <= 0.2 + 1e-7


def test_the_furthest_point_keeps_constraints_and_an_empty_region_has_none():
    model = Model(np.zeros(2), np.array([0.0, -1.0]), np.array([[1.0, 1.0], [1.0, 0.0]]))
    two = region(size=2)
    assert furthest(two, model, highest=True).tolist() == [3, 3]
    assert furthest(two.with_constraints(model), model, highest=True) == pytest.approx([1, 3], abs=1e-5)
    broken = Model(np.zeros(2), np.array([0.0, 9.0]), np.array([[1.0, 1.0], [1.0, 0.0]]))
    assert furthest(two.with_constraints(broken), broken, highest=True) is None
    assert least_excess(two, broken)[0] == pytest.approx(-3)


def test_a_model_follows_what_it_is_told():
    model = Model(np.zeros(2), np.array([0.0]), np.array([[1.0, 0.0]]))
    moved = model.moved(np.array([0.0, 2.0]), np.array([3.0]))  # it promised 0 there
    assert moved.growth(np.zeros(2)) == pytest.approx(0.0) and moved.slopes.tolist() == [[1.0, 1.5]]
    tight = Model(np.zeros(2), np.array([0.0, -0.1]), np.array([[1.0, 0.0], [0.5, 0.0]])).scaled(1, 1.2)
    assert tight.values[1] == pytest.approx(0.9 * 1.2 - 1) and tight.slopes[1, 0] == pytest.approx(0.6)


def test_levers_without_room_have_no_slope_and_do_not_stop_a_search():
    asked = problem(BASELINE + 0.004, constraints=("change.merit_rate_level_1<=0.000001",))
    stopped, trials = searched(asked)
    assert stopped == "converged"
    assert abs(trials[-1].evaluation.levers["merit_rate_level_1"] - 0.033) <= 1.1e-6


def test_a_problem_on_a_space_starts_where_the_levers_are():
    assert (
        start_of(SPACE)["cola_rate"] == 0.025
        and Problem(StudySpec(target_growth=0.03), SPACE, "real").change({}) == 0
    )
