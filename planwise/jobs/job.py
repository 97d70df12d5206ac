"""A job as whoever watches sees it: a value that says how far the work is, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a job does; `PLAN` only says what a simulation would do."""

    SIMULATE = "simulate"
    OPTIMIZE = "optimize"
    SWEEP = "sweep"
    PLAN = "plan"


class State(StrEnum):
    """How a job stands; interrupted is one whose process is gone without a word."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED, State.INTERRUPTED})


@dataclass(frozen=True)
class Step:
    """A step by its name; one that is carried out many times is counted, its seconds are summed."""

    name: str
    state: str  # running, done, failed
    started_at: datetime
    seconds: float = 0.0
    count: int = 1


@dataclass(frozen=True)
class Table:
    """A table that the job left, such as what a gate found."""

    title: str
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Failure:
    """Why a job failed, and what to do about it."""

    what: str
    remedy: str
    type: str


@dataclass(frozen=True)
class Job:
    """Long work that was asked for; times are UTC.

    `share` is 0–1, None while nothing is known; `lines` are the last ones told; `how` says where it runs and,
    in `why`, why not elsewhere; `link` leads to its flow run; `result` is what the command prints
    with --json; `cancelling` is True from the wish to the end, `stop_asked_by` says whose wish it was.
    """

    id: str
    kind: Kind
    title: str
    scenario: str
    started_by: str
    started_at: datetime
    request: Mapping[str, Any]
    state: State
    ended_at: datetime | None = None
    share: float | None = None
    message: str = ""
    lines: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    how: str = ""
    why: str = ""
    link: str | None = None
    result: Mapping[str, Any] | None = None
    error: Failure | None = None
    study: str | None = None
    cancelling: bool = False
    stop_asked_by: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.state in ENDED

    def seconds(self, now: datetime | None = None) -> float:
        """Return the wall time from the wish to the end, or until now."""
        until = self.ended_at or now or datetime.now(UTC)
        return max(0.0, (until - self.started_at).total_seconds())
