"""One writer at a time: a file lock on the warehouse that names its holder to whoever waits."""

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from planwise.errors import Busy

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Holder:
    """Who holds the warehouse: process, what it does, the flow run it belongs to, since when (UTC)."""

    pid: int
    purpose: str
    flow_run: str | None
    since: str

    def __str__(self) -> str:
        run = f", flow run {self.flow_run}" if self.flow_run else ""
        return f"process {self.pid} ({self.purpose}{run}), since {self.since}"


@contextlib.contextmanager
def hold(
    lock_file: Path,
    purpose: str,
    *,
    timeout_seconds: float,
    flow_run: str | None = None,
    on_wait: Callable[[str], None] = lambda message: print(message, file=sys.stderr),  # noqa: T201
) -> Iterator[Holder]:
    """Hold the lock while the block runs; wait for another holder and say who it is.

    The kernel lets go of the lock when the process dies, however it dies, so no stale lock needs clearing.
    Raises Busy, naming the holder, when the wait is longer than `timeout_seconds`.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    holder = Holder(os.getpid(), purpose, flow_run, since)
    with open(lock_file, "a+", encoding="utf-8") as handle:
        _acquire(handle.fileno(), lock_file, timeout_seconds, on_wait)
        handle.seek(0)
        handle.truncate()
        handle.write(json.dumps(asdict(holder)))
        handle.flush()
        try:
            yield holder
        finally:
            handle.seek(0)
            handle.truncate()


def _acquire(
    descriptor: int, lock_file: Path, timeout_seconds: float, on_wait: Callable[[str], None]
) -> None:
    deadline = time.monotonic() + timeout_seconds
    told = ""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            who = holder_of(lock_file)
            if time.monotonic() >= deadline:
                raise Busy(
                    f"The warehouse is held by {who}; waited {timeout_seconds:.0f} s.",
                    remedy="Wait for it to end, stop it, or raise PLANWISE_LOCK_TIMEOUT_SECONDS.",
                ) from None
            if who != told:
                on_wait(f"Waiting for the warehouse: held by {who}.")
                told = who
            time.sleep(POLL_SECONDS)


def holder_of(lock_file: Path) -> str:
    """Return who holds the lock, in words."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return str(Holder(**json.loads(lock_file.read_text(encoding="utf-8"))))
    return "another process"
