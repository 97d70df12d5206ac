"""How far growth can go towards a target within the constraints: found on previews, before any plan.

The linear model's furthest point is previewed, the model corrected there, again until it says no more; then
with fresh slopes, whose signs overrule the levers' declared directions.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from planwise.study.problem import Problem
from planwise.study.search.linear import GROWTH, Model, Region, ends_of, furthest, least_excess
from planwise.study.search.previews import Point, ask, slopes_at
from planwise.study.space import Vector, extreme, scaled
from planwise.study.trials.trial import Proposal, Trial, TrialPurpose

UNREACHABLE = "unreachable"
INFEASIBLE = "infeasible"
ROUNDS_MAX = 4  # of fresh slopes; growth is nearly linear, so the first is nearly always enough
STEPS_MAX = 6  # corrections of one model
SAME_POINT = 1e-4  # in recommended widths: about a lever's last decimal
GAIN_SHARE = 0.05  # of the tolerance: less growth than this is no gain

Verdict = Generator[tuple[Proposal, ...], tuple[Trial, ...], str | None]
Searching = Generator[tuple[Proposal, ...], tuple[Trial, ...], "Utmost | None"]


@dataclass(frozen=True)
class Utmost:
    """The point furthest towards a target that keeps the constraints, else that exceeds them least."""

    point: Point
    model: Model
    reaches: bool


def utmost(problem: Problem, model: Model, start: Point, iteration: int) -> Searching:
    """Return the furthest point towards the target, or the first that reaches it; None if a preview broke.

    Where slopes lead to nothing that keeps the constraints, the bounds of all levers are looked at, and the
    search goes on from there if they exceed less: a limit may answer to a lever only far from the start.
    """
    climb = _Climb(problem, Region.of(problem), _upwards(problem, model), iteration)
    found = yield from climb.rounds(model, start)
    if found is None or found.point.excess <= 0:
        return found
    best = found.point
    for highest in (False, True):
        end = yield from ask(
            problem, scaled(problem.space, extreme(problem.space, highest=highest)), TrialPurpose.REACH, 0
        )
        if end is None:
            return None
        best = end if climb.better(end, best) else best
    if best is found.point:
        return found
    sloped = yield from slopes_at(problem, best.at, iteration)
    return None if sloped is None else (yield from climb.rounds(sloped[1].after(model), best))


@dataclass(frozen=True)
class _Climb:
    """A search for the most growth, or the least when not `upwards`, within a problem's constraints."""

    problem: Problem
    region: Region
    upwards: bool
    iteration: int

    def rounds(self, model: Model, best: Point) -> Searching:
        """Follow the model from a point, with fresh slopes as long as they gain something."""
        for round_ in range(ROUNDS_MAX):
            if round_:
                sloped = yield from slopes_at(self.problem, best.at, self.iteration)
                if sloped is None:
                    return None
                model = sloped[1].after(model)
            gained, last = False, model.at
            for _step in range(STEPS_MAX):
                at = furthest(self.region.with_constraints(model), model, highest=self.upwards)
                at = least_excess(self.region, model) if at is None else at
                if float(np.abs(at - last).max()) < SAME_POINT:
                    break
                point = yield from ask(self.problem, at, TrialPurpose.REACH, self.iteration)
                if point is None:
                    return None
                model, last = model.moved(point.at, point.outputs), at
                if self.better(point, best):
                    best, gained = point, True
                if self.reaches(best):
                    return Utmost(best, model, True)
            if not gained:
                break
        tolerance = self.problem.spec.tolerance
        near = best.excess <= 0 and abs(best.growth - self.problem.target) <= tolerance
        return Utmost(best, model, near or self.reaches(best))

    def better(self, one: Point, other: Point) -> bool:
        """Say whether one point exceeds less, or where neither does, is notably further."""
        if one.excess > 0 or other.excess > 0:
            return one.excess < other.excess
        gain = one.growth - other.growth
        return (gain if self.upwards else -gain) > GAIN_SHARE * self.problem.spec.tolerance

    def reaches(self, one: Point) -> bool:
        """Say whether a point keeps the constraints at the target or beyond."""
        short = self.problem.target - one.growth
        return one.excess <= 0 and (short if self.upwards else -short) <= 0


def _upwards(problem: Problem, model: Model) -> bool:
    """Say whether the target lies nearer to the most than to the least growth within the constraints."""
    target = problem.target
    ends = ends_of(Region.of(problem).with_constraints(model), model)
    if ends is None:
        return float(model.values[GROWTH]) < target
    lowest, highest = (model.growth(end) for end in ends)
    return abs(target - highest) < abs(target - lowest)


def verdict(problem: Problem, at: Vector) -> Verdict:
    """Return None when the target can be reached within the constraints, else why not; seen from a point.

    What comes nearest is proposed once more, as `nearest`, so that results can tell it.
    """
    sloped = yield from slopes_at(problem, at, iteration=0)
    found = None if sloped is None else (yield from utmost(problem, sloped[1], sloped[0], iteration=0))
    if found is None:
        return "failed: a preview broke, so the reach is not known"
    return (yield from judged(problem, found))


def judged(problem: Problem, found: Utmost) -> Verdict:
    """Return what the utmost point says about the target; see `verdict`."""
    if found.reaches:
        return None
    yield (Proposal(found.point.levers, "preview", TrialPurpose.NEAREST),)
    if found.point.excess <= 0:
        return UNREACHABLE
    exceeded = [name for name, value in problem.constraints(found.point.evaluation).items() if value > 0]
    return f"{INFEASIBLE}: {', '.join(exceeded)} cannot be met, even without the target"
