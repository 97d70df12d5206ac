"""The frame of every study: the scenario as it is, and whether the target can be reached at all."""

from collections.abc import Iterable
from dataclasses import dataclass

from planwise.errors import PlanWiseError
from planwise.study.constraints import OF_LEVERS_ALONE, PAYROLL_RISK
from planwise.study.problem import Problem
from planwise.study.search.linear import Region
from planwise.study.search.utmost import UNREACHABLE, verdict
from planwise.study.space import extreme, scaled
from planwise.study.strategies.protocol import Search, Strategy
from planwise.study.trials.evaluation import Evaluation
from planwise.study.trials.trial import Proposal, Trial, TrialPurpose


class BaselineBroken(PlanWiseError):
    """The scenario itself cannot be evaluated, so nothing can be sought from it."""


@dataclass(frozen=True)
class Reach:
    """Growth of the scenario as it is and at the bounds of all tuned levers; `found` is what comes nearest.

    Pay levers act monotonically, so that their bounds are the reach. Where a lever moves people, or
    constraints cut the reach, the bounds are a first guess only, and `found` tells, when there is any.
    """

    baseline: Evaluation
    lowest: Evaluation
    highest: Evaluation
    found: Evaluation | None = None

    def nearest(self, problem: Problem) -> Evaluation | None:
        """Return what comes nearest to a target out of reach; None when it may be within reach."""
        if self.found is not None or any(lever.dynamics for lever in problem.space):
            return self.found
        return self.beyond(problem)

    def beyond(self, problem: Problem) -> Evaluation | None:
        """Return the bound that a target lies beyond; None when it is between them or none is sought."""
        target, tolerance = problem.target, problem.spec.tolerance
        if not problem.spec.seeks_target:
            return None
        if target > self.highest.growth + tolerance:
            return self.highest
        if target < self.lowest.growth - tolerance:
            return self.lowest
        return None


def framed(problem: Problem, strategy: Strategy) -> Search:
    """Preview the scenario and both extremes, then let the strategy look, unless it cannot find anything."""
    answers = yield frame(problem)
    reach, problem = reach_of(answers), informed(problem, answers)
    if not is_cut(problem) and reach.nearest(problem) is not None:
        return UNREACHABLE
    beyond = reach.beyond(problem)
    unsettled = is_cut(problem) and not getattr(strategy, "settles_reach", False)
    if problem.spec.seeks_target and (beyond is not None or unsettled):
        seen_from = reach.baseline if beyond is None or is_cut(problem) else beyond
        said = yield from verdict(problem, Region.of(problem).clip(scaled(problem.space, seen_from.levers)))
        if said is not None:
            return said
    return (yield from strategy.propose(problem, reach.baseline))


def is_cut(problem: Problem) -> bool:
    """Say whether constraints may keep growth from where the levers' bounds allow it."""
    return bool(problem.rules) or any(one.name not in OF_LEVERS_ALONE for one in problem.spec.limits)


def frame(problem: Problem) -> tuple[Proposal, ...]:
    """Return what frames a study: with a chance constraint, the scenario under other seeds too."""
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


def reach_of(trials: Iterable[Trial]) -> Reach:
    """Return the reach that a study's trials found; raises BaselineBroken when one of the frame failed."""
    told: dict[str, Evaluation] = {}
    for trial in trials:
        if trial.evaluation is not None and (
            trial.purpose not in told or trial.purpose == TrialPurpose.NEAREST
        ):
            told[trial.purpose] = trial.evaluation
        elif trial.evaluation is None and trial.purpose in (
            TrialPurpose.BASELINE,
            TrialPurpose.LOWEST,
            TrialPurpose.HIGHEST,
        ):
            raise BaselineBroken(
                f"The {trial.purpose} of the study could not be evaluated: {trial.error}",
                remedy="Make the scenario simulate first: `planwise simulate`.",
            )
    return Reach(
        told[TrialPurpose.BASELINE],
        told[TrialPurpose.LOWEST],
        told[TrialPurpose.HIGHEST],
        told.get(TrialPurpose.NEAREST),
    )


def informed(problem: Problem, trials: Iterable[Trial]) -> Problem:
    """Return the problem with what the frame's trials tell: the baseline, and the payrolls of other seeds.

    Raises InputError where the census cannot answer what is asked, BaselineBroken when a replicate failed.
    """
    found = tuple(trials)
    baseline = next(
        t.evaluation for t in found if t.purpose == TrialPurpose.BASELINE and t.evaluation is not None
    )
    problem = problem.with_baseline(baseline)
    replicates = [trial for trial in found if trial.purpose == TrialPurpose.REPLICATE]
    for trial in replicates:
        if trial.evaluation is None:
            raise BaselineBroken(
                f"The scenario under seed {trial.seed} could not be evaluated: {trial.error}",
                remedy="Make the scenario simulate under other seeds: `planwise simulate --seed`.",
            )
    if not replicates:
        return problem
    return problem.with_replicates(baseline, (t.evaluation for t in replicates if t.evaluation is not None))
