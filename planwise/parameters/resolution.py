"""Resolve: scenario override > dynamic lever > default > hard-coded fallback, value by value."""

from collections.abc import Mapping

from planwise.errors import InputError
from planwise.parameters.assignment import (
    Key,
    Overrides,
    canonical_overrides,
    merged_overrides,
    parse_key,
)
from planwise.parameters.canonical import canonical
from planwise.parameters.catalogue import Catalogue, Kind, catalogue
from planwise.parameters.checks import (
    SHARE_PREFIX,
    refuse_locked,
    refuse_other_years,
    refuse_outside_bounds,
    refuse_unbalanced_shares,
)
from planwise.parameters.declaration import Assumption, Lever, Value
from planwise.parameters.effective import EffectiveParameters, ParameterRow, Tier
from planwise.parameters.fallback import FALLBACK

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
    refuse_outside_bounds(from_scenario, known)
    refuse_other_years(from_scenario, years)
    refuse_locked(_locked_changes(from_scenario, from_dynamic, years, known))
    cells = _cells(years, from_scenario, from_dynamic, known)
    refuse_unbalanced_shares(
        (name, row.value) for (name, _), row in cells.items() if name.startswith(SHARE_PREFIX)
    )
    return EffectiveParameters(years, cells, from_scenario, from_dynamic, known)


def check_overrides(
    overrides: Mapping[str, object],
    *,
    kind: Kind | None = None,
    years: tuple[int, ...] | None = None,
    declared: Catalogue | None = None,
) -> dict[str, Value]:
    """Return overrides as they are stored: canonical, within hard bounds and, with `years`, within these.

    Raises InputError like `resolve`, but does not judge locks or what belongs together.
    """
    known = declared or catalogue()
    checked = canonical_overrides(overrides, kind, declared=known)
    refuse_outside_bounds(checked, known)
    if years is not None:
        refuse_other_years(checked, years)
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
