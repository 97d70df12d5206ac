"""Who runs a study: one process at a time holds it, and whether it still lives is asked of the kernel."""

import contextlib
from collections.abc import Iterator

from planwise.errors import Busy
from planwise.settings import Settings
from planwise.storage import hold_lock, is_locked, read_lock_holder
from planwise.study.trials.files import LOCK_FILE, lock_file

RUNNING, INTERRUPTED = "running", "interrupted"
LOCK_TIMEOUT_SECONDS = 0.5  # a check whether the study is locked takes the lock for a moment


@contextlib.contextmanager
def held(settings: Settings, name: str) -> Iterator[None]:
    """Hold a study while the block runs; raises Busy, naming the holder, when another process does."""
    file = lock_file(settings, name)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(
                hold_lock(file, f"study {name}", timeout_seconds=LOCK_TIMEOUT_SECONDS, on_wait=None)
            )
        except Busy as busy:
            raise _busy(settings, name) from busy
        yield


def refuse_held(settings: Settings, name: str) -> None:
    """Raise Busy, naming the holder, when another process runs the study."""
    if is_held(settings, name):
        raise _busy(settings, name)


def is_held(settings: Settings, name: str) -> bool:
    """Return whether a living process runs the study."""
    return is_locked(lock_file(settings, name))


def held_studies(settings: Settings) -> tuple[str, ...]:
    """Return the names of the studies that living processes run."""
    locks = settings.studies_dir.glob(f"*/{LOCK_FILE}")
    noted = [file.parent.name for file in locks if file.stat().st_size]  # empty once it is let go
    return tuple(sorted(name for name in noted if is_held(settings, name)))


def state_of(settings: Settings, name: str, noted: str) -> str:
    """Return how a study stands: what its process noted, but never running when that process is gone.

    A study whose folder is elsewhere (a database that several homes share) stands as noted.
    """
    if noted != RUNNING or not lock_file(settings, name).exists() or is_held(settings, name):
        return noted
    return INTERRUPTED


def _busy(settings: Settings, name: str) -> Busy:
    return Busy(
        f"The study {name!r} is being run by {read_lock_holder(lock_file(settings, name))}.",
        remedy="Wait for it to end, or stop that process; then resume the study.",
    )
