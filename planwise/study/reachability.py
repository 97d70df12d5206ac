"""Reachability: the baseline, the bounds, and the point furthest towards the target within the constraints.

The furthest point of a linear model is previewed and the model corrected there, until nothing is gained; then
again with new slopes, which take precedence over the levers' declared directions.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np

from planwise.errors import InputError, PlanWiseError
from planwise.processes import raise_if_stopped
from planwise.study.constraints import MERIT_STEP, OF_LEVERS_ALONE, PAYROLL_RISK
from planwise.study.linear_model import (
    REACHED,
    Model,
    Point,
    Region,
    ask,
    ends_of,
    furthest,
    least_excess,
    slopes_at,
)
from planwise.study.problem import Problem, Search, Strategy
from planwise.study.space import Vector, extreme, scaled
from planwise.study.spec import StudySpec
from planwise.study.trial import Evaluation, Evaluator, Proposal, Trial, TrialPurpose

UNREACHABLE = "unreachable"
INFEASIBLE = "infeasible"
ROUNDS_MAX = 4  # of fresh slopes; measures are nearly linear, so the first is nearly always enough
STEPS_MAX = 6  # corrections of one model
SAME_POINT = 1e-4  # in recommended widths: about a lever's last decimal
SAME_OVER = 1e-6  # the same after a point that is over a limit, however little
GAIN_SHARE = 0.05  # of the tolerance: less than this is no gain

Verdict = Generator[tuple[Proposal, ...], tuple[Trial, ...], str | None]
Searching = Generator[tuple[Proposal, ...], tuple[Trial, ...], "FurthestPoint | None"]


@dataclass(frozen=True)
class FurthestPoint:
    """The point furthest towards a target that keeps the constraints, else that exceeds them least."""

    point: Point
    model: Model
    reaches: bool


def find_furthest_point(problem: Problem, model: Model, start: Point, iteration: int) -> Searching:
    """Return the furthest point towards the target, or the first that reaches it; None if a preview failed.

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
    """A search for the most of the target, or the least when not `upwards`, within the constraints."""

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
            gained, last, over = False, model.at, False
            for _step in range(STEPS_MAX):
                at = furthest(self.region.with_constraints(model), model, highest=self.upwards)
                at = least_excess(self.region, model) if at is None else at
                if float(np.abs(at - last).max()) < (SAME_OVER if over else SAME_POINT):
                    break
                point = yield from ask(self.problem, at, TrialPurpose.REACH, self.iteration)
                if point is None:
                    return None
                model, last, over = model.moved(point.at, point.outputs), at, point.excess > 0
                if self.better(point, best):
                    best, gained = point, True
                if self.reaches(best):
                    return FurthestPoint(best, model, True)
            if not gained:
                break
        tolerance = self.problem.spec.tolerance
        near = best.excess <= 0 and abs(best.reached - self.problem.target) <= tolerance
        return FurthestPoint(best, model, near or self.reaches(best))

    def better(self, one: Point, other: Point) -> bool:
        """Return whether one point exceeds less, or where neither does, is notably further."""
        if one.excess > 0 or other.excess > 0:
            return one.excess < other.excess
        gain = one.reached - other.reached
        return (gain if self.upwards else -gain) > GAIN_SHARE * self.problem.spec.tolerance

    def reaches(self, one: Point) -> bool:
        """Return whether a point keeps the constraints at the target or beyond."""
        short = self.problem.target - one.reached
        return one.excess <= 0 and (short if self.upwards else -short) <= 0


def _upwards(problem: Problem, model: Model) -> bool:
    """Return whether the target is nearer to the most than to the least within the constraints."""
    target = problem.target
    ends = ends_of(Region.of(problem).with_constraints(model), model)
    if ends is None:
        return float(model.values[REACHED]) < target
    lowest, highest = (model.reached(end) for end in ends)
    return abs(target - highest) < abs(target - lowest)


def verdict(problem: Problem, at: Vector) -> Verdict:
    """Return None when the target can be reached within the constraints, else why not; seen from a point.

    What comes nearest is proposed once more, as `nearest`, so that results have it.
    """
    sloped = yield from slopes_at(problem, at, iteration=0)
    found = (
        None
        if sloped is None
        else (yield from find_furthest_point(problem, sloped[1], sloped[0], iteration=0))
    )
    if found is None:
        return "failed: a preview failed, so reachability is unknown"
    return (yield from judge(problem, found))


