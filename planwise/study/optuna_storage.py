"""The storage of studies: Optuna's journal, one file per study, or a database for a team."""

import contextlib
import json
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage, get_storage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from planwise.errors import InputError
from planwise.governance.connection import with_driver
from planwise.settings import Settings
from planwise.study.study_files import journal_file, reading_study

TESTED_VERSIONS = ("5.0.",)  # of Optuna, in whose format `SyncedJournalFile` writes


class NoLock(JournalFileOpenLock):
    """No lock: only the process that locks the study (`planwise.study.study_files`) writes its journal.

    Optuna's own lock is a file that outlives a killed process and would block the next one.
    """

    def acquire(self) -> bool:
        """Return True: the file may be written."""
        return True

    def release(self) -> None:
        """Do nothing."""


class SyncedJournalFile(JournalFileBackend):
    """A journal file whose writes are synced to disk: each one, or once at the end of a group.

    A trial with eleven levers is about seventeen writes. Writes survive the end of the process in any case;
    the sync lets them survive a crash of the machine.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(str(file), lock_obj=NoLock(str(file)))
        self._file = file
        self._grouped = False

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append lines; outside a group, sync them to disk."""
        lines = "".join(f"{json.dumps(log, separators=(',', ':'))}\n" for log in logs)
        with open(self._file, "ab") as handle:
            handle.write(lines.encode())
            handle.flush()
            if not self._grouped:
                os.fsync(handle.fileno())

    @contextlib.contextmanager
    def grouped(self) -> Iterator[None]:
        """Sync the writes of the block once, at its end."""
        self._grouped = True
        try:
            yield
        finally:
            self._grouped = False
            with open(self._file, "ab") as handle:
                os.fsync(handle.fileno())


class FileStorage(JournalStorage):
    """A study's own journal file."""

    def __init__(self, file: Path) -> None:
        self.file = _backend(file)
        super().__init__(self.file)


def _backend(file: Path) -> JournalFileBackend:
    """Return the backend of a journal file; Optuna's own, slower one for an untested version."""
    if optuna.__version__.startswith(TESTED_VERSIONS):
        return SyncedJournalFile(file)
    warnings.warn(
        f"Optuna {optuna.__version__} was not tested with PlanWise (tested: "
        f"{', '.join(version + 'x' for version in TESTED_VERSIONS)}). Studies use Optuna's own journal "
        "writer, which is slower.",
        stacklevel=2,
    )
    return JournalFileBackend(str(file), lock_obj=NoLock(str(file)))


def grouped(storage: BaseStorage) -> contextlib.AbstractContextManager[None]:
    """Return a context in which writes are synced once at its end; a database syncs itself."""
    if isinstance(storage, FileStorage) and isinstance(storage.file, SyncedJournalFile):
        return storage.file.grouped()
    return contextlib.nullcontext()


