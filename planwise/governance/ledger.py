"""The ledger: its stores as one object, the recorded runs, and a scenario's effective parameters."""

import getpass
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Engine, RowMapping, func, insert, select

from planwise.errors import Busy, InputError
from planwise.governance.chain import Events, EventType, read_key
from planwise.governance.connection import LedgerUnusable, connect, ensure_current, reading, writing
from planwise.governance.models import SimulationRunRow
from planwise.governance.permissions import Action
from planwise.governance.proposals import Proposals
from planwise.governance.publications import (
    MANIFEST,
    PROD,
    Publication,
    fingerprint_in_force,
    load_publication,
    published_scenarios,
)
from planwise.governance.roles import IDENTITY, Roles
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
from planwise.storage import hold_lock

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

    def __init__(self, engine: Engine, events: Events) -> None:
        self._engine = engine
        self._events = events

    def record(self, run: SimulationRun) -> SimulationRun:
        """Store a run and return it with its id; its KPIs must be plain JSON values."""
        values = {key: value for key, value in asdict(run).items() if key != "id"}
        with writing(self._engine) as connection:
            stored = connection.execute(insert(SimulationRunRow).values(values).returning(TABLE.c.id))
            number = stored.scalar_one()
            about = {"run": number, "fingerprint": run.fingerprint, "environment": run.environment}
            figures = {
                "models_run": run.models_run,
                "models_reused": run.models_reused,
                "seconds": run.seconds,
                "published": run.published,
            }
            gate = EventType.GATE_PASSED if run.gate_status.startswith("passed") else EventType.GATE_FAILED
            for kind, payload in (
                (EventType.SIMULATION_RUN, {**about, **figures}),
                (gate, {**about, "status": run.gate_status}),
            ):
                self._events.record(
                    kind,
                    scenario=run.scenario,
                    subject=run.fingerprint,
                    payload=payload,
                    connection=connection,
                )
            return SimulationRun(**values, id=number)

    def last_published(self) -> dict[str, str]:
        """Return the fingerprint that was published last, by scenario."""
        last = select(func.max(TABLE.c.id)).where(TABLE.c.published).group_by(TABLE.c.scenario)
        query = select(TABLE.c.scenario, TABLE.c.fingerprint).where(TABLE.c.id.in_(last))
        with reading(self._engine) as connection:
            return {scenario: fingerprint for scenario, fingerprint in connection.execute(query)}

    def list(self, scenario: str | None = None, *, limit: int | None = None) -> list[SimulationRun]:
        """Return the runs, newest first."""
        query = select(TABLE).order_by(TABLE.c.id.desc()).limit(limit)
        if scenario is not None:
            query = query.where(TABLE.c.scenario == scenario)
        with reading(self._engine) as connection:
            return [_run(row) for row in connection.execute(query).mappings()]


def _run(row: RowMapping) -> SimulationRun:
    if not all(isinstance(year, dict) for year in row["kpis"]):
        raise TypeError("kpis")
    return SimulationRun(**row)


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def current_user() -> str:
    """Return the name of the person that this process works for: of `--as` or the sign-in, else `os_user`."""
    identity = IDENTITY.get()
    return os_user() if identity is None else identity[0]


def os_user() -> str:
    """Return the operating system's user; a user id without an account, as in containers, by its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


@dataclass(frozen=True)
class Ledger:
    """The stores of one database; close it, or use it as a context manager. They share its clock."""

    engine: Engine
    actor: str
    home: Path
    clock: Callable[[], datetime]
    scenarios: Scenarios
    dynamic_levers: DynamicLevers
    runs: SimulationRuns
    events: Events
    roles: Roles
    proposals: Proposals

    def require(self, action: Action) -> None:
        """Raise Forbidden unless the actor's role allows the action."""
        self.roles.require(action)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_ledger(
    settings: Settings,
    *,
    actor: str | None = None,
    role: str | None = None,
    clock: Callable[[], datetime] | None = None,
) -> Ledger:
    """Open the ledger of a home, its tables created or upgraded as needed, missing runs recorded.

    Without an actor it is opened for the person that this process works for; `role` is that of a sign-in.
    Raises LedgerUnusable when it cannot be opened, read or written, Busy when another process has locked it.
    """
    engine = connect(settings.ledger)
    ensure_current(engine)
    opened = ledger_of(engine, settings, actor=actor, role=role, clock=clock or utc_now)
    with suppress(LedgerUnusable, Busy):  # a ledger that can only be read is read
        record_missing_runs(settings, opened.runs)
    return opened


