"""Least change: the smallest move of the levers that meets the target, solved on previews, verified by plans.

The target and the constraints are nearly linear in the levers, so SciPy (SLSQP) solves min Σ((x−x₀)/scale)²
on their linear models, within the hard bounds and with the constraints on levers; a preview of the
solution corrects the models along the step (Broyden's update) until it is on target and within every limit.
The slopes come from finite differences at x₀, one batch of previews, and again at the solution where it
matters: with a constraint at its limit, a lever that moves people, or steps that do not arrive. A plan then
verifies. Preview and plan agree; if they ever differ, the difference corrects the next aim.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from optuna.samplers import BaseSampler

from planwise.study.constraints import PAYROLL_RISK, risk_ratio
from planwise.study.grid import NEAR_SHARE, nearest_on_grid
from planwise.study.linear_model import (
    Model,
    Point,
    Region,
    ask,
    ends_of,
    least_change,
    output_of,
    point_of,
    slopes_at,
)
from planwise.study.problem import AT_LIMIT, PP, Batch, Problem, Search, relabelled
from planwise.study.reachability import FurthestPoint, find_furthest_point, judge
from planwise.study.space import MERIT_FAMILY, Vector
from planwise.study.trial import Evaluation, Proposal, Trial, TrialPurpose

REAL_PLANS_MAX = 2
AIM_SHARE = 0.01  # of the tolerance: how near the preview must come, so that a plan has all of it left
PEOPLE_SHARE = 0.5  # the same where every lever moves people: one person more or less is a step
STEPS_MAX = 8  # corrections of one linear model; two or three are usual
FREE_STEPS = 3  # after these, levers that move people stay: each jump of theirs would undo a correction
SLOPES_MAX = 6  # at the start, and where that led
SAME_CHANGE = 0.005  # relative: fresh slopes that promise no smaller change than this are the last
SAME_PLACE = 0.1  # relative to the change: slopes taken so near a solution are those of the solution
HALVINGS_MAX = 20  # between two points on either side of the target: far below a lever's last decimal
CHANCE_MAX = 4  # times that a solution is evaluated in other worlds; two are usual
SAME_RATIO = 5e-4  # of payroll: about a sixth of a point of a chance of ten per cent

Steps = Generator[Batch, tuple[Trial, ...], "SolvedPoint | None"]
Stepping = Generator[Batch, tuple[Trial, ...], "Stepped | None"]
Seeking = Generator[Batch, tuple[Trial, ...], "Sought | str"]
Meeting = Generator[Batch, tuple[Trial, ...], "SolvedPoint | FurthestPoint | str"]
Fitting = Generator[Batch, tuple[Trial, ...], "Problem | None"]
Nearing = Generator[Batch, tuple[Trial, ...], FurthestPoint]
Halving = Generator[Batch, tuple[Trial, ...], Point | None]
BROKE = "failed: a preview failed, so there is no model to solve"


@dataclass(frozen=True)
class SolvedPoint:
    """A solution on previews, and the model there."""

    point: Point
    model: Model
    tight: bool = False  # a constraint's line held it back

    @property
    def levers(self) -> Mapping[str, float]:
        """The levers."""
        return self.point.levers

    @property
    def reached(self) -> float:
        """What they reach of the target in preview, as a share."""
        return self.point.reached


@dataclass(frozen=True)
class Stepped:
    """The nearest of some steps, the last one, and whether that one met another line of a constraint."""

    best: SolvedPoint
    last: SolvedPoint
    kinked: bool


@dataclass(frozen=True)
class Solve:
    """The default strategy for a target."""

    name: str = "solve"
    settles_reach: bool = True  # its slopes decide reachability

    def sampler(self, problem: Problem, past_trials: int) -> BaseSampler | None:
        """Return None: SciPy finds every point."""
        return None

    def propose(self, problem: Problem, baseline: Evaluation) -> Search:
        """Solve on previews, verify by a plan, and correct the aim where the plan differs."""
        sought = yield from seek_in_stages((problem.within_policy(), problem))
        if isinstance(sought, str):
            return sought
        stage, found, aim = sought.problem, sought.found, problem.target
        plans = min(REAL_PLANS_MAX, problem.spec.iterations)
        for iteration in range(1, plans + 1):
            (trial,) = yield (Proposal(found.levers, problem.kind, TrialPurpose.VERIFY, iteration),)
            if trial.evaluation is None:
                return "failed: the verifying plan failed"
            if problem.on_target(trial.evaluation):
                return replace(problem, seed_ratios=stage.seed_ratios).settled(trial.evaluation)
            if iteration == plans:
                break
            aim -= problem.reached(trial.evaluation) - found.reached
            again = yield from solution(stage, found.model, aim, iteration + 1, [found.point])
            if again is not None and stage.spec.on_grid:
                again = yield from rounded(stage, again, aim, iteration + 1)
            if again is None:
                return BROKE
            found = again
        return "real plans"


@dataclass(frozen=True)
class Sought:
    """A solution on previews, and the problem that judged it."""

    problem: Problem
    found: SolvedPoint


def seek_in_stages(ways: tuple[Problem, ...], *, settles: bool = True) -> Seeking:
    """Return the solution of the first of several ways to see the problem that has one.

    By default the merit budget moves first; other levers move only where it does not meet the target alone.
    With payroll_risk, what the last way reaches is fitted to its own worlds if the answer `settles` there.
    """
    stages = [stage for way in ways for stage in (*merit_first(way), way)]
    for stage in stages[:-1]:
        sought = yield from relabelled(seek(stage, settles=False), {TrialPurpose.NEAREST: TrialPurpose.REACH})
        if isinstance(sought, Sought):
            return sought
    return (yield from seek(stages[-1], settles=settles))


def merit_first(problem: Problem) -> tuple[Problem, ...]:
    """Return the problem with all levers but merit fixed; nothing where levers are named."""
    is_merit = [lever.lever.startswith(MERIT_FAMILY) for lever in problem.space]
    if problem.spec.tune is not None or all(is_merit) or not any(is_merit):
        return ()
    space = tuple(one if merit else one.fixed() for one, merit in zip(problem.space, is_merit, strict=True))
    return (replace(problem, space=space),)


def rounded(problem: Problem, found: SolvedPoint, aim: float, iteration: int) -> Steps:
    """Return the solution's best neighbour on the grid; None when a preview failed."""
    point = yield from nearest_on_grid(problem, found.point, found.model, aim, iteration)
    return None if point is None else replace(found, point=point)


