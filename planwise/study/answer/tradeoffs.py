"""The trade-offs that a study with several objectives leaves to choose from."""

from collections.abc import Iterable
from typing import Any

from planwise.study.answer.best import front_of
from planwise.study.answer.pareto import diverse, knee
from planwise.study.problem import PP, Problem
from planwise.study.trials.trial import Trial


def trade_offs(problem: Problem, trials: Iterable[Trial]) -> dict[str, Any]:
    """Return the `front`, and as `picks` the trial numbers of its knee and of members that lie far apart.

    Nothing for a study with one objective, and where no trial is feasible.
    """
    if not problem.spec.multi_objective:
        return {}
    members = [(t, t.evaluation) for t in front_of(problem, trials) if t.evaluation is not None]
    if not members:
        return {}
    front = [
        {
            "trial": trial.number,
            "values": problem.parts(found),
            "growth": found.growth,
            "gap_pp": PP * problem.gap(found),
            "levers": dict(found.levers),
        }
        for trial, found in members
    ]
    values = [problem.values(found) for _, found in members]
    numbers = [trial.number for trial, _ in members]
    picked = {"knee": numbers[knee(values)], "diverse": [numbers[index] for index in diverse(values)]}
    return {"front": front, "picks": picked}
