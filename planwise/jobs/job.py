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
    """What a job does; `PLAN` only lists what a simulation would run, `CHECK` what an import would.

    `TITLES` matches the titles of a census with the market, `RECIPIENTS` awards with recipients.
    """

    SIMULATE = "simulate"
    OPTIMIZE = "optimize"
    SWEEP = "sweep"
    PLAN = "plan"
    CHECK = "check"
    IMPORT = "import"
    GENERATE = "generate"
    CALIBRATE = "calibrate"
    BACKTEST = "backtest"
    RELEASE = "release"
    ROLLBACK = "rollback"
    MONITOR = "monitor"
    ROLLOUT = "rollout"
    TITLES = "titles"
    RECIPIENTS = "recipients"

    @property
    def is_brief(self) -> bool:
        """Whether it changes nothing: it waits in no queue and is in no list."""
        return self in (JobKind.PLAN, JobKind.CHECK)

    @property
    def skips_queue(self) -> bool:
        """Whether it takes seconds, and waits for no other job; it may still wait for the warehouse."""
        return self.is_brief or self in (JobKind.RELEASE, JobKind.ROLLBACK, JobKind.MONITOR)

    @property
    def is_census(self) -> bool:
        """Whether it is one of the Census page's."""
        return self in (
            JobKind.CHECK,
            JobKind.IMPORT,
            JobKind.GENERATE,
            JobKind.CALIBRATE,
            JobKind.BACKTEST,
            JobKind.TITLES,
        )


class State(StrEnum):
    """A job's state; `interrupted` means that its process ended without writing an outcome."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED, State.INTERRUPTED})


@dataclass(frozen=True)
class JobStep:
    """A step, by name; repetitions are counted and their seconds summed."""

    name: str
    state: str  # running, done, failed
    started_at: datetime
    seconds: float = 0.0
    count: int = 1


@dataclass(frozen=True)
class Table:
    """A table that the job published, such as a gate's findings."""

    title: str
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class JobFailure:
    """Why a job failed, and the remedy."""

    what: str
    remedy: str
    type: str


@dataclass(frozen=True)
class Job:
    """A background job; times are UTC.

    `share` is the completed share, 0–1, None while unknown; `lines` are the last messages; `how` says where
    it runs, `why` why not elsewhere; `link` leads to its flow run; `result` is the command's --json output;
    `cancelling` is True from the cancellation request to the end, `cancelled_by` names the user.
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
        """Whether the job has ended."""
        return self.state in ENDED

    def seconds(self, now: datetime | None = None) -> float:
        """Return the wall time from the request to the end, or until now."""
        until = self.ended_at or now or datetime.now(UTC)
        return max(0.0, (until - self.started_at).total_seconds())


LINES_KEPT = 400
TABLES_KEPT = 12
NUMBER = re.compile(r"[ _]\d+$")
DONE, RUNNING = "done", "running"
WAITING = "Waiting for "
SHARES: Mapping[JobKind, Mapping[str, float]] = {  # of a job's time, in a small company
    JobKind.SIMULATE: {
        "resolve scenario": 0.05,
        "hold warehouse": 0.05,
        "plan scenario": 0.15,
        "run models": 0.40,
        "gate simulation": 0.20,
        "publish result": 0.10,
        "record run": 0.05,
    },
    JobKind.IMPORT: {"read file": 0.45, "gate census": 0.45, "put in use": 0.10},
    JobKind.GENERATE: {"generate rows": 0.25, "gate census": 0.65, "use census": 0.10},
}


@dataclass
class JobProgress:
    """A job's progress, accumulated from its events."""

    began: bool = False
    share: float | None = None
    message: str = ""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    steps: dict[str, JobStep] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    offset: int = 0  # bytes of the log read so far

    def add(self, lines: Iterable[bytes]) -> None:
        """Add complete lines of the log; damaged lines are skipped."""
        for line in lines:
            try:
                self._add(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue

    def _add(self, event: Mapping[str, Any]) -> None:
        kind = event["type"]
        if kind == "began":
            self.began, self.message = True, ""
        elif kind == "waits":
            self.message = str(event["message"])
        elif kind == "step":
            self._step(event)
        elif kind == "told":
            self._show(str(event["message"]))
        elif kind == "progress":
            self.share = min(1.0, max(0.0, float(event["share"])))
            self._show(str(event["message"]))
        elif kind == "table":
            self.tables.pop(event["key"], None)
            self.tables[event["key"]] = Table(str(event["title"]), tuple(event["rows"]))
            while len(self.tables) > TABLES_KEPT:
                self.tables.pop(next(iter(self.tables)))
        elif kind == "note":
            self.notes[event["name"]] = str(event["value"])

    def _show(self, message: str) -> None:
        self.message = message
        self.lines.append(message)

    def _step(self, event: Mapping[str, Any]) -> None:
        name = NUMBER.sub("", str(event["name"]))
        at = datetime.fromisoformat(event["at"])
        before = self.steps.get(name)
        if before is not None and before.state == RUNNING and self.message.startswith(WAITING):
            self.message = ""  # the wait is over
        if event["state"] == RUNNING:
            again = None if before is None else replace(before, state=RUNNING, started_at=at)
            self.steps[name] = again or JobStep(name, RUNNING, at, count=0)
        else:
            known = before or JobStep(name, RUNNING, at, count=0)
            seconds = known.seconds + float(event["seconds"])
            self.steps[name] = replace(known, state=event["state"], seconds=seconds, count=known.count + 1)


def share_of(kind: JobKind, progress: JobProgress) -> float | None:
    """Return the completed share: from the steps where their shares are known, else as reported."""
    if kind not in SHARES:
        return progress.share
    share = 0.0
    for name, part in SHARES[kind].items():
        step = progress.steps.get(name)
        if step is None:
            continue
        if step.state == DONE:
            share += part
        elif name == "run models" and progress.share is not None:
            share += part * progress.share
    return share if progress.steps else None