def judge(problem: Problem, found: FurthestPoint) -> Verdict:
    """Return the verdict that the furthest point gives on the target; see `verdict`."""
    if found.reaches:
        return None
    yield (Proposal(found.point.levers, "preview", TrialPurpose.NEAREST),)
    if found.point.excess <= 0:
        return UNREACHABLE
    exceeded = [name for name, value in problem.constraints(found.point.evaluation).items() if value > 0]
    return f"{INFEASIBLE}: {', '.join(exceeded)} cannot be met, even without the target"


def within_policy_first(problem: Problem, preview: Evaluator) -> StudySpec:
    """Return the question, kept within policy unless no values within it can meet target and limits.

    Trade-offs stay within policy always: raises InputError where a limit of theirs is outside it. The
    question of `solve` does not change: it looks within policy first itself.
    """
    spec, inside = problem.spec, problem.within_policy()
    if spec.policy or spec.starts_within_policy:
        return spec
    if not inside.has_no_budget and not (spec.seeks_target and not spec.multi_objective):
        return spec.kept_within_policy()
    if spec.multi_objective:
        allowed = " and ".join(map(str, problem.policy))
        raise InputError(
            "Trade-offs are sought within policy, and no increase budget is within both it and the limits.",
            remedy=f"Policy is near the market's budget: {allowed}. Choose limits within it.",
        )
    reason = INFEASIBLE if inside.has_no_budget else _previewed(inside, preview)
    out_of_reach = reason is not None and reason.startswith((UNREACHABLE, INFEASIBLE))
    return spec if out_of_reach else spec.kept_within_policy()


def _previewed(problem: Problem, preview: Evaluator) -> str | None:
    """Return the verdict on a problem from previews that no journal keeps."""

    def answered(proposal: Proposal) -> Trial:
        assert proposal.levers is not None  # a verdict draws nothing
        found = None
        try:
            found = preview.evaluate(proposal.levers, number=0)
        except Exception:  # the study meets the same error, and records it
            raise_if_stopped()
        return Trial(0, "preview", proposal.purpose, 0, proposal.levers, "", found)

    start = answered(Proposal({}, "preview", TrialPurpose.BASELINE))
    if start.evaluation is None:
        return None
    problem = problem.with_baseline(start.evaluation)
    search, answers = verdict(problem, Region.of(problem).clip(np.zeros(len(problem.space)))), None
    while True:
        try:
            batch = next(search) if answers is None else search.send(answers)
        except StopIteration as end:
            reason: str | None = end.value
            return reason
        answers = tuple(map(answered, batch))


class BaselineBroken(PlanWiseError):
    """The scenario itself cannot be evaluated, so no study can start from it."""


@dataclass(frozen=True)
class Reachability:
    """The unchanged scenario, and the bounds of all tuned levers.

    Measures are monotonic in pay levers, so that their bounds give the range of a target. Where a lever moves
    people, or constraints narrow the range, the bounds are only a first guess, and `found` is the nearest.
    """

    baseline: Evaluation
    lowest: Evaluation
    highest: Evaluation
    found: Evaluation | None = None

    def nearest(self, problem: Problem) -> Evaluation | None:
        """Return the evaluation nearest to a target out of reach; None when it may be within reach."""
        if self.found is not None or any(lever.dynamics for lever in problem.space):
            return self.found
        return self.beyond(problem)

    def beyond(self, problem: Problem) -> Evaluation | None:
        """Return the bound that a target lies beyond; None when it is between them or none is sought."""
        target, tolerance = problem.target, problem.spec.tolerance
        if not problem.spec.seeks_target:
            return None
        if target > problem.reached(self.highest) + tolerance:
            return self.highest
        if target < problem.reached(self.lowest) - tolerance:
            return self.lowest
        return None


def evaluate_bounds(problem: Problem, strategy: Strategy) -> Search:
    """Preview the scenario and both extremes, then run the strategy, unless the target is unreachable."""
    answers = yield bounds_proposals(problem)
    reach, problem = reachability_of(answers), with_baseline(problem, answers)
    if not has_constraints(problem) and reach.nearest(problem) is not None:
        return UNREACHABLE
    beyond = reach.beyond(problem)
    settled = getattr(strategy, "settles_reach", False)
    settled = settled or (problem.spec.policy and not problem.spec.multi_objective)  # `within_policy_first`
    unsettled = has_constraints(problem) and not settled
    if problem.spec.seeks_target and (beyond is not None or unsettled):
        seen_from = reach.baseline if beyond is None or has_constraints(problem) else beyond
        reason = yield from verdict(problem, Region.of(problem).clip(scaled(problem.space, seen_from.levers)))
        if reason is not None:
            return reason
    return (yield from strategy.propose(problem, reach.baseline))


