"""Which strategy is picked, and whether its sentence has the figures that decided."""

from dataclasses import replace

import pytest
from searching import LEVERS, MERITS, Searched, problem_in

from benchmarks.analytic import World
from planwise.study.strategies import STRATEGIES
from planwise.study.strategies.auto import AUTO_FRONT_TRIALS, choose

AUTO = STRATEGIES["auto"]
FRONT = (("cost", None), ("equity", None))
WEIGHTED = (("cost", 0.5), ("equity", 0.3), ("targets", 0.2))
RAISES = tuple(f"promotion_raise_level_{level}" for level in (1, 2, 3, 4))


def chosen(levers=LEVERS, **question):
    return choose(problem_in(World(levers), strategy="auto", **question))


def test_a_plain_target_is_solved():
    assert chosen().strategy == "solve" and "3 plans" in chosen().reason


def test_few_levers_and_nothing_noisy_take_gradients():
    found = chosen(objectives=WEIGHTED)
    assert found.strategy == "slsqp" and "7 levers" in found.reason and "no constraint" in found.reason
    assert "1 constraint," in chosen(objectives=WEIGHTED, constraints=("payroll<=1e9",)).reason


def test_many_constraints_take_quadratic_models():
    found = chosen(objectives=WEIGHTED, constraints=("payroll<=1e9", "merit_monotone", "raise<=0.3"))
    assert found.strategy == "cobyqa" and "3 constraints" in found.reason


@pytest.mark.parametrize(
    ("levers", "question", "figure"),
    [
        ((*LEVERS, *RAISES), {}, "11 levers"),
        (LEVERS, {"constraints": ("payroll<=1e9", "payroll_risk<=0.05")}, "20 seeds"),
        ((*LEVERS, "promotion_probability_level_1"), {}, "promotion_probability_level_1"),
    ],
)
def test_many_levers_and_noise_take_a_population(levers, question, figure):
    found = chosen(levers, objectives=WEIGHTED, **question)
    assert found.strategy == "differential-evolution" and figure in found.reason


def test_where_time_does_not_last_for_a_population_gradients_are_taken():
    problem = problem_in(World((*LEVERS, *RAISES)), objectives=WEIGHTED, timeout_seconds=10.0)
    assert problem.baseline is not None
    slow = replace(problem, baseline=replace(problem.baseline, seconds=0.5))
    quick = replace(problem, baseline=replace(problem.baseline, seconds=0.05))
    assert choose(slow).strategy == "slsqp" and "10 s do not last" in choose(slow).reason
    assert choose(quick).strategy == "differential-evolution"


def test_a_front_is_left_to_generations_only_where_there_are_trials_for_some():
    few = chosen(objectives=FRONT, trials=60)
    many = chosen(objectives=FRONT, trials=AUTO_FRONT_TRIALS)
    assert (few.strategy, many.strategy) == ("tpe", "nsga2")
    assert "60 trials" in few.reason and "2 objectives" in many.reason


def test_what_is_picked_is_what_runs_and_what_is_said():
    problem = problem_in(World(MERITS), strategy="auto", objectives=WEIGHTED)
    assert AUTO.reason(problem) == choose(problem).reason
    assert AUTO.sampler(problem, 0) is None
    found = Searched(AUTO, problem, World(MERITS))
    picked = Searched(STRATEGIES["slsqp"], problem, World(MERITS))
    assert [t.levers for t in found.trials] == [t.levers for t in picked.trials]
    front = problem_in(World(MERITS), strategy="auto", objectives=FRONT, trials=20)
    assert type(AUTO.sampler(front, 0)).__name__ == "TPESampler"
