"""Questions that wait for a worker: who asked, how urgent it is, and which worker is best for it."""

import itertools
import time
from collections.abc import Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from ui.previewing.messages import Ask, Place

ORDER = itertools.count()


class Priority(IntEnum):
    """What goes first: the figures somebody waits for, then what explains them, then what may be useful."""

    KPIS = 0
    IMPACT = 1
    BACKGROUND = 2


@dataclass
class Job:
    """One question to the workers; several askers may wait for the one answer."""

    ask: Ask
    key: Hashable
    place: Place
    priority: Priority
    waiters: list["Future[Any]"] = field(default_factory=list)
    attempts: int = 0
    order: int = field(default_factory=lambda: next(ORDER))
    created: float = field(default_factory=time.monotonic)
    only_worker: int | None = None
    has_started: bool = False

    @property
    def wanted(self) -> bool:
        """Whether anybody still waits for it."""
        return any(not waiter.done() for waiter in self.waiters)

    def started(self) -> "Job":
        """Say that a worker has it: from now on it cannot be dropped."""
        for waiter in self.waiters:
            if not waiter.running():
                waiter.set_running_or_notify_cancel()
        self.has_started = True
        return self

    def join(self, waiter: "Future[Any]") -> None:
        """Let another asker wait for the same answer."""
        self.waiters.append(waiter)
        if self.has_started:
            waiter.set_running_or_notify_cancel()


def next_match(
    waiting: Sequence[Job], idle: dict[int, tuple[Place, ...]], background_allowed: bool
) -> tuple[Job, int] | None:
    """Return the job to start now and the worker to do it: the most urgent, where least is to be computed.

    `idle` are the idle workers and the places that they hold.
    """
    for job in sorted(waiting, key=lambda job: (job.priority, job.order)):
        if job.priority is not Priority.KPIS and not background_allowed:
            return None
        able = [index for index in idle if job.only_worker in (None, index)]
        if able:
            return job, max(able, key=lambda index: (_fit(idle[index], job.place), -index))
    return None


def _fit(holds: tuple[Place, ...], place: Place) -> int:
    """Return 2 for a worker with census and dynamics, 1 with the census, 0 for one that starts anew."""
    if place in holds:
        return 2
    return 1 if any(held.census == place.census for held in holds) else 0
