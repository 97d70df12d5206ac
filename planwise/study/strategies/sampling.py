"""Optuna's samplers as strategies: the sampler draws, the study learns.

A search is one batch: the unchanged levers, so that no study ends worse than it began (for a front also
the least and the most pay), and draws, each made when a worker is free for it. Samplers read a trial's
values and constraints from the study itself: TPE, NSGA-II and GP prefer what is feasible, or nearer to it.
"""

import importlib.util
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from optuna import Study
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    NSGAIISampler,
    RandomSampler,
    TPESampler,
)
from optuna.trial import FrozenTrial, TrialState

from planwise.errors import InputError
from planwise.study.problem import Problem, Search, evaluation_budget
from planwise.study.space import extreme, start_of
from planwise.study.trial import Evaluation, Proposal, TrialPurpose

GENERATIONS = 10  # that a genetic search should live through; fewer and it has only drawn
POPULATION_MIN, POPULATION_MAX = 10, 50  # Optuna's own default is the larger


@dataclass(frozen=True)
class Sampling:
    """Draws from an Optuna sampler, made from a seed and the number of trials to come."""

    name: str
    make: Callable[[int, int], BaseSampler]

    def sampler(self, problem: Problem, past_trials: int) -> BaseSampler | None:
        """Return the sampler; a resumed study draws on, not again."""
        return self.make(problem.spec.sampler_seed + past_trials, trials_of(problem))

    def propose(self, problem: Problem, baseline: Evaluation) -> Search:
        """Propose the known points, then draws up to the number of trials."""
        known = [
            Proposal(levers, problem.kind, TrialPurpose.START, place)
            for place, levers in enumerate(_known(problem), 1)
        ]
        draws = [
            Proposal(None, problem.kind, TrialPurpose.SAMPLE, place)
            for place in range(len(known) + 1, trials_of(problem) + 1)
        ]
        together = problem.spec.draws
        if together == 1:  # each when a worker is free for it
            yield (*known, *draws)
        else:
            yield tuple(known)
            for first in range(0, len(draws), together):
                yield tuple(draws[first : first + together])
        return "trials"


def _known(problem: Problem) -> list[dict[str, float]]:
    """Return the unchanged levers; for a front also those of the least and the most pay, near its ends."""
    if not problem.spec.multi_objective:
        return [start_of(problem.space)]
    ends = [extreme(problem.space, highest=highest) for highest in (False, True)]
    return [start_of(problem.space), *ends][: trials_of(problem)]


def trials_of(problem: Problem) -> int:
    """Return how many trials to take: as given, or as recommended for the class of problem."""
    if problem.spec.single_iteration:
        return 2  # the start, and one draw
    return problem.spec.trials or evaluation_budget(problem).recommended


def population(trials: int) -> int:
    """Return the size of a population that lives through ten generations, within 10 and 50."""
    return min(max(trials // GENERATIONS, POPULATION_MIN), POPULATION_MAX)


def has_torch() -> bool:
    """Return whether PyTorch is installed, which the Gaussian process needs."""
    return importlib.util.find_spec("torch") is not None


class _Cmaes(CmaEsSampler):
    """CMA-ES without a warning at each trial that it sees no constraints: `check_spec` refuses them."""

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Constraints have been set")
            super().after_trial(study, trial, state, values)


def require_torch() -> None:
    """Raise InputError where PyTorch is missing."""
    if not has_torch():
        raise InputError(
            "gp needs PyTorch, which is not installed.",
            remedy="Install torch into PlanWise's environment, or use tpe.",
        )


def _gaussian_process(seed: int, trials: int) -> BaseSampler:
    require_torch()
    return GPSampler(seed=seed)


TPE = Sampling("tpe", lambda seed, trials: TPESampler(seed=seed, constant_liar=True))
NSGA2 = Sampling("nsga2", lambda seed, trials: NSGAIISampler(seed=seed, population_size=population(trials)))
CMAES = Sampling("cmaes", lambda seed, trials: _Cmaes(seed=seed, warn_independent_sampling=False))
RANDOM = Sampling("random", lambda seed, trials: RandomSampler(seed=seed))
GP = Sampling("gp", _gaussian_process)
SAMPLERS = (TPE, NSGA2, CMAES, RANDOM, GP)
