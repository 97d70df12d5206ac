"""Status of scenarios, studies and sweeps: never simulated, out of date, without a scenario."""

import json
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from planwise.engine.publishing import load_publication, published_scenarios
from planwise.errors import InputError
from planwise.governance import Ledger, Scenario, open_ledger
from planwise.settings import Settings
from planwise.storage import is_locked
from ui.cache import BoundedCache
from ui.values.results import (
    ScenarioStatus,
    State,
    StoredSweep,
    StoredSweepRow,
    StudyBrief,
    Sweeps,
    Unreadable,
)

KEPT = 4
LIVES_SECONDS = 15  # a census or a lever in force that changes is seen by then
RUNNING, INTERRUPTED = "running", "interrupted"


class StatusReader:
    """Compares the ledger and the studies with what is published, in one home."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._scenarios: BoundedCache[tuple[ScenarioStatus, ...]] = BoundedCache(KEPT)
        self._studies: BoundedCache[tuple[StudyBrief, ...]] = BoundedCache(KEPT)

    def scenarios(self) -> tuple[ScenarioStatus, ...]:
        """Return the scenarios to be simulated, the baseline first; may raise LedgerUnusable or Busy."""
        return self._scenarios.get(self._key(), self._read_scenarios)

    def studies(self) -> tuple[StudyBrief, ...]:
        """Return the studies, the newest first; no journal is read."""
        folder = self._settings.studies_dir
        files = tuple((file.parent.name, _stamp(file)) for file in sorted(folder.glob("*/summary.json")))
        return self._studies.get((self._key(), files), self._read_studies)

    def _key(self) -> Hashable:
        published = self._settings.published_dir
        stamps = tuple((name, _stamp(published / name)) for name in published_scenarios(self._settings))
        return stamps, self._clock() // LIVES_SECONDS

    def _read_scenarios(self) -> tuple[ScenarioStatus, ...]:
        stored = self._stored()
        published = published_scenarios(self._settings)
        found = [
            ScenarioStatus(
                name,
                "never",
                "has never been simulated",
                f"Run it, or `planwise simulate --scenario {name}`.",
            )
            for name in stored
            if name not in published
        ]
        if stored:
            with open_ledger(self._settings) as ledger:
                found += [item for name in published if (item := self._out_of_date(ledger, name)) is not None]
        return tuple(found)

    def _out_of_date(self, ledger: Ledger, name: str) -> ScenarioStatus | None:
        from planwise.comparison.compare import out_of_date  # brings DuckDB, which takes half a second
        from planwise.comparison.sources import Source

        try:
            remarks = out_of_date(self._settings, ledger, Source(load_publication(self._settings, name)))
        except (InputError, KeyError, TypeError):
            return None  # a result that cannot be read is said where it is shown
        for remark in remarks:
            state: State = "deleted" if remark.about == "deleted" else "stale"
            return ScenarioStatus(name, state, remark.what, remark.remedy or "")
        return None

    def _stored(self) -> Mapping[str, Scenario]:
        """Return the scenarios by name; none where there is no ledger yet, and then none is made."""
        url = make_url(self._settings.ledger)
        if url.get_backend_name() == "sqlite" and not (url.database and Path(url.database).exists()):
            return {}
        with open_ledger(self._settings) as ledger:
            return {scenario.name: scenario for scenario in ledger.scenarios.list()}

    def _read_studies(self) -> tuple[StudyBrief, ...]:
        stored = self._stored()
        if self._settings.study_storage_url:
            from planwise.study.queries import list_studies  # Optuna is slow to import

            found = [brief(one, one, str(one["state"]), stored) for one in list_studies(self._settings)]
        else:
            found = [
                one
                for folder in self._settings.studies_dir.glob("*")
                if (one := self._study_in(folder, stored)) is not None
            ]
        return tuple(sorted(found, key=lambda study: study.at, reverse=True))

    @staticmethod
    def _study_in(folder: Path, stored: Mapping[str, Scenario]) -> StudyBrief | None:
        """Return the study in a folder; None for one that cannot be read, which its page says."""
        try:
            about = json.loads((folder / "study.json").read_text(encoding="utf-8"))
            stands = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
            is_held = is_locked(folder / "lock")
            noted = str(stands["state"])
            state = noted if is_held or noted != RUNNING else INTERRUPTED
            return brief(about, stands, RUNNING if is_held else state, stored)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def brief(
    about: Mapping[str, Any], stands: Mapping[str, Any], state: str, stored: Mapping[str, Scenario]
) -> StudyBrief:
    """Return a study from what is kept on it and how it stands; raises KeyError, TypeError, ValueError."""
    question = about.get("question", about)
    objectives = question.get("objectives") or ()
    sought = not objectives or any(name == "targets" for name, _ in objectives)
    levers = stands.get("levers")
    return StudyBrief(
        name=str(about["study"]),
        scenario=str(about["scenario"]),
        strategy=str(question["strategy"]),
        kind=str(about["kind"]),
        state=state,
        target=float(question["target_growth"]) if sought else None,
        growth=stands.get("growth"),
        converged=stands.get("converged"),
        reachable=stands.get("reachable"),
        trials=int(stands.get("trials") or 0),
        seconds=stands.get("seconds"),
        at=str(stands.get("updated_at") or about["created_at"]),
        has_answer=state != RUNNING and bool(levers),
        kept_as=kept_as(str(about["study"]), levers or {}, stored),
    )


def kept_as(study: str, levers: Mapping[str, Any], stored: Mapping[str, Scenario]) -> str | None:
    """Return the scenario that was made of a study's answer: it has all its levers, or tells the study."""
    for scenario in stored.values():
        has_all = levers and all(scenario.overrides.get(name) == value for name, value in levers.items())
        if has_all or study in scenario.description:
            return scenario.name
    return None


def _stamp(file: Path) -> Hashable:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None


FOLDER = "sweeps"


class SweepReader:
    """Reads the reports that sweeps leave in one home."""

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
        """Return the last sweep and what it is compared with; files are read until both are found."""
        return self._cache.get(self.version(), self._read)

    def _read(self) -> Sweeps:
        unreadable: list[Unreadable] = []
        found = _readable(sorted(self._folder.glob("*.json"), reverse=True), unreadable)
        last = next(found, None)
        before = None
        if last is not None:
            before = next((sweep for sweep in found if sweep.complete and sweep.asked == last.asked), None)
        return Sweeps(last, before, tuple(unreadable))


def _readable(files: list[Path], unreadable: list[Unreadable]) -> Iterator[StoredSweep]:
    for file in files:
        try:
            yield _sweep(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            unreadable.append(
                Unreadable(
                    file.name,
                    f"The sweep report {file} cannot be read: {type(error).__name__}: {error}",
                    "Delete it, and run `planwise sweep`.",
                )
            )


def _sweep(data: Mapping[str, Any]) -> StoredSweep:
    return StoredSweep(
        at=str(data["at"]),
        asked=str(data["asked"]),
        complete=bool(data["complete"]),
        rows=tuple(_row(row) for row in data["rows"]),
    )


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
