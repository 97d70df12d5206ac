"""From a scenario and edits to what is simulated: its census and effective parameters."""

import threading
from collections.abc import Mapping
from typing import Protocol

from planwise.census import Census, load_census
from planwise.governance import Ledger, effective_parameters, open_ledger
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings


class Resolve(Protocol):
    """Returns the census and the effective parameters of a scenario with changes on top.

    Raises InputError for an unknown scenario, census or parameter and values out of bounds.
    """

    def __call__(self, scenario: str, changes: Mapping[str, object], /) -> tuple[Census, EffectiveParameters]:
        """Resolve; reads the ledger."""
        ...


class LedgerResolver:
    """Resolves from a home's ledger and censuses; the ledger is opened at the first question."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ledger: Ledger | None = None
        self._opening = threading.Lock()

    def __call__(self, scenario: str, changes: Mapping[str, object], /) -> tuple[Census, EffectiveParameters]:
        """Resolve as the definitions are now."""
        with self._opening:
            ledger = self._ledger = self._ledger or open_ledger(self._settings)
        found = ledger.scenarios.get(scenario)
        census = load_census(self._settings, found.census)
        return census, effective_parameters(ledger, found, census.first_year, changes)

    def close(self) -> None:
        """Give the ledger's connections back."""
        if self._ledger is not None:
            self._ledger.close()
