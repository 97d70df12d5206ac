"""Optuna's samplers as a strategy: the sampler draws, the study learns."""

from collections.abc import Callable
from dataclasses import dataclass

from optuna.samplers import BaseSampler, TPESampler

from planwise.study.evaluation import Evaluation
from planwise.study.problem import Problem
from planwise.study.strategies.protocol import Search
from planwise.study.trial import Proposal

# Recommended trials by the number of levers (up to and with): simple, moderate, complex.
RECOMMENDED_TRIALS = ((5, 50), (12, 100))
RECOMMENDED_TRIALS_COMPLEX = 200


@dataclass(frozen=True)
class Sampling:
    """Draws trial after trial from an Optuna sampler, made from a seed."""

    name: str
    make: Callable[[int], BaseSampler]

    def sampler(self, problem: Problem, past_trials: int) -> BaseSampler | None:
        """Return the sampler; a resumed study draws on, not again."""
        return self.make(problem.question.seed + past_trials)

    def propose(self, problem: Problem, baseline: Evaluation) -> Search:
        """Draw as many trials as asked, or until one converges if that was asked."""
        for iteration in range(1, trials_of(problem) + 1):
            (trial,) = yield (Proposal(None, problem.kind, "sample", iteration),)
            found = trial.evaluation is not None and problem.converged(trial.evaluation)
            if found and problem.question.stop_when_converged:
                return "converged"
        return "trials"


def trials_of(problem: Problem) -> int:
    """Return how many trials to draw: as asked, or as recommended for the number of levers."""
    if problem.question.single_iteration:
        return 1
    if problem.question.trials is not None:
        return problem.question.trials
    levers = len(problem.space)
    return next(
        (trials for limit, trials in RECOMMENDED_TRIALS if levers <= limit), RECOMMENDED_TRIALS_COMPLEX
    )


TPE = Sampling("tpe", lambda seed: TPESampler(seed=seed))
