"""Resolve parameters by tier to effective values, year by year."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from planwise.errors import InputError
from planwise.parameters.catalogue import (
    FALLBACK,
    Assumption,
    Catalogue,
    Chain,
    Kind,
    Lever,
    Value,
    catalogue,
    unknown_name,
)
from planwise.parameters.values import (
    SHARE_PREFIX,
    Key,
    Overrides,
    canonical,
    canonical_overrides,
    check_bounds,
    check_locked,
    check_share_sums,
    check_years,
    merged_overrides,
    parse_key,
)

BASELINE = "baseline"  # the scenario without overrides
Tier = Literal["scenario", "dynamic", "default", "fallback"]
# A rate for all years is scaled to the people of the census; one for a year to the people of that year.
SCALED_BY_CENSUS = "termination_rate"
HORIZON_ONLY = frozenset({"years"})  # the years are in the digest already


@dataclass(frozen=True)
class ParameterRow:
    """One effective value; `year` is None for a parameter that is one value for all years."""

    parameter: str
    level_id: int | None
    year: int | None
    value: Value
    tier: Tier


@dataclass(frozen=True, eq=False)
class EffectiveParameters:
    """Every parameter's value in every simulated year; equal when all values are, whatever their tiers."""

    years: tuple[int, ...]
    cells: Mapping[tuple[str, int | None], ParameterRow] = field(repr=False)
    scenario: Mapping[str, Value] = field(repr=False)
    dynamic: Mapping[str, Value] = field(repr=False)
    declared: Catalogue = field(repr=False)

    def row(self, name: str, year: int | None = None) -> ParameterRow:
        """Return the row of a parameter in a year; without a year, the value must be the same in all.

        Raises InputError for an unknown name, a year that is not simulated, or a value that differs by year.
        """
        if name not in self.declared.parameters:
            raise unknown_name(name, self.declared.names())
        if year is not None and year not in self.years:
            raise InputError(
                f"{name}: {year} is not simulated.",
                remedy=f"The simulated years are {', '.join(map(str, self.years))}.",
            )
        for key in ((name, year), (name, None)):
            if key in self.cells:
                return self.cells[key]
        by_year = [self.cells[name, simulated] for simulated in self.years]
        if any(row.value != by_year[0].value for row in by_year):
            raise InputError(f"{name} differs by year.", remedy="Name one year.")
        return by_year[0]

    def value(self, name: str, year: int | None = None) -> Value:
        """Return the canonical value; raises like `row`."""
        return self.row(name, year).value

    def number(self, name: str, year: int | None = None) -> float:
        """Return a numeric value as float; raises InputError when it is not a number or not set."""
        number = self.number_or_none(name, year)
        if number is None:
            raise InputError(f"{name} is not set.", remedy=f"Set {name} in the scenario.")
        return number

    def number_or_none(self, name: str, year: int | None = None) -> float | None:
        """Return a numeric value as float, None when not set; raises InputError for another kind of value."""
        value = self.value(name, year)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{name} is not a number (got {value!r}).", remedy="Name a numeric parameter.")
        return float(value)

    def tier(self, name: str, year: int | None = None) -> Tier:
        """Return where the value came from; raises like `row`."""
        return self.row(name, year).tier

    def states(self, name: str, year: int) -> bool:
        """Return whether the scenario gives the parameter a value for this very year."""
        return str(Key(name, year)) in self.scenario

    def rows(self) -> list[ParameterRow]:
        """Return every value, by parameter, then year."""
        return sorted(self.cells.values(), key=lambda row: (row.parameter, row.year or 0))

    @property
    def seed(self) -> int:
        """The seed of every draw."""
        seed = self.value("seed")
        assert isinstance(seed, int)  # declared a count
        return seed

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the years and all values; tiers are left out."""
        return self.digest_of(*Chain)

    def digest_of(self, *chains: Chain) -> str:
        """Return the SHA-256 (hex) of the years and the values of these chains only.

        `digest_of(Chain.DYNAMICS, Chain.PAY)` is what a simulation depends on, whatever a study aims at.
        """
        declared = self.declared.parameters
        values = [
            [row.parameter, row.year, row.value]
            for row in self.rows()
            if row.parameter not in HORIZON_ONLY and declared[row.parameter].chain in chains
        ]
        stated = [year for year in self.years if self.states(SCALED_BY_CENSUS, year)]
        if stated and declared[SCALED_BY_CENSUS].chain in chains:
            values.append(["stated", None, json.dumps(stated)])
        text = json.dumps([list(self.years), values], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def overrides(self) -> dict[str, Value]:
        """Return the scenario's overrides, canonical."""
        return dict(self.scenario)

    def with_levers(self, levers: Mapping[str, object]) -> "EffectiveParameters":
        """Return these parameters with levers set by the scenario; an all-years key sets every year."""
        return override(self, levers, kind="lever")

    def with_assumptions(self, assumptions: Mapping[str, object]) -> "EffectiveParameters":
        """Return these parameters with assumptions set by the scenario, such as another seed."""
        return override(self, assumptions, kind="assumption")

    def __getstate__(self) -> dict[str, object]:
        """Leave out the built-in catalogue, which every process has and which is most of the size."""
        state = dict(self.__dict__)
        if self.declared is catalogue():
            del state["declared"]
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update({"declared": catalogue(), **state})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EffectiveParameters) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


