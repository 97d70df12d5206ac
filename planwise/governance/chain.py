"""The audit trail: events in a chain of hashes, which only grows."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, insert, select, text, update

from planwise.errors import InputError
from planwise.governance.connection import SQLITE, reading, writing
from planwise.governance.models import EventHeadRow, EventRow
from planwise.governance.verifier import FIELDS, FORMAT, ChainCheck, check_chain, event_hash, key_id
from planwise.storage import replace_file

TABLE = EventRow.__table__
HEAD = EventHeadRow.__table__
EMPTY: Mapping[str, Any] = {}
TRIGGERS = frozenset(
    {"event_insert", "event_update", "event_delete", "event_head_update", "event_head_delete"}
)
BATCH = 5000  # events in memory while a chain is verified


class EventType(StrEnum):
    """What an event records."""

    DATA_LOADED = "DATA_LOADED"
    PARAMETER_CHANGE = "PARAMETER_CHANGE"
    SCENARIO_CREATED = "SCENARIO_CREATED"
    SCENARIO_CLONED = "SCENARIO_CLONED"
    SCENARIO_CHANGED = "SCENARIO_CHANGED"
    SIMULATION_RUN = "SIMULATION_RUN"
    OPTIMIZATION_START = "OPTIMIZATION_START"
    OPTIMIZATION_COMPLETE = "OPTIMIZATION_COMPLETE"
    GATE_PASSED = "GATE_PASSED"
    GATE_FAILED = "GATE_FAILED"
    APPROVAL_ACTION = "APPROVAL_ACTION"
    IMPLEMENTATION_EVENT = "IMPLEMENTATION_EVENT"
    EXPORT = "EXPORT"
    LOGIN = "LOGIN"
    ROLE_CHANGED = "ROLE_CHANGED"
    MATCH_DECISION = "MATCH_DECISION"


@dataclass(frozen=True)
class AuditEvent:
    """One act: who did what to which scenario or other subject, and the hash that continues the chain."""

    sequence: int
    at: datetime
    actor: str
    role: str
    type: EventType
    scenario: str | None
    subject: str | None
    payload: Mapping[str, Any]
    previous_hash: str
    hash: str

    def as_json(self) -> dict[str, Any]:
        """Return the event as one object."""
        return {**vars(self), "type": str(self.type), "payload": dict(self.payload)}


@dataclass(frozen=True)
class Head:
    """The end of the chain: how many events there are, and the hash of the last."""

    events: int
    hash: str

    def __str__(self) -> str:
        return f"{self.events}:{self.hash}"


class Events:
    """Record and read events; writers wait for each other at the head, so that the chain never forks."""

    def __init__(
        self,
        engine: Engine,
        *,
        actor: str,
        role: Callable[[Connection], str],
        clock: Callable[[], datetime],
        key: bytes | None = None,
    ) -> None:
        self._engine = engine
        self._actor = actor
        self._role = role
        self._clock = clock
        self._key = key

    def record(
        self,
        kind: EventType,
        *,
        scenario: str | None = None,
        subject: str | None = None,
        payload: Mapping[str, Any] = EMPTY,
        connection: Connection | None = None,
    ) -> AuditEvent:
        """Append an event, in the caller's transaction when a connection is given."""
        with self._transaction(connection) as used:
            return self._append(used, kind, scenario, subject, payload)

    def list(
        self,
        *,
        kind: EventType | None = None,
        scenario: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> list[AuditEvent]:
        """Return the events that match, newest first; `since` and `until` are inclusive."""
        equal = {TABLE.c.type: kind, TABLE.c.scenario: scenario, TABLE.c.actor: actor}
        query = select(TABLE).order_by(TABLE.c.sequence.desc()).limit(limit)
        query = query.where(*(column == value for column, value in equal.items() if value is not None))
        if since is not None:
            query = query.where(TABLE.c.at >= _stamp(since))
        if until is not None:
            query = query.where(TABLE.c.at <= _stamp(until))
        with reading(self._engine) as connection:
            return [_event(row) for row in connection.execute(query).mappings()]

    def head(self) -> Head:
        """Return the recorded end of the chain."""
        with reading(self._engine) as connection:
            return _head(connection)

    def verify(self, anchors: Sequence[str] = ()) -> ChainCheck:
        """Check the whole chain, the head, and the triggers that refuse changes.

        An anchor is a head that was noted earlier, as `count:hash` or the hash alone.
        """
        hashes = [anchor.rpartition(":")[2] for anchor in anchors]
        with reading(self._engine) as connection:
            head = _head(connection)
            found = check_chain(_rows(connection), (head.events, head.hash), anchors=hashes, key=self._key)
            gone = TRIGGERS - _triggers(connection)
        if found.ok and gone:
            problem = f"the ledger's triggers that refuse changes are gone: {', '.join(sorted(gone))}"
            return ChainCheck(False, found.events, found.head, None, problem)
        return found

    def export(self, file: Path) -> Head:
        """Write every event to a file that `verifier.py` reads, and return the head."""
        with reading(self._engine) as connection:
            head = _head(connection)
            header = {"format": FORMAT, "events": head.events, "head": head.hash}
            with replace_file(file) as partial, partial.open("w", encoding="utf-8") as output:
                output.write(json.dumps(header) + "\n")
                for row in _rows(connection):
                    output.write(json.dumps(row, ensure_ascii=False) + "\n")
        return head

    @contextmanager
    def _transaction(self, connection: Connection | None) -> Iterator[Connection]:
        if connection is not None:
            yield connection
            return
        with writing(self._engine) as own:
            yield own

    def _append(
        self,
        connection: Connection,
        kind: EventType,
        scenario: str | None,
        subject: str | None,
        payload: Mapping[str, Any],
    ) -> AuditEvent:
        query = select(HEAD.c.sequence, HEAD.c.hash).with_for_update()  # SQLite's write lock is held already
        sequence, previous = connection.execute(query).one()
        row: dict[str, Any] = {
            "sequence": sequence + 1,
            "at": _stamp(self._clock()),
            "actor": self._actor,
            "role": self._role(connection),
            "type": str(kind),
            "scenario": scenario,
            "subject": subject,
            "payload": canonical_json(payload),
            "key_id": key_id(self._key),
            "previous_hash": previous,
        }
        row["hash"] = event_hash(row, self._key)
        connection.execute(insert(EventRow).values(row))
        connection.execute(update(EventHeadRow).values(sequence=row["sequence"], hash=row["hash"]))
        return _event(row)


def canonical_json(payload: Mapping[str, Any]) -> str:
    """Return the one text of a payload: keys sorted, no spaces, times in ISO form, NaN as null."""
    return json.dumps(_plain(payload), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if hasattr(value, "item"):  # NumPy's numbers
        return _plain(value.item())
    return str(value)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _head(connection: Connection) -> Head:
    sequence, hashed = connection.execute(select(HEAD.c.sequence, HEAD.c.hash)).one()
    return Head(sequence, hashed)


def _rows(connection: Connection) -> Iterator[dict[str, Any]]:
    query = select(*(TABLE.c[name] for name in (*FIELDS, "hash"))).order_by(TABLE.c.sequence)
    for row in connection.execution_options(yield_per=BATCH).execute(query).mappings():
        yield dict(row)


def _triggers(connection: Connection) -> set[str]:
    if connection.dialect.name == SQLITE:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    return set(connection.execute(text(query)).scalars())


def _event(row: RowMapping | Mapping[str, Any]) -> AuditEvent:
    return AuditEvent(
        row["sequence"],
        datetime.fromisoformat(row["at"]),
        row["actor"],
        row["role"],
        EventType(row["type"]),
        row["scenario"],
        row["subject"],
        json.loads(row["payload"]),
        row["previous_hash"],
        row["hash"],
    )


def read_key(file: Path | None) -> bytes | None:
    """Return the key that events are signed with; None without a file. Raises InputError for a bad file."""
    if file is None:
        return None
    try:
        mode, key = file.stat().st_mode, file.read_bytes().strip()
    except OSError as error:
        raise InputError(
            f"The ledger's key {file} cannot be read: {error.strerror}.",
            remedy="Set PLANWISE_LEDGER_KEY_FILE.",
        ) from error
    if mode & 0o077:
        raise InputError(f"Other users may read the ledger's key {file}.", remedy=f"chmod 600 {file}")
    if len(key) < KEY_BYTES_MIN:
        raise InputError(
            f"The ledger's key {file} has {len(key)} bytes.",
            remedy=f"Use at least {KEY_BYTES_MIN} random bytes.",
        )
    return key


KEY_BYTES_MIN = 16
