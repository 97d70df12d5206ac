"""Three answers where policy misses a target: nearest within it, least change outside, other levers."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from planwise.parameters import EffectiveParameters
from planwise.parameters.validation import MERIT
from planwise.risk.assessment import Assessment
from planwise.study.grid import EXCESS
from planwise.study.linear_model import Point, Region, slopes_at
from planwise.study.problem import Batch, Problem, problem_of, relabelled
from planwise.study.reachability import find_furthest_point
from planwise.study.space import expanded
from planwise.study.strategies.solve import merit_first, rounded, seek_in_stages, solution
from planwise.study.target import INCREASE
from planwise.study.trial import Evaluation, Trial, TrialPurpose

WITHIN, OUTSIDE, OTHER = "nearest within policy", "least change outside policy", "other levers"
OWN = "the study's answer"  # where limits, and not policy, keep the target away
OTHER_FAMILIES = ("new_hire_salary_adjustment", "promotion_raise_level_")
NOTABLE_SHARE = 0.5  # of the tolerance: what other levers must add to be an answer of their own
NONE_WITHIN = "No value of these levers is within policy."
NO_EFFECT = "Hiring pay and promotions do not bring the {} nearer."

Finding = Generator[Batch, tuple[Trial, ...], "Point | None"]
Found = Generator[Batch, tuple[Trial, ...], "tuple[Alternative, ...]"]


@dataclass(frozen=True)
class Alternative:
    """One of the answers, and what to know about it."""

    name: str
    evaluation: Evaluation
    note: str = ""


def needs_alternatives(problem: Problem, best: Evaluation, *, reachable: bool) -> bool:
    """Return whether a plain target is out of reach of `solve`, or met outside policy only."""
    if not problem.spec.seeks_target or problem.spec.weights or problem.spec.single_iteration:
        return False
    if problem.on_target(best):
        return not problem.is_within_policy(best)
    return not reachable or problem.spec.chosen_strategy in (
        "solve",
        "auto",
    )  # others may only not have found it


def find_alternatives(
    problem: Problem, base: EffectiveParameters, levels: tuple[int, ...], best: Evaluation
) -> Found:
    """Return the answers; `best` is the study's own, which may be outside policy."""
    purposes = dict.fromkeys(TrialPurpose, TrialPurpose.ALTERNATIVE)
    return (yield from relabelled(_search(problem, base, levels, best), purposes))


def _search(problem: Problem, base: EffectiveParameters, levels: tuple[int, ...], best: Evaluation) -> Found:
    within = yield from _nearest(problem.within_policy())
    other = _with_other_levers(problem, base, levels)
    counts = problem.spec.goal.measure.name != INCREASE  # COLA and merit alone make the increase budget
    further = (yield from _nearest(other.within_policy())) if other is not None and counts else None
    if other is None or further is None or not other.is_within_policy(further.evaluation):
        further = None
    within = None if within is None or not problem.is_within_policy(within.evaluation) else within
    found = [] if within is None else [Alternative(WITHIN, within.evaluation)]
    name = OWN if problem.is_within_policy(best) else OUTSIDE
    found.append(Alternative(name, best, "" if found else NONE_WITHIN))
    if further is not None and (within is None or _nearer(problem, further, within)):
        found.append(Alternative(OTHER, further.evaluation))
    elif other is not None and within is not None:
        note = NO_EFFECT.format(problem.spec.goal.measure.label)
        found.append(Alternative(OTHER, within.evaluation, note))
    return tuple(found)


def _nearest(problem: Problem) -> Finding:
    """Return the least change that meets the target, else that comes as near to it as anything.

    Of answers that come as near, the one that moves fewer levers: merit before COLA.
    """
    sought = yield from seek_in_stages((problem,), settles=False)
    if not isinstance(sought, str):
        return sought.found.point
    best: Point | None = None
    for stage in (*merit_first(problem), problem):
        point = yield from _furthest(stage)
        if point is not None and (best is None or _nearer(problem, point, best)):
            best = point
    return best


