"""Old jobs go: the files of those that have ended, beyond so many."""

import shutil
import time
from pathlib import Path

from planwise.jobs.folder import JobFolder, job_folders
from planwise.jobs.job import ENDED, Kind
from planwise.jobs.reading import JobReader
from planwise.settings import Settings

DAMAGED_AFTER_SECONDS = 3600.0  # a folder that is being made has no request yet


def remove_old_jobs(settings: Settings, *, dry_run: bool = False) -> tuple[Path, ...]:
    """Remove the oldest ended jobs, so that `jobs_kept` are left; return their folders.

    Plans are looked at once: half of what is kept is theirs at most. A job that works is never touched.
    """
    if len(job_folders(settings)) <= settings.jobs_kept // 2:
        return ()
    jobs = JobReader(settings).list()
    ended = [job for job in jobs if job.state in ENDED]
    plans = {job.id for job in [job for job in ended if job.kind is Kind.PLAN][settings.jobs_kept // 2 :]}
    others = [job.id for job in ended if job.id not in plans]
    gone = {*plans, *others[settings.jobs_kept :]}
    readable = {job.id for job in jobs}
    folders = [
        folder.path
        for folder in job_folders(settings)
        if folder.id in gone or (folder.id not in readable and _is_old(folder))
    ]
    if not dry_run:
        for path in folders:
            shutil.rmtree(path, ignore_errors=True)
    return tuple(folders)


def _is_old(folder: JobFolder) -> bool:
    try:
        return not folder.is_held and time.time() - folder.path.stat().st_mtime > DAMAGED_AFTER_SECONDS
    except FileNotFoundError:
        return False
