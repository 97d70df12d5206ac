"""Which of a study's trials is its answer."""

from collections.abc import Iterable

from planwise.study.answer.pareto import front, knee
from planwise.study.problem import Problem
from planwise.study.trials.evaluation import Evaluation
from planwise.study.trials.trial import NO_CANDIDATES, Trial


def candidates(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that may be an answer: evaluated, under the own seed, not about another."""
    return [
        trial
        for trial in trials
        if trial.evaluation is not None and trial.seed is None and trial.purpose not in NO_CANDIDATES
    ]


def best_of(problem: Problem, trials: Iterable[Trial]) -> Evaluation | None:
    """Return the best evaluation: of the kind asked for, feasible, on target, of the lowest score.

    In that order, so that without any verified one the best preview is returned, as what it is; of infeasible
    ones that which violates least. None when there is nothing but the baseline.
    """
    found = [trial.evaluation for trial in candidates(trials) if trial.evaluation is not None]
    return min(found, key=lambda evaluation: _rank(problem, evaluation), default=None)


def answer_of(problem: Problem, trials: Iterable[Trial]) -> Evaluation | None:
    """Return a study's answer: the knee of the front where there are several objectives, else the best."""
    found = tuple(trials)
    if problem.spec.multi_objective:
        members = front_of(problem, found)
        if members:
            values = [problem.values(trial.evaluation) for trial in members if trial.evaluation is not None]
            return members[knee(values)].evaluation
    return best_of(problem, found)


def front_of(problem: Problem, trials: Iterable[Trial]) -> list[Trial]:
    """Return the feasible trials of the kind asked for that no other dominates, by the first objective."""
    feasible = [
        trial
        for trial in candidates(trials)
        if trial.evaluation is not None and trial.kind == problem.kind and problem.feasible(trial.evaluation)
    ]
    values = [problem.values(trial.evaluation) for trial in feasible if trial.evaluation is not None]
    return [feasible[index] for index in front(values)]


def _rank(problem: Problem, evaluation: Evaluation) -> tuple[bool, bool, float, bool, float]:
    feasible = problem.feasible(evaluation)
    return (
        evaluation.kind != problem.kind,
        not feasible,
        0.0 if feasible else problem.violation(evaluation),
        not problem.on_target(evaluation),
        problem.score(evaluation),
    )
