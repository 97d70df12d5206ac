"""Open the ledger: scenarios, levers in force, runs."""

import getpass
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from sqlalchemy import Engine

from planwise.governance.connection import connect
from planwise.governance.dynamic_levers import DynamicLevers
from planwise.governance.runs import SimulationRuns
from planwise.governance.scenarios import Scenarios
from planwise.governance.upgrade import ensure_current
from planwise.settings import Settings


def utc_now() -> datetime:
    """Return the time; the only clock of the ledger, passed in where it matters."""
    return datetime.now(UTC)


def os_user() -> str:
    """Return who runs this process."""
    return getpass.getuser()


@dataclass(frozen=True)
class Ledger:
    """The stores of one database; close it, or use it as a context manager."""

    engine: Engine
    scenarios: Scenarios
    dynamic_levers: DynamicLevers
    runs: SimulationRuns

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_ledger(
    settings: Settings, *, actor: str | None = None, clock: Callable[[], datetime] = utc_now
) -> Ledger:
    """Open the ledger of a home, its tables created or upgraded as needed.

    Raises LedgerUnusable when it cannot be opened, read or written, Busy when another process holds it.
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
