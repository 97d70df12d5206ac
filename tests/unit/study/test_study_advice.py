"""Budgets by class, and the strategy that would do better."""

import pytest
from searching import LEVERS, problem_in

from benchmarks.analytic import World
from planwise.study.problem import evaluation_budget, problem_class
from planwise.study.result import better_strategy

WORLD = World(LEVERS)  # seven levers
FRONT = (("cost", None), ("equity", None))


@pytest.mark.parametrize(
    ("size", "found"),
    [(1, "simple"), (5, "simple"), (6, "moderate"), (12, "moderate"), (13, "complex"), (40, "complex")],
)
def test_classes_by_size(size, found):
    assert problem_class(size) == found


@pytest.mark.parametrize(
    ("levers", "question", "size", "budget"),
    [
        (LEVERS[:3], {}, 3, (20, 50, 100)),
        (LEVERS, {}, 7, (50, 100, 200)),
        (LEVERS, {"constraints": ("payroll<=1e9", "merit_monotone")}, 9, (50, 100, 200)),
        (LEVERS, {"objectives": (("cost", 0.5), ("equity", 0.5))}, 7, (50, 100, 200)),
        (LEVERS, {"objectives": FRONT}, 12, (50, 100, 200)),
        (LEVERS, {"objectives": FRONT, "constraints": ("payroll<=1e9",)}, 13, (100, 200, 500)),
    ],
)
def test_levers_constraints_and_objectives_make_the_size(levers, question, size, budget):
    found = evaluation_budget(problem_in(World(levers), **question))
    assert (found.size, (found.minimum, found.recommended, found.maximum)) == (size, budget)


def test_measured_seconds_become_expected_time():
    budget = evaluation_budget(problem_in(WORLD), 0.6)
    assert budget.seconds == pytest.approx((30, 60, 120)) and budget.affordable(10) == 16
    assert evaluation_budget(problem_in(WORLD)).seconds is None


def advice(strategy, *, converged=False, reachable=True, plans=11, evaluations=14, **question):
    problem = problem_in(WORLD, strategy=strategy, **question)
    return better_strategy(
        problem, converged=converged, reachable=reachable, real_plans=plans, evaluations=evaluations
    )


def test_a_loop_that_missed_the_target_is_told_of_solve():
    found = advice("balanced")
    assert found.startswith("balanced did not meet the target in 11 plans") and "at most 3" in found


def test_a_loop_that_took_long_is_told_of_solve_and_a_short_one_is_not():
    assert "took 11 plans" in advice("aggressive", converged=True)
    assert advice("aggressive", converged=True, plans=3) is None


def test_a_search_that_missed_a_plain_target_is_told_of_solve():
    assert "`solve`" in advice("tpe", evaluations=50)
    assert advice("tpe", converged=True) is None


def test_there_is_no_advice_where_none_helps():
    assert advice("solve") is None
    assert advice("balanced", reachable=False) is None
    assert advice("balanced", single_iteration=True) is None
    assert advice("slsqp", objectives=(("cost", 0.5), ("targets", 0.5))) is None


def test_a_front_of_few_trials_is_told_how_many():
    assert "give 100" in advice("tpe", objectives=FRONT, evaluations=20)
    assert advice("tpe", objectives=FRONT, evaluations=50) is None
