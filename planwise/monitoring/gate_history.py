"""The history of gates in the ledger: what each found, newest first; never pay of a person."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, RowMapping, delete, insert, select

from planwise.gate import GateCheck, GateResult, Severity
from planwise.governance.connection import reading, writing
from planwise.governance.models import GateResultRow

TABLE = GateResultRow.__table__
TEXT_MAX = 200


class GateOf(StrEnum):
    """What a gate was evaluated on."""

    CENSUS = "census"
    SCENARIO = "scenario"
    SWEEP = "sweep variant"
    STUDY = "study"
    RELEASE = "release candidate"
    MATCHING = "matching"


@dataclass(frozen=True)
class StoredCheck:
    """One expectation of a stored result; `reason` says why nothing was observed."""

    name: str
    table: str
    column: str
    severity: Severity
    passed: bool
    observed: Any
    threshold: str
    evaluated_rows: int | None
    unexpected_rows: int | None
    reason: str = ""

    @classmethod
    def of(cls, check: GateCheck) -> "StoredCheck":
        """Return what is stored of a check: no sample, and of pay no value."""
        return cls(
            check.expectation,
            check.table,
            check.column or "",
            check.severity,
            check.success,
            check.observed,
            check.threshold,
            check.evaluated_rows,
            check.unexpected_rows,
            check.reason,
        )


@dataclass(frozen=True)
class StoredGate:
    """One run of a suite on a subject; `fingerprint` is that of the result or census, where there is one."""

    at: datetime
    by: str
    suite: str
    of: str
    subject: str
    fingerprint: str
    status: str
    evaluated: int
    seconds: float
    checks: tuple[StoredCheck, ...]
    id: int | None = None

    @property
    def failed(self) -> tuple[StoredCheck, ...]:
        """The expectations that did not hold, of any severity."""
        return tuple(check for check in self.checks if not check.passed)

    def as_json(self) -> dict[str, Any]:
        """Return the result as one object."""
        return asdict(self)


class GateHistory:
    """Records, lists and prunes results of gates; works with the engine of a ledger that is open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(
        self, gate: GateResult, of: GateOf, subject: str, fingerprint: str, *, at: datetime, by: str
    ) -> StoredGate:
        """Store a result and return it with its id."""
        values = {
            "at": at,
            "by": by,
            "suite": gate.suite,
            "of": str(of),
            "subject": subject[:TEXT_MAX],
            "fingerprint": fingerprint,
            "status": gate.status,
            "evaluated": gate.evaluated,
            "seconds": gate.seconds,
            "checks": [asdict(StoredCheck.of(check)) for check in gate.results],
        }
        with writing(self._engine) as connection:
            stored = connection.execute(insert(GateResultRow).values(values).returning(TABLE.c.id))
            return _gate({**values, "id": stored.scalar_one()})

    def list(self, subject: str | None = None, *, limit: int | None = None) -> list[StoredGate]:
        """Return the results, newest first."""
        query = select(TABLE).order_by(TABLE.c.id.desc()).limit(limit)
        if subject is not None:
            query = query.where(TABLE.c.subject == subject)
        with reading(self._engine) as connection:
            return [_gate(row) for row in connection.execute(query).mappings()]

    def prune(self, keep: int, *, dry_run: bool) -> int:
        """Delete all but the newest results; return how many, or how many it would."""
        with reading(self._engine) as connection:
            old = connection.execute(select(TABLE.c.id).order_by(TABLE.c.id.desc())).scalars().all()[keep:]
        if old and not dry_run:
            with writing(self._engine) as connection:
                connection.execute(delete(GateResultRow).where(TABLE.c.id <= old[0]))
        return len(old)


def _gate(row: Mapping[str, Any] | RowMapping) -> StoredGate:
    values = dict(row)
    return StoredGate(**values | {"checks": tuple(StoredCheck(**check) for check in values["checks"])})
