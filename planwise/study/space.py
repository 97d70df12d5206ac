"""The search space: the levers that a study tunes, their starting values and bounds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, inf, nan

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from planwise.census import Census
from planwise.errors import InputError
from planwise.parameters import Chain, EffectiveParameters, Lever
from planwise.parameters.catalogue import Direction, Unit
from planwise.parameters.values import DECIMALS, Key, parse_key
from planwise.risk.finite_differences import Dimension
from planwise.study.constraints import CHANGE, Constraint

DEFAULT_FAMILIES = ("cola_rate", "merit_rate_level_")
MERIT = "merit"  # all levels' merit, where levers are named; tied, one dimension
MERIT_FAMILY = "merit_rate_level"
TIED = "+"  # between the levels in the name of a tied lever
GRID = {Unit.RATE: 0.0005, Unit.MULTIPLIER: 0.01}  # steps of round numbers
FROM_LEVEL_TO_NEXT = ("promotion_raise_level_", "promotion_probability_level_")
ELASTICITY = "turnover_pay_elasticity"  # above 0, pay decides who leaves
HAIR = 1e-9  # rounding error of a six-decimal number as a double

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TunedLever(Dimension):
    """One dimension of the search: a lever in all years, or in one.

    `name` is its key (`cola_rate` or `cola_rate@2027`), `lever` the plain name, `year` None for all years.
    One merit budget for several levels is tied, its name being `merit_rate_level_1+2+3`. `step` is the
    distance of round values; `policy` the recommended range, none for a lever that is judged in total.
    `low` and `high` are the hard bounds, narrowed by constraints on its change; `hard_low` and `hard_high`
    the hard bounds themselves. `start` is the value in force (the mean over years where it differs by year),
    `in_force` its smallest and largest over the years. `increasing`: whether pay rises with it.
    """

    level_id: int | None
    increasing: bool
    lever: str = ""
    year: int | None = None
    hard_low: float = nan
    hard_high: float = nan
    in_force: tuple[float, float] = (nan, nan)
    step: float = 10.0**-DECIMALS
    policy: tuple[float, float] = (-inf, inf)

    def __post_init__(self) -> None:
        filled = {
            "lever": self.lever or self.name,
            "hard_low": self.low if self.hard_low != self.hard_low else self.hard_low,
            "hard_high": self.high if self.hard_high != self.hard_high else self.hard_high,
            "in_force": (self.start, self.start) if self.in_force[0] != self.in_force[0] else self.in_force,
        }
        for name, value in filled.items():
            object.__setattr__(self, name, value)  # frozen: set during creation only

    def snapped(self, value: float) -> float:
        """Return the nearest round value within the bounds, else the nearest bound."""
        rounded = round(round(value / self.step) * self.step, DECIMALS)
        if rounded < self.low - HAIR:
            rounded = round(ceil(self.low / self.step - HAIR) * self.step, DECIMALS)
        if rounded > self.high + HAIR:
            rounded = round(floor(self.high / self.step + HAIR) * self.step, DECIMALS)
        return self.clamp(rounded)

    def within_policy(self) -> "TunedLever":
        """Return the lever bounded by its recommended range, which its value in force may be outside of."""
        low, high = self.policy
        return replace(
            self,
            low=max(self.low, min(low, self.in_force[0])),
            high=min(self.high, max(high, self.in_force[1])),
        )

    def fixed(self) -> "TunedLever":
        """Return the lever without room."""
        value = self.clamp(self.start)
        return replace(self, low=value, high=value)

    def change(self, value: float) -> float:
        """Return how far a value is from the one in force, in the lever's unit; the largest over years."""
        return max(abs(value - self.in_force[0]), abs(value - self.in_force[1]))


Space = tuple[TunedLever, ...]


def census_levels(census: Census) -> tuple[int, ...]:
    """Return the job levels of a census, lowest first."""
    return tuple(pq.read_table(census.levels_file, columns=["level_id"]).column(0).to_pylist())


def members(name: str) -> tuple[str, ...]:
    """Return the keys of the levers that a dimension moves: several where it is tied."""
    stem, at, year = name.partition("@")
    family, _, levels = stem.rpartition("_")
    return tuple(f"{family}_{level}{at}{year}" for level in levels.split(TIED)) if TIED in stem else (name,)


def expanded(levers: Mapping[str, float]) -> dict[str, float]:
    """Return the values of single levers, given those of dimensions."""
    return {key: value for name, value in levers.items() for key in members(name)}


def snapped(space: Space, values: Mapping[str, float]) -> dict[str, float]:
    """Return round values within the bounds."""
    return {lever.name: lever.snapped(values[lever.name]) for lever in space}


