"""How scenarios and studies stand: never simulated, out of date, ended without a scenario."""

import time
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from planwise.engine.publications import load_publication, published_scenarios
from planwise.errors import InputError
from planwise.governance import Ledger, Scenario, open_ledger
from planwise.settings import Settings
from ui.cache import BoundedCache
from ui.news import EndedStudy, Standing, State

KEPT = 4
LIVES_SECONDS = 15  # a census or a lever in force that changes is seen by then
RUNNING = "running"


class StandingReader:
    """Compares the ledger and the studies with what is published, in one home."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._scenarios: BoundedCache[tuple[Standing, ...]] = BoundedCache(KEPT)
        self._studies: BoundedCache[tuple[EndedStudy, ...]] = BoundedCache(KEPT)

    def scenarios(self) -> tuple[Standing, ...]:
        """Return the scenarios to be simulated, the baseline first; may raise LedgerUnusable or Busy."""
        return self._scenarios.get(self._key(), self._read_scenarios)

    def studies(self) -> tuple[EndedStudy, ...]:
        """Return the studies that ended with an answer, the newest first."""
        return self._studies.get((self._key(), _stamp(self._settings.studies_dir)), self._read_studies)

    def _key(self) -> Hashable:
        published = self._settings.published_dir
        stamps = tuple((name, _stamp(published / name)) for name in published_scenarios(self._settings))
        return stamps, self._clock() // LIVES_SECONDS

    def _read_scenarios(self) -> tuple[Standing, ...]:
        stored = self._stored()
        published = published_scenarios(self._settings)
        found = [
            Standing(
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

    def _out_of_date(self, ledger: Ledger, name: str) -> Standing | None:
        from planwise.comparison.remarks import out_of_date  # brings DuckDB, which takes half a second
        from planwise.comparison.sources import Source

        try:
            remarks = out_of_date(self._settings, ledger, Source(load_publication(self._settings, name)))
        except (InputError, KeyError, TypeError):
            return None  # a result that cannot be read is said where it is shown
        for remark in remarks:
            state: State = "deleted" if remark.about == "deleted" else "stale"
            return Standing(name, state, remark.what, remark.remedy or "")
        return None

    def _stored(self) -> Mapping[str, Scenario]:
        """Return the scenarios by name; none where there is no ledger yet, and then none is made."""
        url = make_url(self._settings.ledger)
        if url.get_backend_name() == "sqlite" and not (url.database and Path(url.database).exists()):
            return {}
        with open_ledger(self._settings) as ledger:
            return {scenario.name: scenario for scenario in ledger.scenarios.list()}

    def _read_studies(self) -> tuple[EndedStudy, ...]:
        if self._settings.study_storage_url is None and not self._settings.studies_dir.is_dir():
            return ()
        from planwise.study.trials.files import read_summary  # Optuna is slow to import
        from planwise.study.trials.views import list_studies

        stored = self._stored()
        ended = []
        for study in list_studies(self._settings):
            summary = read_summary(self._settings, study["study"]) or {}
            levers = summary.get("levers")
            if study["state"] == RUNNING or not levers:
                continue
            ended.append(
                EndedStudy(
                    name=study["study"],
                    scenario=study["scenario"],
                    target=float(study["target_growth"]),
                    growth=summary.get("growth"),
                    converged=bool(study["converged"]),
                    ended_at=str(summary.get("updated_at", study["created_at"])),
                    kept_as=kept_as(study["study"], levers, stored),
                )
            )
        return tuple(ended)


def kept_as(study: str, levers: Mapping[str, Any], stored: Mapping[str, Scenario]) -> str | None:
    """Return the scenario that was made of a study's answer: it has all its levers, or tells the study."""
    for scenario in stored.values():
        if study in scenario.description or all(
            scenario.overrides.get(name) == value for name, value in levers.items()
        ):
            return scenario.name
    return None


def _stamp(file: Path) -> Hashable:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None
