"""The frame of every study: the scenario as it is, and whether the target can be reached at all."""

from dataclasses import dataclass

from planwise.errors import PlanWiseError
from planwise.study.evaluation import Evaluation
from planwise.study.problem import Problem
from planwise.study.space import extreme
from planwise.study.strategies.protocol import Search, Strategy
from planwise.study.trial import Proposal, Trial

BASELINE, LOWEST, HIGHEST = "baseline", "lowest", "highest"
UNREACHABLE = "unreachable"


class BaselineBroken(PlanWiseError):
    """The scenario itself cannot be evaluated, so nothing can be sought from it."""


@dataclass(frozen=True)
class Reach:
    """Growth of the scenario as it is and at the bounds of all tuned levers, which act monotonically."""

    baseline: Evaluation
    lowest: Evaluation
    highest: Evaluation

    def nearest(self, problem: Problem) -> Evaluation | None:
        """Return the bound that comes nearest to a target out of reach; None when it is within reach."""
        target, tolerance = problem.question.target_growth, problem.question.tolerance
        if target > self.highest.growth + tolerance:
            return self.highest
        if target < self.lowest.growth - tolerance:
            return self.lowest
        return None


def framed(problem: Problem, strategy: Strategy) -> Search:
    """Preview the scenario and both extremes, then let the strategy look, unless it cannot find anything."""
    answers = yield frame(problem)
    reach = reach_of(answers)
    if reach.nearest(problem) is not None:
        return UNREACHABLE
    return (yield from strategy.propose(problem, reach.baseline))


def frame(problem: Problem) -> tuple[Proposal, ...]:
    """Return the proposals that frame a study."""
    return (
        Proposal({}, "preview", BASELINE),
        Proposal(extreme(problem.space, highest=False), "preview", LOWEST),
        Proposal(extreme(problem.space, highest=True), "preview", HIGHEST),
    )


def reach_of(trials: tuple[Trial, ...]) -> Reach:
    """Return the reach that the frame's trials found; raises BaselineBroken when one of them failed."""
    for trial in trials:
        if trial.evaluation is None:
            raise BaselineBroken(
                f"The {trial.purpose} of the study could not be evaluated: {trial.error}",
                remedy="Make the scenario simulate first: `planwise simulate`.",
            )
    baseline, lowest, highest = (trial.evaluation for trial in trials if trial.evaluation is not None)
    return Reach(baseline, lowest, highest)