def open_storage(settings: Settings, name: str) -> BaseStorage:
    """Return the storage of a study for writing; the caller has locked the study."""
    _quiet()
    if settings.study_storage_url:
        return _database(settings.study_storage_url)
    file = journal_file(settings, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    cut_torn_line(file)
    return FileStorage(file)


def stored_studies(settings: Settings) -> Iterator[tuple[str, dict[str, Any], int]]:
    """Return every study of the database: its name, its stored values, its number of trials."""
    _quiet()
    assert settings.study_storage_url  # journals have no list: each study has its own
    storage = _database(settings.study_storage_url)
    for study in storage.get_all_studies():
        study_id = study._study_id
        about = storage.get_study_user_attrs(study_id)
        if "question" in about:  # a study of PlanWise
            parts = parts_of(optuna.load_study(study_name=study.study_name, storage=storage))
            yield study.study_name, about, sum(len(part.get_trials(deepcopy=False)) for part in parts)


def load_study(settings: Settings, name: str) -> optuna.Study:
    """Return a study for reading; raises InputError for an unknown name, DamagedStore."""
    file = journal_file(settings, name)
    _quiet()
    if settings.study_storage_url:
        with contextlib.suppress(KeyError):
            return optuna.load_study(study_name=name, storage=_database(settings.study_storage_url))
    elif file.parent.is_dir():
        with reading_study(settings, name, file):
            file.open("rb").close()  # Optuna would make a new one
            study = optuna.load_study(study_name=name, storage=FileStorage(file))
            _ = study.user_attrs["question"]
            return study
    raise InputError(
        f"There is no study {name!r} in {settings.studies_dir}.",
        remedy="`planwise study list` shows the studies.",
    )


CHECKS = " checks"  # the end of the name of a study's second study, which no study's own name can have


def storage_of(study: optuna.Study) -> BaseStorage:
    """Return the storage of an open study."""
    return study._storage


def parts_of(study: optuna.Study) -> tuple[optuna.Study, ...]:
    """Return a study and, if it has one, the study of its checks."""
    try:
        return study, optuna.load_study(study_name=study.study_name + CHECKS, storage=storage_of(study))
    except KeyError:
        return (study,)


def create_parts(storage: BaseStorage, name: str, metrics: Sequence[str]) -> optuna.Study:
    """Create a study and that of its checks, whose values are all minimized; raises DuplicatedStudyError."""
    for part in (name, name + CHECKS):
        study = optuna.create_study(study_name=part, storage=storage, directions=["minimize"] * len(metrics))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names(list(metrics))
    return optuna.load_study(study_name=name, storage=storage)


def add_limits(storage: BaseStorage, trial_id: int, limits: Iterable[float]) -> None:
    """Store constraints a second time, as the list that `optuna-dashboard` reads; up to 0 is feasible."""
    storage.set_trial_system_attr(trial_id, LIMITS, list(limits))


LIMITS = "constraints"


def named_limits(trial: FrozenTrial) -> dict[str, float]:
    """Return a trial's constraints by name, without those of the list."""
    return {name: float(value) for name, value in trial.constraints.items() if not name.isdecimal()}


def delete_trials(settings: Settings, name: str) -> None:
    """Delete a study's trials from the database; a journal is deleted with its folder."""
    if settings.study_storage_url:
        storage = _database(settings.study_storage_url)
        for study in parts_of(optuna.load_study(study_name=name, storage=storage)):
            optuna.delete_study(study_name=study.study_name, storage=storage)


def save_studies(settings: Settings, folder: Path) -> None:
    """Copy every study of the database into a journal file of its own, named after it."""
    assert settings.study_storage_url
    for name, _about, _trials in stored_studies(settings):
        _copy(name, _database(settings.study_storage_url), FileStorage(folder / f"{name}.log"))


def load_studies(settings: Settings, folder: Path) -> None:
    """Copy studies from `save_studies` into the database, or into journal files without one."""
    _quiet()
    for file in sorted(folder.glob("*.log")):
        if not settings.study_storage_url:
            shutil.copyfile(file, folder.parent / "studies" / file.stem / journal_file(settings, "").name)
            continue
        database = _database(settings.study_storage_url)
        if file.stem not in {study.study_name for study in database.get_all_studies()}:
            _copy(file.stem, FileStorage(file), database)


def _copy(name: str, source: BaseStorage, target: BaseStorage) -> None:
    for study in parts_of(optuna.load_study(study_name=name, storage=source)):
        optuna.copy_study(from_study_name=study.study_name, from_storage=source, to_storage=target)


def _database(url: str) -> BaseStorage:
    """Return the database of studies, which reads a finished trial once; raises InputError when unusable."""
    try:
        return get_storage(RDBStorage(with_driver(make_url(url)).render_as_string(hide_password=False)))
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError, ImportError, ValueError) as error:
        raise InputError(
            f"The database of studies cannot be used: {type(error).__name__}.",
            remedy="Check PLANWISE_STUDY_STORAGE_URL, and that the database answers.",
        ) from error


def cut_torn_line(file: Path) -> None:
    """Remove an incomplete last line, which a process killed while writing leaves."""
    if not file.is_file():
        return
    with open(file, "rb+") as handle:
        content = handle.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            handle.truncate(whole)
            handle.flush()
            os.fsync(handle.fileno())


def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
