"""Who works when: so many jobs at once on this machine, in the order in which they were asked for."""

import time
from collections.abc import Callable

from planwise.jobs.folder import LOCK, REQUEST, ROUTE, JobFolder, job_folders
from planwise.jobs.job import Kind
from planwise.jobs.reading import PREFECT, START_PATIENCE
from planwise.settings import Settings

LOOK_SECONDS = 0.3


def before(settings: Settings, folder: JobFolder) -> list[str]:
    """Return the titles of the jobs that were asked for earlier and have not ended; plans do not count."""
    return [
        str((other.read(REQUEST) or {}).get("title", other.id))
        for other in reversed(job_folders(settings))
        if other.id < folder.id and is_working(other)
    ]


def is_working(folder: JobFolder) -> bool:
    """Whether a job works or is to work on this machine; those that only look do not count."""
    if folder.has_ended or f"-{Kind.PLAN}-" in folder.id:
        return False
    if folder.is_held:
        return True
    starting = not (folder.path / LOCK).exists() and _age(folder) < START_PATIENCE.total_seconds()
    return starting and (folder.read(ROUTE) or {}).get("by") != PREFECT


def wait_for_turn(
    settings: Settings, folder: JobFolder, tell: Callable[[str], None], stopped: Callable[[], bool]
) -> bool:
    """Wait until fewer than `jobs_at_once` are before it; return False when it was stopped meanwhile."""
    told = ""
    while len(ahead := before(settings, folder)) >= settings.jobs_at_once:
        if stopped():
            return False
        others = "; ".join(ahead)
        message = f"Waiting: {len(ahead)} before it ({others}); {settings.jobs_at_once} may work at once."
        if message != told:
            tell(message)
            told = message
        time.sleep(LOOK_SECONDS)
    return not stopped()


def _age(folder: JobFolder) -> float:
    try:
        return time.time() - (folder.path / REQUEST).stat().st_mtime
    except FileNotFoundError:
        return float("inf")
