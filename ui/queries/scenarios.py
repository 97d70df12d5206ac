"""Stored scenarios and their effective parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from planwise.errors import InputError
from planwise.governance import Ledger, effective_parameters, open_ledger
from planwise.governance.publications import published_scenarios
from planwise.governance.scenarios import Scenario, check_new_name
from planwise.parameters import EffectiveParameters, Value
from planwise.settings import Settings

NOTHING: Mapping[str, Value] = {}


@dataclass(frozen=True)
class ScenarioInfo:
    """A scenario's definition; `census` None follows the one in use."""

    name: str
    census: str | None
    description: str
    overrides: Mapping[str, Value]
    created_at: datetime | None
    created_by: str | None
    parent: str | None
    published: bool


@dataclass(frozen=True)
class CensusInfo:
    """A census: `rows` employees as of a date; `levels` are those with employees."""

    name: str
    rows: int
    as_of: date
    first_year: int


class ScenarioReader:
    """Reads the ledger and the censuses of one home; keeps one connection pool open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ledger: Ledger | None = None

    def list(self) -> tuple[ScenarioInfo, ...]:
        """Return every scenario, the baseline first; raises LedgerUnusable, Busy."""
        published = set(published_scenarios(self._settings))
        return tuple(_info(scenario, published) for scenario in self._open().scenarios.list())

    def get(self, name: str) -> ScenarioInfo:
        """Return a scenario; raises InputError with the nearest names when there is none."""
        return _info(self._open().scenarios.get(name), set(published_scenarios(self._settings)))

    def effective(self, name: str, changes: Mapping[str, Value] = NOTHING) -> EffectiveParameters:
        """Return a scenario's effective parameters with changes on top; raises InputError."""
        ledger = self._open()
        scenario = ledger.scenarios.get(name)
        first_year = self.census(scenario.census).first_year
        return effective_parameters(ledger, scenario, first_year, changes)

    def census(self, name: str | None = None) -> CensusInfo:
        """Return a census, by default the one in use; raises InputError when there is none."""
        from planwise.census import load_census

        found = load_census(self._settings, name)
        return CensusInfo(found.name, found.rows, found.as_of, found.first_year)

    def _open(self) -> Ledger:
        if self._ledger is None:
            self._ledger = open_ledger(self._settings)
        return self._ledger


def _info(scenario: Scenario, published: set[str]) -> ScenarioInfo:
    return ScenarioInfo(**vars(scenario), published=scenario.name in published)


class ScenarioNames:
    """Judges names for new scenarios in one home."""

    def __init__(self, settings: Settings, scenarios: ScenarioReader) -> None:
        self._settings = settings
        self._scenarios = scenarios

    def refused(self, name: str) -> InputError | None:
        """Return why a new scenario may not have this name; None when it may."""
        try:
            check_new_name(name)
        except InputError as error:
            return error
        if any(scenario.name == name for scenario in self._scenarios.list()):
            return InputError(f"There is a scenario {name} already.", remedy="Choose another name.")
        return None

    def remark(self, name: str) -> str:
        """Return a warning about a valid name; empty without any."""
        if name in published_scenarios(self._settings):
            return "A deleted scenario of this name has a published result; a new run replaces it."
        return ""
