"""The folder of a study: its files, and the lock of the process that runs it."""

import contextlib
from collections.abc import Iterator, Mapping
from os.path import lexists
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from planwise.errors import Busy
from planwise.settings import Settings
from planwise.storage import hold_lock, is_locked, read_lock_holder, read_object, reading, write_json
from planwise.study.spec import INTERRUPTED, RUNNING

JOURNAL_FILE = "journal.log"
STUDY_FILE = "study.json"
SUMMARY_FILE = "summary.json"
RESULT_FILE = "result.json"
LOCK_FILE = "lock"


class _Question(BaseModel, extra="allow"):
    strategy: str | None


class _Study(BaseModel, extra="allow"):
    question: _Question
    scenario: str
    kind: str
    created_at: str
    levers: list[str] = []


class _Summary(BaseModel, extra="allow"):
    state: str
    trials: int = 0
    levers: dict[str, float] | None = None  # none of a front, or before there is a best


class _Result(BaseModel, extra="allow"):
    scenario: str
    strategy: str
    target: dict[str, Any] | None = None
    target_growth: float | None = None  # of results before there were other measures
    converged: bool
    reachable: bool
    stopped: str
    kind: str
    growth: float
    levers: dict[str, float]
    changes: dict[str, dict[str, Any]]
    kpis: list[dict[str, Any]]
    constraints: list[dict[str, Any]]
    binding: list[str]
    front: list[dict[str, Any]] = []
    picks: dict[str, Any] = {}
    advice: dict[str, Any] = {}
    warnings: list[str] = []


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


def remove_result(settings: Settings, name: str) -> None:
    """Remove a study's result."""
    result_file(settings, name).unlink(missing_ok=True)


def read_study(settings: Settings, name: str) -> dict[str, Any] | None:
    """Return a study's question; None for an unknown name."""
    return _read(settings, name, STUDY_FILE, _Study)


def read_summary(settings: Settings, name: str) -> dict[str, Any] | None:
    """Return a study's progress; None before it starts."""
    return _read(settings, name, SUMMARY_FILE, _Summary)


def read_result(settings: Settings, name: str) -> dict[str, Any] | None:
    """Return a study's result; None until it ends."""
    found = _read(settings, name, RESULT_FILE, _Result)
    return found if found is None else _with_target(found)


def _with_target(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result with its target, which older ones have as `target_growth`."""
    if "target" in result:
        return result
    found = dict(result)
    found["target"] = {"measure": "growth", "value": found.get("target_growth")}
    of_growth = {"reached": "growth", "baseline_reached": "baseline_growth", "nearest": "nearest_growth"}
    found |= {name: found.get(growth) for name, growth in of_growth.items()}
    if isinstance(robust := found.get("robustness"), dict):
        found["robustness"] = robust | {
            "reached": robust.get("growth"),
            "reached_by_seed": robust.get("growth_by_seed"),
        }
    return found


def study_folders(settings: Settings) -> tuple[str, ...]:
    """Return the names of the studies with a folder in this home, sorted."""
    files = settings.studies_dir.glob(f"*/{STUDY_FILE}")
    return tuple(sorted(file.parent.name for file in files if not file.parent.name.startswith((".", "@"))))


def reading_study(settings: Settings, name: str, file: Path) -> contextlib.AbstractContextManager[None]:
    """Return the context in which one of a study's files is read; raises DamagedStore for damage."""
    return reading(store_of(name), file, _remedy(settings, name), AssertionError)  # Optuna's for a log


def store_of(name: str) -> str:
    """Return what messages call a study's files."""
    return f"The study {name!r}"


def _remedy(settings: Settings, name: str) -> str:
    return (
        f"Restore a backup of {settings.studies_dir / name}; or delete that folder and put the question "
        "again: `planwise optimize`. `planwise study list` shows the others."
    )


def _read(settings: Settings, name: str, file: str, form: type[BaseModel]) -> dict[str, Any] | None:
    path = settings.studies_dir / name / file
    if not lexists(path):
        return None
    return read_object(path, store_of(name), _remedy(settings, name), form)


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
