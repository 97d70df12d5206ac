"""Round values: the points of the grid around a solution, the best of which is the answer."""

import itertools
from collections.abc import Iterable

import numpy as np

from planwise.study.linear_model import REACHED, Asking, Model, Point, Region, point_of
from planwise.study.problem import Problem
from planwise.study.space import Vector, scaled
from planwise.study.trial import Proposal, TrialPurpose

CORNERS_MAX = 256  # of the cell around a solution: with more, the nearest point is improved lever by lever
ROUNDS_MAX = 60
TRIED = 3  # points that are previewed; a linear model ranks them nearly as the simulation does
NEAR_SHARE = 0.1  # of the tolerance: points as near to the target are ranked by the size of the change
EXCESS = 1e-6  # of a constraint's model, which is not exact
Levers = dict[str, float]
Rank = tuple[float, float, float]


def nearest_on_grid(problem: Problem, point: Point, model: Model, aim: float, iteration: int) -> Asking:
    """Preview the most promising points of the grid around a point; return the best, None if one failed.

    A lever that does not move keeps its value in force, whether round or not.
    """
    ranked = sorted(
        _candidates(problem, point, model, aim), key=lambda levers: _rank(problem, model, levers, aim)
    )
    trials = yield tuple(
        Proposal(levers, "preview", TrialPurpose.STEP, iteration) for levers in ranked[:TRIED]
    )
    points = [point_of(problem, trial.evaluation) for trial in trials if trial.evaluation is not None]
    if len(points) < len(trials):
        return None
    return min(points, key=lambda one: _rank_found(problem, one, aim))


def _candidates(problem: Problem, point: Point, model: Model, aim: float) -> Iterable[Levers]:
    around = [_around(problem, index, point) for index in range(len(problem.space))]
    names = [lever.name for lever in problem.space]
    if np.prod([len(values) for values in around], dtype=float) <= CORNERS_MAX:
        return [dict(zip(names, values, strict=True)) for values in itertools.product(*around)]
    here = {
        name: min(values, key=lambda value: abs(value - point.levers[name]))
        for name, values in zip(names, around, strict=True)
    }
    seen = [here]
    for _round in range(ROUNDS_MAX):
        moves = [
            {**here, name: value} for name, values in zip(names, around, strict=True) for value in values
        ]
        best = min(moves, key=lambda levers: _rank(problem, model, levers, aim))
        if _rank(problem, model, best, aim) >= _rank(problem, model, here, aim):
            break
        here = best
        seen.append(here)
    return seen


def _around(problem: Problem, index: int, point: Point) -> tuple[float, ...]:
    """Return the round values of a lever on both sides of its value at a point."""
    lever = problem.space[index]
    value = point.levers[lever.name]
    if lever.change(value) == 0:
        return (value,)
    sides = (
        lever.snapped(value - lever.step / 2),
        lever.snapped(value),
        lever.snapped(value + lever.step / 2),
    )
    return tuple(dict.fromkeys(sides))


def _rank(problem: Problem, model: Model, levers: Levers, aim: float) -> Rank:
    """Return what a model promises of a point: excess, distance from the target, change."""
    at: Vector = scaled(problem.space, levers)
    region = Region.of(problem)
    broken = float(np.maximum(region.matrix @ at - region.limits - EXCESS, 0.0).sum())
    outputs = model.values + model.slopes @ (at - model.at)
    broken += float(np.maximum(outputs[1:] - EXCESS, 0.0).sum())
    return broken, _distance(problem, float(outputs[REACHED]), aim), float(at @ at)


def _rank_found(problem: Problem, point: Point, aim: float) -> Rank:
    broken = max((rule.value(point.levers) for rule in problem.rules), default=0.0)
    return point.excess + max(broken, 0.0), _distance(problem, point.reached, aim), float(point.at @ point.at)


def _distance(problem: Problem, reached: float, aim: float) -> float:
    return max(abs(reached - aim), NEAR_SHARE * problem.spec.tolerance)
