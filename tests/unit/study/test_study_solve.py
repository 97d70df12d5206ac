"""Least change against the closed form."""

import random

import numpy as np
import pytest
from scipy.optimize import minimize
from study_worlds import SPACE, World, closed_form, growth

from planwise.study.linear_model import Model, Region, least_change
from planwise.study.problem import Problem
from planwise.study.reachability import evaluate_bounds
from planwise.study.space import change_of, extreme, start_of
from planwise.study.spec import StudySpec
from planwise.study.strategies.solve import SOLVE
from planwise.study.trial import Evaluation, Trial

LOWEST, HIGHEST = (growth(extreme(SPACE, highest=side)) for side in (False, True))


def test_one_lever_is_the_closed_form(world):
    """(1 + cola)(1 + merit) − 1 + hires + promotions − drag = target, solved for cola."""
    target = 0.04
    others = growth({}) - (1.025 * 1.033 - 1)
    result = world.study(target, tune=("cola_rate",))
    assert result.levers["cola_rate"] == pytest.approx((1 + target - others) / 1.033 - 1, abs=2e-5)
    assert result.converged and result.real_plans == 1


def test_the_change_is_the_smallest_that_meets_the_target(world):
    """No other optimiser finds a smaller one on the closed form itself."""
    target = 0.05
    result = world.study(target)
    names = [lever.name for lever in SPACE]
    start = np.array([lever.start for lever in SPACE])
    scale = np.array([lever.scale for lever in SPACE])

    def at(z):
        return dict(zip(names, (start + scale * z).tolist(), strict=True))

    reference = minimize(
        lambda z: float(z @ z),
        np.zeros(len(SPACE)),
        method="SLSQP",
        bounds=[
            ((lever.low - lever.start) / lever.scale, (lever.high - lever.start) / lever.scale)
            for lever in SPACE
        ],
        constraints={"type": "eq", "fun": lambda z: closed_form(at(z).__getitem__) - target},
        options={"ftol": 1e-12},
    )
    assert reference.success
    assert change_of(SPACE, result.levers) <= float(reference.x @ reference.x) * 1.01


def test_two_hundred_random_reachable_targets_within_a_tenth_of_a_point_in_three_plans():
    """The strategy alone, without a journal, which would wait for the disk six thousand times."""
    rng = random.Random(20261120)
    for _ in range(200):
        target = rng.uniform(max(0.01, LOWEST), min(0.06, HIGHEST))
        stopped, plans = driven(Problem(StudySpec(target_growth=target), SPACE, "real"))
        assert stopped == "converged" and len(plans) <= 3
        assert abs(plans[-1].growth - target) <= 0.001


def driven(problem):
    """Answer a search in closed form; return why it ended, and its plans."""
    search, plans, answers = evaluate_bounds(problem, SOLVE), [], None
    while True:
        try:
            batch = search.send(answers)
        except StopIteration as end:
            return end.value, plans
        answers = tuple(answered(proposal) for proposal in batch)
        plans += [trial.evaluation for trial in answers if trial.kind == "real"]


def answered(proposal):
    levers = start_of(SPACE) | dict(proposal.levers)
    found = Evaluation(levers, [], closed_form(levers.__getitem__), proposal.kind)
    return Trial(0, proposal.kind, proposal.purpose, proposal.iteration, levers, "", found)


def test_a_target_near_the_reach_drives_levers_to_their_bounds_and_names_them(world):
    result = world.study(HIGHEST - 0.002)
    assert result.converged and "cola_rate" in result.binding
    assert all(lever.low <= result.levers[lever.name] <= lever.high for lever in SPACE)


def test_what_the_plan_says_otherwise_moves_the_aim(tmp_path):
    """Should plan and preview ever differ, the second plan makes up for it."""
    result = World(tmp_path, bias=0.004).study(0.05)
    assert result.converged and result.real_plans == 2
    assert result.growth == pytest.approx(0.05, abs=1e-4)


def test_no_more_than_three_plans_even_when_they_never_agree(tmp_path):
    world = World(tmp_path)
    drift = iter((0.01, 0.03, 0.06, 0.1))
    honest = world.real.evaluate

    def drifting(levers, *, number, seed=None):
        world.real.bias = next(drift)
        return honest(levers, number=number, seed=seed)

    world.real.evaluate = drifting
    result = world.study(0.05)
    assert (result.converged, result.real_plans, result.stopped) == (False, 3, "real plans")
    assert result.kind == "real"


@pytest.mark.parametrize(("target", "side"), [(0.30, True), (-0.10, False)])
def test_an_unreachable_target_is_said_at_once(world, target, side):
    result = world.study(target)
    assert (result.reachable, result.converged, result.stopped) == (False, False, "unreachable")
    assert result.nearest_growth == pytest.approx(HIGHEST if side else LOWEST)
    assert result.binding == [lever.name for lever in SPACE]
    assert result.kind == "preview" and result.evaluations == 3 and not world.real.calls


def test_a_preview_study_says_that_it_is_one(world):
    result = world.study(0.04, preview=True)
    assert result.converged and result.kind == "preview" and result.real_plans == 0
    assert not world.real.calls


def test_a_target_that_is_met_already_changes_nothing(world):
    result = world.study(growth({}))
    assert result.converged and result.objective["change"] == pytest.approx(0, abs=1e-9)
    assert result.changes == {}


def test_a_linear_model_without_slopes_stays_where_it_is():
    zero = np.zeros(len(SPACE))
    model = Model(zero, np.array([0.02]), np.zeros((1, len(SPACE))))
    region = Region.of(Problem(StudySpec(target_growth=0.05), SPACE, "real"))
    assert least_change(region, model, 0.05).tolist() == zero.tolist()


def test_the_start_is_the_value_in_force():
    assert start_of(SPACE)["cola_rate"] == 0.025
