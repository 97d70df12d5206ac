"""Least change: the smallest move of the levers that meets the target, solved on previews, verified by plans.

Growth is nearly linear in the levers, so SciPy (SLSQP) solves min Σ((x−x₀)/scale)² on the linear model of
growth within the hard bounds; a preview of the solution corrects the model along the step (Broyden's update)
until the preview is on target. The slopes come from finite differences at x₀, one batch of previews. Taking
them again at the solution would make the change smaller by less than 0.1 % (measured, targets 3 to 11 %), so
that is done only where the steps do not reach the target.
A plan then verifies. Preview and plan agree; should they ever not, the difference moves the next aim.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from optuna.samplers import BaseSampler
from scipy.optimize import LinearConstraint, minimize

from planwise.study.evaluation import Evaluation
from planwise.study.problem import Problem
from planwise.study.space import Space, levers_at, scaled
from planwise.study.strategies.protocol import Batch, Search
from planwise.study.trial import Proposal, Trial

REAL_PLANS_MAX = 3
AIM_SHARE = 0.01  # of the tolerance: how near the preview must come, so that a plan has all of it left
STEPS_MAX = 8  # corrections of one linear model; two or three are usual
STEP = 0.1  # of finite differences, in recommended widths: far above rounding, well within the linear range
DYNAMICS_STEP = 0.5  # levers that change who is promoted act by whole people
SLOPES_MAX = 2  # the second time where the first slopes led, if they did not lead near enough
SLSQP_ITERATIONS = 200
SLSQP_PRECISION = 1e-12

Vector = npt.NDArray[np.float64]
Steps = Generator[Batch, tuple[Trial, ...], "Found | None"]
Sloped = Generator[Batch, tuple[Trial, ...], "LinearModel | None"]


@dataclass(frozen=True)
class LinearModel:
    """Growth near a point: `at` is (x−x₀)/scale, `growth` the rate there, `slopes` per unit of `at`."""

    at: Vector
    growth: float
    slopes: Vector

    def moved(self, at: Vector, growth: float) -> "LinearModel":
        """Return the model at another point, its slopes corrected along the way there (Broyden)."""
        step = at - self.at
        length = float(step @ step)
        if length == 0.0:
            return replace(self, growth=growth)
        missed = growth - self.growth - float(self.slopes @ step)
        return LinearModel(at, growth, self.slopes + missed / length * step)


@dataclass(frozen=True)
class Found:
    """A solution on previews, and the model there."""

    levers: Mapping[str, float]
    growth: float
    model: LinearModel


@dataclass(frozen=True)
class Solve:
    """The default strategy for a growth target."""

    name: str = "solve"

    def sampler(self, problem: Problem, past_trials: int) -> BaseSampler | None:
        """Return None: SciPy finds every point."""
        return None

    def propose(self, problem: Problem, baseline: Evaluation) -> Search:
        """Solve on previews, verify by a plan, correct the aim by what the plan says otherwise."""
        model = yield from slopes_at(problem, np.zeros(len(problem.space)), iteration=1)
        aim = problem.question.target_growth
        for iteration in range(1, min(REAL_PLANS_MAX, problem.question.iterations) + 1):
            found = None if model is None else (yield from solution(problem, model, aim, iteration))
            if found is None:
                return "failed: a preview broke, so there is nothing to solve on"
            (trial,) = yield (Proposal(found.levers, problem.kind, "verify", iteration),)
            if trial.evaluation is None:
                return "failed: the verifying plan broke"
            if problem.on_target(trial.evaluation):
                return "converged" if trial.evaluation.feasible else "on target, but the gate failed"
            aim -= trial.evaluation.growth - found.growth
            model = found.model
        return "real plans"


def slopes_at(problem: Problem, at: Vector, iteration: int) -> Sloped:
    """Return the linear model at a point, from one batch of previews; None when one of them broke.

    Each lever moves towards the middle of its bounds, so that no step leaves them.
    """
    space = problem.space
    steps = [_inward_step(space, index, value) for index, value in enumerate(at)]
    points = [at, *(at + step for step in steps)]
    trials = yield tuple(Proposal(levers_at(space, point), "preview", "slope", iteration) for point in points)
    growth = [trial.evaluation.growth for trial in trials if trial.evaluation is not None]
    if len(growth) < len(points):
        return None
    slopes = [(moved - growth[0]) / step.sum() for moved, step in zip(growth[1:], steps, strict=True)]
    return LinearModel(at, growth[0], np.array(slopes))


def solution(problem: Problem, model: LinearModel, aim: float, iteration: int) -> Steps:
    """Return the least change whose preview grows by `aim`; the nearest visited when that is not met."""
    best: Found | None = None
    near_enough = problem.question.tolerance * AIM_SHARE
    for slopes_taken in range(SLOPES_MAX):
        if slopes_taken:
            assert best is not None  # steps were taken from the first slopes
            renewed = yield from slopes_at(problem, best.model.at, iteration)
            if renewed is None:
                return None
            model = renewed
        for _step in range(STEPS_MAX):
            levers = levers_at(problem.space, least_change(problem.space, model, aim))
            (trial,) = yield (Proposal(levers, "preview", "step", iteration),)
            if trial.evaluation is None:
                return None
            growth = trial.evaluation.growth
            model = model.moved(scaled(problem.space, levers), growth)
            if best is None or abs(growth - aim) < abs(best.growth - aim):
                best = Found(levers, growth, model)
            if abs(growth - aim) <= near_enough:
                return best
    return best


def least_change(space: Space, model: LinearModel, aim: float) -> Vector:
    """Return the smallest move within the bounds at which the model grows by `aim`, or comes nearest."""
    low = np.array([(lever.low - lever.start) / lever.scale for lever in space])
    high = np.array([(lever.high - lever.start) / lever.scale for lever in space])
    origin = model.growth - float(model.slopes @ model.at)
    least = float(np.minimum(model.slopes * low, model.slopes * high).sum())
    most = float(np.maximum(model.slopes * low, model.slopes * high).sum())
    if not np.any(model.slopes):
        return np.clip(model.at, low, high)
    needed = min(max(aim - origin, least), most)
    unit = float(np.abs(model.slopes).max())
    result = minimize(
        lambda z: float(z @ z),
        np.clip(model.at, low, high),
        jac=lambda z: 2 * z,
        method="SLSQP",
        bounds=list(zip(low, high, strict=True)),
        constraints=LinearConstraint(model.slopes / unit, needed / unit, needed / unit),
        options={"maxiter": SLSQP_ITERATIONS, "ftol": SLSQP_PRECISION},
    )
    move: Vector = np.clip(result.x, low, high)
    return move


def _inward_step(space: Space, index: int, at: float) -> Vector:
    lever = space[index]
    size = DYNAMICS_STEP if lever.dynamics else STEP
    value = lever.start + lever.scale * at
    step = np.zeros(len(space))
    step[index] = size if value <= (lever.low + lever.high) / 2 else -size
    return step


SOLVE = Solve()
