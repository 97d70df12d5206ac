"""Worker warehouses: each worker plans its trials in a database of its own, begun as a copy."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from planwise.engine import lock
from planwise.engine.warehouse import Warehouse
from planwise.errors import InputError
from planwise.settings import Settings

WORKER_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


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
    with lock.hold(file.with_suffix(".lock"), f"worker {worker}", timeout_seconds=0):
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


def _seed(settings: Settings, file: Path) -> None:
    """Copy the main warehouse, if there is one, while nobody writes it."""
    with lock.hold(
        settings.warehouse_lock_file, f"copy for {file.stem}", timeout_seconds=settings.lock_timeout_seconds
    ):
        if settings.warehouse_file.exists():
            part = file.with_suffix(".part")
            shutil.copyfile(settings.warehouse_file, part)
            wal = settings.warehouse_file.with_name(settings.warehouse_file.name + ".wal")
            if wal.exists():
                shutil.copyfile(wal, file.with_name(file.name + ".wal"))
            os.replace(part, file)


def _remove(file: Path) -> None:
    for leftover in (file, file.with_name(file.name + ".wal"), file.with_suffix(".part")):
        leftover.unlink(missing_ok=True)
