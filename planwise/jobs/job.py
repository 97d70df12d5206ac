"""A background job: its kind, request, state, steps and outcome."""

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class JobKind(StrEnum):
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
class JobStep:
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
class JobFailure:
    """Why a job failed, and what to do about it."""

    what: str
    remedy: str
    type: str


@dataclass(frozen=True)
class Job:
    """Long work that was asked for; times are UTC.

    `share` is 0–1, None while nothing is known; `lines` are the last ones told; `how` says where it runs and,
    in `why`, why not elsewhere; `link` leads to its flow run; `result` is what the command prints
    with --json; `cancelling` is True from the wish to the end, `cancelled_by` says whose wish it was.
    """

    id: str
    kind: JobKind
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
    steps: tuple[JobStep, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    how: str = ""
    why: str = ""
    link: str | None = None
    result: Mapping[str, Any] | None = None
    error: JobFailure | None = None
    study: str | None = None
    cancelling: bool = False
    cancelled_by: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.state in ENDED

    def seconds(self, now: datetime | None = None) -> float:
        """Return the wall time from the wish to the end, or until now."""
        until = self.ended_at or now or datetime.now(UTC)
        return max(0.0, (until - self.started_at).total_seconds())


LINES_KEPT = 400
TABLES_KEPT = 12
NUMBER = re.compile(r"[ _]\d+$")
DONE, RUNNING = "done", "running"
WAITING = "Waiting for "
SIMULATE_SHARES: Mapping[str, float] = {  # of a simulation's time, in a small company
    "resolve scenario": 0.05,
    "hold warehouse": 0.05,
    "plan scenario": 0.15,
    "run models": 0.40,
    "gate simulation": 0.20,
    "publish result": 0.10,
    "record run": 0.05,
}


@dataclass
class JobProgress:
    """What the events say, added up."""

    began: bool = False
    share: float | None = None
    message: str = ""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    steps: dict[str, JobStep] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    offset: int = 0  # bytes of the log that are in here

    def take(self, lines: Iterable[bytes]) -> None:
        """Add whole lines of the log; one that is damaged is left out."""
        for line in lines:
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue

    def _take(self, event: Mapping[str, Any]) -> None:
        kind = event["type"]
        if kind == "began":
            self.began, self.message = True, ""
        elif kind == "waits":
            self.message = str(event["message"])
        elif kind == "step":
            self._step(event)
        elif kind == "told":
            self._say(str(event["message"]))
        elif kind == "progress":
            self.share = min(1.0, max(0.0, float(event["share"])))
            self._say(str(event["message"]))
        elif kind == "table":
            self.tables.pop(event["key"], None)
            self.tables[event["key"]] = Table(str(event["title"]), tuple(event["rows"]))
            while len(self.tables) > TABLES_KEPT:
                self.tables.pop(next(iter(self.tables)))
        elif kind == "note":
            self.notes[event["name"]] = str(event["value"])

    def _say(self, message: str) -> None:
        self.message = message
        self.lines.append(message)

    def _step(self, event: Mapping[str, Any]) -> None:
        name = NUMBER.sub("", str(event["name"]))
        at = datetime.fromisoformat(event["at"])
        before = self.steps.get(name)
        if before is not None and before.state == RUNNING and self.message.startswith(WAITING):
            self.message = ""  # what was waited for has come
        if event["state"] == RUNNING:
            again = None if before is None else replace(before, state=RUNNING, started_at=at)
            self.steps[name] = again or JobStep(name, RUNNING, at, count=0)
        else:
            known = before or JobStep(name, RUNNING, at, count=0)
            seconds = known.seconds + float(event["seconds"])
            self.steps[name] = replace(known, state=event["state"], seconds=seconds, count=known.count + 1)


def share_of(kind: JobKind, told: JobProgress) -> float | None:
    """Return how far the job is: of a simulation by its steps, else what it said itself."""
    if kind is not JobKind.SIMULATE:
        return told.share
    share = 0.0
    for name, part in SIMULATE_SHARES.items():
        step = told.steps.get(name)
        if step is None:
            continue
        if step.state == DONE:
            share += part
        elif name == "run models" and told.share is not None:
            share += part * told.share
    return share if told.steps else None
