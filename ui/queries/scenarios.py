"""Stored scenarios and their effective parameters; censuses and how they were imported."""

import json
import re
import time
from collections.abc import Hashable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from planwise.errors import DamagedStore, InputError, PlanWiseError
from planwise.governance import Ledger, effective_parameters, open_ledger
from planwise.governance.permissions import Action
from planwise.governance.publications import published_scenarios
from planwise.governance.scenarios import Scenario, check_new_name
from planwise.parameters import EffectiveParameters, Value
from planwise.settings import Settings
from ui.values.census import CensusInfo, CensusItem, CensusLevel
from ui.values.results import ScenarioInfo, ScenarioLabels
from ui.values.user import User

NOTHING: Mapping[str, Value] = {}
LIVES_SECONDS = 5  # until a change in a database server is seen


class ScenarioReader:
    """Reads the ledger and the censuses of one home; keeps one connection pool open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ledger: Ledger | None = None
        self._labels: tuple[Hashable, ScenarioLabels] = (None, ScenarioLabels({}))

    def version(self) -> Hashable:
        """Return a value that changes when scenarios are edited; costs some `stat` calls."""
        url = make_url(self._settings.ledger)
        if url.get_backend_name() != "sqlite":
            return time.monotonic() // LIVES_SECONDS
        return tuple(_changed_at(Path(f"{url.database}{suffix}")) for suffix in ("", "-wal"))

    def labels(self) -> ScenarioLabels:
        """Return what the scenarios are called; names alone while the ledger cannot be read."""
        key = self.version(), _changed_at(self._settings.censuses_dir / "current")
        if self._labels[0] != key:
            self._labels = key, self._read_labels()
        return self._labels[1]

    def _read_labels(self) -> ScenarioLabels:
        from planwise.census import census_in_use

        url = make_url(self._settings.ledger)
        if url.get_backend_name() == "sqlite" and not (url.database and Path(url.database).exists()):
            return ScenarioLabels({})
        try:
            stored = {one.name: one for one in self.list(archived=True)}
            return ScenarioLabels(stored, census_in_use(self._settings) or "")
        except PlanWiseError:  # the pages that need the ledger show why
            return ScenarioLabels({})

    def list(self, *, archived: bool = False) -> tuple[ScenarioInfo, ...]:
        """Return the scenarios, the baseline first, archived ones on request; raises LedgerUnusable, Busy."""
        published = set(published_scenarios(self._settings))
        return tuple(
            _info(scenario, published) for scenario in self._open().scenarios.list(archived=archived)
        )

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
        return CensusInfo(
            name=found.name,
            content_hash=found.content_hash,
            rows=found.rows,
            as_of=found.as_of,
            first_year=found.first_year,
            currency=found.currency,
            ranges=_levels(found.levels_file),
            has_derived_ranges=found.has_derived_ranges,
            has_ratings=found.availability["performance_rating"],
        )

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
        if any(scenario.name == name for scenario in self._scenarios.list(archived=True)):
            return InputError(f"There is a scenario {name} already.", remedy="Choose another name.")
        return None

    def remark(self, name: str) -> str:
        """Return a warning about a valid name; empty without any."""
        if name in published_scenarios(self._settings):
            return "A deleted scenario of this name has a published result; a new run replaces it."
        return ""


MARKET_FILE = "market.json"  # in a census's folder, once its titles are matched
CALIBRATED = "Calibrated on"  # begins the description of a scenario that a calibration saved
IMPORTED = re.compile(r"\d{8}T\d+-(?P<name>[a-z0-9_]+)")


class CensusReader:
    """Reads the censuses of one home, the scenarios on each, and the reports of their imports."""

    def __init__(self, settings: Settings, scenarios: ScenarioReader) -> None:
        self._settings = settings
        self._scenarios = scenarios

    def version(self) -> tuple[tuple[str, Hashable], ...]:
        """Return a value that changes with the censuses, their markets and the one in use; `stat` calls."""
        folder = self._settings.censuses_dir
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            return ()
        return tuple(
            (entry.name, (_stamp(entry), _stamp(entry / MARKET_FILE)))
            for entry in entries
            if not entry.name.startswith(".")
        )

    def names(self) -> frozenset[str]:
        """Return the names of all censuses."""
        return frozenset(name for name, _ in self.version() if name != "current")

    def list(self) -> tuple[tuple[CensusItem, ...], tuple[DamagedStore, ...]]:
        """Return every census, the one in use first, and the errors of damaged ones."""
        from planwise.census import census_in_use, list_censuses

        censuses, damaged = list_censuses(self._settings)
        in_use, following, named = None, [], dict[str, list[str]]()
        with suppress(DamagedStore):  # using another one mends it
            in_use = census_in_use(self._settings)
        for scenario in self._scenarios.list(archived=True) if censuses else ():
            named.setdefault(scenario.census, []).append(scenario.name) if scenario.census else (
                following.append(scenario.name)
            )
        items = [
            CensusItem(
                name=census.name,
                people=census.rows,
                as_of=census.as_of,
                source=_source(census.source),
                in_use=census.name == in_use,
                scenarios=tuple(named.get(census.name, ())),
                following=tuple(following) if census.name == in_use else (),
                levels=_levels(census.levels_file),
                levels_from=census.levels_from,
                currency=census.currency,
                available=tuple(fact for fact, there in census.availability.items() if there),
                content_hash=census.content_hash,
                created_at=census.created_at,
                market=census.market,
            )
            for census in censuses
        ]
        return tuple(sorted(items, key=lambda item: (not item.in_use, item.name))), damaged

    def calibrated(self) -> tuple[str, ...]:
        """Return the scenarios whose rates were estimated from censuses."""
        return tuple(one.name for one in self._scenarios.list() if one.description.startswith(CALIBRATED))

    def report(self, item: CensusItem) -> Mapping[str, Any] | None:
        """Return the report of the import that made a census; None where there is none."""
        found = self._report_file(item)
        return None if found is None else dict(json.loads(found.read_text(encoding="utf-8")))

    def rejects(self, item: CensusItem, user: User) -> bytes:
        """Return the rejected rows as CSV; raises InputError without the right to see single people's pay."""
        user.require(Action.SEE_PAY)
        found = self._report_file(item)
        try:
            if found is not None:
                return (found.parent / "rejects.csv").read_bytes()
        except OSError:
            pass
        raise InputError(
            f"The rejected rows of {item.name} are not stored any more.", remedy="Import the file again."
        )

    def _report_file(self, item: CensusItem) -> Path | None:
        for folder in sorted((self._settings.root / "imports").glob(f"*-{item.name}"), reverse=True):
            match = IMPORTED.fullmatch(folder.name)
            with suppress(OSError, ValueError, AttributeError):
                report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
                if match is not None and match["name"] == item.name and report.get("census") == item.name:
                    return folder / "report.json"
        return None


def _source(source: Mapping[str, Any]) -> str:
    if source.get("kind") == "synthetic":
        return f"generated sample, seed {source.get('seed')}"
    return str(source.get("file") or source.get("kind", ""))


def _levels(file: Path) -> tuple[CensusLevel, ...]:
    import pyarrow.parquet as pq

    return tuple(
        CensusLevel(row["level_id"], row["name"], float(row["minimum"]), float(row["maximum"]))
        for row in pq.read_table(file).to_pylist()
    )


def _stamp(entry: Path) -> Hashable:
    try:
        state = entry.lstat()  # a link is replaced when a census is imported again
        return state.st_mtime_ns, state.st_ino
    except OSError:
        return None


def _changed_at(file: Path) -> Hashable:
    try:
        return file.lstat().st_mtime_ns
    except OSError:
        return None
