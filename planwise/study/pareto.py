"""The best trial of a study; with several objectives the Pareto front, its knee, and diverse picks.

Objectives are minimized: one row a point, one column an objective. Distances are taken in normalized
objectives, each 0 at its best and 1 at its worst on the front, so that units do not matter.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from planwise.errors import InputError
from planwise.study.problem import Problem
from planwise.study.trial import NO_CANDIDATES, Evaluation, Trial

DUPLICATE = 1e-9  # of an objective's range: nearer points are the same trade-off, evaluated twice
FLAT = 1e-9  # of the normalised distance to the chord: a front that bulges less is straight
PICKS = 3

Points = npt.NDArray[np.float64]
Values = Sequence[Sequence[float]]


def front(values: Values, violations: Sequence[float] | None = None) -> tuple[int, ...]:
    """Return the indices of the points that no other dominates, by their first objective, then the next.

    A point dominates another that is nowhere better and somewhere worse. With `violations` (up to 0 is
    feasible) only feasible points count; without any feasible one, those that violate least. Of points that
    are the same within 1e-9 of each objective's range the first stays. Raises InputError for ragged or
    missing values (None, NaN).
    """
    points = _points(values)
    if not len(points):
        return ()
    broken = np.zeros(len(points)) if violations is None else np.maximum(np.array(violations, float), 0.0)
    candidates = np.flatnonzero(broken == broken.min())
    order = sorted(candidates, key=lambda index: (*points[index], index))
    near = DUPLICATE * _range(points[candidates])
    members: list[int] = []
    for index in order:  # whatever dominates a point comes before it in this order
        kept = points[members]
        if not np.any(np.all(kept <= points[index] + near, axis=1)):
            members.append(int(index))
    return tuple(members)


def knee(values: Values) -> int:
    """Return the index of the point where giving up a little of one objective stops gaining much of another.

    It is the member of the front farthest below the chord (for three objectives the plane) through the best
    of each objective; equivalently the smallest sum of normalised objectives (Das 1999, Structural
    Optimization 18; Chiu, Yen and Juan 2016, IEEE TEVC 20). A straight front, or one that bulges away from
    the ideal, has no such point: there it is the member whose largest normalised loss is smallest. Raises
    InputError without any point.
    """
    members, scaled = _scaled_front(values)
    bulge = 1.0 - scaled.sum(axis=1)
    if bulge.max() > FLAT:
        return members[int(bulge.argmax())]
    return members[int(scaled.max(axis=1).argmin())]


def diverse(values: Values, k: int = PICKS) -> tuple[int, ...]:
    """Return up to `k` members of the front that lie far apart, by their first objective.

    Greedy max-min: first the best in the first objective, then each time the member farthest from those
    picked (Gonzalez 1985); on two objectives both ends and the middle. Raises InputError without any point.
    """
    members, scaled = _scaled_front(values)
    picked = [0]  # the front begins with the best in its first objective
    while len(picked) < min(k, len(members)):
        apart = np.linalg.norm(scaled[:, None, :] - scaled[None, picked, :], axis=2).min(axis=1)
        picked.append(int(apart.argmax()))
    return tuple(members[index] for index in sorted(picked))


def _scaled_front(values: Values) -> tuple[tuple[int, ...], Points]:
    members = front(values)
    if not members:
        raise InputError("There is no point to pick from.", remedy="Evaluate at least one feasible trial.")
    points = _points(values)[list(members)]
    return members, (points - points.min(axis=0)) / _range(points)


def _range(points: Points) -> Points:
    """Return each objective's range; 1 where all points agree."""
    width: Points = points.max(axis=0) - points.min(axis=0)
    return np.where(width > 0, width, 1.0)


def _points(values: Values) -> Points:
    if len({len(row) for row in values}) > 1:
        raise InputError("Points differ in their number of objectives.", remedy="Give each point all values.")
    points = np.array(values, dtype=float)
    if np.isnan(points).any():
        raise InputError("A point has an objective without a value.", remedy="Leave failed trials out.")
    return points


def candidates(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that may be an answer: evaluated, under the scenario's seed, no post-analysis."""
    return [
        trial
        for trial in trials
        if trial.evaluation is not None and trial.seed is None and trial.purpose not in NO_CANDIDATES
    ]


def best_of(problem: Problem, trials: Iterable[Trial]) -> Evaluation | None:
    """Return the best evaluation: of the deciding kind, feasible, on target, of the lowest score.

    In this order: without one of the deciding kind the best preview is returned, and of infeasible ones the
    one with the smallest violation. None when there is only the baseline.
    """
    found = [trial.evaluation for trial in candidates(trials) if trial.evaluation is not None]
    if problem.spec.on_grid:
        found = [one for one in found if problem.is_round(one.levers)] or found
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
    """Return the feasible trials of the deciding kind that no other dominates, by the first objective."""
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
            "gap_pp": problem.gap_pp(found),
            "levers": dict(found.levers),
        }
        for trial, found in members
    ]
    values = [problem.values(found) for _, found in members]
    numbers = [trial.number for trial, _ in members]
    picked = {"knee": numbers[knee(values)], "diverse": [numbers[index] for index in diverse(values)]}
    return {"front": front, "picks": picked}
