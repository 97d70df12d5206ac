"""A process and all that it started, wherever they moved to: a worker gives each flow run its own session."""

import contextlib
from collections.abc import Iterable

import psutil

STOP_SECONDS = 15.0  # a flow run ends its work, a server its database; then SIGKILL
GONE = (psutil.NoSuchProcess, psutil.AccessDenied)


def descendants(pid: int) -> set[psutil.Process]:
    """Return what a process started, and what that started; the empty set when it is gone."""
    try:
        return set(psutil.Process(pid).children(recursive=True))
    except GONE:
        return set()


def terminate(processes: Iterable[psutil.Process]) -> None:
    """Ask processes to end."""
    for process in processes:
        with contextlib.suppress(*GONE):
            process.terminate()


def see_off(processes: Iterable[psutil.Process], seconds: float) -> None:
    """Wait until processes have ended; kill those that have not."""
    _, alive = psutil.wait_procs(list(processes), timeout=max(0.0, seconds))
    for process in alive:
        with contextlib.suppress(*GONE):
            process.kill()