def has_constraints(problem: Problem) -> bool:
    """Return whether constraints may keep the target from where the levers' bounds allow it.

    All levels' merit at one bound keeps any step between them.
    """
    rules = any(rule.name != MERIT_STEP for rule in problem.rules)
    return rules or any(one.name not in OF_LEVERS_ALONE for one in problem.spec.limits)


def bounds_proposals(problem: Problem) -> tuple[Proposal, ...]:
    """Return the baseline and bounds; with payroll_risk, the scenario under other seeds too."""
    chance = problem.spec.limit(PAYROLL_RISK) is not None
    return (
        Proposal({}, "preview", TrialPurpose.BASELINE),
        Proposal(extreme(problem.space, highest=False), "preview", TrialPurpose.LOWEST),
        Proposal(extreme(problem.space, highest=True), "preview", TrialPurpose.HIGHEST),
        *(
            Proposal({}, "preview", TrialPurpose.REPLICATE, seed=seed)
            for seed in (problem.replicate_seeds if chance else ())
        ),
    )


def reachability_of(trials: Iterable[Trial]) -> Reachability:
    """Return the reachability from a study's trials; raises BaselineBroken when one of the bounds failed."""
    found: dict[str, Evaluation] = {}
    for trial in trials:
        if trial.evaluation is not None and (
            trial.purpose not in found or trial.purpose == TrialPurpose.NEAREST
        ):
            found[trial.purpose] = trial.evaluation
        elif trial.evaluation is None and trial.purpose in (
            TrialPurpose.BASELINE,
            TrialPurpose.LOWEST,
            TrialPurpose.HIGHEST,
        ):
            raise BaselineBroken(
                f"The {trial.purpose} of the study could not be evaluated: {trial.error}",
                remedy="Fix the scenario until `planwise simulate` succeeds.",
            )
    return Reachability(
        found[TrialPurpose.BASELINE],
        found[TrialPurpose.LOWEST],
        found[TrialPurpose.HIGHEST],
        found.get(TrialPurpose.NEAREST),
    )


def with_baseline(problem: Problem, trials: Iterable[Trial]) -> Problem:
    """Return the problem with the baseline, and the payrolls of other seeds, from the first trials.

    Raises InputError where the census has no groups for adjusted_gap, BaselineBroken when a replicate failed.
    """
    found = tuple(trials)
    baseline = next(
        t.evaluation for t in found if t.purpose == TrialPurpose.BASELINE and t.evaluation is not None
    )
    problem = problem.with_baseline(baseline)
    replicates = [trial for trial in found if trial.purpose == TrialPurpose.REPLICATE and not trial.levers]
    for trial in replicates:
        if trial.evaluation is None:
            raise BaselineBroken(
                f"The scenario under seed {trial.seed} could not be evaluated: {trial.error}",
                remedy="Fix the scenario until `planwise simulate --seed` succeeds.",
            )
    if not replicates:
        return problem
    return problem.with_replicates(baseline, (t.evaluation for t in replicates if t.evaluation is not None))


def with_answer(problem: Problem, trials: Iterable[Trial]) -> Problem:
    """Return the problem with what levers paid in other worlds, the same problem where none were simulated.

    Those of the nearest to a target out of reach, else the last that were simulated there.
    """
    found = tuple(trials)
    replicates = [trial for trial in found if trial.purpose == TrialPurpose.REPLICATE and trial.levers]
    if not replicates:
        return problem
    nearest = [trial.levers for trial in found if trial.purpose == TrialPurpose.NEAREST]
    there = [trial for trial in replicates if trial.levers in nearest] or [
        trial for trial in replicates if trial.levers == replicates[-1].levers
    ]
    levers = there[-1].levers
    own = next((t.evaluation for t in found if t.seed is None and t.evaluation and t.levers == levers), None)
    evaluations = [trial.evaluation for trial in there if trial.evaluation]
    return problem if own is None else problem.with_replicates(own, evaluations)
