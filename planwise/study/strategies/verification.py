"""After a search on previews: plans of the best that it saw, until one passes its gate."""

from collections.abc import Iterable

import numpy as np

from planwise.study.problem import Problem
from planwise.study.space import scaled
from planwise.study.strategies.protocol import Search
from planwise.study.trials.evaluation import Evaluation
from planwise.study.trials.trial import Proposal, TrialPurpose

PLANS_MAX = 3
APART = 0.1  # recommended widths between two candidates: a gate that one fails, its neighbour fails too


def verified(problem: Problem, seen: Iterable[Evaluation], stopped: str) -> Search:
    """Plan the best candidates until a plan is feasible, at most three; return `converged` or why it ended.

    Where previews decide, nothing is planned.
    """
    best = candidates(problem, seen)
    if problem.kind == "preview":
        return _ended(problem, best[0], stopped) if best else stopped
    for iteration, candidate in enumerate(best, start=1):
        (trial,) = yield (Proposal(candidate.levers, problem.kind, TrialPurpose.VERIFY, iteration),)
        if trial.evaluation is not None and problem.feasible(trial.evaluation):
            return _ended(problem, trial.evaluation, stopped)
    return "failed: no plan of the best previews is feasible" if best else stopped


def candidates(problem: Problem, seen: Iterable[Evaluation]) -> list[Evaluation]:
    """Return up to three evaluations that lie apart: feasible ones first, then the least objective."""
    ranked = sorted(seen, key=lambda one: (problem.violation(one), problem.score(one)))
    best: list[Evaluation] = []
    for one in ranked:
        point = scaled(problem.space, one.levers)
        near = [scaled(problem.space, other.levers) for other in best]
        if len(best) < PLANS_MAX and all(np.linalg.norm(point - other) >= APART for other in near):
            best.append(one)
    return best


def _ended(problem: Problem, evaluation: Evaluation, stopped: str) -> str:
    met = problem.spec.seeks_target and problem.converged(evaluation)
    return "converged" if met else stopped
