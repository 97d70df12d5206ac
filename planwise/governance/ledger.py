"""The ledger's tables as one object, and a scenario's effective parameters."""

import getpass
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from sqlalchemy import Engine

from planwise.governance.connection import connect, ensure_current
from planwise.governance.runs import SimulationRuns
from planwise.governance.scenarios import DynamicLevers, Scenario, Scenarios
from planwise.parameters import (
    EffectiveParameters,
    canonical_overrides,
    catalogue,
    merged_overrides,
    resolve,
    simulated_years,
)
from planwise.settings import Settings


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def os_user() -> str:
    """Return the operating system's user."""
    return getpass.getuser()


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


HORIZON = "years"
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
