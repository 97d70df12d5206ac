"""Publish gate-passed marts as Parquet."""

import json
import platform
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planwise.census import Census
from planwise.engine.outcome import PlanOutcome
from planwise.engine.variables import literal
from planwise.errors import GateBlocked
from planwise.gate import GateResult
from planwise.governance.publications import CURRENT, MANIFEST, VALIDATIONS, Publication, load_stored
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings
from planwise.storage import digest, is_partial, publish_folder, remove_partial, write_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from sqlmesh.core.model import Model

    from planwise.engine.warehouse import Warehouse

KEPT = 2  # the current result and the previous one, which a reader may still have open
PARTIAL_MAX_AGE_SECONDS = 6 * 3600  # an older partial folder was left by a killed process
GRAIN: Mapping[str, str] = {
    "fct_yearly_events": "simulation_year, employee_id, event_sequence",
    "fct_workforce_snapshot": "simulation_year, employee_id",
    "fct_compensation_growth": "simulation_year",
    "fct_budget": "simulation_year",
    "fct_increase_budget": 'simulation_year, attribute, "group"',
    "fct_increase_bridge": 'simulation_year, attribute, "group", part',
    "fct_increases": "simulation_year, employee_id",
    "fct_level_summary": "simulation_year, level_id",
    "fct_market_position": 'simulation_year, attribute, "group"',
    "fct_pay_equity": 'simulation_year, attribute, "group"',
    "fct_scenario_kpis": "simulation_year",
}
# Not those whose audits sum them to the budget and the KPIs, whose figures the gate checks.
SUMMED_BY_AUDITS = ("fct_increase_bridge", "fct_increases", "fct_market_position")
GATED = tuple(mart for mart in GRAIN if mart not in SUMMED_BY_AUDITS)
GATED_BY_PERSON = tuple(mart for mart in GATED if "employee_id" in GRAIN[mart])


def publish(
    settings: Settings,
    warehouse: "Warehouse",
    *,
    scenario: str,
    outcome: PlanOutcome,
    census: Census,
    effective: EffectiveParameters,
    gate: GateResult,
    started_at: datetime | None = None,
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
        manifest["started_at"] = (started_at or now()).isoformat()
        manifest["sha256"] = {mart: digest(partial / f"{mart}.parquet") for mart in GRAIN}
        _write_json(partial / MANIFEST, manifest)
        _write_json(partial / VALIDATIONS, gate.validations_json())
    write_text(home / CURRENT, outcome.fingerprint)
    _prune(home, outcome.fingerprint)
    return Publication(scenario, outcome.fingerprint, folder, manifest)


def store_copy(
    settings: Settings, source: Publication, name: str, gate: GateResult | None = None, **changes: Any
) -> Publication:
    """Store a published result under another name as well, its files unchanged; it is not yet in force there.

    `changes` replace entries of its manifest, a `gate` the result of its gate. A result of that name is
    returned unchanged.
    """
    if source.scenario == name:
        return source
    folder = settings.published_dir / name / source.fingerprint
    manifest = {**source.manifest, "scenario": name, **changes}
    if gate is not None:
        manifest["gate"] = gate.as_json()
    with publish_folder(folder) as partial:
        for mart in source.manifest.get("row_counts") or GRAIN:  # an earlier version had fewer
            shutil.copyfile(source.file(mart), partial / f"{mart}.parquet")
        _write_json(partial / MANIFEST, manifest)
        if gate is not None:
            _write_json(partial / VALIDATIONS, gate.validations_json())
        elif (source.folder / VALIDATIONS).is_file():  # results of earlier versions have none
            shutil.copyfile(source.folder / VALIDATIONS, partial / VALIDATIONS)
    return load_stored(settings, name, source.fingerprint)


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")


def put_in_force(settings: Settings, name: str, fingerprint: str, keep: Collection[str]) -> None:
    """Make a stored result the one in force; results that are not to be kept are deleted."""
    home = settings.published_dir / name
    write_text(home / CURRENT, fingerprint)
    for folder in home.iterdir():
        if (folder / MANIFEST).is_file() and folder.name not in {*keep, fingerprint}:
            shutil.rmtree(folder, ignore_errors=True)


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
            "currency": census.currency,
            "market": dict(census.market),
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
    """Delete results older than the current and the previous one; other folders are not PlanWise's."""
    results = sorted(
        (folder for folder in home.iterdir() if (folder / MANIFEST).is_file() and not is_partial(folder)),
        key=lambda folder: (folder.name == in_force, (folder / MANIFEST).stat().st_mtime),
        reverse=True,
    )
    for folder in results[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


def comments(
    model: "Model", models: Mapping[str, "Model"], view: str, cursor: "DuckDBPyConnection"
) -> list[str]:
    """Return the comments on a mart's view; a column without a description has that of a mart it reads.

    The columns are the view's own: a model that was read from the state is parsed before it knows its own.
    """
    read = [models[name] for name in sorted(model.depends_on) if '"marts"' in name]
    described = {c: text for one in (*read, model) for c, text in one.column_descriptions.items()}
    on_columns = [
        f'COLUMN {view}."{column}" IS {literal(described[column])}'
        for column, *_ in cursor.execute(f"DESCRIBE {view}").fetchall()
        if column in described
    ]
    on_view = f"VIEW {view} IS {literal(model.description or '')}"
    return [f"COMMENT ON {comment}" for comment in (on_view, *on_columns)]
