"""Whether somebody holds a lock file; a lock ends with its process, however that dies."""

import contextlib
import fcntl
from pathlib import Path


def is_locked(file: Path) -> bool:
    """Say whether a living process holds the lock; never waits, and never makes the file."""
    with contextlib.suppress(FileNotFoundError), open(file, "rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
