"""The simulation runs of the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, insert, select

from planwise.governance.connection import reading, writing
from planwise.governance.models import SimulationRunRow

TABLE = SimulationRunRow.__table__


@dataclass(frozen=True)
class SimulationRun:
    """One full simulation: `kpis` is one mapping per simulated year; `id` is None until recorded."""

    scenario: str
    fingerprint: str
    environment: str
    started_at: datetime
    seconds: float
    models_run: int
    models_reused: int
    gate_status: str
    published: bool
    kpis: Sequence[Mapping[str, Any]]
    id: int | None = None


class SimulationRuns:
    """Record and list simulation runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(
        self,
        *,
        scenario: str,
        fingerprint: str,
        environment: str,
        started_at: datetime,
        seconds: float,
        models_run: int,
        models_reused: int,
        gate_status: str,
        published: bool,
        kpis: Sequence[Mapping[str, Any]],
    ) -> SimulationRun:
        """Store a run and return it with its id; `kpis` must be plain JSON values."""
        run = SimulationRun(
            scenario=scenario,
            fingerprint=fingerprint,
            environment=environment,
            started_at=started_at,
            seconds=seconds,
            models_run=models_run,
            models_reused=models_reused,
            gate_status=gate_status,
            published=published,
            kpis=[dict(year) for year in kpis],
        )
        values = {key: value for key, value in asdict(run).items() if key != "id"}
        with writing(self._engine) as connection:
            stored = connection.execute(insert(SimulationRunRow).values(values).returning(TABLE.c.id))
            return SimulationRun(**values, id=stored.scalar_one())

    def list(self, scenario: str | None = None, *, limit: int | None = None) -> list[SimulationRun]:
        """Return the runs, newest first."""
        query = select(TABLE).order_by(TABLE.c.id.desc()).limit(limit)
        if scenario is not None:
            query = query.where(TABLE.c.scenario == scenario)
        with reading(self._engine) as connection:
            return [SimulationRun(**row) for row in connection.execute(query).mappings()]
