"""Edits that are not saved, on top of a scenario: every session has one draft, with undo and locks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import param

from planwise.errors import InputError
from planwise.formatting import with_levels
from planwise.parameters import (
    EffectiveParameters,
    Finding,
    Value,
    canonical_overrides,
    merged_overrides,
    resolve,
    simulated_years,
    validate,
)
from planwise.parameters.values import HORIZON, Key, parse_key

Resolve = Callable[[str], EffectiveParameters]
Years = Sequence[int] | None
"""The years that an edit is for; None is all of them."""
BASELINE = "baseline"
LOOK_AGAIN = "Review the edits before you save."  # the remedy where another user changed the base
BASES_KEPT = 4  # an undo may lead back to the scenario before
STEPS_KEPT = 100  # of undo; a step is a mapping of at most a few hundred values


@dataclass(frozen=True)
class Lock:
    """The user who locked a lever, and the reason (may be empty)."""

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


class Draft(param.Parameterized):
    """`changes` are canonical overrides ("cola_rate" or "cola_rate@2028") on top of `scenario`'s own.

    Only changes that differ from the base are kept. Watch the three parameters; the methods alone set them.
    """

    scenario = param.String(default=BASELINE, constant=True)
    changes = param.Dict(default={}, constant=True)
    locks = param.ClassSelector(default=(), class_=tuple, constant=True, doc="Names of locked levers.")

    def __init__(self, resolve: Resolve) -> None:
        super().__init__()
        self._resolve = resolve
        self._bases: dict[str, EffectiveParameters] = {}
        self._history = EditHistory(Edits(BASELINE))

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs from the base."""
        return not self.changes

    @property
    def base(self) -> EffectiveParameters:
        """What the scenario resolves to without the edits; raises InputError when it is gone."""
        return self._base_of(self.scenario)

    @property
    def current(self) -> EffectiveParameters:
        """The base over the years that the edits simulate: what every edited value is compared with."""
        return self._resolved.base

    @property
    def effective(self) -> EffectiveParameters:
        """What the scenario with the edits resolves to; raises InputError when the scenario is gone."""
        return self._resolved.effective

    def tried(self, changes: Mapping[str, object]) -> EffectiveParameters:
        """Return what more changes would resolve to, without changing the draft; raises InputError."""
        tried = with_changes(self._history.present, self.base, changes).effective
        assert tried is not None  # just resolved
        return tried

    @property
    def findings(self) -> list[Finding]:
        """What is not OK about the edited levers, worst first."""
        return self._resolved.findings

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return bool(self._history.past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to redo."""
        return bool(self._history.future)

    @property
    def locked(self) -> dict[str, Lock]:
        """The locked levers, with who locked each and why."""
        return dict(self._history.present.locks)

    def lock_of(self, name: str) -> Lock | None:
        """Return who locked a lever and why; None when it may be edited."""
        return self._history.present.locks.get(name)

    def set(self, key: str, value: object) -> None:
        """Edit one parameter; raises InputError, and then nothing has changed."""
        self.update({key: value})

    def update(self, changes: Mapping[str, object]) -> None:
        """Edit several parameters, all or none; raises InputError."""
        self._step(with_changes(self._history.present, self.base, changes))

    def unset(self, *keys: str) -> None:
        """Give keys the base's values again; a name alone is all its years. Raises InputError if locked."""
        self._step(without(self._history.present, self.base, keys))

    def clear(self) -> None:
        """Undo all edits except those of locked levers."""
        names = {parse_key(key).name for key in self.changes}
        self.unset(*(name for name in names if name not in self._history.present.locks))

    def replace(self, changes: Mapping[str, object]) -> None:
        """Make these the edits; raises InputError, and then nothing has changed."""
        self._step(replaced(self._history.present, self.base, changes))

    def start_from(self, scenario: str, changes: Mapping[str, object] | None = None) -> None:
        """Edit another scenario, read anew; raises InputError, and then nothing has changed.

        Locks are kept on the same scenario only. The first scenario of a session is not a step of undo.
        """
        base = self._resolve(scenario)
        before = self._history.present.stored() if scenario == self.scenario else Edits(scenario)
        self._begin(replaced(before, base, changes or {}), base)

    def take_over(self, scenario: str, changes: Mapping[str, object], locks: Mapping[str, Lock]) -> None:
        """Become a state from an address, with its locks in place of the present ones.

        Raises InputError, and then nothing has changed.
        """
        base = self._resolve(scenario)
        levers = {base.declared.parameter(name, "lever").name: lock for name, lock in locks.items()}
        self._begin(with_locks(replaced(Edits(scenario), base, changes), levers), base)

    def _begin(self, state: Edits, base: EffectiveParameters) -> None:
        self._keep(state.scenario, base)
        if self._history == EditHistory(Edits(self.scenario)):
            self._show(self._history.amended(state))
        else:
            self._step(state)

    def saved_as(self, scenario: str) -> None:
        """Continue from the scenario that the edits were saved as: its values are the base."""
        self._keep(scenario, self._resolve(scenario))
        self._step(Edits(scenario, {}, self._history.present.locks))

    def lock(self, names: Iterable[str], *, by: str, why: str = "") -> None:
        """Lock levers; raises InputError for a name that is not a lever's."""
        present = self._history.present
        levers = [self.base.declared.parameter(name, "lever").name for name in names]
        self._step(with_locks(present, {**present.locks, **dict.fromkeys(levers, Lock(by, why))}))

    def unlock(self, *names: str) -> None:
        """Unlock levers."""
        present = self._history.present
        kept = {name: lock for name, lock in present.locks.items() if name not in names}
        self._step(with_locks(present, kept))

    def undo(self) -> None:
        """Undo the last step: an edit, a lock, or another base."""
        self._show(self._history.undone())

    def redo(self) -> None:
        """Redo the step that was undone last."""
        self._show(self._history.redone())

    def refresh(self) -> str:
        """Read the base again; return what happened to the edits because of other users' changes, or "".

        When the scenario was deleted, its values and the edits become edits on the baseline.
        """
        lost, before = "", self._bases.get(self.scenario)
        self._bases.clear()
        try:
            state = replaced(Edits(self.scenario), self.base, self.changes)
            state = with_locks(state, self._history.present.locks)
            same = state == self._history.present
            self._show(replace(self._history, present=state) if same else self._history.amended(state))
        except InputError as error:
            if self._known(self.scenario):
                lost = f"The edits on {self.scenario} are gone: {error.what}"
                self._show(EditHistory(Edits(self.scenario)))
            else:
                kept = self._on_the_baseline(before)
                became = (
                    "its values are kept as edits on the baseline." if kept.changes else "the edits are gone."
                )
                lost = f"{error.what} Another user deleted it; {became}"
                self._show(EditHistory(kept))
        self.__dict__.pop("_resolved", None)
        return lost

    def _on_the_baseline(self, before: EffectiveParameters | None) -> Edits:
        """Return the edits that make of the baseline what was shown; none when they cannot be."""
        overrides = merged_overrides(before.scenario if before else {}, self.changes)
        try:
            state = replaced(Edits(BASELINE), self._base_of(BASELINE), overrides)
        except InputError:  # it was for other years, say
            return Edits(BASELINE)
        return with_locks(state, self._history.present.locks)

    def _known(self, scenario: str) -> bool:
        try:
            self._base_of(scenario)
        except InputError:
            return False
        return True

    def _base_of(self, scenario: str) -> EffectiveParameters:
        if scenario not in self._bases:
            self._keep(scenario, self._resolve(scenario))
        return self._bases[scenario]

    def _keep(self, scenario: str, base: EffectiveParameters) -> None:
        self._bases.pop(scenario, None)
        self._bases[scenario] = base
        while len(self._bases) > BASES_KEPT:
            self._bases.pop(next(iter(self._bases)))

    def _step(self, state: Edits) -> None:
        self._show(self._history.then(state))

    def _show(self, history: EditHistory) -> None:
        """Make a history the draft's; raises InputError when its state cannot be, and changes nothing."""
        state = history.present
        effective = state.effective or effective_of(self._base_of(state.scenario), state.changes)
        self._history = replace(history, present=replace(state, effective=effective))
        self.__dict__.pop("_resolved", None)
        with param.edit_constant(self):
            self.param.update(
                scenario=state.scenario, changes=dict(state.changes), locks=tuple(sorted(state.locks))
            )

    @cached_property
    def _resolved(self) -> "_Resolved":
        effective = self._history.present.effective or effective_of(self.base, self.changes)
        return _Resolved(effective, over_years(self.base, self.changes))


class _Resolved:
    """The effective parameters of a state, its base over the same years, and its findings once needed."""

    def __init__(self, effective: EffectiveParameters, base: EffectiveParameters) -> None:
        self.effective = effective
        self.base = base

    @cached_property
    def findings(self) -> list[Finding]:
        return validate(self.effective)


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


def with_locks(edits: Edits, names: Mapping[str, Lock]) -> Edits:
    """Return edits with exactly these locks."""
    return replace(edits, locks=dict(sorted(names.items())))


def keys_of(effective: EffectiveParameters, name: str, years: Iterable[int] | None = None) -> tuple[str, ...]:
    """Return the keys that set a parameter in these years: one for all of them, or one a year."""
    chosen = sorted(set(years)) if years is not None else list(effective.years)
    if not effective.declared.parameters[name].yearly or chosen == list(effective.years):
        return (name,)
    return tuple(str(Key(name, year)) for year in chosen)


def changes_of(effective: EffectiveParameters, name: str, years: Years, value: object) -> dict[str, object]:
    """Return the changes that give one parameter a value in these years."""
    return dict.fromkeys(keys_of(effective, name, years), value)


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
        _check_locks(edits, edits.effective or effective_of(base, edits.changes), new)
    kept = normalised(base, changes)
    effective = new if kept == changes else effective_of(base, kept)
    return replace(edits, changes=kept, effective=effective)


def _check_locks(edits: Edits, old: EffectiveParameters, new: EffectiveParameters) -> None:
    for name, lock in edits.locks.items():
        if any(old.value(name, year) != new.value(name, year) for year in old.years if year in new.years):
            label = with_levels(old.declared.parameters[name].label)
            why = f": {lock.why}" if lock.why else ""
            raise InputError(f"{label} is locked by {lock.by}{why}.", remedy="Unlock it to change it.")


_MISSING = object()
