"""Unsaved edits as values: changes on top of a base scenario, locks, undo, and what typed texts change.

Pure: a base is the effective parameters of a scenario, and every function returns a new value or raises.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from planwise.errors import InputError
from planwise.formatting import with_levels
from planwise.parameters import (
    EffectiveParameters,
    Lever,
    Value,
    canonical_overrides,
    merged_overrides,
    resolve,
    simulated_years,
)
from planwise.parameters.values import HORIZON, SHARE_PREFIX, Key, parse_key
from ui.values.parameter_text import entered, family

Years = Sequence[int] | None
"""The years that an edit is for; None is all of them."""
STEPS_KEPT = 100  # of undo; a step is a mapping of at most a few hundred values


@dataclass(frozen=True)
class Lock:
    """Who keeps a lever as it is, and why (may be empty)."""

    by: str
    why: str = ""


@dataclass(frozen=True)
class Edits:
    """One state: the base scenario's name, canonical changes, and locked levers by name.

    `effective` is what they resolve to, where that is known; states to go back to do not keep it.
    """

    scenario: str
    changes: Mapping[str, Value] = field(default_factory=dict)
    locks: Mapping[str, Lock] = field(default_factory=dict)
    effective: EffectiveParameters | None = field(default=None, compare=False, repr=False)

    def stored(self) -> "Edits":
        """Return the state without what it resolves to."""
        return replace(self, effective=None)


@dataclass(frozen=True)
class EditHistory:
    """The present state with those before and after it, the nearest last; bounded."""

    present: Edits
    past: tuple[Edits, ...] = ()
    future: tuple[Edits, ...] = ()

    def then(self, state: Edits) -> "EditHistory":
        """Return the history after a new state; what was undone is gone. An equal state is no step."""
        if state == self.present:
            return replace(self, present=state)
        return EditHistory(state, (*self.past, self.present.stored())[-STEPS_KEPT:])

    def amended(self, state: Edits) -> "EditHistory":
        """Return the history with the present state replaced: no step of undo."""
        return EditHistory(state, self.past)

    def undone(self) -> "EditHistory":
        """Return the history one step back; the same when there is none."""
        if not self.past:
            return self
        return EditHistory(self.past[-1], self.past[:-1], (*self.future, self.present.stored()))

    def redone(self) -> "EditHistory":
        """Return the history one step forward; the same when there is none."""
        if not self.future:
            return self
        return EditHistory(self.future[-1], (*self.past, self.present.stored()), self.future[:-1])


def effective_of(base: EffectiveParameters, changes: Mapping[str, Value]) -> EffectiveParameters:
    """Return what the base resolves to with changes on top; raise InputError when it cannot be."""
    if not changes:
        return base
    overrides = merged_overrides(base.scenario, changes)
    years = simulated_years(changes[HORIZON], base.years[0]) if HORIZON in changes else base.years
    return resolve(years, scenario=overrides, dynamic=base.dynamic, declared=base.declared)


def with_changes(edits: Edits, base: EffectiveParameters, updates: Mapping[str, object]) -> Edits:
    """Return edits with more changes; an all-years change drops the parameter's own years.

    Raises InputError for a bad name or value, a combination that cannot be resolved, or a locked lever.
    """
    merged = merged_overrides(edits.changes, canonical_overrides(updates, declared=base.declared))
    return _checked(edits, base, merged)


def without(edits: Edits, base: EffectiveParameters, keys: Iterable[str]) -> Edits:
    """Return edits where these keys have the base's values again; a name alone is all its years."""
    changes = dict(edits.changes)
    as_base = over_years(base, edits.changes)
    for key in map(parse_key, keys):
        if key.year is None:
            changes = {text: value for text, value in changes.items() if parse_key(text).name != key.name}
        elif key.name in changes:
            changes[str(key)] = as_base.value(key.name, key.year)
        else:
            changes.pop(str(key), None)
    return _checked(edits, base, changes)


def replaced(edits: Edits, base: EffectiveParameters, changes: Mapping[str, object]) -> Edits:
    """Return edits with exactly these changes; raises InputError like `with_changes`."""
    return _checked(edits, base, canonical_overrides(changes, declared=base.declared))


def normalised(base: EffectiveParameters, changes: Mapping[str, Value]) -> dict[str, Value]:
    """Return the changes that make a difference: none that equals the base, or its own all-years change."""
    as_base = over_years(base, changes)
    by_name: dict[str, dict[int | None, Value]] = {}
    for text, value in changes.items():
        key = parse_key(text)
        by_name.setdefault(key.name, {})[key.year] = value
    kept = {
        str(Key(name, year)): value
        for name, values in by_name.items()
        for year, value in _differing(as_base, name, values).items()
    }
    return dict(sorted(kept.items()))


def over_years(base: EffectiveParameters, changes: Mapping[str, Value]) -> EffectiveParameters:
    """Return the base over the years that the changes simulate; even its horizon says what it was."""
    if HORIZON not in changes:
        return base
    longer = effective_of(base, {HORIZON: changes[HORIZON]})
    return replace(longer, cells={**longer.cells, (HORIZON, None): base.cells[HORIZON, None]})


def same_in_all_years(effective: EffectiveParameters, name: str) -> bool:
    """Say whether a parameter has one value in all simulated years."""
    if not effective.declared.parameters[name].yearly:
        return True
    return len({effective.value(name, year) for year in effective.years}) == 1


def keys_of(effective: EffectiveParameters, name: str, years: Iterable[int] | None = None) -> tuple[str, ...]:
    """Return the keys that set a parameter in these years: one for all of them, or one a year."""
    chosen = sorted(set(years)) if years is not None else list(effective.years)
    if not effective.declared.parameters[name].yearly or chosen == list(effective.years):
        return (name,)
    return tuple(str(Key(name, year)) for year in chosen)


