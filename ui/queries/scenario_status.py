"""Status of scenarios, studies and sweeps: never simulated, out of date, not saved as a scenario."""

import json
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from planwise.errors import InputError
from planwise.governance import Ledger, Scenario, open_ledger
from planwise.governance.publications import load_publication, published_scenarios
from planwise.masking import describe_error
from planwise.settings import Settings
from ui.cache import BoundedCache
from ui.values.results import ScenarioStatus, State, StoredSweep, StoredSweepRow, Sweeps, Unreadable
from ui.values.studies import StudySummary

KEPT = 4
LIVES_SECONDS = 15  # until a change of a census or a lever in force is seen


class StatusReader:
    """Compares the ledger with the published results and the studies of one home."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        censuses: Callable[[], Hashable] = lambda: None,
    ) -> None:
        """Take what changes with the censuses, and a clock."""
        self._settings = settings
        self._censuses = censuses
        self._clock = clock
        self._scenarios: BoundedCache[tuple[ScenarioStatus, ...]] = BoundedCache(KEPT)
        self._stored: BoundedCache[Mapping[str, Scenario]] = BoundedCache(KEPT)

    def scenarios(self) -> tuple[ScenarioStatus, ...]:
        """Return the scenarios to be simulated, the baseline first; may raise LedgerUnusable or Busy."""
        return self._scenarios.get(self._key(), self._read_scenarios)

    def stale(self, name: str) -> ScenarioStatus | None:
        """Return why a published result is out of date; None when it is not."""
        return next((one for one in self.scenarios() if one.scenario == name and one.state == "stale"), None)

    def unsaved_studies(self, studies: Iterable[StudySummary]) -> tuple[StudySummary, ...]:
        """Return the ended studies without a scenario of their answer, the latest first.

        One that was started to publish nothing waits for no scenario.
        """
        stored = self._stored.get(self._key(), self._read_stored)
        unsaved = [
            one for one in studies if one.has_answer and one.publishes and saved_as(one, stored) is None
        ]
        return tuple(sorted(unsaved, key=lambda study: study.updated_at, reverse=True))

    def _key(self) -> Hashable:
        published = self._settings.published_dir
        stamps = tuple((name, _stamp(published / name)) for name in published_scenarios(self._settings))
        return stamps, self._censuses(), self._clock() // LIVES_SECONDS

    def _read_scenarios(self) -> tuple[ScenarioStatus, ...]:
        stored = self._read_stored()
        published = published_scenarios(self._settings)
        found = [
            ScenarioStatus(
                name,
                "never",
                "has never been simulated",
                "Run it on the page Run.",
            )
            for name, scenario in stored.items()
            if name not in published and scenario.archived_at is None
        ]
        kept = [name for name in published if name not in stored or stored[name].archived_at is None]
        if stored:
            with open_ledger(self._settings) as ledger:
                found += [item for name in kept if (item := self._out_of_date(ledger, name)) is not None]
        return tuple(found)

    def _out_of_date(self, ledger: Ledger, name: str) -> ScenarioStatus | None:
        from planwise.comparison.compare import out_of_date  # brings DuckDB, which takes half a second
        from planwise.comparison.sources import Source

        try:
            remarks = out_of_date(self._settings, ledger, Source(load_publication(self._settings, name)))
        except (InputError, KeyError, TypeError):
            return None  # its page shows that it cannot be read
        for remark in remarks:
            state: State = "deleted" if remark.about == "deleted" else "stale"
            return ScenarioStatus(name, state, remark.what, remark.remedy or "")
        return None

    def _read_stored(self) -> Mapping[str, Scenario]:
        """Return the scenarios by name; none without a ledger, which is not created."""
        url = make_url(self._settings.ledger)
        if url.get_backend_name() == "sqlite" and not (url.database and Path(url.database).exists()):
            return {}
        with open_ledger(self._settings) as ledger:
            return {scenario.name: scenario for scenario in ledger.scenarios.list(archived=True)}


def saved_as(study: StudySummary, stored: Mapping[str, Scenario]) -> str | None:
    """Return the scenario of a study's answer: it has all its levers, or its description names the study."""
    for scenario in stored.values():
        has_all = all(scenario.overrides.get(name) == value for name, value in study.levers.items())
        if (study.levers and has_all) or study.name in scenario.description:
            return scenario.name
    return None


def _stamp(file: Path) -> Hashable:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None


FOLDER = "sweeps"


class SweepReader:
    """Reads the reports of the sweeps of one home."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.root / FOLDER
        self._cache: BoundedCache[Sweeps] = BoundedCache(KEPT)

    def version(self) -> Hashable:
        """Return a value that changes with every sweep that ends; costs one `stat`."""
        try:
            return self._folder.stat().st_mtime_ns  # reports are renamed into it
        except OSError:
            return None

    def latest(self) -> Sweeps:
        """Return the last sweep and the one it is compared with; reads files until both are found."""
        return self._cache.get(self.version(), self._read)

    def _read(self) -> Sweeps:
        unreadable: list[Unreadable] = []
        found = _readable(sorted(self._folder.glob("*.json"), reverse=True), unreadable)
        last = next(found, None)
        before = None
        if last is not None:
            before = next(
                (sweep for sweep in found if sweep.complete and sweep.request == last.request), None
            )
        return Sweeps(last, before, tuple(unreadable))


def _readable(files: list[Path], unreadable: list[Unreadable]) -> Iterator[StoredSweep]:
    for file in files:
        try:
            yield _sweep(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            unreadable.append(
                Unreadable(
                    file.name,
                    f"The sweep report {file} cannot be read: {describe_error(error)}",
                    "Delete the file, and sweep all scenarios again.",
                )
            )


def _sweep(data: Mapping[str, Any]) -> StoredSweep:
    rows = tuple(_row(row) for row in data["rows"])
    return StoredSweep(
        at=str(data["at"]),
        request=str(data["asked"]),
        complete=bool(data["complete"]),
        rows=rows,
        why=_why(rows, data.get("changes", ())),
    )


def _why(rows: Iterable[StoredSweepRow], changes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    labels = {(row.scenario, row.variant): row.label for row in rows}
    return {
        labels[one["scenario"], one["variant"]]: "; ".join(map(str, one["why"]))
        for one in changes
        if one["why"] and (one["scenario"], one["variant"]) in labels
    }


def _row(row: Mapping[str, Any]) -> StoredSweepRow:
    return StoredSweepRow(
        scenario=str(row["scenario"]),
        variant=str(row["variant"]),
        feasible=bool(row["feasible"]),
        reasons=tuple(str(reason) for reason in row["reasons"]),
        growth=None if row["growth"] is None else float(row["growth"]),
        payroll=None if row["payroll"] is None else float(row["payroll"]),
        headcount=None if row["headcount"] is None else int(row["headcount"]),
        fingerprint=row["fingerprint"],
        gate=row["gate"],
    )