def seek(problem: Problem, *, settles: bool = True) -> Seeking:
    """Return the least change that meets target and constraints on previews; else why there is none."""
    origin = Region.of(problem).clip(np.zeros(len(problem.space)))
    sloped = yield from slopes_at(problem, origin, iteration=1)
    if sloped is None:
        return BROKE
    if problem.spec.limit(PAYROLL_RISK) is not None:
        return (yield from seek_by_chance(problem, *sloped, settles=settles))
    found = yield from met(problem, *sloped)
    if isinstance(found, FurthestPoint):
        return (yield from judge(problem, found)) or BROKE
    return found if isinstance(found, str) else Sought(problem, found)


def met(problem: Problem, start: Point, model: Model) -> Meeting:
    """Return the least change that meets target and constraints, on the grid where values are round.

    Where there is none, what comes nearest or the reason (`within_reach`).
    """
    found = yield from within_reach(problem, start, model)
    if isinstance(found, SolvedPoint) and problem.spec.on_grid:
        found = (yield from rounded(problem, found, problem.target, 1)) or BROKE
    if isinstance(found, SolvedPoint) and not arrived(found.point, problem.target, problem.spec.tolerance):
        return "no round values meet the target within the tolerance; --grid off allows any value"
    return found


def seek_by_chance(problem: Problem, start: Point, model: Model, *, settles: bool) -> Seeking:
    """Return the least change that meets target and constraints, payroll_risk in the answer's own worlds.

    What is found is evaluated in other worlds, and sought again with their payrolls while more of them are
    over the limit than allowed. What comes nearest to a target out of reach is sought again too where fewer
    are: pay would be left out that the chance allows. A target that is out of reach whatever the chance is
    fitted only where the study's answer `settles` there.
    """
    risk = problem.spec.limit(PAYROLL_RISK)
    assert risk is not None
    kept: tuple[Problem, FurthestPoint] | None = None  # the last that keeps the chance
    for _attempt in range(CHANCE_MAX):
        found = yield from met(problem, start, model)
        nothing = isinstance(found, str) or (isinstance(found, FurthestPoint) and found.point.excess > 0)
        if nothing and kept is not None:
            break
        if isinstance(found, str):
            return found
        if isinstance(found, FurthestPoint):
            if nothing or not (settles or _within_reach_without(problem, found)):
                return (yield from judge(problem, found)) or BROKE
            found = yield from inside(problem, found, start)
        there = yield from in_own_worlds(problem, found.point)
        if there is None:
            return BROKE
        ratio, own = (risk_ratio(one.seed_ratios, risk.bound) for one in (problem, there))
        if there.share_over_payroll(found.point.evaluation) <= risk.bound:
            if isinstance(found, SolvedPoint):
                return Sought(there, found)
            kept = there, found
            if own >= ratio * (1 - SAME_RATIO):
                break
        start = point_of(there, found.point.evaluation)
        model = found.model.scaled(output_of(problem, PAYROLL_RISK), own / ratio)
        problem = there
    if kept is None:
        return f"{risk} is violated: other draws exceeded the payroll limit {CHANCE_MAX} times"
    return (yield from judge(*kept)) or BROKE


