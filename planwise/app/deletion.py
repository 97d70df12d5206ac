"""Delete a census or a study with all its files; what is in use is not deleted."""

import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from planwise.census.importer import IMPORTS_FOLDER
from planwise.census.registry import census_files, census_in_use, load_census
from planwise.engine.worker_warehouses import remove_dead_workers
from planwise.errors import DamagedStore, InputError
from planwise.formatting import counted
from planwise.governance import open_ledger
from planwise.jobs.reader import JobReader
from planwise.settings import Settings
from planwise.storage import MEGABYTE, remove
from planwise.study.optuna_storage import delete_trials, load_study
from planwise.study.study_files import check_not_running, hold_study


@dataclass(frozen=True)
class Deletion:
    """The files of one census or study, and what is kept although it comes from it."""

    kind: str
    name: str
    paths: tuple[Path, ...]
    size_mb: float
    kept: str

    def as_json(self) -> dict[str, Any]:
        """Return the deletion as one object."""
        return asdict(self)

    def __str__(self) -> str:
        size = f"{counted(len(self.paths), 'folder or file', 'folders or files')}, {self.size_mb:,.1f} MB"
        return f"{self.kind} {self.name}: {size}. {self.kept}"


def census_deletion(settings: Settings, name: str) -> Deletion:
    """Return what deleting a census removes; raises InputError while it is in use or a scenario names it."""
    with suppress(DamagedStore):  # which deleting is a way to mend
        load_census(settings, name)
    if census_in_use(settings) == name:
        raise InputError(
            f"The census {name!r} is in use.",
            remedy="Put another one in use first: `planwise census use NAME`.",
        )
    with open_ledger(settings) as ledger:
        scenarios = [
            scenario.name for scenario in ledger.scenarios.list(archived=True) if scenario.census == name
        ]
    if scenarios:
        raise InputError(
            f"The census {name!r} is the census of {', '.join(scenarios)}.",
            remedy="Delete these scenarios first: `planwise scenario delete NAME`.",
        )
    if running := [job.id for job in JobReader(settings).list() if not job.ended]:
        raise InputError(
            f"Jobs are running that may read the census {name!r}: {', '.join(running)}.",
            remedy="Wait until they have ended, or cancel them.",
        )
    report = re.compile(rf"\d{{8}}T\d+-{re.escape(name)}")
    imports = settings.root / IMPORTS_FOLDER
    reports = [path for path in sorted(imports.glob(f"*-{name}")) if report.fullmatch(path.name)]
    kept = "Published results on it are kept until their scenarios are deleted."
    return _deletion("census", name, (*census_files(settings, name), *reports), kept)


def study_deletion(settings: Settings, name: str) -> Deletion:
    """Return what deleting a study removes; raises InputError for an unknown one, Busy for a running one."""
    load_study(settings, name)
    check_not_running(settings, name)
    folder = settings.studies_dir / name
    kept = "Scenarios saved from it are kept; `planwise maintain --apply` frees its tables in the warehouse."
    return _deletion("study", name, (folder,) if folder.exists() else (), kept)


def delete_census(settings: Settings, deletion: Deletion) -> None:
    """Delete a census."""
    for path in deletion.paths:  # the link is the first: no reader finds half a census
        remove(path)


def delete_study(settings: Settings, deletion: Deletion) -> None:
    """Delete a study: its trials, its files and those of its workers."""
    with hold_study(settings, deletion.name):
        delete_trials(settings, deletion.name)
        remove_dead_workers(settings, deletion.name)
        for path in deletion.paths:
            remove(path)


def _deletion(kind: str, name: str, paths: tuple[Path, ...], kept: str) -> Deletion:
    files = [file for path in paths if not path.is_symlink() for file in (path, *path.rglob("*"))]
    size = sum(file.lstat().st_size for file in files)
    return Deletion(kind, name, paths, size / MEGABYTE, kept)
