"""The ledger's tables. Values that are decided together are one JSON column; times are UTC."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Index, MetaData, String, Text, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

NAME_LENGTH = 48
ACTOR_LENGTH = 200
HASH_LENGTH = 64


class UtcDateTime(TypeDecorator[datetime]):
    """A time with zone in Python, UTC in the database; SQLite stores no zone, so it is added on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC; raises ValueError for a time without zone."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables, with named constraints so that migrations can address them on every engine."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class ScenarioRow(Base):
    """One scenario: a named set of overrides on a census."""

    __tablename__ = "scenario"

    name: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True)
    census: Mapped[str | None] = mapped_column(String(ACTOR_LENGTH))
    overrides: Mapped[dict[str, Any]]
    description: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(ACTOR_LENGTH))
    parent: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    title: Mapped[str] = mapped_column(Text, server_default="")
    archived_at: Mapped[datetime | None]


class DynamicLeverRow(Base):
    """One lever value in force; `year` null is every year."""

    __tablename__ = "dynamic_lever"

    id: Mapped[int] = mapped_column(primary_key=True)
    parameter: Mapped[str] = mapped_column(String(ACTOR_LENGTH))
    year: Mapped[int | None]
    value: Mapped[float]
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(ACTOR_LENGTH))


# Null years are distinct to a unique constraint; year 0 means "every year" in this index only.
Index(
    "uq_dynamic_lever_parameter_year",
    DynamicLeverRow.parameter,
    func.coalesce(DynamicLeverRow.year, text("0")),
    unique=True,
)


class SimulationRunRow(Base):
    """One full simulation and its key figures."""

    __tablename__ = "simulation_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    scenario: Mapped[str] = mapped_column(String(NAME_LENGTH), index=True)
    fingerprint: Mapped[str] = mapped_column(String(HASH_LENGTH))
    environment: Mapped[str] = mapped_column(String(ACTOR_LENGTH))
    started_at: Mapped[datetime]
    seconds: Mapped[float]
    models_run: Mapped[int]
    models_reused: Mapped[int]
    gate_status: Mapped[str] = mapped_column(String(NAME_LENGTH))
    published: Mapped[bool]
    kpis: Mapped[list[Any]]


class EventRow(Base):
    """One act in the audit trail; triggers refuse to change or delete it."""

    __tablename__ = "event"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(40), index=True)  # the text that was hashed, in UTC
    actor: Mapped[str] = mapped_column(String(ACTOR_LENGTH))
    role: Mapped[str] = mapped_column(String(NAME_LENGTH))
    type: Mapped[str] = mapped_column(String(NAME_LENGTH))
    scenario: Mapped[str | None] = mapped_column(String(NAME_LENGTH), index=True)
    subject: Mapped[str | None] = mapped_column(Text)
    payload: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(String(HASH_LENGTH))
    previous_hash: Mapped[str] = mapped_column(String(HASH_LENGTH))
    hash: Mapped[str] = mapped_column(String(HASH_LENGTH))


class EventHeadRow(Base):
    """The end of the chain: one row, which may only move on by one event."""

    __tablename__ = "event_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]
    hash: Mapped[str] = mapped_column(String(HASH_LENGTH))


class UserRoleRow(Base):
    """The role of one person."""

    __tablename__ = "user_role"

    name: Mapped[str] = mapped_column(String(ACTOR_LENGTH), primary_key=True)
    role: Mapped[str] = mapped_column(String(NAME_LENGTH))
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(ACTOR_LENGTH))


class ProposalRow(Base):
    """One proposal: a scenario put up for approval, bound to a fingerprint."""

    __tablename__ = "proposal"

    id: Mapped[int] = mapped_column(primary_key=True)
    scenario: Mapped[str] = mapped_column(String(NAME_LENGTH), index=True)
    status: Mapped[str] = mapped_column(String(NAME_LENGTH))
    binding: Mapped[dict[str, Any]]  # what must not change, by part
    authors: Mapped[list[Any]]
    submitted_by: Mapped[str] = mapped_column(String(ACTOR_LENGTH))
    submitted_at: Mapped[datetime]
    rationale: Mapped[str] = mapped_column(Text)
    study: Mapped[str | None] = mapped_column(Text)
    assessment: Mapped[dict[str, Any]]
    approvals_needed: Mapped[int]
    expires_at: Mapped[datetime | None]
    closed_reason: Mapped[str] = mapped_column(Text, server_default="")


