"""The folder of a study: its files, and the lock that says which process runs it."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from planwise.errors import Busy
from planwise.settings import Settings
from planwise.storage import hold_lock, is_locked, read_lock_holder, write_json

JOURNAL_FILE = "journal.log"
STUDY_FILE = "study.json"
SUMMARY_FILE = "summary.json"
RESULT_FILE = "result.json"
LOCK_FILE = "lock"


def journal_file(settings: Settings, name: str) -> Path:
    """Return where a study's trials are written, unless a database has them."""
    return settings.studies_dir / name / JOURNAL_FILE


def lock_file(settings: Settings, name: str) -> Path:
    """Return the file that whoever runs a study holds."""
    return settings.studies_dir / name / LOCK_FILE


def summary_file(settings: Settings, name: str) -> Path:
    """Return the file that is replaced whenever a study has got further."""
    return settings.studies_dir / name / SUMMARY_FILE


def result_file(settings: Settings, name: str) -> Path:
    """Return the file with what a study found."""
    return settings.studies_dir / name / RESULT_FILE


def write_study(settings: Settings, name: str, about: Mapping[str, Any]) -> Path:
    """Write what a study was asked."""
    return _write(settings.studies_dir / name / STUDY_FILE, about)


def write_summary(settings: Settings, name: str, summary: Mapping[str, Any]) -> Path:
    """Write how a study stands."""
    return _write(summary_file(settings, name), summary)


def write_result(settings: Settings, name: str, result: Mapping[str, Any]) -> Path:
    """Write what a study found."""
    return _write(result_file(settings, name), result)


def read_study(settings: Settings, name: str) -> dict[str, Any] | None:
    """Return what a study was asked; None when there is none of that name."""
    return _read(settings.studies_dir / name / STUDY_FILE)


def read_summary(settings: Settings, name: str) -> dict[str, Any] | None:
    """Return how a study stands; None when it has not begun."""
    return _read(summary_file(settings, name))


def read_result(settings: Settings, name: str) -> dict[str, Any] | None:
    """Return what a study found; None while it has not ended."""
    return _read(result_file(settings, name))


def study_folders(settings: Settings) -> tuple[str, ...]:
    """Return the names of the studies that this home has a folder of, by name."""
    return tuple(sorted(file.parent.name for file in settings.studies_dir.glob(f"*/{STUDY_FILE}")))


def _read(file: Path) -> dict[str, Any] | None:
    if not file.is_file():
        return None
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _write(file: Path, content: Mapping[str, Any]) -> Path:
    write_json(file, content, indent=1)
    return file


RUNNING, INTERRUPTED = "running", "interrupted"
LOCK_TIMEOUT_SECONDS = 0.5  # a check whether the study is locked takes the lock for a moment


@contextlib.contextmanager
def hold_study(settings: Settings, name: str) -> Iterator[None]:
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


def check_not_running(settings: Settings, name: str) -> None:
    """Raise Busy, naming the holder, when another process runs the study."""
    if is_running(settings, name):
        raise _busy(settings, name)


def is_running(settings: Settings, name: str) -> bool:
    """Return whether a living process runs the study."""
    return is_locked(lock_file(settings, name))


def running_studies(settings: Settings) -> tuple[str, ...]:
    """Return the names of the studies that living processes run."""
    locks = settings.studies_dir.glob(f"*/{LOCK_FILE}")
    noted = [file.parent.name for file in locks if file.stat().st_size]  # empty once it is let go
    return tuple(sorted(name for name in noted if is_running(settings, name)))


def state_of(settings: Settings, name: str, noted: str) -> str:
    """Return how a study stands: what its process noted, but never running when that process is gone.

    A study whose folder is elsewhere (a database that several homes share) stands as noted.
    """
    if noted != RUNNING or not lock_file(settings, name).exists() or is_running(settings, name):
        return noted
    return INTERRUPTED


def _busy(settings: Settings, name: str) -> Busy:
    return Busy(
        f"The study {name!r} is being run by {read_lock_holder(lock_file(settings, name))}.",
        remedy="Wait for it to end, or stop that process; then resume the study.",
    )
