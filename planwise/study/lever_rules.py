"""Constraints on levers alone: linear, so exact, and known before any evaluation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import linprog

from planwise.errors import InputError
from planwise.parameters import EffectiveParameters
from planwise.parameters.validation import MERIT
from planwise.parameters.values import DECIMALS, Key
from planwise.study.constraints import MERIT_MONOTONE, MERIT_STEP
from planwise.study.space import Space, Vector, bounds_of, expanded, members

HELD = 1e-9  # of a rate: a linear program's rounding
ROUNDED = 1e-5  # levers are rounded to their last decimal one by one


@dataclass(frozen=True)
class Term:
    """A weighted lever in one year; `in_force` is its value where the lever is not tuned or not given."""

    key: str
    weight: float
    in_force: float


@dataclass(frozen=True)
class LeverRule:
    """A linear limit: the sum of its terms is up to `limit`, in the levers' unit."""

    name: str
    terms: tuple[Term, ...]
    limit: float = 0.0

    def value(self, levers: Mapping[str, float]) -> float:
        """Return how far it is exceeded by these levers (up to 0: it holds)."""
        single = expanded(levers)
        return sum(term.weight * single.get(term.key, term.in_force) for term in self.terms) - self.limit

    def row(self, space: Space) -> tuple[Vector, float]:
        """Return (a, b) of a·z ≤ b, z being (x − x₀) / scale."""
        place = {key: index for index, lever in enumerate(space) for key in members(lever.name)}
        a, constant = np.zeros(len(space)), 0.0
        for term in self.terms:
            if term.key in place:
                lever = space[place[term.key]]
                a[place[term.key]] += term.weight * lever.scale
                constant += term.weight * lever.start
            else:
                constant += term.weight * term.in_force
        return a, self.limit - constant


def merit_monotone(base: EffectiveParameters, levels: Iterable[int], space: Space) -> tuple[LeverRule, ...]:
    """Return one rule a year and pair of neighbouring levels of the census: merit does not fall with level.

    Years in which every tuned lever has one value for all are one rule. Raises InputError when no values
    within the bounds meet them all.
    """
    tuned = {key for lever in space for key in members(lever.name)}
    rules: dict[tuple[Term, ...], LeverRule] = {}
    for year in base.years:
        for lower, higher in pairwise(sorted(levels)):
            terms = tuple(
                _term(base, MERIT.format(level), year, tuned, weight)
                for level, weight in ((lower, 1.0), (higher, -1.0))
            )
            rules.setdefault(terms, LeverRule(MERIT_MONOTONE, terms))
    found = tuple(rules.values())
    check_possible(found, space)
    return found


def merit_step(
    base: EffectiveParameters, levels: Iterable[int], space: Space, most: float
) -> tuple[LeverRule, ...]:
    """Return two rules a year and pair of neighbouring levels: their merit differs by no more than `most`.

    A pair that differs by more already may keep its difference.
    """
    tuned = {key for lever in space for key in members(lever.name)}
    rules: dict[tuple[Term, ...], LeverRule] = {}
    for year in base.years:
        for pair in pairwise(sorted(levels)):
            apart = abs(base.number(MERIT.format(pair[0]), year) - base.number(MERIT.format(pair[1]), year))
            for sign in (1.0, -1.0):
                terms = tuple(
                    _term(base, MERIT.format(level), year, tuned, weight)
                    for level, weight in zip(pair, (sign, -sign), strict=True)
                )
                if any(term.key in tuned for term in terms):
                    rules.setdefault(terms, LeverRule(MERIT_STEP, terms, max(most, apart)))
    return tuple(rules.values())


def rows_of(rules: Iterable[LeverRule], space: Space) -> tuple[Vector, Vector]:
    """Return (A, b) of A·z ≤ b for rules that some tuned lever is in."""
    rows = [rule.row(space) for rule in rules]
    rows = [(a, b) for a, b in rows if np.any(a)]
    if not rows:
        return np.zeros((0, len(space))), np.zeros(0)
    return np.array([a for a, _ in rows]), np.array([b for _, b in rows])


def settled(rules: Iterable[LeverRule], space: Space, levers: Mapping[str, float]) -> dict[str, float]:
    """Return canonical levers that keep the rules, given ones that exceed them by no more than rounding.

    Of a pair the second lever is moved, or the first where the second cannot be; more than rounding stays.
    """
    place = {lever.name: lever for lever in space}
    kept = dict(levers)
    for rule in rules:
        excess = round(rule.value(kept), DECIMALS)
        if not 0 < excess <= ROUNDED:
            continue
        for term in reversed(rule.terms):
            if term.key in place:
                kept[term.key] = place[term.key].clamp(kept[term.key] - excess / term.weight)
                excess = round(rule.value(kept), DECIMALS)
            if excess <= 0:
                break
    return kept


def kept_in_step(rules: Iterable[LeverRule], space: Space, levers: Mapping[str, float]) -> dict[str, float]:
    """Return drawn levers with each level's merit moved to within the largest step of the level below."""
    place = {lever.name: lever for lever in space}
    kept = dict(levers)
    for rule in rules:
        higher, excess = rule.terms[-1], rule.value(kept)
        if rule.name == MERIT_STEP and excess > 0 and higher.key in place:
            kept[higher.key] = place[higher.key].snapped(kept[higher.key] - excess / higher.weight)
    return kept


def check_possible(rules: tuple[LeverRule, ...], space: Space) -> None:
    """Raise InputError when no levers within their bounds meet the rules."""
    fixed = [rule for rule in rules if not np.any(rule.row(space)[0]) and rule.row(space)[1] < -HELD]
    matrix, limits = rows_of(rules, space)
    low, high = bounds_of(space)
    if not fixed and len(limits):
        program = linprog(
            np.zeros(len(space)),
            A_ub=matrix,
            b_ub=limits + HELD,
            bounds=list(zip(low, high, strict=True)),
            method="highs",
        )
        if program.status == 0:
            return
    elif not fixed:
        return
    names = sorted({rule.name for rule in fixed or rules})
    where = fixed[0].terms if fixed else rules[0].terms
    raise InputError(
        f"{', '.join(names)} cannot be met: no values within the bounds keep it"
        + (
            f" ({where[0].key} is {where[0].in_force:g}, {where[1].key} {where[1].in_force:g})."
            if fixed
            else "."
        ),
        remedy="Tune the levers concerned, allow larger changes, or leave the constraint out.",
    )


def _term(base: EffectiveParameters, name: str, year: int, tuned: set[str], weight: float) -> Term:
    in_force = base.number(name, year)
    keys = (str(Key(name, year)), name)
    return Term(next((key for key in keys if key in tuned), keys[0]), weight, in_force)