def in_own_worlds(problem: Problem, point: Point) -> Fitting:
    """Return the problem with what a point's levers pay in other worlds; None when a preview failed."""
    trials = yield tuple(
        Proposal(point.levers, "preview", TrialPurpose.REPLICATE, 1, seed) for seed in problem.replicate_seeds
    )
    found = [trial.evaluation for trial in trials if trial.evaluation is not None]
    return problem.with_replicates(point.evaluation, found) if len(found) == len(trials) else None


def inside(problem: Problem, far: FurthestPoint, start: Point) -> Nearing:
    """Return the least change that comes nearly as near to a target out of reach as the furthest point.

    The furthest point of a linear question is a corner, where all levers but one are at a bound, for a gain
    far below what the chance is known to. What comes within a tenth of the tolerance counts as as near.
    """
    slack = NEAR_SHARE * problem.spec.tolerance
    aim = far.point.reached - (slack if problem.target > far.point.reached else -slack)
    near = yield from solution(problem, far.model, aim, 1, [start, far.point])
    if near is None or not arrived(near.point, aim, slack):
        return far
    return FurthestPoint(near.point, near.model, reaches=False)


def _within_reach_without(problem: Problem, far: FurthestPoint) -> bool:
    """Return whether the model reaches the target where payroll is the scenario's own in every world."""
    risk = problem.spec.limit(PAYROLL_RISK)
    ratio = 1.0 if risk is None else risk_ratio(problem.seed_ratios, risk.bound)
    return _promises(problem, far.model.scaled(output_of(problem, PAYROLL_RISK), 1 / ratio), problem.target)


def within_reach(problem: Problem, start: Point, model: Model) -> Meeting:
    """Return the least change that meets target and constraints on previews, or else what comes nearest.

    Returns the reason where it is neither.
    """
    aim, tolerance = problem.target, problem.spec.tolerance
    visited = [start]
    found: SolvedPoint | None = None
    if _promises(problem, model, aim):
        found = yield from solution(problem, model, aim, 1, visited)
        if found is None or arrived(found.point, aim, tolerance):
            return found or BROKE
        start, model = found.point, found.model
    far = yield from find_furthest_point(problem, model, start, iteration=1)
    if far is None:
        return BROKE
    if not far.reaches:
        return far
    visited.append(far.point)
    again = yield from solution(problem, far.model, aim, 1, visited)
    if again is None:
        return BROKE
    if found is not None:
        again = min(again, found, key=lambda one: _rank(one.point, aim, _near_enough(problem)))
    if arrived(again.point, aim, tolerance):
        return again
    return (
        f"no preview meets target and constraints: the nearest is off by {PP * (aim - again.reached):+.3f} pp"
    )


def solution(problem: Problem, model: Model, aim: float, iteration: int, visited: list[Point]) -> Steps:
    """Return the least change whose preview reaches `aim` within the constraints; else the nearest visited.

    `visited` takes every point that is previewed. None when a preview failed.
    """
    near_enough = _near_enough(problem)
    best: SolvedPoint | None = None
    sloped: list[Vector] = []
    for _slopes in range(SLOPES_MAX):
        sloped.append(model.at)
        stepped = yield from _steps(problem, model, aim, iteration, visited, sloped)
        if stepped is None:
            return None
        last = stepped.last
        best = min(stepped.best, best or stepped.best, key=lambda one: _rank(one.point, aim, near_enough))
        done = arrived(best.point, aim, near_enough)
        if done and not stepped.kinked and not worth_fresh_slopes(problem, best, sloped[-1]):
            break
        where = last.point if stepped.kinked else best.point
        if _among(where.at, sloped):
            break
        renewed = yield from slopes_at(problem, where.at, iteration)
        if renewed is None:
            return None
        model = renewed[1].after(last.model)
        least = least_change(Region.of(problem), model, aim)
        if done and least @ least >= (1 - SAME_CHANGE) * (best.point.at @ best.point.at):
            break
    assert best is not None  # the first slopes led somewhere
    if not arrived(best.point, aim, near_enough):
        halved = yield from _halved(problem, visited, aim, iteration)
        if halved is not None and _rank(halved, aim, near_enough) < _rank(best.point, aim, near_enough):
            best = replace(best, point=halved)
    return best


