"""Ingest: import a file, gate the census, put it in use if it passes."""

import shutil
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from planwise.app.requests import IngestRequest
from planwise.app.runner import Runner
from planwise.app.simulate import evaluate_gate, show_gate
from planwise.census import Census, ImportResult, generate_census, import_census, register_census, use_census
from planwise.census.registry import NAME_PATTERN, check_name, name_from
from planwise.gate import GateResult, require
from planwise.settings import Settings
from planwise.study import census_levels

INCOMING = "_incoming"  # the name under which a census waits for its gate
NAME_LENGTH = 64
MAPPING_OPTIONS = {"encoding", "skip_rows", "pay_unit", "hours_per_year", "pay_is", "currency"}
assert NAME_PATTERN.fullmatch(f"a{INCOMING}")


@dataclass(frozen=True)
class IngestionReport:
    """The census now in use, the import report and the gate's result."""

    census: Census
    imported: dict[str, Any]
    gate: GateResult

    def as_json(self) -> dict[str, Any]:
        """Return the report as one object."""
        found = self.gate.as_json()
        gate = {key: found[key] for key in ("suite", "status", "evaluated", "failed")}
        return {**self.imported, "in_use": True, "gate": gate}


def ingest(settings: Settings, request: IngestRequest, run: Runner) -> IngestionReport:
    """Import a file and put it in use when its gate passes.

    Raises ImportBlocked or GateBlocked (the census in use stays), InputError.
    """
    name = check_name(request.name or name_from(request.file))
    waiting = run(import_file, settings, request, _incoming(name))
    try:
        gate = run(gate_census, settings, waiting.census, waiting.report.valid_share)
        show_gate(run, name, gate)
        require(gate)
        census = run(put_in_use, settings, waiting.census, name)
    finally:
        run(forget, settings, waiting.census.name)
    report = replace(waiting.report, census=name)
    report.write()
    run.log(f"Census {name}: {census.rows:,} employees as of {census.as_of}, gate {gate.status}, in use.")
    return IngestionReport(census, report.as_dict(), gate)


def generate(settings: Settings, employees: int, seed: int, run: Runner) -> Census:
    """Generate a synthetic census and put it in use when its gate passes."""

    def generate_rows() -> Census:
        return generate_census(settings, employees=employees, seed=seed, use=False)

    census: Census = run(generate_rows)
    gate = run(gate_census, settings, census, 1.0)
    show_gate(run, census.name, gate)
    require(gate)
    run.log(f"Census {census.name}: {census.rows:,} employees as of {census.as_of}, gate {gate.status}.")
    return run(use_census, settings, census.name)


def import_file(settings: Settings, request: IngestRequest, name: str) -> ImportResult:
    """Read, map and check the file; register the census without putting it in use."""
    return import_census(
        settings,
        request.file,
        mapping=request.mapping,
        as_of=request.as_of,
        levels=request.levels,
        row_filter=request.row_filter,
        options=request.model_dump(include=MAPPING_OPTIONS),
        name=name,
        use=False,
    )


def gate_census(settings: Settings, census: Census, valid_share: float) -> GateResult:
    """Evaluate the census gate."""
    return evaluate_gate(
        "census",
        pd.read_parquet(census.census_file),
        as_of=census.as_of,
        known_levels=census_levels(census),
        valid_share=valid_share,
        valid_rows_min_share=settings.valid_rows_min_share,
    )


def put_in_use(settings: Settings, waiting: Census, name: str) -> Census:
    """Register a gated census under its own name and put it in use."""
    return register_census(
        settings,
        name,
        pd.read_parquet(waiting.census_file),
        pd.read_parquet(waiting.levels_file),
        as_of=waiting.as_of,
        source=waiting.source,
        availability=waiting.availability,
        levels_from=waiting.levels_from,
        use=True,
    )


def forget(settings: Settings, name: str) -> None:
    """Remove the temporary name of a census."""
    link = settings.censuses_dir / name
    version = link.resolve()
    link.unlink(missing_ok=True)
    if version.parent.name == ".versions":
        shutil.rmtree(version, ignore_errors=True)


def _incoming(name: str) -> str:
    return name[: NAME_LENGTH - len(INCOMING)] + INCOMING
