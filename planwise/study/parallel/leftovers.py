"""Databases of workers that are gone: named after their study, removed when nobody holds them."""

import hashlib
import shutil
from pathlib import Path

from planwise.engine import lock
from planwise.errors import Busy
from planwise.settings import Settings

NAME_LENGTH = 48  # of the 64 that a worker's name may have, so that an index fits behind
DIGEST_LENGTH = 16


def worker_name(study: str, index: int | None = None) -> str:
    """Return the name of a study's own worker, or of one of its pool's; no two studies share one."""
    name = f"study_{study}"
    if len(name) > NAME_LENGTH:
        digest = hashlib.sha256(study.encode()).hexdigest()[:DIGEST_LENGTH]
        name = f"{name[: NAME_LENGTH - DIGEST_LENGTH - 1]}_{digest}"
    return name if index is None else f"{name}-{index}"


def remove_dead_workers(
    settings: Settings, study: str | None = None, *, dry_run: bool = False, patience_seconds: float = 0.0
) -> tuple[Path, ...]:
    """Remove the files of workers whose lock nobody holds, of one study or of all; return what they were.

    `patience_seconds` is how long to wait for a worker that is just ending.
    """
    if not settings.workers_dir.is_dir():
        return ()
    removed: list[Path] = []
    for worker in sorted({file.name.split(".")[0] for file in settings.workers_dir.iterdir()}):
        if study is None or worker == worker_name(study) or worker.startswith(f"{worker_name(study)}-"):
            removed += _remove(settings.workers_dir, worker, dry_run, patience_seconds)
    return tuple(removed)


def _remove(folder: Path, worker: str, dry_run: bool, patience_seconds: float) -> list[Path]:
    file = folder / f"{worker}.lock"
    was_there = file.exists()
    try:
        with lock.hold(file, "remove what is left", timeout_seconds=patience_seconds, on_wait=_silently):
            found = sorted(folder.glob(f"{worker}.*"))
            for leftover in found if not dry_run else ():
                if leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink(missing_ok=True)
            if dry_run and not was_there:
                file.unlink(missing_ok=True)
                found.remove(file)
            return found
    except Busy:
        return []


def _silently(message: str) -> None:
    return None