def ledger_of(
    engine: Engine,
    settings: Settings,
    *,
    actor: str | None = None,
    role: str | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Ledger:
    """Return the stores of a database whose tables are up to date."""
    identity = IDENTITY.get()
    if actor is None and identity is not None:
        actor, role = identity[0], role or identity[1]
    who = actor or os_user()
    roles = Roles(engine, actor=who, given=role, clock=clock)
    events = Events(
        engine, actor=who, role=roles.of_actor, clock=clock, key=read_key(settings.ledger_key_file)
    )
    dynamic_levers = DynamicLevers(engine, actor=who, clock=clock, events=events)
    return Ledger(
        engine=engine,
        actor=who,
        home=settings.root,
        clock=clock,
        scenarios=Scenarios(
            engine,
            actor=who,
            clock=clock,
            in_force=dynamic_levers.current,
            events=events,
            require=partial(roles.require, Action.EDIT),
        ),
        dynamic_levers=dynamic_levers,
        runs=SimulationRuns(engine, events),
        events=events,
        roles=roles,
        proposals=Proposals(engine, actor=who, clock=clock, events=events, require=roles.require),
    )


def require_role(settings: Settings, action: Action) -> None:
    """Raise Forbidden unless the role of the person that this process works for allows the action."""
    with open_ledger(settings) as ledger:
        ledger.require(action)


def record_missing_runs(settings: Settings, runs: SimulationRuns) -> tuple[str, ...]:
    """Record the runs of published results that have none; return their scenarios.

    A process that is killed between publishing and recording leaves such a result. One that has the warehouse
    records its own. Damaged results are left to those who read them.
    """
    if not unrecorded(settings, runs):
        return ()
    with hold_lock(settings.warehouse_lock_file, "record a run", timeout_seconds=0, on_wait=None):
        missing = unrecorded(settings, runs)
        for run in missing:
            runs.record(run)
    return tuple(run.scenario for run in missing)


def unrecorded(settings: Settings, runs: SimulationRuns) -> list[SimulationRun]:
    """Return the runs of published results in force that the ledger does not have."""
    names = published_scenarios(settings)
    last = runs.last_published() if names else {}
    found = []
    for name in names:
        if name == PROD:  # a copy of a result whose run is recorded
            continue
        with suppress(InputError):
            if fingerprint_in_force(settings, name) == last.get(name):
                continue
            run = _run_of(load_publication(settings, name))
            recorded = {(one.fingerprint, one.started_at) for one in runs.list(name) if one.published}
            if (run.fingerprint, run.started_at) not in recorded:
                found.append(run)
    return found


def _run_of(published: Publication) -> SimulationRun:
    """Return the run that published a result, by its manifest."""
    manifest = published.manifest
    with published.reading(published.folder / MANIFEST):
        return SimulationRun(
            scenario=published.scenario,
            fingerprint=published.fingerprint,
            environment=manifest["environment"],
            started_at=datetime.fromisoformat(manifest["started_at"]),
            seconds=float(manifest["seconds"]),
            models_run=len(manifest["models_run"]),
            models_reused=len(manifest["models_reused"]),
            gate_status=manifest["gate"]["status"],
            published=True,
            kpis=manifest["kpis"],
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
