"""Who runs a study: one process at a time holds it, and whether it still lives is asked of the kernel."""

import contextlib
import fcntl
from collections.abc import Iterator

from planwise.engine import lock
from planwise.errors import Busy
from planwise.settings import Settings
from planwise.study.trials.files import LOCK_FILE, lock_file

RUNNING, INTERRUPTED = "running", "interrupted"
PATIENCE_SECONDS = 0.5  # whoever only looks whether it is held lets go within a moment


@contextlib.contextmanager
def held(settings: Settings, name: str) -> Iterator[None]:
    """Hold a study while the block runs; raises Busy, naming the holder, when another process does."""
    file = lock_file(settings, name)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(
                lock.hold(file, f"study {name}", timeout_seconds=PATIENCE_SECONDS, on_wait=_silently)
            )
        except Busy as busy:
            raise _busy(settings, name) from busy
        yield


def refuse_held(settings: Settings, name: str) -> None:
    """Raise Busy, naming the holder, when another process runs the study."""
    if is_held(settings, name):
        raise _busy(settings, name)


def is_held(settings: Settings, name: str) -> bool:
    """Say whether a living process runs the study; a lock ends with its process, however that dies."""
    with contextlib.suppress(FileNotFoundError), open(lock_file(settings, name), "rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


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
        f"The study {name!r} is being run by {lock.holder_of(lock_file(settings, name))}.",
        remedy="Wait for it to end, or stop that process; then resume the study.",
    )


def _silently(message: str) -> None:
    return None