def _furthest(problem: Problem) -> Finding:
    """Return the least change that comes as near to the target as anything within the problem's limits."""
    start = Region.of(problem).clip(np.zeros(len(problem.space)))
    sloped = yield from slopes_at(problem, start, 0)
    far = None if sloped is None else (yield from find_furthest_point(problem, sloped[1], sloped[0], 0))
    if sloped is None or far is None:
        return None
    aim = far.point.reached
    solved = yield from solution(problem, sloped[1], aim, 0, [sloped[0], far.point])
    if solved is not None and problem.spec.on_grid:
        solved = yield from rounded(problem, solved, aim, 0)
    return far.point if solved is None else solved.point


def _nearer(problem: Problem, one: Point, other: Point) -> bool:
    """Return whether one answer breaks less of the limits, or comes notably nearer to the target."""
    gain = abs(other.reached - problem.target) - abs(one.reached - problem.target)
    less = other.excess - one.excess
    return less > EXCESS if abs(less) > EXCESS else gain > NOTABLE_SHARE * problem.spec.tolerance


def _with_other_levers(
    problem: Problem, base: EffectiveParameters, levels: tuple[int, ...]
) -> Problem | None:
    """Return the problem with hiring pay and promotion raises to tune as well; None where none is left."""
    known = expanded({lever.name: lever.start for lever in problem.space})
    more = [
        lever.name
        for lever in base.declared.levers.values()
        if lever.name.startswith(OTHER_FAMILIES)
        and lever.name not in known
        and lever.name not in problem.spec.locked
        and (lever.level_id is None or {lever.level_id, lever.level_id + 1} <= set(levels))
    ]
    if not more:
        return None
    spec = problem.spec.with_levers((*known, *more))
    other = problem_of(spec, base, levels, problem.kind)
    order = {lever.name: place for place, lever in enumerate(problem.space)}
    staged = problem.spec.tune is None  # merit moves before COLA
    space = [
        lever.fixed() if staged and lever.name.startswith("cola_rate") else lever
        for lever in sorted(other.space, key=lambda lever: order.get(lever.name, len(order)))
    ]
    return replace(problem, spec=spec, space=tuple(space), rules=other.rules)


def answers_json(
    problem: Problem,
    base: EffectiveParameters,
    levels: tuple[int, ...],
    baseline: Evaluation,
    found: Iterable[tuple[Alternative, Assessment]],
) -> list[dict[str, Any]]:
    """Return each answer as JSON values: levers, budget, payroll, who gets what, risk."""
    target = problem.spec.goal
    rows = []
    for one, risk in found:
        evaluation, first = one.evaluation, one.evaluation.kpis[0]
        levers = expanded(evaluation.levers)
        rows.append(
            {
                "name": one.name,
                "note": one.note,
                "met": problem.on_target(evaluation),
                "reached": target.measure.of(evaluation.kpis),
                "gap_pp": problem.gap_pp(evaluation),
                "levers": levers,
                "increase_rate": first.get("increase_rate"),
                "increase_cost": first.get("increase_cost"),
                "payroll": first["payroll"],
                "payroll_difference": first["payroll"] - baseline.kpis[0]["payroll"],
                "who": who_gets_what(base.with_levers(levers), levels),
                "risk": risk.as_json(),
                "within_policy": problem.is_within_policy(evaluation),
                "kind": evaluation.kind,
            }
        )
    return rows


def who_gets_what(effective: EffectiveParameters, levels: tuple[int, ...]) -> list[Mapping[str, Any]]:
    """Return the COLA and the merit budget of each level in the first year."""
    year = effective.years[0]
    cola = effective.number("cola_rate", year)
    merit = {level: effective.number(MERIT.format(level), year) for level in levels}
    return [
        {"level_id": level, "cola": cola, "merit": rate, "increase": round(cola + rate, 6)}
        for level, rate in merit.items()
    ]
