"""The history of runs in the ledger: what each took, newest first."""

import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, RowMapping, delete, insert, select

from planwise.errors import InputError
from planwise.governance.connection import reading, writing
from planwise.governance.models import RunMetricRow
from planwise.monitoring.monitor import BlockFigures
from planwise.monitoring.thresholds import PerformanceAlert, Severity
from planwise.processes import memory_bytes

TABLE = RunMetricRow.__table__
DONE = "done"
GIB = 2**30
CPU_FILE = Path("/proc/cpuinfo")
TEXT_MAX = 200


@dataclass(frozen=True)
class MeasuredRun:
    """One run of a use-case: its subject and machine, the tree of its blocks, its memory over time."""

    kind: str
    subject: str
    state: str
    started_at: datetime
    by: str
    machine: str
    version: str
    employees: int | None
    years: int | None
    facts: Mapping[str, Any]
    figures: BlockFigures
    timeline: tuple[tuple[float, float], ...]
    alerts: tuple[PerformanceAlert, ...]
    id: int | None = None

    def summary(self) -> dict[str, Any]:
        """Return the run without its blocks and its memory over time."""
        figures = {
            key: value for key, value in self.figures.as_json().items() if key not in ("name", "blocks")
        }
        named = {"run": self.id, "kind": self.kind, "subject": self.subject, "state": self.state}
        place = {
            "started_at": self.started_at,
            "by": self.by,
            "machine": self.machine,
            "version": self.version,
        }
        size = {"employees": self.employees, "years": self.years}
        return {**named, **place, **size, **figures, "alerts": [one.as_json() for one in self.alerts]}

    def as_json(self) -> dict[str, Any]:
        """Return the run as one object."""
        return {
            **self.summary(),
            "facts": dict(self.facts),
            "blocks": self.figures.as_json()["blocks"],
            "timeline": [list(point) for point in self.timeline],
        }


class RunHistory:
    """Records, lists and prunes measured runs; works with the engine of a ledger that is open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, run: MeasuredRun) -> MeasuredRun:
        """Store a run and return it with its id."""
        values = {key: value for key, value in asdict(run).items() if key != "id"} | {
            "facts": dict(run.facts),
            "figures": run.figures.as_json(),
            "timeline": [list(point) for point in run.timeline],
            "alerts": [alert.as_json() for alert in run.alerts],
            "subject": run.subject[:TEXT_MAX],
        }
        with writing(self._engine) as connection:
            stored = connection.execute(insert(RunMetricRow).values(values).returning(TABLE.c.id))
            return _run({**values, "id": stored.scalar_one()})

    def list(self, kind: str | None = None, *, limit: int | None = None) -> list[MeasuredRun]:
        """Return the runs, newest first."""
        query = select(TABLE).order_by(TABLE.c.id.desc()).limit(limit)
        if kind is not None:
            query = query.where(TABLE.c.kind == kind)
        with reading(self._engine) as connection:
            return [_run(row) for row in connection.execute(query).mappings()]

    def get(self, number: int | None = None) -> MeasuredRun:
        """Return a run, the newest without a number; raises InputError when there is none."""
        query = select(TABLE).order_by(TABLE.c.id.desc()).limit(1)
        if number is not None:
            query = query.where(TABLE.c.id == number)
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().first()
            if row is None:
                what = "No run has been measured" if number is None else f"There is no measured run {number}"
                raise InputError(f"{what}.", remedy="See `planwise performance list`.")
            return _run(row)

    def comparable(self, run: MeasuredRun, *, limit: int) -> Sequence[MeasuredRun]:
        """Return the finished runs before a run with its kind, employees, years and machine, newest first."""
        query = select(TABLE).order_by(TABLE.c.id.desc()).limit(limit)
        for name in ("kind", "machine", "employees", "years"):
            query = query.where(TABLE.c[name].is_not_distinct_from(getattr(run, name)))
        query = query.where(TABLE.c.state == DONE)
        if run.id is not None:
            query = query.where(TABLE.c.id < run.id)
        with reading(self._engine) as connection:
            return [_run(row) for row in connection.execute(query).mappings()]

    def prune(self, keep: int, *, dry_run: bool) -> int:
        """Delete all but the newest runs; return how many, or how many it would."""
        newest = select(TABLE.c.id).order_by(TABLE.c.id.desc())
        with reading(self._engine) as connection:
            old = connection.execute(newest).scalars().all()[keep:]
        if old and not dry_run:
            with writing(self._engine) as connection:
                connection.execute(delete(RunMetricRow).where(TABLE.c.id <= old[0]))
        return len(old)


def _run(row: Mapping[str, Any] | RowMapping) -> MeasuredRun:
    values = dict(row)
    alerts = [dict(one, severity=Severity(one["severity"])) for one in values["alerts"]]
    return MeasuredRun(
        **values
        | {
            "figures": BlockFigures.from_json(values["figures"]),
            "timeline": tuple((float(at), float(megabytes)) for at, megabytes in values["timeline"]),
            "alerts": tuple(PerformanceAlert(**alert) for alert in alerts),
        }
    )


@cache
def machine_description() -> str:
    """Return processor, number of CPUs and memory: runs on machines of one description are compared."""
    processor = platform.processor() or platform.machine()
    with suppress(OSError):
        for line in CPU_FILE.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    return f"{processor}, {os.cpu_count()} CPUs, {memory_bytes() / GIB:.0f} GiB"[:TEXT_MAX]