def tuned_levers(
    base: EffectiveParameters,
    levels: Iterable[int],
    wanted: Sequence[str] | None = None,
    *,
    by_year: bool = False,
    locked: Sequence[str] = (),
    limits: Iterable[Constraint] = (),
    tie: bool = False,
    grid: bool = False,
) -> Space:
    """Return the levers to tune, in the order they are declared, then by year.

    By default COLA and the merit of the levels that the census has. `tie` makes one dimension of all tuned
    levels' merit; `grid` gives round values. `wanted` are names or keys of one year, `merit` being that of
    all levels; `by_year` makes one dimension a year of each plain name. `limits` narrow the bounds where they
    are on changes. Raises InputError for a lever that is unknown, locked, not tunable, named twice or without
    a level in the census, a year that is not simulated, and for changes that leave no value.
    """
    present = frozenset(levels)
    changes = [limit for limit in limits if limit.name == CHANGE]
    for name in [*locked, *(limit.lever for limit in changes if limit.lever)]:
        _known(base, parse_key(name))
    keys = _keys(base, present, wanted, by_year)
    left = [key for key in keys if not _is_locked(key, locked, explicit=str(key) in (wanted or ()))]
    if not left:
        raise InputError("There is no lever to tune.", remedy="Name one, or unlock one.")
    order = list(base.declared.levers)
    left.sort(key=lambda key: (order.index(key.name), key.year or 0))
    groups: dict[tuple[str, int | None], list[Key]] = {}
    for key in left:
        family = key.name.rpartition("_")[0]
        groups.setdefault((family if tie and family == MERIT_FAMILY else key.name, key.year), []).append(key)
    return tuple(_tied([_tuned(key, base, changes, grid=grid) for key in keys]) for keys in groups.values())


def _tied(levers: Sequence[TunedLever]) -> TunedLever:
    """Return one dimension for several levers: its start is the mean, its bounds those that all allow."""
    first = levers[0]
    if len(levers) == 1:
        return first
    low, high = max(one.low for one in levers), min(one.high for one in levers)
    if low > high:
        raise InputError(
            "No one merit budget is within every level's limits.",
            remedy="Give each level its own with --tie none, or allow larger changes.",
        )
    stem, at, year = first.name.partition("@")
    levels = TIED.join(str(one.level_id) for one in levers)
    name = f"{stem.rpartition('_')[0]}_{levels}{at}{year}"
    return replace(
        first,
        name=name,
        lever=name.partition("@")[0],
        low=low,
        high=high,
        start=round(sum(one.start for one in levers) / len(levers), DECIMALS),
        hard_low=max(one.hard_low for one in levers),
        hard_high=min(one.hard_high for one in levers),
        in_force=(min(one.in_force[0] for one in levers), max(one.in_force[1] for one in levers)),
        level_id=None,
    )


def start_of(space: Space) -> dict[str, float]:
    """Return the values that a study starts from, within the bounds."""
    return {lever.name: lever.clamp(lever.start) for lever in space}


def clamped(space: Space, values: Mapping[str, float]) -> dict[str, float]:
    """Return canonical values within the bounds."""
    return {lever.name: lever.clamp(values[lever.name]) for lever in space}


def change_of(space: Space, levers: Mapping[str, float]) -> float:
    """Return the size of a change: the sum of squares, each in widths of the recommended range."""
    return sum(((levers.get(lever.name, lever.start) - lever.start) / lever.scale) ** 2 for lever in space)


def extreme(space: Space, *, highest: bool) -> dict[str, float]:
    """Return the bounds at which pay is highest, or lowest, by the levers' declared directions."""
    return {lever.name: lever.high if lever.increasing == highest else lever.low for lever in space}


def levers_at(space: Space, at: Vector) -> dict[str, float]:
    """Return the canonical lever values at a point (x − x₀) / scale."""
    return {
        lever.name: lever.clamp(lever.start + lever.scale * float(move))
        for lever, move in zip(space, at, strict=True)
    }


def scaled(space: Space, levers: Mapping[str, float]) -> Vector:
    """Return the point (x − x₀) / scale of lever values; a missing lever has its starting value."""
    return np.array([(levers.get(lever.name, lever.start) - lever.start) / lever.scale for lever in space])


def bounds_of(space: Space) -> tuple[Vector, Vector]:
    """Return the lowest and the highest point, in (x − x₀) / scale."""
    low = np.array([(lever.low - lever.start) / lever.scale for lever in space])
    high = np.array([(lever.high - lever.start) / lever.scale for lever in space])
    return low, high


