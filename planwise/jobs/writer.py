"""Write a job's progress and outcome; wait in the queue for its turn."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from planwise.console import json_text
from planwise.jobs.folder import EVENTS, LOCK, OUTCOME, REQUEST, ROUTE, JobFolder, job_folders
from planwise.jobs.job import JobFailure, State
from planwise.jobs.reader import PREFECT, START_TIMEOUT
from planwise.settings import Settings
from planwise.storage import hold_lock

SAMPLE_ROWS = 1000  # of a table; longer ones belong in the result's own files
LOCK_TIMEOUT_SECONDS = 2.0  # a check whether the job is locked takes the lock for a moment


class JobWriter:
    """Appends events; safe to use from several threads of one process."""

    def __init__(self, folder: JobFolder) -> None:
        self.folder = folder
        self.last_step = ""
        self._alone = threading.Lock()

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the job while the block runs; raises Busy when another process holds the lock."""
        job = f"job {self.folder.id}"
        with hold_lock(
            self.folder.lock,
            job,
            timeout_seconds=LOCK_TIMEOUT_SECONDS,
            resource=job,
            remedy="Wait for it to end, or cancel it.",
            on_wait=None,
        ):
            yield

    def started(self) -> None:
        """Record that the job starts working."""
        self._append(type="began")

    def waiting(self, message: str) -> None:
        """Record that the job waits, and why."""
        self._append(type="waits", message=message)

    def step(self, name: str, state: str, seconds: float = 0.0) -> None:
        """Record that a step is running, done or failed."""
        self.last_step = name
        self._append(type="step", name=name, state=state, seconds=round(seconds, 3))

    def log(self, message: str) -> None:
        """Record a message."""
        self._append(type="told", message=message)

    def progress(self, share: float, message: str) -> None:
        """Record the completed share, 0 to 1."""
        self._append(type="progress", share=round(share, 4), message=message)

    def table(self, key: str, rows: Sequence[Mapping[str, Any]], title: str) -> None:
        """Record a table; it replaces an earlier one with the same key."""
        self._append(type="table", key=key, title=title, rows=[dict(row) for row in rows[:SAMPLE_ROWS]])

    def note(self, name: str, value: str) -> None:
        """Record a fact, such as the study's name."""
        self._append(type="note", name=name, value=value)

    def end(
        self, state: State, *, result: Mapping[str, Any] | None = None, error: JobFailure | None = None
    ) -> None:
        """Write the outcome, unless one is written already."""
        if self.folder.has_ended:
            return
        ended = datetime.now(UTC).isoformat()
        outcome = {
            "state": state,
            "ended_at": ended,
            "result": result,
            "error": None if error is None else vars(error),
        }
        self.folder.write(OUTCOME, json.loads(json_text(outcome)))

    def _append(self, **event: Any) -> None:
        line = json_text({"at": datetime.now(UTC).isoformat(), **event}, allow_nan=True) + "\n"
        with self._alone, (self.folder.path / EVENTS).open("a", encoding="utf-8") as file:
            file.write(line)


POLL_SECONDS = 0.3


def jobs_ahead(settings: Settings, folder: JobFolder) -> list[str]:
    """Return the titles of earlier jobs that have not ended; brief ones do not count."""
    return [
        str((other.read(REQUEST) or {}).get("title", other.id))
        for other in reversed(job_folders(settings))
        if other.id < folder.id and is_working(other)
    ]


def is_working(folder: JobFolder) -> bool:
    """Whether a job runs, or is about to, on this machine; brief ones do not count."""
    if folder.has_ended or folder.kind.is_brief:
        return False
    if folder.is_locked:
        return True
    starting = not (folder.path / LOCK).exists() and _age(folder) < START_TIMEOUT.total_seconds()
    return starting and (folder.read(ROUTE) or {}).get("by") != PREFECT


def wait_for_turn(
    settings: Settings, folder: JobFolder, log: Callable[[str], None], stopped: Callable[[], bool]
) -> bool:
    """Wait until fewer than `jobs_at_once` jobs are ahead in the queue; return False when stopped."""
    logged = ""
    while len(ahead := jobs_ahead(settings, folder)) >= settings.jobs_at_once:
        if stopped():
            return False
        others = "; ".join(ahead)
        message = f"Waiting: {len(ahead)} before it ({others}); {settings.jobs_at_once} may run at once."
        if message != logged:
            log(message)
            logged = message
        time.sleep(POLL_SECONDS)
    return not stopped()


def _age(folder: JobFolder) -> float:
    try:
        return time.time() - (folder.path / REQUEST).stat().st_mtime
    except FileNotFoundError:
        return float("inf")
