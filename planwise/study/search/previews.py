"""Asking previews about points: one at a time, or a batch of neighbours that gives the slopes."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from planwise.study.constraints import OF_LEVERS_ALONE, SMALLEST_CHANGE
from planwise.study.lever_rules import settled
from planwise.study.problem import Problem
from planwise.study.search.linear import Model
from planwise.study.space import Space, Vector, levers_at, scaled
from planwise.study.trials.evaluation import Evaluation
from planwise.study.trials.trial import Proposal, Trial, TrialPurpose

STEP = 0.1  # of finite differences, in recommended widths: far above rounding, well within the linear range
DYNAMICS_STEP = 0.5  # levers that change who is promoted act by whole people
ASK_AT_MOST = 0.5  # of a lever's room: where its bounds are narrow, the step is too

Asking = Generator[tuple[Proposal, ...], tuple[Trial, ...], "Point | None"]
Sloping = Generator[tuple[Proposal, ...], tuple[Trial, ...], "tuple[Point, Model] | None"]


@dataclass(frozen=True)
class Point:
    """A preview at a point: its outputs are growth, then each constraint's value (up to 0: it holds)."""

    levers: Mapping[str, float]
    at: Vector
    evaluation: Evaluation
    outputs: Vector

    @property
    def growth(self) -> float:
        """Growth, a rate."""
        return self.evaluation.growth

    @property
    def excess(self) -> float:
        """The sum of what constraints are exceeded by."""
        return float(np.maximum(self.outputs[1:], 0.0).sum())


def point_of(problem: Problem, evaluation: Evaluation) -> Point:
    """Return the point of an evaluation, judged by the problem's constraints on its KPIs."""
    values = problem.constraints(evaluation)
    limits = [values[one.key] for one in problem.spec.limits if one.name not in OF_LEVERS_ALONE]
    return Point(
        evaluation.levers,
        scaled(problem.space, evaluation.levers),
        evaluation,
        np.array([evaluation.growth, *limits]),
    )


def output_of(problem: Problem, name: str) -> int:
    """Return the place of a constraint among a point's outputs."""
    limits = [one.name for one in problem.spec.limits if one.name not in OF_LEVERS_ALONE]
    return 1 + limits.index(name)


def ask(problem: Problem, at: Vector, purpose: TrialPurpose, iteration: int) -> Asking:
    """Preview the canonical levers nearest to a point; None when the preview broke."""
    levers = settled(problem.rules, problem.space, levers_at(problem.space, at))
    (trial,) = yield (Proposal(levers, "preview", purpose, iteration),)
    return None if trial.evaluation is None else point_of(problem, trial.evaluation)


def slopes_at(problem: Problem, at: Vector, iteration: int) -> Sloping:
    """Return a point and the linear model there, from one batch of previews; None when one broke.

    Each lever moves towards the middle of its bounds, so that no step leaves them; one without room has
    slopes of 0.
    """
    space = problem.space
    steps = [_inward_step(space, index, value) for index, value in enumerate(at)]
    asked = [at, *(at + step for step in steps if step.any())]
    trials = yield tuple(
        Proposal(levers_at(space, one), "preview", TrialPurpose.SLOPE, iteration) for one in asked
    )
    points = [point_of(problem, trial.evaluation) for trial in trials if trial.evaluation is not None]
    if len(points) < len(asked):
        return None
    start, slopes = points[0], np.zeros((len(points[0].outputs), len(space)))
    neighbours = iter(points[1:])
    for index, step in enumerate(steps):
        if step.any():
            moved = next(neighbours)
            slopes[:, index] = (moved.outputs - start.outputs) / (moved.at - start.at)[index]
    model = Model(start.at, start.outputs, slopes)
    return start, replace(model, cuts=model.lines())


def _inward_step(space: Space, index: int, at: float) -> Vector:
    lever = space[index]
    room = ASK_AT_MOST * (lever.high - lever.low) / lever.scale
    size = min(DYNAMICS_STEP if lever.dynamics else STEP, room)
    value = lever.start + lever.scale * at
    step = np.zeros(len(space))
    if size * lever.scale < SMALLEST_CHANGE:
        return step
    step[index] = size if value <= (lever.low + lever.high) / 2 else -size
    return step
