"""Where studies are kept: Optuna's journal file, or a database for a team."""

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from planwise.errors import InputError
from planwise.settings import Settings

JOURNAL = "journal.log"


def open_storage(settings: Settings) -> BaseStorage:
    """Return the studies' storage, made if there is none."""
    _quiet()
    if settings.study_storage_url:
        return RDBStorage(settings.study_storage_url)
    settings.studies_dir.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(settings.studies_dir / JOURNAL)))


def existing_storage(settings: Settings) -> BaseStorage | None:
    """Return the storage for reading; None when no study was ever made here."""
    if not settings.study_storage_url and not (settings.studies_dir / JOURNAL).exists():
        return None
    return open_storage(settings)


def load_study(settings: Settings, name: str) -> optuna.Study:
    """Return a study to read; raises InputError when there is none of that name."""
    storage = existing_storage(settings)
    names = [] if storage is None else [study.study_name for study in storage.get_all_studies()]
    if storage is None or name not in names:
        raise InputError(
            f"There is no study {name!r} in {settings.studies_dir}.",
            remedy="`planwise study list` shows the studies.",
        )
    return optuna.load_study(study_name=name, storage=storage)


def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
