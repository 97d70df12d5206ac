"""Releases and rollbacks in the ledger: what is in force, the checkpoints, the steps of each change."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, RowMapping, insert, select, update

from planwise.errors import Busy, InputError
from planwise.governance import Ledger
from planwise.governance.chain import EventType
from planwise.governance.connection import reading, writing
from planwise.governance.models import ReleaseRow
from planwise.governance.proposals import Decision
from planwise.parameters import BASELINE, Value
from planwise.storage import create_file

TABLE = ReleaseRow.__table__
HOME_FILE = "home.id"


class ReleaseKind(StrEnum):
    """What makes a result the one in force."""

    RELEASE = "release"
    ROLLBACK = "rollback"


class ReleaseState(StrEnum):
    """How far it is: only one that is done has changed what is in force."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"


class ReleaseStep(StrEnum):
    """The last step that ended; `COMMITTED` changes what is in force, and all before it are undone."""

    STARTED = "started"
    KEPT = "checkpoint kept"
    STORED = "result stored"
    SHOWN = "prod shows it"
    COMMITTED = "committed"
    PUBLISHED = "published"


@dataclass(frozen=True)
class Checkpoint:
    """What was in force before a change, in an environment of its own; the baseline was never released."""

    name: str
    scenario: str
    fingerprint: str
    levers: Mapping[str, Value]
    released_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Return the checkpoint as one object."""
        return {
            "checkpoint": self.name,
            "scenario": self.scenario,
            "fingerprint": self.fingerprint,
            "released_at": self.released_at,
        }


@dataclass(frozen=True)
class Change:
    """What a release or rollback puts in force, and what was in force before it."""

    kind: ReleaseKind
    scenario: str
    fingerprint: str
    levers: Mapping[str, Value]
    scenario_before: str
    fingerprint_before: str
    levers_before: Mapping[str, Value]
    released_before: datetime | None
    proposal: int | None = None
    target: str | None = None

    def lever_changes(self) -> list[dict[str, Any]]:
        """Return each lever in force that changes; None is the default."""
        return [
            {"lever": key, "before": self.levers_before.get(key), "after": self.levers.get(key)}
            for key in sorted({*self.levers, *self.levers_before})
            if self.levers.get(key) != self.levers_before.get(key)
        ]


@dataclass(frozen=True)
class Release(Change):
    """A release or rollback that the ledger has, with the environment of its checkpoint."""

    id: int = 0
    checkpoint: str = ""
    state: ReleaseState = ReleaseState.STARTED
    step: ReleaseStep = ReleaseStep.STARTED
    started_at: datetime | None = None
    ended_at: datetime | None = None
    by: str = ""
    reason: str = ""
    home: str = ""
    place: str = ""
    checkpoint_removed_at: datetime | None = None

    @property
    def is_unfinished(self) -> bool:
        """Whether it runs, or was interrupted."""
        return self.state is not ReleaseState.FAILED and self.step is not ReleaseStep.PUBLISHED

    @property
    def has_checkpoint(self) -> bool:
        """Whether what was in force before it can be rolled back to."""
        return self.state is ReleaseState.DONE and self.checkpoint_removed_at is None

    def __str__(self) -> str:
        of = f"rollback to {self.target}" if self.target else f"release of proposal {self.proposal}"
        return f"{of} ({self.scenario})"


class Releases:
    """Record releases and rollbacks; each step with its event in one transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._clock = ledger.clock
        self._home_file = ledger.home / HOME_FILE

    def list(self) -> list[Release]:
        """Return all of them, newest first."""
        with reading(self._ledger.engine) as connection:
            rows = connection.execute(select(TABLE).order_by(TABLE.c.id.desc())).mappings()
            return [_release(row) for row in rows]

    def in_force(self) -> Release | None:
        """Return the one whose result is in force; None before the first release."""
        return next((one for one in self.list() if one.state is ReleaseState.DONE), None)

    def unfinished(self) -> Release | None:
        """Return the one of this home that runs, or that was interrupted."""
        return next((one for one in self.list() if one.is_unfinished and self._is_own(one)), None)

    def unfinished_elsewhere(self) -> str:
        """Return who has to finish or undo one of another home that shares the ledger; empty for none."""
        found = [one for one in self.list() if one.is_unfinished and not self._is_own(one)]
        return _elsewhere(found[0], self._home_file) if found else ""

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Return what can be rolled back to, newest first; the baseline before any release is the last."""
        return tuple(
            Checkpoint(
                one.checkpoint,
                one.scenario_before,
                one.fingerprint_before,
                one.levers_before,
                one.released_before,
            )
            for one in self.list()
            if one.has_checkpoint
        )

    def with_checkpoint(self) -> tuple[Release, ...]:
        """Return this home's changes whose checkpoints can be rolled back to, newest first."""
        return tuple(one for one in self.list() if one.has_checkpoint and self._is_own(one))

    def surplus(self, keep: int) -> tuple[Release, ...]:
        """Return this home's changes whose checkpoints are beyond the newest `keep`.

        Those of the baseline before any release, and of the last release, are never among them.
        """
        found = self.with_checkpoint()
        last = next((one for one in found if one.scenario_before != BASELINE), None)
        return tuple(one for one in found[keep:] if one.released_before is not None and one is not last)

    def remove_checkpoint(self, release: Release) -> None:
        """Record that a checkpoint can no longer be rolled back to."""
        with writing(self._ledger.engine) as connection:
            self._set(connection, release.id, checkpoint_removed_at=self._clock())
            self._record(connection, release, "CHECKPOINT_REMOVED")

    def removed_checkpoints(self) -> set[str]:
        """Return the environments of checkpoints that were removed."""
        return {one.checkpoint for one in self.list() if one.checkpoint_removed_at is not None}

    def next_checkpoint(self) -> str:
        """Return the name that the next change's checkpoint will probably have."""
        return checkpoint_name(max((one.id for one in self.list()), default=0) + 1)

    def checkpoint(self, name: str) -> Checkpoint:
        """Return a checkpoint; raises InputError for an unknown one."""
        found = {one.name: one for one in self.checkpoints()}
        if name not in found:
            known = f"There are {', '.join(found)}." if found else "There are none before the first release."
            raise InputError(f"Unknown checkpoint {name!r}.", remedy=f"{known} See `planwise checkpoints`.")
        return found[name]

    def start(self, change: Change) -> Release:
        """Record that a change begins; raises Busy while one of another home is not finished."""
        if other := self.unfinished_elsewhere():
            raise Busy(other, remedy="Nothing was changed here.")
        values = {**vars(change), "levers": dict(change.levers), "levers_before": dict(change.levers_before)}
        with writing(self._ledger.engine) as connection:
            stored = connection.execute(
                insert(ReleaseRow)
                .values(
                    {
                        **values,
                        "checkpoint": "",
                        "state": ReleaseState.STARTED,
                        "step": ReleaseStep.STARTED,
                        "started_at": self._clock(),
                        "by": self._ledger.actor,
                        "reason": "",
                        "home": self._identity(create=True),
                        "place": f"{platform.node()}:{self._ledger.home}",
                    }
                )
                .returning(TABLE.c.id)
            )
            number = stored.scalar_one()
            self._set(connection, number, checkpoint=checkpoint_name(number))
            release = self._get(connection, number)
            self._record(connection, release, "ROLLOUT_START")
            return release

    def ended(self, release: Release, step: ReleaseStep) -> Release:
        """Record that a step has ended."""
        with writing(self._ledger.engine) as connection:
            self._set(connection, release.id, step=step)
            found = self._get(connection, release.id)
            if step is ReleaseStep.KEPT:
                self._record(connection, found, "CHECKPOINT")
            return found

    def commit(self, release: Release) -> Release:
        """Put it in force, in one transaction: levers, proposal, state and events."""
        with writing(self._ledger.engine) as connection:
            self._ledger.dynamic_levers.replace(release.levers, reason=str(release), connection=connection)
            if release.kind is ReleaseKind.RELEASE and release.proposal is not None:
                self._ledger.proposals.decide(release.proposal, Decision.RELEASED, connection=connection)
            self._set(
                connection,
                release.id,
                state=ReleaseState.DONE,
                step=ReleaseStep.COMMITTED,
                ended_at=self._clock(),
            )
            found = self._get(connection, release.id)
            is_release = release.kind is ReleaseKind.RELEASE
            self._record(connection, found, "COMPLETION" if is_release else "ROLLBACK")
            return found

    def fail(self, release: Release, reason: str) -> Release:
        """Record that a change was undone: what was in force before it still is."""
        with writing(self._ledger.engine) as connection:
            self._set(
                connection,
                release.id,
                state=ReleaseState.FAILED,
                ended_at=self._clock(),
                reason=reason,
            )
            found = self._get(connection, release.id)
            self._record(connection, found, "ROLLBACK", undone=True, reason=reason)
            return found

    def _is_own(self, release: Release) -> bool:
        return release.home in ("", self._identity())

    def _identity(self, *, create: bool = False) -> str:
        """Return what names this home in a ledger that several share; a copied folder takes it along."""
        if create:
            create_file(self._home_file, uuid4().hex.encode())
        return self._home_file.read_text(encoding="utf-8").strip() if self._home_file.exists() else ""

    def _set(self, connection: Connection, number: int, **values: Any) -> None:
        connection.execute(update(ReleaseRow).where(TABLE.c.id == number).values(values))

    def _get(self, connection: Connection, number: int) -> Release:
        row = connection.execute(select(TABLE).where(TABLE.c.id == number)).mappings().one()
        return _release(row)

    def _record(self, connection: Connection, release: Release, action: str, **more: Any) -> None:
        self._ledger.events.record(
            EventType.IMPLEMENTATION_EVENT,
            scenario=release.scenario,
            subject=f"release {release.id}",
            payload={
                "action": action,
                "kind": release.kind,
                "proposal": release.proposal,
                "target": release.target,
                "checkpoint": release.checkpoint,
                "fingerprint": release.fingerprint,
                "fingerprint_before": release.fingerprint_before,
                "levers": release.lever_changes(),
                **more,
            },
            connection=connection,
        )


def checkpoint_name(number: int) -> str:
    """Return the environment that keeps what was in force before a change."""
    return f"checkpoint_{number}"


def _elsewhere(release: Release, home_file: Path) -> str:
    return (
        f"The {release} that {release.by} began on {release.started_at:%Y-%m-%d %H:%M} UTC in the home "
        f"{release.place} is not finished. Only that home can finish or undo it: run `planwise checkpoints` "
        f"there. If it is lost for good, write {release.home} into {home_file}."
    )


def _release(row: RowMapping) -> Release:
    kinds = {
        "kind": ReleaseKind(row["kind"]),
        "state": ReleaseState(row["state"]),
        "step": ReleaseStep(row["step"]),
    }
    return Release(**{**row, **kinds})
