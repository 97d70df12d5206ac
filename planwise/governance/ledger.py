"""The ledger: its stores as one object, the recorded runs, and a scenario's effective parameters."""

import getpass
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import Engine, insert, select

from planwise.governance.connection import connect, ensure_current, reading, writing
from planwise.governance.models import SimulationRunRow
from planwise.governance.scenarios import DynamicLevers, Scenario, Scenarios
from planwise.parameters import (
    EffectiveParameters,
    canonical_overrides,
    catalogue,
    merged_overrides,
    resolve,
    simulated_years,
)
from planwise.parameters.values import HORIZON
from planwise.settings import Settings

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

    def record(self, run: SimulationRun) -> SimulationRun:
        """Store a run and return it with its id; its KPIs must be plain JSON values."""
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


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def os_user() -> str:
    """Return the operating system's user; a user id without an account, as in containers, by its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


@dataclass(frozen=True)
class Ledger:
    """The stores of one database; close it, or use it as a context manager."""

    engine: Engine
    scenarios: Scenarios
    dynamic_levers: DynamicLevers
    runs: SimulationRuns

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_ledger(
    settings: Settings, *, actor: str | None = None, clock: Callable[[], datetime] = utc_now
) -> Ledger:
    """Open the ledger of a home, its tables created or upgraded as needed.

    Raises LedgerUnusable when it cannot be opened, read or written, Busy when another process has locked it.
    """
    engine = connect(settings.ledger)
    ensure_current(engine)
    who = actor or os_user()
    dynamic_levers = DynamicLevers(engine, actor=who, clock=clock)
    return Ledger(
        engine=engine,
        scenarios=Scenarios(engine, actor=who, clock=clock, in_force=dynamic_levers.current),
        dynamic_levers=dynamic_levers,
        runs=SimulationRuns(engine),
    )


NOTHING: Mapping[str, object] = {}


def years_of(overrides: Mapping[str, object], first_year: int) -> tuple[int, ...]:
    """Return the years that overrides simulate on a census with this first year."""
    horizon = overrides.get(HORIZON, catalogue().assumptions[HORIZON].default)
    return simulated_years(horizon, first_year)


def effective_parameters(
    ledger: Ledger, scenario: Scenario, first_year: int, changes: Mapping[str, object] = NOTHING
) -> EffectiveParameters:
    """Return a scenario's effective parameters, with unsaved `changes` on top."""
    overrides = merged_overrides(scenario.overrides, canonical_overrides(changes))
    return resolve(
        years_of(overrides, first_year), scenario=overrides, dynamic=ledger.dynamic_levers.current()
    )
