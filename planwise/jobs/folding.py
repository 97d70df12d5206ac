"""From what a job has told so far to how it stands; a log that has grown is read on from where it was."""

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from planwise.jobs.job import Kind, Step, Table

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
class Told:
    """What the events say, added up."""

    began: bool = False
    share: float | None = None
    message: str = ""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    steps: dict[str, Step] = field(default_factory=dict)
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
            self.steps[name] = again or Step(name, RUNNING, at, count=0)
        else:
            known = before or Step(name, RUNNING, at, count=0)
            seconds = known.seconds + float(event["seconds"])
            self.steps[name] = replace(known, state=event["state"], seconds=seconds, count=known.count + 1)


def share_of(kind: Kind, told: Told) -> float | None:
    """Return how far the job is: of a simulation by its steps, else what it said itself."""
    if kind is not Kind.SIMULATE:
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