class ReviewRow(Base):
    """One decision or comment on a proposal."""

    __tablename__ = "review"

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal: Mapped[int] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(NAME_LENGTH))
    by: Mapped[str] = mapped_column(String(ACTOR_LENGTH))
    at: Mapped[datetime]
    comment: Mapped[str] = mapped_column(Text)


class ReleaseRow(Base):
    """One release or rollback: what it puts in force, what was in force before, how far it is."""

    __tablename__ = "release"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(NAME_LENGTH))
    proposal: Mapped[int | None]
    target: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    scenario: Mapped[str] = mapped_column(String(NAME_LENGTH))
    fingerprint: Mapped[str] = mapped_column(String(HASH_LENGTH))
    levers: Mapped[dict[str, Any]]
    scenario_before: Mapped[str] = mapped_column(String(NAME_LENGTH))
    fingerprint_before: Mapped[str] = mapped_column(String(HASH_LENGTH))
    levers_before: Mapped[dict[str, Any]]
    released_before: Mapped[datetime | None]
    checkpoint: Mapped[str] = mapped_column(String(NAME_LENGTH))
    state: Mapped[str] = mapped_column(String(NAME_LENGTH))
    step: Mapped[str] = mapped_column(String(NAME_LENGTH))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    by: Mapped[str] = mapped_column(String(ACTOR_LENGTH))
    reason: Mapped[str] = mapped_column(Text)
    home: Mapped[str] = mapped_column(String(HASH_LENGTH), server_default="")
    place: Mapped[str] = mapped_column(Text, server_default="")  # machine and folder of that home
    checkpoint_removed_at: Mapped[datetime | None]


class RunMetricRow(Base):
    """What one run of a use-case took; a measurement, not a part of the audit trail."""

    __tablename__ = "run_metric"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(NAME_LENGTH), index=True)
    subject: Mapped[str] = mapped_column(String(ACTOR_LENGTH))
    state: Mapped[str] = mapped_column(String(NAME_LENGTH))
    started_at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(ACTOR_LENGTH))
    machine: Mapped[str] = mapped_column(String(ACTOR_LENGTH))
    version: Mapped[str] = mapped_column(String(NAME_LENGTH))
    employees: Mapped[int | None]
    years: Mapped[int | None]
    facts: Mapped[dict[str, Any]]
    figures: Mapped[dict[str, Any]]  # the tree of blocks
    timeline: Mapped[list[Any]]  # seconds and MB
    alerts: Mapped[list[Any]]


class GateResultRow(Base):
    """What one run of a gate found; its status is also an event of the audit trail."""

    __tablename__ = "gate_result"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(ACTOR_LENGTH))
    suite: Mapped[str] = mapped_column(String(NAME_LENGTH))
    of: Mapped[str] = mapped_column(String(NAME_LENGTH))  # census, scenario, ...
    subject: Mapped[str] = mapped_column(String(ACTOR_LENGTH), index=True)
    fingerprint: Mapped[str] = mapped_column(String(HASH_LENGTH))
    status: Mapped[str] = mapped_column(String(NAME_LENGTH))
    evaluated: Mapped[int]
    seconds: Mapped[float]
    checks: Mapped[list[Any]]


class MatchDecisionRow(Base):
    """One decision of a person on a match; the last on a name in a place is in force."""

    __tablename__ = "match_decision"

    id: Mapped[int] = mapped_column(primary_key=True)
    matching: Mapped[str] = mapped_column(String(NAME_LENGTH), index=True)
    name: Mapped[str] = mapped_column(Text)
    city: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str | None] = mapped_column(Text)
    matched_id: Mapped[str | None] = mapped_column(Text)  # null: nothing in the reference
    matched_name: Mapped[str | None] = mapped_column(Text)
    comment: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(ACTOR_LENGTH))
    at: Mapped[datetime]