def _keys(
    base: EffectiveParameters, present: frozenset[int], wanted: Sequence[str] | None, by_year: bool
) -> list[Key]:
    if wanted is None:
        keys = [
            Key(lever.name, None)
            for lever in base.declared.levers.values()
            if lever.name.startswith(DEFAULT_FAMILIES)
            and _has_level(lever, present)
            and lever.tunable
            and not lever.locked
        ]
    else:
        keys = [key for name in wanted for key in _named(base, present, name)]
        for key in keys:
            _check_tunable(_known(base, key), present)
    if by_year:
        keys = [
            Key(key.name, year) for key in keys for year in (base.years if key.year is None else (key.year,))
        ]
    plain = {key.name for key in keys if key.year is None}
    both = sorted({str(key) for key in keys if key.year is not None and key.name in plain})
    twice = sorted({str(key) for key in keys if keys.count(key) > 1} | set(both))
    if twice:
        raise InputError(
            f"{', '.join(twice)} is tuned twice.", remedy="Name it once for all years, or by year."
        )
    return keys


def _named(base: EffectiveParameters, present: frozenset[int], name: str) -> list[Key]:
    """Return the keys of a name; `merit` is the merit of every level of the census."""
    stem, at, year = name.partition("@")
    if stem != MERIT:
        return [parse_key(name)]
    levers = (lever for lever in base.declared.levers.values() if lever.name.startswith(MERIT_FAMILY))
    return [parse_key(f"{lever.name}{at}{year}") for lever in levers if _has_level(lever, present)]


def _is_locked(key: Key, locked: Sequence[str], *, explicit: bool) -> bool:
    if key.name not in locked and str(key) not in locked:
        if key.year is None and any(parse_key(name).name == key.name for name in locked):
            raise InputError(
                f"{key.name} is locked in one year and tuned for all.",
                remedy="Tune it by year (--by-year), or lock it in all years.",
            )
        return False
    if explicit:
        raise InputError(f"{key} is both tuned and locked.", remedy="Remove it from one of the two.")
    return True


def _tuned(key: Key, base: EffectiveParameters, changes: Iterable[Constraint], *, grid: bool) -> TunedLever:
    lever = base.declared.levers[key.name]
    years = base.years if key.year is None else (key.year,)
    by_year = {year: base.number(key.name, year) for year in years}
    values = list(by_year.values())
    low, high = lever.bounds
    for change in changes:
        of = None if change.lever is None else parse_key(change.lever)
        if of is not None and (of.name != key.name or key.year not in (None, of.year or key.year)):
            continue
        held = values if of is None or of.year is None else [by_year[of.year]]
        low = max(low, _inside(max(held) - change.bound, ceil))
        high = min(high, _inside(min(held) + change.bound, floor))
        if low > high:
            raise InputError(
                f"{change}: {key} differs by more than that between the years, so no one value fits.",
                remedy="Tune it by year (--by-year), or allow a larger change.",
            )
    recommended_low, recommended_high = lever.recommended
    pay_decides_who_leaves = base.number(ELASTICITY) > 0
    return TunedLever(
        name=str(key),
        low=low,
        high=high,
        start=round(sum(values) / len(values), DECIMALS),
        scale=recommended_high - recommended_low,
        level_id=lever.level_id,
        increasing=lever.direction is Direction.INCREASING,
        dynamics=lever.chain is Chain.DYNAMICS or pay_decides_who_leaves,
        lever=key.name,
        year=key.year,
        hard_low=lever.bounds[0],
        hard_high=lever.bounds[1],
        in_force=(min(values), max(values)),
        step=GRID.get(lever.unit, 10.0**-DECIMALS) if grid else 10.0**-DECIMALS,
        policy=(-inf, inf) if lever.judged_in_total else lever.recommended,
    )


def _inside(value: float, towards: Callable[[float], int]) -> float:
    unit = 10.0**DECIMALS
    near = round(value * unit)
    if abs(near - value * unit) < HAIR * unit:
        return near / unit
    return towards(value * unit) / unit


def _known(base: EffectiveParameters, key: Key) -> Lever:
    lever = base.declared.parameter(key.name, "lever")
    assert isinstance(lever, Lever)  # of that kind
    if key.year is not None:
        base.row(key.name, key.year)  # raises where the year is not simulated
    return lever


def _check_tunable(lever: Lever, present: frozenset[int]) -> None:
    if lever.locked or not lever.tunable:
        raise InputError(
            f"{lever.name} is {'locked' if lever.locked else 'not tunable'}.",
            remedy="Leave it out of the levers to tune, or change levers.yaml.",
        )
    if not _has_level(lever, present):
        raise InputError(
            f"{lever.name} affects nothing: the census has levels {', '.join(map(str, sorted(present)))}.",
            remedy="Leave it out of the levers to tune.",
        )


def _has_level(lever: Lever, present: frozenset[int]) -> bool:
    if lever.level_id is None:
        return True
    promoted = lever.name.startswith(FROM_LEVEL_TO_NEXT)
    return lever.level_id in present and (not promoted or lever.level_id + 1 in present)
