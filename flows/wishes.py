"""A wish to stop, left in a job's folder: heard between steps, and by a signal where one takes long."""

import threading
import time

from planwise.jobs import JobWriter, Kind

LOOK_SECONDS = 0.25
# For the step in hand to end by itself; a study and a sweep close their books then.
SOFT_SECONDS = {Kind.PLAN: 0.5, Kind.SIMULATE: 1.5, Kind.OPTIMIZE: 5.5, Kind.SWEEP: 5.5}
HARD_SECONDS = 3.0  # what is in a library's hands hears no signal
FINISHING = frozenset({"publish result", "record run"})  # the result is in force: let it be recorded


def until_wished(writer: JobWriter, over: threading.Event) -> bool:
    """Wait until somebody wishes that the job stops; False when it is over before."""
    while not writer.folder.is_to_stop:
        if over.wait(LOOK_SECONDS):
            return False
    return True


def patience(writer: JobWriter, kind: Kind, over: threading.Event) -> float | None:
    """Give the step in hand its time; return when all patience ends (monotonic), None when it is over."""
    if over.wait(SOFT_SECONDS[kind]):
        return None
    hard_at = time.monotonic() + HARD_SECONDS
    while writer.last_step in FINISHING and time.monotonic() < hard_at:
        if over.wait(LOOK_SECONDS):
            return None
    return hard_at
