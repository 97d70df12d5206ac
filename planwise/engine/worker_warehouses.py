"""Worker warehouses: each worker plans its trials in its own database, which starts as a copy."""

import contextlib
import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from planwise.engine.warehouse import Warehouse
from planwise.errors import Busy, InputError
from planwise.settings import Settings
from planwise.storage import PARTIAL, hold_lock, replace_file

WORKER_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
NAME_LENGTH = 48  # of the 64 that a worker's name may have, so that an index fits behind
DIGEST_LENGTH = 16


def worker_name(study: str, index: int | None = None) -> str:
    """Return the name of a study's own worker, or with an index of one in its pool; unique by study."""
    name = f"study_{study}"
    if len(name) > NAME_LENGTH:
        digest = hashlib.sha256(study.encode()).hexdigest()[:DIGEST_LENGTH]
        name = f"{name[: NAME_LENGTH - DIGEST_LENGTH - 1]}_{digest}"
    return name if index is None else f"{name}-{index}"


@contextlib.contextmanager
def worker_warehouse(settings: Settings, worker: str, *, keep: bool = False) -> Iterator[Warehouse]:
    """Open a worker's own warehouse, a copy of the main one; it is deleted at the end unless `keep`.

    The main warehouse is locked only while it is copied. A file that a killed worker left under the same name
    is replaced. Raises Busy while another process uses this worker's name.
    """
    if not WORKER_NAME.fullmatch(worker):
        raise InputError(f"{worker!r} is not a worker name.", remedy="Use letters, digits, '_' and '-'.")
    settings.workers_dir.mkdir(parents=True, exist_ok=True)
    file = settings.workers_dir / f"{worker}.duckdb"
    with hold_lock(
        file.with_suffix(".lock"),
        f"worker {worker}",
        timeout_seconds=0,
        resource=f"database of worker {worker}",
        remedy="Wait for it to end, or stop it.",
    ):
        if not (keep and file.exists()):
            _remove(file)
            _seed(settings, file)
        warehouse = Warehouse(file, settings)
        try:
            yield warehouse
        finally:
            warehouse.close()
            if not keep:
                _remove(file)
                file.with_suffix(".lock").unlink(missing_ok=True)


def remove_dead_workers(
    settings: Settings, study: str | None = None, *, dry_run: bool = False, wait_seconds: float = 0.0
) -> tuple[Path, ...]:
    """Delete the files of workers that have ended, of one study or of all; return the deleted files.

    `wait_seconds` is the time to wait for a worker that is ending.
    """
    if not settings.workers_dir.is_dir():
        return ()
    removed: list[Path] = []
    for worker in sorted({file.name.split(".")[0] for file in settings.workers_dir.iterdir()}):
        if study is None or worker == worker_name(study) or worker.startswith(f"{worker_name(study)}-"):
            removed += _remove_dead(settings.workers_dir, worker, dry_run, wait_seconds)
    return tuple(removed)


def _remove_dead(folder: Path, worker: str, dry_run: bool, wait_seconds: float) -> list[Path]:
    file = folder / f"{worker}.lock"
    existed = file.exists()
    try:
        with hold_lock(file, "delete leftovers", timeout_seconds=wait_seconds, on_wait=None):
            found = sorted(folder.glob(f"{worker}.*"))
            for leftover in found if not dry_run else ():
                if leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink(missing_ok=True)
            if dry_run and not existed:
                file.unlink(missing_ok=True)
                found.remove(file)
            return found
    except Busy:
        return []


def _seed(settings: Settings, file: Path) -> None:
    """Copy the main warehouse, if there is one, under its lock."""
    with hold_lock(
        settings.warehouse_lock_file, f"copy for {file.stem}", timeout_seconds=settings.lock_timeout_seconds
    ):
        if settings.warehouse_file.exists():
            with replace_file(file, durable=False) as partial:  # a worker's database is only a copy
                shutil.copyfile(settings.warehouse_file, partial)
                wal = settings.warehouse_file.with_name(settings.warehouse_file.name + ".wal")
                if wal.exists():
                    shutil.copyfile(wal, file.with_name(file.name + ".wal"))


def _remove(file: Path) -> None:
    wal = file.with_name(file.name + ".wal")
    for leftover in (file, wal, *file.parent.glob(f"{file.name}.*{PARTIAL}")):
        leftover.unlink(missing_ok=True)
