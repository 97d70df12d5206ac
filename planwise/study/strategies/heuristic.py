"""The tuning loops: move every lever by a share of the gap, a smaller share each time."""

from collections.abc import Mapping
from dataclasses import dataclass

from optuna.samplers import BaseSampler

from planwise.study.problem import Problem, Search
from planwise.study.space import MERIT_FAMILY, TunedLever, clamped, members, snapped, start_of
from planwise.study.trial import Evaluation, Proposal, TrialPurpose

DECAY = 0.8  # of the adjustment, from one iteration to the next
MERIT_AT_LEVEL_0 = 1.2  # merit takes 1.2 − 0.1 · level of the adjustment: lower levels more
MERIT_PER_LEVEL = 0.1
NEW_HIRE_SHARE = 0.5


@dataclass(frozen=True)
class Heuristic:
    """A tuning loop; `factor` is the share of the gap that the first iteration moves."""

    name: str
    factor: float

    def sampler(self, problem: Problem, past_trials: int) -> BaseSampler | None:
        """Return None: the loop proposes every point itself."""
        return None

    def propose(self, problem: Problem, baseline: Evaluation) -> Search:
        """Evaluate the start, then adjust and evaluate until on target or out of iterations."""
        levers = start_of(problem.space)
        for iteration in range(problem.spec.iterations + 1):
            proposed = snapped(problem.space, levers) if problem.spec.on_grid else levers
            (trial,) = yield (Proposal(proposed, problem.kind, TrialPurpose.ITERATION, iteration),)
            if trial.evaluation is None:
                return "failed: an iteration's trial failed, so the gap is unknown"
            if problem.on_target(trial.evaluation):
                return problem.settled(trial.evaluation)
            adjustment = self.adjustment(problem.gap(trial.evaluation), iteration + 1)
            levers = adjusted(problem.space, levers, adjustment)
        return "iterations"

    def adjustment(self, gap: float, iteration: int) -> float:
        """Return what iteration (from 1) moves for a gap (a rate)."""
        return gap * self.factor * DECAY ** (iteration - 1)


def adjusted(
    space: tuple[TunedLever, ...], levers: Mapping[str, float], adjustment: float
) -> dict[str, float]:
    """Return the levers moved by an adjustment, each by its share, within the hard bounds."""
    return clamped(space, {lever.name: levers[lever.name] + adjustment * _share(lever) for lever in space})


def _share(lever: TunedLever) -> float:
    """Return what a lever takes of the adjustment; each year the same, a tied lever its levels' mean."""
    if lever.lever == "cola_rate":
        return 1.0
    if lever.lever == "new_hire_salary_adjustment":
        return NEW_HIRE_SHARE
    if lever.lever.startswith(f"{MERIT_FAMILY}_"):
        levels = [int(key.partition("@")[0].rpartition("_")[2]) for key in members(lever.name)]
        return MERIT_AT_LEVEL_0 - MERIT_PER_LEVEL * sum(levels) / len(levels)
    return 0.0  # the loop knows no other lever


CONSERVATIVE = Heuristic("conservative", 0.10)
BALANCED = Heuristic("balanced", 0.30)
AGGRESSIVE = Heuristic("aggressive", 0.50)