def locked(edits: Edits, names: Mapping[str, Lock]) -> Edits:
    """Return edits with exactly these locks."""
    return replace(edits, locks=dict(sorted(names.items())))


def changes_of(effective: EffectiveParameters, name: str, years: Years, value: object) -> dict[str, object]:
    """Return the changes that give one parameter a value in these years."""
    return dict.fromkeys(keys_of(effective, name, years), value)


def typed_changes(effective: EffectiveParameters, name: str, years: Years, text: str) -> dict[str, object]:
    """Return the changes that a typed text makes; raises InputError in the unit that was typed.

    The five shares of hires belong together: five numbers typed for one of them set all five.
    """
    parameter = effective.declared.parameter(name)
    parts = re.split(r"[\s;/]+", text.strip().replace("%", ""))
    if name.startswith(SHARE_PREFIX):
        shares = [one for one in effective.declared.assumptions.values() if one.name.startswith(SHARE_PREFIX)]
        if len(parts) == len(shares):
            return {one.name: entered(one, part) for one, part in zip(shares, parts, strict=True)}
        if entered(parameter, text) is None:
            return {one.name: None for one in shares}
    return changes_of(effective, name, years, entered(parameter, text))


def pasted_changes(
    effective: EffectiveParameters,
    order: Sequence[str],
    name: str,
    year: int | None,
    texts: Sequence[Sequence[str]],
) -> dict[str, object]:
    """Return the changes of a block whose first cell is a parameter and year (None: the all-years column).

    Rows go down in `order`, columns to the right; empty cells are skipped. Raises InputError, naming the
    place, for a text that is no value or a block that does not fit.
    """
    columns: list[int | None] = [None, *effective.years]
    row_at, column_at = order.index(name), columns.index(year)
    if row_at + len(texts) > len(order) or column_at + max(map(len, texts), default=0) > len(columns):
        raise InputError(
            f"The block of {len(texts)} rows does not fit from here.",
            remedy="Start further up or to the left, or copy a smaller block.",
        )
    found: dict[str, object] = {}
    for row, line in zip(order[row_at:], texts, strict=False):
        for column, text in zip(columns[column_at:], line, strict=False):
            if text.strip():
                found |= typed_changes(effective, row, None if column is None else (column,), text)
    return found


def copied_to_levels(effective: EffectiveParameters, name: str, years: Years) -> dict[str, object]:
    """Return the changes that give every level what this level's lever has in these years."""
    lever = effective.declared.parameter(name, "lever")
    assert isinstance(lever, Lever)
    members = [one for one in family(lever, effective.declared.levers.values()) if one.name != name]
    if years is None and same_in_all_years(effective, name):
        return {member.name: effective.value(name) for member in members}
    return {
        key: effective.value(name, year)
        for member in members
        for year in (effective.years if years is None else years)
        for key in keys_of(effective, member.name, (year,))
    }


def ramp(
    effective: EffectiveParameters, name: str, first: tuple[int, float], last: tuple[int, float]
) -> dict[str, object]:
    """Return the changes of a straight line from (year, value) to (year, value), years between included.

    Raises InputError unless the last year is after the first one.
    """
    (start, low), (end, high) = first, last
    if end <= start:
        raise InputError(f"{end} is not after {start}.", remedy="Choose a later year to end in.")
    step = (high - low) / (end - start)
    years = [year for year in effective.years if start <= year <= end]
    return {key: low + step * (year - start) for year in years for key in keys_of(effective, name, (year,))}


def unlocked(changes: Mapping[str, Value], locks: Sequence[str]) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Return the changes of levers that are not locked, and the locked levers that are skipped."""
    kept = {key: value for key, value in changes.items() if key.partition("@")[0] not in locks}
    names = dict.fromkeys(key.partition("@")[0] for key in changes if key not in kept)
    return kept, tuple(names)


def _differing(
    as_base: EffectiveParameters, name: str, values: Mapping[int | None, Value]
) -> dict[int | None, Value]:
    if not as_base.declared.parameters[name].yearly:
        return {} if values[None] == as_base.value(name) else dict(values)
    result = [values.get(year, values.get(None, _MISSING)) for year in as_base.years]
    before = [as_base.value(name, year) for year in as_base.years]
    if all(new is _MISSING or new == old for new, old in zip(result, before, strict=True)):
        return {}
    if None in values:
        return {year: value for year, value in values.items() if year is None or value != values[None]}
    return {year: value for year, value in values.items() if value != as_base.value(name, year)}


def _checked(edits: Edits, base: EffectiveParameters, changes: Mapping[str, Value]) -> Edits:
    if changes.get(HORIZON) == base.value(HORIZON):
        changes = {key: value for key, value in changes.items() if key != HORIZON}
    new = effective_of(base, changes)  # checks the changes before anything is compared with the base
    if edits.locks:
        _refuse_locked(edits, edits.effective or effective_of(base, edits.changes), new)
    kept = normalised(base, changes)
    effective = new if kept == changes else effective_of(base, kept)
    return replace(edits, changes=kept, effective=effective)


def _refuse_locked(edits: Edits, old: EffectiveParameters, new: EffectiveParameters) -> None:
    for name, lock in edits.locks.items():
        if any(old.value(name, year) != new.value(name, year) for year in old.years if year in new.years):
            label = with_levels(old.declared.parameters[name].label)
            why = f": {lock.why}" if lock.why else ""
            raise InputError(f"{label} is locked by {lock.by}{why}.", remedy="Unlock it to change it.")


_MISSING = object()
