"""The search space: which levers a study tunes, where they start, how far they may go."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow.parquet as pq

from planwise.census import Census
from planwise.errors import InputError
from planwise.parameters import Chain, EffectiveParameters, Lever
from planwise.parameters.canonical import DECIMALS
from planwise.parameters.declaration import Direction

DEFAULT_FAMILIES = ("cola_rate", "merit_rate_level_", "new_hire_salary_adjustment", "promotion_raise_level_")
FROM_LEVEL_TO_NEXT = ("promotion_raise_level_", "promotion_probability_level_")


@dataclass(frozen=True)
class TunedLever:
    """One dimension of the search.

    `low` and `high` are the hard bounds; `start` is the value in force (the mean over years where it differs
    by year); `scale` is the width of the recommended range, the unit in which changes are compared.
    """

    name: str
    low: float
    high: float
    start: float
    scale: float
    level_id: int | None
    increasing: bool
    dynamics: bool

    def clamp(self, value: float) -> float:
        """Return the canonical value nearest to this one within the bounds."""
        return round(min(max(value, self.low), self.high), DECIMALS)


Space = tuple[TunedLever, ...]


def census_levels(census: Census) -> tuple[int, ...]:
    """Return the job levels of a census, lowest first."""
    return tuple(pq.read_table(census.levels_file, columns=["level_id"]).column(0).to_pylist())


def tuned_levers(
    base: EffectiveParameters, levels: Iterable[int], wanted: tuple[str, ...] | None = None
) -> Space:
    """Return the levers to tune, in the order they are declared.

    By default the pay levers of the levels that the census has; promotion raises where a next level exists.
    Raises InputError for a lever that is unknown, locked, not tunable, or without a level in the census.
    """
    present = frozenset(levels)
    declared = base.declared.levers
    if wanted is None:
        chosen = [
            lever
            for lever in declared.values()
            if lever.name.startswith(DEFAULT_FAMILIES)
            and _has_level(lever, present)
            and lever.tunable
            and not lever.locked
        ]
    else:
        names = {_required(base, name, present).name for name in wanted}
        chosen = [lever for lever in declared.values() if lever.name in names]
    if not chosen:
        raise InputError("There is no lever to tune.", remedy="Name one, or unlock one in levers.yaml.")
    return tuple(_tuned(lever, base) for lever in chosen)


def start_of(space: Space) -> dict[str, float]:
    """Return the values that a study starts from."""
    return {lever.name: lever.start for lever in space}


def clamped(space: Space, values: Mapping[str, float]) -> dict[str, float]:
    """Return canonical values within the bounds."""
    return {lever.name: lever.clamp(values[lever.name]) for lever in space}


def change_of(space: Space, levers: Mapping[str, float]) -> float:
    """Return how much changes: the sum of squared changes, each in its recommended range's width."""
    return sum(((levers.get(lever.name, lever.start) - lever.start) / lever.scale) ** 2 for lever in space)


def extreme(space: Space, *, highest: bool) -> dict[str, float]:
    """Return the bounds at which growth is highest, or lowest."""
    return {lever.name: lever.high if lever.increasing == highest else lever.low for lever in space}


def _tuned(lever: Lever, base: EffectiveParameters) -> TunedLever:
    by_year = [float(str(base.value(lever.name, year))) for year in base.years]
    low, high = lever.recommended
    return TunedLever(
        name=lever.name,
        low=lever.bounds[0],
        high=lever.bounds[1],
        start=round(sum(by_year) / len(by_year), DECIMALS),
        scale=high - low,
        level_id=lever.level_id,
        increasing=lever.direction is Direction.INCREASING,
        dynamics=lever.chain is Chain.DYNAMICS,
    )


def _required(base: EffectiveParameters, name: str, present: frozenset[int]) -> Lever:
    lever = base.declared.parameter(name, "lever")
    assert isinstance(lever, Lever)  # of that kind
    if lever.locked or not lever.tunable:
        raise InputError(
            f"{name} is {'locked' if lever.locked else 'not tunable'}.",
            remedy="Leave it out of the levers to tune, or change levers.yaml.",
        )
    if not _has_level(lever, present):
        raise InputError(
            f"{name} moves nobody: the census has levels {', '.join(map(str, sorted(present)))}.",
            remedy="Leave it out of the levers to tune.",
        )
    return lever


def _has_level(lever: Lever, present: frozenset[int]) -> bool:
    if lever.level_id is None:
        return True
    promoted = lever.name.startswith(FROM_LEVEL_TO_NEXT)
    return lever.level_id in present and (not promoted or lever.level_id + 1 in present)
