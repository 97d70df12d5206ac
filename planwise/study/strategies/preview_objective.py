"""A problem as functions of a point in unit coordinates for SciPy, evaluated by previews.

SciPy calls these functions in a thread, and the study evaluates the points that they propose. The two never
run at the same time: the thread waits for its answer while the study evaluates, the study waits for the next
batch while SciPy computes. So a search is as deterministic as SciPy.

A point is (x − x₀) / scale, so that 1 is the width of a lever's recommended range. The squared gap to the
target is in tolerances: from one unit to the next it changes ten thousand times as much as everything else.
Two things make it tractable. Its gradient is never differenced: what is reached itself, nearly linear, is,
and the chain rule does the rest. And a search for a target starts on it: at the smallest move by which a
linear model meets it.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from queue import SimpleQueue

import numpy as np
import numpy.typing as npt

from planwise.errors import CheckFailed
from planwise.parameters.values import DECIMALS
from planwise.study.constraints import GATE
from planwise.study.lever_rules import rows_of
from planwise.study.objectives import TARGETS
from planwise.study.problem import CHANGE_WEIGHT, Batch, Problem, Search
from planwise.study.space import bounds_of, levers_at
from planwise.study.trial import Evaluation, Proposal, Trial, TrialPurpose

Ask = Callable[[Batch], tuple[Trial, ...]]
"""Returns the trials of a batch, in its order; raises Closed when the study is over."""


class Closed(BaseException):
    """The study was stopped while SciPy waited; like GeneratorExit, not to be caught on the way out."""


def ask_tell(work: Callable[[Ask], str]) -> Search:
    """Run `work` in a thread of its own; yield its batches, return its result, raise its errors.

    Closing the generator ends the thread: the call that waits for an answer raises Closed.
    """
    batches: SimpleQueue[Batch | str | BaseException] = SimpleQueue()
    answers: SimpleQueue[tuple[Trial, ...] | None] = SimpleQueue()

    def ask(batch: Batch) -> tuple[Trial, ...]:
        batches.put(batch)
        answer = answers.get()
        if answer is None:
            raise Closed
        return answer

    def run() -> None:
        try:
            batches.put(work(ask))
        except BaseException as error:  # handed to the generator, which raises it
            batches.put(error)

    thread = threading.Thread(target=run, name="scipy-search", daemon=True)
    thread.start()
    try:
        while True:
            message = batches.get()
            if isinstance(message, str):
                return message
            if isinstance(message, BaseException):
                raise message
            answers.put((yield message))
    finally:
        answers.put(None)
        thread.join()


STEP = 0.05  # of differences, in recommended widths: far above rounding, well within the linear range
DYNAMICS_STEP = 0.5  # levers that change who is promoted act by whole people
# Margins within the limits, because SciPy meets them only approximately: of a constraint's unit (a
# thousandth of a per cent of payroll), and of a rule's, whose two levers may be rounded in opposite ways.
MARGIN = 1e-5
RULE_MARGIN = 10.0**-DECIMALS

Vector = npt.NDArray[np.float64]


class BudgetSpent(Exception):
    """The evaluations that a search may take are used up."""


class ObjectiveFailed(CheckFailed):
    """A search cannot go on from a point that could not be evaluated."""


@dataclass(frozen=True)
class Slopes:
    """First derivatives at a point, by unit: of the value, of the target, of each constraint (a row each)."""

    value: Vector
    reached: Vector
    constraints: Vector


class PreviewObjective:
    """Evaluates points by previews, each once, up to `budget` of them; adds them to `seen`."""

    def __init__(self, problem: Problem, ask: Ask, budget: int, seen: list[Evaluation]) -> None:
        self.problem = problem
        self._seen = seen
        self._ask = ask
        self._left = budget
        self._known: dict[tuple[float, ...], Evaluation | None] = {}
        self._sloped: dict[tuple[float, ...], Slopes] = {}
        self._iteration = 0
        self.low, self.high = bounds_of(problem.space)
        self._steps = np.array([DYNAMICS_STEP if lever.dynamics else STEP for lever in problem.space])
        rows, limits = rows_of(problem.rules, problem.space)
        self.rows: Vector = rows
        self.limits: Vector = limits - RULE_MARGIN  # rows @ point <= limits: what levers alone decide

    @cached_property
    def constraint_names(self) -> tuple[str, ...]:
        """The constraints that need an evaluation, in their order; a preview has no gate."""
        start = self._at(self.origin)
        known = {GATE, *self.problem.lever_constraints(start.levers)}
        return tuple(name for name in self.problem.constraints(start) if name not in known)

    @property
    def origin(self) -> Vector:
        """The point without changes."""
        return np.zeros(len(self.low))

    def clip(self, point: Vector) -> Vector:
        """Return the nearest point within the bounds."""
        clipped: Vector = np.clip(point, self.low, self.high)
        return clipped

    def value(self, point: Vector) -> float:
        """Return the objective at a point."""
        return self._value(self._at(point))

    def values(self, points: Sequence[Vector]) -> Vector:
        """Return the objective at several points, evaluated as one batch; infinite where a preview failed."""
        found = self._evaluated(points, TrialPurpose.POINT)
        return np.array([np.inf if one is None else self._value(one) for one in found])

    def constraints(self, point: Vector) -> Vector:
        """Return each constraint's value at a point, from its limit less a margin; up to 0 is feasible."""
        return self._constraints(self._at(point))

    def many_constraints(self, points: Sequence[Vector]) -> Vector:
        """Return the constraints at several points, a column each; infinite where a preview failed."""
        found = self._evaluated(points, TrialPurpose.POINT)
        rows = [
            np.full(len(self.constraint_names), np.inf) if one is None else self._constraints(one)
            for one in found
        ]
        return np.array(rows).T

    def slopes(self, point: Vector) -> Slopes:
        """Return the derivatives at a point from one batch of neighbours, each a step towards the middle."""
        key = self._key(point)
        if key not in self._sloped:
            self._sloped[key] = self._differences(self.clip(point))
        return self._sloped[key]

    def on_target(self) -> Vector:
        """Return the smallest move by which a linear model meets the target; the origin without."""
        if not self.problem.spec.seeks_target:
            return self.origin
        reached = self.slopes(self.origin).reached
        steepness = float(reached @ reached)
        if steepness == 0.0:
            return self.origin
        return self.clip(reached * self.problem.gap(self._at(self.origin)) / steepness)

    def _at(self, point: Vector) -> Evaluation:
        (found,) = self._evaluated([point], TrialPurpose.POINT)
        if found is None:
            raise ObjectiveFailed("A preview failed.", remedy="Look at the trial's error.")
        return found

    def _evaluated(self, points: Sequence[Vector], purpose: TrialPurpose) -> list[Evaluation | None]:
        """Return the evaluations of points, in their order; those not seen before are one batch."""
        keys = [self._key(point) for point in points]
        new = list(dict.fromkeys(key for key in keys if key not in self._known))
        if new:
            if len(new) > self._left:
                raise BudgetSpent
            self._left -= len(new)
            self._iteration += purpose is TrialPurpose.POINT
            names = [lever.name for lever in self.problem.space]
            batch = tuple(
                Proposal(dict(zip(names, key, strict=True)), "preview", purpose, self._iteration)
                for key in new
            )
            for key, trial in zip(new, self._ask(batch), strict=True):
                self._known[key] = trial.evaluation
                if trial.evaluation is not None:
                    self._seen.append(trial.evaluation)
        return [self._known[key] for key in keys]

    def _key(self, point: Vector) -> tuple[float, ...]:
        return tuple(levers_at(self.problem.space, point).values())

    def _value(self, evaluation: Evaluation) -> float:
        return self.problem.score(evaluation)

    def _smooth(self, evaluation: Evaluation) -> float:
        """Return the objective without the squared gap and the change, whose derivatives are known."""
        problem = self.problem
        steep = self.target_weight * problem.part(TARGETS, evaluation) if self.target_weight else 0.0
        change = self._change_weight * problem.change(evaluation.levers)
        return problem.score(evaluation) - steep - change

    @property
    def target_weight(self) -> float:
        """The weight of the squared gap in the objective; 0 where no target is sought."""
        return self.problem.weights.get(TARGETS, 0.0)

    @property
    def _change_weight(self) -> float:
        return 0.0 if self.problem.spec.weights else CHANGE_WEIGHT

    def _constraints(self, evaluation: Evaluation) -> Vector:
        found = self.problem.constraints(evaluation)
        return np.array([found[name] + MARGIN for name in self.constraint_names])

    def _differences(self, point: Vector) -> Slopes:
        here = self._at(point)
        sign = np.where(point <= (self.low + self.high) / 2, 1.0, -1.0)
        steps = sign * np.minimum(self._steps, (self.high - self.low) / 2)
        movable = np.flatnonzero(steps)
        neighbours = self._evaluated(list(point + np.diag(steps)[movable]), TrialPurpose.SLOPE)

        def slope(of: Callable[[Evaluation], Vector]) -> Vector:
            base = of(here)
            found = np.zeros((len(point), base.size))
            for index, neighbour in zip(movable, neighbours, strict=True):
                if neighbour is None:
                    raise ObjectiveFailed("A preview failed.", remedy="Look at the trial's error.")
                found[index] = (of(neighbour) - base) / steps[index]
            return found

        reached = slope(lambda one: np.array([self.problem.reached(one)]))[:, 0]
        rest = slope(lambda one: np.array([self._smooth(one)]))[:, 0]
        tolerance = self.problem.spec.tolerance
        steep = -2 * self.target_weight * self.problem.gap(here) / tolerance**2
        value = rest + steep * reached + 2 * self._change_weight * point
        return Slopes(value, reached, slope(self._constraints).T)