def worth_fresh_slopes(problem: Problem, found: SolvedPoint, sloped_at: Vector) -> bool:
    """Return whether slopes from elsewhere may be off: a lever moves people, or a constraint is near."""
    near = found.tight or bool(np.any(found.point.outputs[1:] > -AT_LIMIT))
    curved = any(lever.dynamics for lever in problem.space) or near
    away = found.point.at - sloped_at
    return curved and float(away @ away) > SAME_PLACE**2 * float(found.point.at @ found.point.at)


def _steps(
    problem: Problem, model: Model, aim: float, iteration: int, visited: list[Point], sloped: list[Vector]
) -> Stepping:
    """Preview the model's solution and correct the model, until it arrives or meets another line."""
    region = Region.of(problem)
    people = np.array([lever.dynamics for lever in problem.space])
    near_enough = _near_enough(problem)
    best: SolvedPoint | None = None
    for step in range(STEPS_MAX):
        if step == FREE_STEPS and best is not None and people.any() and not people.all():
            region = region.held(people, best.point.at)
        point = yield from ask(problem, least_change(region, model, aim), TrialPurpose.STEP, iteration)
        if point is None:
            return None
        stuck = step > 0 and np.array_equal(point.at, model.at)
        kinked = model.misses(point.at, point.outputs) and not _among(point.at, sloped)
        tight = any(line.value(point.at) > -AT_LIMIT for line in model.lines())
        model = model.moved(point.at, point.outputs)
        visited.append(point)
        last = SolvedPoint(point, model, tight)
        if best is None or _rank(point, aim, near_enough) < _rank(best.point, aim, near_enough):
            best = last
        if stuck or kinked or arrived(point, aim, near_enough):
            break
    assert best is not None  # there is a first step
    return Stepped(best, last, kinked)


def _halved(problem: Problem, visited: list[Point], aim: float, iteration: int) -> Halving:
    """Return the nearest point between the two closest ones on either side of the aim; None without two."""
    kept = [point for point in visited if point.excess <= 0]
    below = [point for point in kept if point.reached < aim]
    above = [point for point in kept if point.reached >= aim]
    if not below or not above:
        return None
    low, high = min(
        ((one, other) for one in below for other in above),
        key=lambda pair: float(np.sum((pair[0].at - pair[1].at) ** 2)),
    )
    near_enough = _near_enough(problem)
    best = min(low, high, key=lambda point: _rank(point, aim, near_enough))
    for _halving in range(HALVINGS_MAX):
        point = yield from ask(problem, (low.at + high.at) / 2, TrialPurpose.STEP, iteration)
        if point is None or any(np.array_equal(point.at, end.at) for end in (low, high)):
            break
        best = min(best, point, key=lambda one: _rank(one, aim, near_enough))
        if arrived(best, aim, near_enough):
            break
        low, high = (point, high) if point.reached < aim else (low, point)
    return best


def _near_enough(problem: Problem) -> float:
    people_only = all(lever.dynamics for lever in problem.space)
    return problem.spec.tolerance * (PEOPLE_SHARE if people_only else AIM_SHARE)


def _promises(problem: Problem, model: Model, aim: float) -> bool:
    """Return whether the model reaches the aim within the constraints."""
    ends = ends_of(Region.of(problem).with_constraints(model), model)
    tolerance = problem.spec.tolerance
    return (
        ends is not None and model.reached(ends[0]) - tolerance <= aim <= model.reached(ends[1]) + tolerance
    )


def _among(at: Vector, places: list[Vector]) -> bool:
    return any(np.array_equal(at, place) for place in places)


def arrived(point: Point, aim: float, near_enough: float) -> bool:
    """Return whether a point keeps the constraints within this distance of the aim."""
    return point.excess <= 0 and abs(point.reached - aim) <= near_enough


def _rank(point: Point, aim: float, near_enough: float) -> tuple[float, float, float]:
    return point.excess, max(abs(point.reached - aim), near_enough), float(point.at @ point.at)


SOLVE = Solve()
