"""The folder of a study: its files, and the lock of the process that runs it."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from planwise.errors import Busy
from planwise.settings import Settings
from planwise.storage import hold_lock, is_locked, read_lock_holder, write_json
from planwise.study.spec import INTERRUPTED, RUNNING

JOURNAL_FILE = "journal.log"
STUDY_FILE = "study.json"
SUMMARY_FILE = "summary.json"
RESULT_FILE = "result.json"
LOCK_FILE = "lock"


def journal_file(settings: Settings, name: str) -> Path:
    """Return the journal of a study's trials, unless a database has them."""
    return settings.studies_dir / name / JOURNAL_FILE


def lock_file(settings: Settings, name: str) -> Path:
    """Return the file that the process running a study locks."""
    return settings.studies_dir / name / LOCK_FILE


def summary_file(settings: Settings, name: str) -> Path:
    """Return the file with a study's progress."""
    return settings.studies_dir / name / SUMMARY_FILE


def result_file(settings: Settings, name: str) -> Path:
    """Return the file with a study's result."""
    return settings.studies_dir / name / RESULT_FILE


def write_study(settings: Settings, name: str, about: Mapping[str, Any]) -> Path:
    """Write a study's question."""
    return _write(settings.studies_dir / name / STUDY_FILE, about)


def write_summary(settings: Settings, name: str, summary: Mapping[str, Any]) -> Path:
    """Write a study's progress."""
    return _write(summary_file(settings, name), summary)


def write_result(settings: Settings, name: str, result: Mapping[str, Any]) -> Path:
    """Write a study's result."""
    return _write(result_file(settings, name), result)


def read_study(settings: Settings, name: str) -> dict[str, Any] | None:
    """Return a study's question; None for an unknown name."""
    return _read(settings.studies_dir / name / STUDY_FILE)


def read_summary(settings: Settings, name: str) -> dict[str, Any] | None:
    """Return a study's progress; None before it starts."""
    return _read(summary_file(settings, name))


def read_result(settings: Settings, name: str) -> dict[str, Any] | None:
    """Return a study's result; None until it ends."""
    return _read(result_file(settings, name))


def study_folders(settings: Settings) -> tuple[str, ...]:
    """Return the names of the studies with a folder in this home, sorted."""
    return tuple(sorted(file.parent.name for file in settings.studies_dir.glob(f"*/{STUDY_FILE}")))


def _read(file: Path) -> dict[str, Any] | None:
    if not file.is_file():
        return None
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _write(file: Path, content: Mapping[str, Any]) -> Path:
    write_json(file, content, indent=1)
    return file


LOCK_TIMEOUT_SECONDS = 0.5  # a check whether the study is locked takes the lock for a moment


@contextlib.contextmanager
def hold_study(settings: Settings, name: str) -> Iterator[None]:
    """Lock a study for a block; raises Busy, with the holder, when another process has locked it."""
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
    """Raise Busy, with the holder of the lock, when another process runs the study."""
    if is_running(settings, name):
        raise _busy(settings, name)


def is_running(settings: Settings, name: str) -> bool:
    """Return whether a living process runs the study."""
    return is_locked(lock_file(settings, name))


def running_studies(settings: Settings) -> tuple[str, ...]:
    """Return the names of the studies that living processes run."""
    locks = settings.studies_dir.glob(f"*/{LOCK_FILE}")
    noted = [file.parent.name for file in locks if file.stat().st_size]  # empty once it is released
    return tuple(sorted(name for name in noted if is_running(settings, name)))


def state_of(settings: Settings, name: str, noted: str) -> str:
    """Return a study's state: as written, but interrupted when the process that ran it is gone.

    A study whose folder is in another home (a shared database) has the state as written.
    """
    if noted != RUNNING or not lock_file(settings, name).exists() or is_running(settings, name):
        return noted
    return INTERRUPTED


def _busy(settings: Settings, name: str) -> Busy:
    return Busy(
        f"The study {name!r} is being run by {read_lock_holder(lock_file(settings, name))}.",
        remedy="Wait for it to end, or stop that process; then resume the study.",
    )