NOTHING: Overrides = {}


def resolve(
    years: tuple[int, ...],
    *,
    scenario: Mapping[str, object],
    dynamic: Mapping[str, object] = NOTHING,
    declared: Catalogue | None = None,
) -> EffectiveParameters:
    """Return the effective parameters of a scenario for the simulated years.

    A year's own value beats the one for all years within a tier, never across tiers. Dynamic levers may
    reach beyond the simulated years (a release outlives a horizon); a scenario may not. Raises InputError
    for unknown names, values outside hard bounds (all at once), other years, locked levers, and level
    shares of hires that are incomplete.
    """
    known = declared or catalogue()
    if not years:
        raise InputError("There is no simulated year.", remedy="Give at least one year.")
    from_dynamic = check_overrides(dynamic, kind="lever", declared=known)
    from_scenario = canonical_overrides(scenario, declared=known)
    check_bounds(from_scenario, known)
    check_years(from_scenario, years)
    check_locked(_locked_changes(from_scenario, from_dynamic, years, known))
    cells = _cells(years, from_scenario, from_dynamic, known)
    check_share_sums((name, row.value) for (name, _), row in cells.items() if name.startswith(SHARE_PREFIX))
    return EffectiveParameters(years, cells, from_scenario, from_dynamic, known)


def check_overrides(
    overrides: Mapping[str, object],
    *,
    kind: Kind | None = None,
    years: tuple[int, ...] | None = None,
    declared: Catalogue | None = None,
) -> dict[str, Value]:
    """Return overrides as they are stored: canonical, within hard bounds and, with `years`, within these.

    Raises InputError like `resolve`, but does not check locks or combinations.
    """
    known = declared or catalogue()
    checked = canonical_overrides(overrides, kind, declared=known)
    check_bounds(checked, known)
    if years is not None:
        check_years(checked, years)
    return checked


def override(
    effective: EffectiveParameters, changes: Mapping[str, object], *, kind: Kind
) -> EffectiveParameters:
    """Return effective parameters with more scenario overrides; an all-years change replaces every year's."""
    new = canonical_overrides(changes, kind, declared=effective.declared)
    return resolve(
        effective.years,
        scenario=merged_overrides(effective.scenario, new),
        dynamic=effective.dynamic,
        declared=effective.declared,
    )


def _cells(
    years: tuple[int, ...], scenario: Overrides, dynamic: Overrides, known: Catalogue
) -> dict[tuple[str, int | None], ParameterRow]:
    cells: dict[tuple[str, int | None], ParameterRow] = {}
    for name, parameter in known.parameters.items():
        for year in years if parameter.yearly else (None,):
            value, tier = _resolved(parameter, year, scenario, dynamic)
            cells[name, year] = ParameterRow(name, parameter.level_id, year, value, tier)
    return cells


def _resolved(
    parameter: Lever | Assumption, year: int | None, scenario: Overrides, dynamic: Overrides
) -> tuple[Value, Tier]:
    keys = (str(Key(parameter.name, year)), parameter.name)
    tiers: tuple[tuple[Tier, Overrides], ...] = (("scenario", scenario), ("dynamic", dynamic))
    for tier, overrides in tiers:
        for key in keys:
            if key in overrides:
                return overrides[key], tier
    if parameter.default is None and not parameter.nullable:
        return canonical(parameter, FALLBACK[parameter.name]), "fallback"
    return canonical(parameter, parameter.default), "default"


def _locked_changes(
    scenario: Overrides, dynamic: Overrides, years: tuple[int, ...], known: Catalogue
) -> list[tuple[Key, Value, Value]]:
    changes = []
    for text, new in scenario.items():
        key = parse_key(text)
        parameter = known.parameters[key.name]
        if not (isinstance(parameter, Lever) and parameter.locked):
            continue
        for year in years if key.year is None else (key.year,):
            old, _ = _resolved(parameter, year, NOTHING, dynamic)
            if old != new:
                changes.append((key, new, old))
                break
    return changes
