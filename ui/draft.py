"""Edits not saved yet, on top of a scenario; every session has one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property

import param

from planwise.errors import InputError
from planwise.parameters import EffectiveParameters, Finding, merged_overrides, validate
from planwise.parameters.values import parse_key
from ui.values import edits as editing
from ui.values.edits import EditHistory, Edits, Lock

Resolve = Callable[[str], EffectiveParameters]
BASELINE = "baseline"
LOOK_AGAIN = "Look at them before you save."  # the remedy where somebody else changed the base
BASES_KEPT = 4  # an undo may lead back to the scenario before


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
        """Return what more changes would resolve to, and keep the draft as it is; raises InputError."""
        tried = editing.with_changes(self._history.present, self.base, changes).effective
        assert tried is not None  # just resolved
        return tried

    @property
    def findings(self) -> list[Finding]:
        """What is not OK about the edited levers, worst first."""
        return self._resolved.findings

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._history.past)

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back."""
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
        self._step(editing.with_changes(self._history.present, self.base, changes))

    def unset(self, *keys: str) -> None:
        """Give keys the base's values again; a name alone is all its years. Raises InputError if locked."""
        self._step(editing.without(self._history.present, self.base, keys))

    def clear(self) -> None:
        """Take every edit back but those of locked levers."""
        names = {parse_key(key).name for key in self.changes}
        self.unset(*(name for name in names if name not in self._history.present.locks))

    def replace(self, changes: Mapping[str, object]) -> None:
        """Make these the edits; raises InputError, and then nothing has changed."""
        self._step(editing.replaced(self._history.present, self.base, changes))

    def start_from(self, scenario: str, changes: Mapping[str, object] | None = None) -> None:
        """Edit another scenario, read anew; raises InputError, and then nothing has changed.

        Locks hold on the same scenario, and are let go with another one. Where a session begins is no step.
        """
        base = self._resolve(scenario)
        before = self._history.present.stored() if scenario == self.scenario else Edits(scenario)
        self._begin(editing.replaced(before, base, changes or {}), base)

    def take_over(self, scenario: str, changes: Mapping[str, object], locks: Mapping[str, Lock]) -> None:
        """Become a state that was written down, with its locks; raises InputError, and then nothing changed.

        As undo does, it passes over the locks that there were: the state says which ones there are.
        """
        base = self._resolve(scenario)
        levers = {base.declared.parameter(name, "lever").name: lock for name, lock in locks.items()}
        self._begin(editing.locked(editing.replaced(Edits(scenario), base, changes), levers), base)

    def _begin(self, state: Edits, base: EffectiveParameters) -> None:
        self._keep(state.scenario, base)
        if self._history == EditHistory(Edits(self.scenario)):
            self._show(self._history.amended(state))
        else:
            self._step(state)

    def saved_as(self, scenario: str) -> None:
        """Go on from the scenario that the edits were saved as: its values are the base, locks hold."""
        self._keep(scenario, self._resolve(scenario))
        self._step(Edits(scenario, {}, self._history.present.locks))

    def lock(self, names: Iterable[str], *, by: str, why: str = "") -> None:
        """Keep levers as they are; raises InputError for a name that is not a lever's."""
        present = self._history.present
        levers = [self.base.declared.parameter(name, "lever").name for name in names]
        self._step(editing.locked(present, {**present.locks, **dict.fromkeys(levers, Lock(by, why))}))

    def unlock(self, *names: str) -> None:
        """Let levers be edited again."""
        present = self._history.present
        kept = {name: lock for name, lock in present.locks.items() if name not in names}
        self._step(editing.locked(present, kept))

    def undo(self) -> None:
        """Take the last step back: an edit, a lock, or another base."""
        self._show(self._history.undone())

    def redo(self) -> None:
        """Do again what was taken back."""
        self._show(self._history.redone())

    def refresh(self) -> str:
        """Read the base anew; return what has become of the edits because of what others changed, or "".

        When the scenario is gone, all that it had and the edits are edits on the baseline.
        """
        lost, before = "", self._bases.get(self.scenario)
        self._bases.clear()
        try:
            state = editing.replaced(Edits(self.scenario), self.base, self.changes)
            state = editing.locked(state, self._history.present.locks)
            same = state == self._history.present
            self._show(replace(self._history, present=state) if same else self._history.amended(state))
        except InputError as error:
            if self._known(self.scenario):
                lost = f"The edits on {self.scenario} are gone: {error.what}"
                self._show(EditHistory(Edits(self.scenario)))
            else:
                kept = self._on_the_baseline(before)
                became = (
                    "what it had is kept as edits on the baseline." if kept.changes else "the edits are gone."
                )
                lost = f"{error.what} Somebody deleted it; {became}"
                self._show(EditHistory(kept))
        self.__dict__.pop("_resolved", None)
        return lost

    def _on_the_baseline(self, before: EffectiveParameters | None) -> Edits:
        """Return the edits that make of the baseline what was shown; none when they cannot be."""
        wanted = merged_overrides(before.scenario if before else {}, self.changes)
        try:
            state = editing.replaced(Edits(BASELINE), self._base_of(BASELINE), wanted)
        except InputError:  # it was for other years, say
            return Edits(BASELINE)
        return editing.locked(state, self._history.present.locks)

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
        effective = state.effective or editing.effective_of(self._base_of(state.scenario), state.changes)
        self._history = replace(history, present=replace(state, effective=effective))
        self.__dict__.pop("_resolved", None)
        with param.edit_constant(self):
            self.param.update(
                scenario=state.scenario, changes=dict(state.changes), locks=tuple(sorted(state.locks))
            )

    @cached_property
    def _resolved(self) -> "_Resolved":
        effective = self._history.present.effective or editing.effective_of(self.base, self.changes)
        return _Resolved(effective, editing.over_years(self.base, self.changes))


class _Resolved:
    """The effective parameters of a state, its base over the same years, and its findings once needed."""

    def __init__(self, effective: EffectiveParameters, base: EffectiveParameters) -> None:
        self.effective = effective
        self.base = base

    @cached_property
    def findings(self) -> list[Finding]:
        return validate(self.effective)
