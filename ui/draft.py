"""Edits not saved yet, on top of a scenario; every session has one."""

from collections.abc import Callable, Mapping
from typing import Any

import param

from planwise.parameters import (
    EffectiveParameters,
    Finding,
    Value,
    canonical_overrides,
    merged_overrides,
    validate,
)

Resolve = Callable[[str, Mapping[str, Value]], EffectiveParameters]
BASELINE = "baseline"


class Draft(param.Parameterized):
    """`changes` are canonical overrides ("cola_rate" or "cola_rate@2028") on top of `scenario`'s own."""

    scenario = param.String(default=BASELINE)
    changes = param.Dict(default={})
    locks = param.ClassSelector(default=(), class_=tuple)

    def __init__(self, resolve: Resolve, **params: Any) -> None:
        super().__init__(**params)
        self._resolve = resolve
        self._cached: tuple[Any, EffectiveParameters] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was edited."""
        return not self.changes

    @property
    def effective(self) -> EffectiveParameters:
        """What the scenario with the edits resolves to; raises InputError when the scenario is gone."""
        key = (self.scenario, tuple(self.changes.items()))
        if self._cached is None or self._cached[0] != key:
            self._cached = (key, self._resolve(self.scenario, self.changes))
        return self._cached[1]

    @property
    def findings(self) -> list[Finding]:
        """What is not OK about the edited levers, worst first."""
        return validate(self.effective)

    def set(self, key: str, value: object) -> None:
        """Edit one parameter; raises InputError, and then nothing has changed."""
        self.replace(merged_overrides(self.changes, canonical_overrides({key: value})))

    def unset(self, key: str) -> None:
        """Take one edit back."""
        self.changes = {name: value for name, value in self.changes.items() if name != key}

    def clear(self) -> None:
        """Take every edit back."""
        self.changes = {}

    def replace(self, changes: Mapping[str, object]) -> None:
        """Make these the edits; raises InputError, and then nothing has changed."""
        checked = canonical_overrides(changes)
        self._resolve(self.scenario, checked)
        self.changes = checked

    def start_from(self, scenario: str, changes: Mapping[str, object] = {}) -> None:
        """Begin anew from a scenario; raises InputError, and then nothing has changed."""
        checked = canonical_overrides(changes)
        self._resolve(scenario, checked)
        self.param.update(scenario=scenario, changes=checked)
