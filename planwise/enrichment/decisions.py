"""Decisions of people on matches: kept in the ledger with who and when, and applied by every later run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Engine, RowMapping, insert, select

from planwise.enrichment.cascade import Cascade
from planwise.errors import InputError
from planwise.governance import Action, EventType, Ledger
from planwise.governance.connection import reading, writing
from planwise.governance.models import MatchDecisionRow

TABLE = MatchDecisionRow.__table__


@dataclass(frozen=True)
class MatchDecision:
    """What a name in a place is: an entry of the reference by id or name, or nothing in it (both None)."""

    matching: str
    name: str
    city: str | None
    state: str | None
    matched_id: str | None
    matched_name: str | None
    comment: str = ""
    by: str = ""
    at: datetime | None = None
    id: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the decision as one object."""
        return dict(vars(self))


class MatchDecisions:
    """Record and list decisions; the last one on a name wins."""

    def __init__(self, ledger: Ledger) -> None:
        self._engine: Engine = ledger.engine
        self._events, self._require = ledger.events, ledger.require
        self._actor: str = ledger.actor
        self._clock: Callable[[], datetime] = ledger.clock

    def record(self, decision: MatchDecision) -> MatchDecision:
        """Store a decision and its event; raises Forbidden, and InputError without a name."""
        self._require(Action.EDIT)
        if not decision.name.strip():
            raise InputError(
                "A decision needs the name that it is about.", remedy="Give the name as in the file."
            )
        values: dict[str, Any] = {
            **{key: value for key, value in vars(decision).items() if key != "id"},
            "by": self._actor,
            "at": self._clock(),
        }
        with writing(self._engine) as connection:
            stored = connection.execute(insert(MatchDecisionRow).values(values).returning(TABLE.c.id))
            number = stored.scalar_one()
            self._events.record(
                EventType.MATCH_DECISION,
                subject=decision.matching,
                payload={
                    "decision": number,
                    "name": decision.name,
                    "matched_id": decision.matched_id,
                    "matched_name": decision.matched_name,
                    "comment": decision.comment,
                },
                connection=connection,
            )
        return MatchDecision(**values, id=number)

    def list(self, matching: str) -> list[MatchDecision]:
        """Return the decisions in force, the last on each name in each place, oldest first."""
        query = select(TABLE).where(TABLE.c.matching == matching).order_by(TABLE.c.id)
        with reading(self._engine) as connection:
            rows = [_decision(row) for row in connection.execute(query).mappings()]
        last = {(one.name.upper().strip(), one.city, one.state): one for one in rows}
        return sorted(last.values(), key=lambda one: one.id or 0)


def _decision(row: Mapping[str, Any] | RowMapping) -> MatchDecision:
    return MatchDecision(**dict(row))


def load_decisions(cascade: Cascade, decisions: list[MatchDecision]) -> int:
    """Give decisions to the cascade, before it is prepared; return how many name an entry that is not there.

    Each becomes a record with a number below zero, so that its name is normalised as the others are.
    """
    connection, matching = cascade.connection, cascade.matching
    columns = ["name", "city", "state", "matched_id", "matched_name"]
    frame = pd.DataFrame([vars(one) for one in decisions], columns=columns).astype("string")
    frame.insert(0, "record", range(-1, -len(frame) - 1, -1))
    connection.register("decided", frame)
    texts = ", ".join(f"CAST({column} AS TEXT) AS {column}" for column in columns)
    given = f"SELECT CAST(record AS BIGINT) AS record, {texts} FROM decided"
    source = cascade.input("file_right")
    ids = ", ".join((*matching.kinds, "id", "CAST(row AS TEXT)"))
    connection.execute(
        f"CREATE OR REPLACE TABLE {cascade.input('decisions')} AS SELECT given.record, "
        f"given.matched_id IS NULL AND given.matched_name IS NULL AS is_no_match, min(r.row) AS matched_row "
        f"FROM ({given}) AS given LEFT JOIN {source} AS r ON "
        f"given.matched_id IN ({ids}) OR given.matched_name = r.name GROUP BY ALL"
    )
    nulls = ", ".join(f"NULL::TEXT AS {kind}" for kind in matching.kinds)
    connection.execute(
        f"INSERT INTO {cascade.input('left')} SELECT record, name, {nulls}, city, state, NULL::TEXT AS zip, "
        f"strip_accents(name) AS folded FROM ({given})"
    )
    connection.unregister("decided")
    row = connection.execute(
        f"SELECT count(*) FROM {cascade.input('decisions')} WHERE matched_row IS NULL AND NOT is_no_match"
    ).fetchone()
    return int(row[0]) if row else 0
