"""Publish gate-passed marts as Parquet, and read publications."""

import json
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from planwise.census import Census
from planwise.engine.outcome import PlanOutcome
from planwise.errors import GateBlocked, InputError
from planwise.gate import GateResult
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings
from planwise.storage import is_partial, publish_folder, remove_partial, write_text

if TYPE_CHECKING:
    from planwise.engine.warehouse import Warehouse

CURRENT = "current"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Publication:
    """One published result; the folder never changes."""

    scenario: str
    fingerprint: str
    folder: Path
    manifest: Mapping[str, Any]

    def file(self, mart: str) -> Path:
        """Return a mart's Parquet file."""
        return self.folder / f"{mart}.parquet"

    def frame(self, mart: str) -> pd.DataFrame:
        """Return a mart; decimals come as floats."""
        import duckdb

        return duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(self.file(mart))]).df()


def load_publication(settings: Settings, scenario: str) -> Publication:
    """Return the scenario's published result; raises InputError when it is missing or damaged."""
    home = settings.published_dir / scenario
    try:
        fingerprint = (home / CURRENT).read_text(encoding="utf-8").strip()
        manifest = json.loads((home / fingerprint / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"No result of scenario {scenario!r} is published in {settings.published_dir}.",
            remedy=f"Run `planwise simulate --scenario {scenario}`.",
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"The published result of {scenario!r} cannot be read: {error}",
            remedy=f"Run `planwise simulate --scenario {scenario}`; it is written again.",
        ) from error
    return Publication(scenario, fingerprint, home / fingerprint, manifest)


def published_scenarios(settings: Settings) -> tuple[str, ...]:
    """Return the names of the scenarios with a published result, readable or not, sorted."""
    if not settings.published_dir.is_dir():
        return ()
    folders = sorted(settings.published_dir.iterdir())
    return tuple(folder.name for folder in folders if (folder / CURRENT).is_file())


def list_publications(settings: Settings) -> list[Publication]:
    """Return every published result, by scenario."""
    return [load_publication(settings, scenario) for scenario in published_scenarios(settings)]


KEPT = 2  # the current result and the previous one, which a reader may still have open
PARTIAL_MAX_AGE_SECONDS = 6 * 3600  # an older partial folder was left by a killed process
GRAIN: Mapping[str, str] = {
    "fct_yearly_events": "simulation_year, employee_id, event_sequence",
    "fct_workforce_snapshot": "simulation_year, employee_id",
    "fct_compensation_growth": "simulation_year",
    "fct_budget": "simulation_year",
    "fct_level_summary": "simulation_year, level_id",
    "fct_pay_equity": 'simulation_year, attribute, "group"',
    "fct_scenario_kpis": "simulation_year",
}


def publish(
    settings: Settings,
    warehouse: "Warehouse",
    *,
    scenario: str,
    outcome: PlanOutcome,
    census: Census,
    effective: EffectiveParameters,
    gate: GateResult,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Publication:
    """Write an environment's marts and make them the scenario's published result.

    Raises GateBlocked when the gate fails; the published result is then unchanged. A fingerprint that is
    published already gets the same bytes again, because it determines the result.
    """
    if gate.blocks:
        raise GateBlocked(
            f"The gate {gate.suite} failed for {scenario}; it is not published.",
            remedy="See the failed expectations; the published result is unchanged.",
        )
    home = settings.published_dir / scenario
    remove_partial(home, older_than_seconds=PARTIAL_MAX_AGE_SECONDS)
    folder = home / outcome.fingerprint
    with publish_folder(folder) as partial:
        counts = {
            mart: warehouse.export(outcome.environment, mart, grain, partial / f"{mart}.parquet")
            for mart, grain in GRAIN.items()
        }
        manifest = _manifest(scenario, outcome, census, effective, gate, counts, now())
        (partial / MANIFEST).write_text(json.dumps(manifest, indent=1, default=str), encoding="utf-8")
    write_text(home / CURRENT, outcome.fingerprint)
    _prune(home, outcome.fingerprint)
    return Publication(scenario, outcome.fingerprint, folder, manifest)


def _manifest(
    scenario: str,
    outcome: PlanOutcome,
    census: Census,
    effective: EffectiveParameters,
    gate: GateResult,
    counts: Mapping[str, int],
    now: datetime,
) -> dict[str, Any]:
    return {
        "scenario": scenario,
        "fingerprint": outcome.fingerprint,
        "environment": outcome.environment,
        "published_at": now.isoformat(timespec="seconds"),
        "census": {
            "name": census.name,
            "content_hash": census.content_hash,
            "as_of": census.as_of.isoformat(),
            "rows": census.rows,
            "availability": dict(census.availability),
        },
        "years": list(effective.years),
        "parameters_digest": effective.digest,
        "parameters": [asdict(row) for row in effective.rows()],
        "gate": gate.as_json(),
        "row_counts": dict(counts),
        "kpis": outcome.kpis,
        "models_run": list(outcome.models_run),
        "models_reused": list(outcome.models_reused),
        "seconds": outcome.seconds,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("planwise", "sqlmesh", "duckdb", "sqlglot")},
        },
    }


def _prune(home: Path, in_force: str) -> None:
    """Delete results older than the current and the previous one."""
    results = sorted(
        (folder for folder in home.iterdir() if folder.is_dir() and not is_partial(folder)),
        key=lambda folder: (folder.name == in_force, (folder / MANIFEST).stat().st_mtime),
        reverse=True,
    )
    for folder in results[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
