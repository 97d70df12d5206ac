"""Ingest: read a file, gate its rows, register the census and put it in use if they pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from planwise.app.censuses import record_census, require_edit
from planwise.app.gates import evaluate_gate, record_gate, write_validations
from planwise.app.requests import GenerateRequest, IngestRequest
from planwise.app.runner import Runner
from planwise.census import (
    Census,
    ImportReport,
    ImportResult,
    Reading,
    generate_census,
    read_census,
    register_reading,
    use_census,
)
from planwise.census.registry import census_table
from planwise.errors import GateBlocked
from planwise.formatting import counted
from planwise.gate import GateResult, require
from planwise.monitoring import describe_run
from planwise.monitoring.gate_history import GateOf
from planwise.settings import Settings
from planwise.study import census_levels


@dataclass(frozen=True)
class IngestionReport:
    """The report of an import and the gate's result; `census` is None when the gate blocked it."""

    census: Census | None
    imported: ImportReport
    gate: GateResult

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise census import --json` prints."""
        found = self.gate.as_json()
        gate = {key: found[key] for key in ("suite", "status", "evaluated", "failed")}
        return {**self.imported.as_dict(), "in_use": self.census is not None, "gate": gate}


class CensusBlocked(GateBlocked):
    """A critical expectation failed: nothing was registered, the census in use is unchanged."""

    def __init__(self, report: IngestionReport, blocked: GateBlocked) -> None:
        super().__init__(f"Nothing was registered. {blocked.what}", remedy=blocked.remedy)
        self.report = report


def ingest(settings: Settings, request: IngestRequest, run: Runner) -> IngestionReport:
    """Import a file and put it in use when its gate passes.

    Raises ImportBlocked or CensusBlocked (the census in use stays), InputError.
    """
    require_edit(settings)
    reading: Reading = run(read_file, settings, request)
    report = reading.report
    describe_run(employees=report.rows_accepted, records=report.rows_read)
    rows, levels = census_table(reading.rows).to_pandas(), reading.ranges["level_id"].tolist()
    gate = run(
        gate_census, settings, rows, date.fromisoformat(report.as_of), levels, valid_share=report.valid_share
    )
    record_gate(settings, run, gate, GateOf.CENSUS, reading.name)
    try:
        require(gate)
    except GateBlocked as blocked:
        raise CensusBlocked(IngestionReport(None, report, gate), blocked) from None
    done: ImportResult = run(put_in_use, settings, reading)
    write_validations(done.census.census_file.parent, gate)
    census = record_census(
        settings,
        done.census,
        "imported",
        rows_read=report.rows_read,
        rows_rejected=report.rows_rejected,
        gate=gate.status,
    )
    run.log(
        f"Census {census.name}: {counted(census.rows, 'employee')} as of {census.as_of}, gate "
        f"{gate.status}, in use."
    )
    return IngestionReport(census, done.report, gate)


@dataclass(frozen=True)
class Generated:
    """A synthetic census that is in use."""

    census: Census

    def as_json(self) -> dict[str, Any]:
        """Return its name and size."""
        return {"census": self.census.name, "rows": self.census.rows, "as_of": self.census.as_of.isoformat()}


def generate(settings: Settings, request: GenerateRequest, run: Runner) -> Generated:
    """Generate a synthetic census and put it in use when its gate passes."""
    require_edit(settings)

    def generate_rows() -> Census:
        return generate_census(
            settings, employees=request.employees, seed=request.seed, name=request.name, use=False
        )

    census: Census = run(generate_rows)
    describe_run(employees=census.rows, census=census.name, records=census.rows)
    rows = pd.read_parquet(census.census_file)
    gate = run(gate_census, settings, rows, census.as_of, census_levels(census), valid_share=1.0)
    record_gate(settings, run, gate, GateOf.CENSUS, census.name, census.content_hash)
    require(gate)
    run.log(
        f"Census {census.name}: {counted(census.rows, 'employee')} as of {census.as_of}, gate {gate.status}."
    )
    used = run(use_census, settings, census.name)
    write_validations(census.census_file.parent, gate)
    return Generated(record_census(settings, used, "generated", seed=request.seed, gate=gate.status))


def read_file(settings: Settings, request: IngestRequest) -> Reading:
    """Read, map and check the file; write the report and the rejected rows."""
    return read_census(settings, request.file, **request.reading())


def gate_census(
    settings: Settings, rows: pd.DataFrame, as_of: date, levels: Sequence[int], *, valid_share: float
) -> GateResult:
    """Evaluate the census gate on the rows that would be registered."""
    return evaluate_gate(
        "census",
        rows,
        as_of=as_of,
        known_levels=levels,
        valid_share=valid_share,
        valid_rows_min_share=settings.valid_rows_min_share,
    )


def put_in_use(settings: Settings, reading: Reading) -> ImportResult:
    """Register the gated census and put it in use."""
    return register_reading(settings, reading)
