"""Read jobs back from their folders."""

import shutil
import time
from collections.abc import Hashable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from cachetools import LRUCache

from planwise.errors import InputError
from planwise.jobs.folder import CANCEL, EVENTS, OUTCOME, REQUEST, ROUTE, JobFolder, folder_of, job_folders
from planwise.jobs.job import ENDED, Job, JobFailure, JobKind, JobProgress, State, share_of
from planwise.settings import Settings

START_TIMEOUT = timedelta(seconds=60)  # a busy machine takes long to start a program
PREFECT = "prefect"
CACHED = 256  # jobs in memory: some ten kilobytes each
GONE = JobFailure(
    "The job's process has ended without a result: it was killed, or the machine stopped.",
    "The published result is unchanged. Start the job again; a study resumes where it stopped.",
    "Interrupted",
)


class JobReader:
    """Reads the jobs of one home: ended jobs once, of running jobs only new events."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ended: LRUCache[str, Job] = LRUCache(CACHED)
        self._progress: LRUCache[str, JobProgress] = LRUCache(CACHED)
        self._alone = Lock()

    def list(self) -> tuple[Job, ...]:
        """Return every job, newest first; jobs with damaged files are left out."""
        found = (self._read(folder) for folder in job_folders(self._settings))
        return tuple(job for job in found if job is not None)

    def get(self, job: str) -> Job:
        """Return a job; raises InputError for an unknown id or damaged files."""
        found = self._read(folder_of(self._settings, job))
        if found is None:
            raise InputError(
                f"The job {job!r} cannot be read.", remedy="Its files are damaged; start the job again."
            )
        return found

    def version(self) -> Hashable:
        """Return a value that changes when a job starts, ends or loses its lock; costs a few `stat` calls."""
        return tuple(
            folder.id if folder.id in self._ended else (folder.id, folder.has_ended, folder.is_locked)
            for folder in job_folders(self._settings)
        )

    def _read(self, folder: JobFolder) -> Job | None:
        with self._alone:
            if (known := self._ended.get(folder.id)) is not None:
                return known
            ended = folder.has_ended  # before the job is read: what is read while it ends is read again
            job = self._build(folder)
            if job is not None and ended:
                self._ended[folder.id] = job
                self._progress.pop(folder.id, None)
            return job

    def _build(self, folder: JobFolder) -> Job | None:
        request = folder.read(REQUEST)
        if request is None:
            return None
        locked = folder.is_locked  # before the outcome is read: a process writes it before it unlocks
        route, outcome = folder.read(ROUTE) or {}, folder.read(OUTCOME)
        progress = self._progress.get(folder.id) or JobProgress()
        self._progress[folder.id] = progress
        _read_new_events(folder, progress)
        try:
            return _job(folder, request, route, outcome, progress, locked)
        except (KeyError, TypeError, ValueError):
            return None


def _read_new_events(folder: JobFolder, progress: JobProgress) -> None:
    """Add the complete lines that were written since the last call."""
    try:
        with (folder.path / EVENTS).open("rb") as file:
            file.seek(progress.offset)
            new = file.read()
    except FileNotFoundError:
        return
    whole = new[: new.rfind(b"\n") + 1]
    progress.add(whole.splitlines())
    progress.offset += len(whole)


def _job(
    folder: JobFolder,
    request: Mapping[str, Any],
    route: Mapping[str, Any],
    outcome: Mapping[str, Any] | None,
    progress: JobProgress,
    locked: bool,
) -> Job:
    kind = JobKind(request["kind"])
    started_at = datetime.fromisoformat(request["started_at"])
    cancelling = folder.cancel_requested
    state, error = _state(folder, route, outcome, progress, locked, started_at)
    ended_at = _ended_at(folder, outcome) if state in ENDED else None
    share = 1.0 if state is State.DONE else share_of(kind, progress)
    return Job(
        id=folder.id,
        kind=kind,
        title=str(request["title"]),
        scenario=str(request["request"].get("scenario") or ""),
        started_by=str(request["started_by"]),
        started_at=started_at,
        request=request["request"],
        state=state,
        ended_at=ended_at,
        share=share,
        message=_message(state, progress, route),
        lines=tuple(progress.lines),
        steps=tuple(progress.steps.values()),
        tables=dict(progress.tables),
        how=str(route.get("how", "")),
        why=str(route.get("why", "")),
        link=route.get("link"),
        result=None if outcome is None else outcome.get("result"),
        error=error,
        study=progress.notes.get("study"),
        cancelling=cancelling and state not in ENDED,
        cancelled_by=str((folder.read(CANCEL) or {}).get("by", "")) if cancelling else "",
    )


def _state(
    folder: JobFolder,
    route: Mapping[str, Any],
    outcome: Mapping[str, Any] | None,
    progress: JobProgress,
    locked: bool,
    started_at: datetime,
) -> tuple[State, JobFailure | None]:
    if outcome is not None:
        error = outcome.get("error")
        return State(outcome["state"]), None if error is None else JobFailure(**error)
    if locked:
        return (State.RUNNING if progress.began else State.WAITING), None
    if route.get("by") == PREFECT and not folder.lock.exists():
        return State.WAITING, None  # the process that follows the flow run writes the outcome
    if not folder.lock.exists() and datetime.now(UTC) - started_at < START_TIMEOUT:
        return State.WAITING, None
    if folder.cancel_requested:
        return State.CANCELLED, None
    return State.INTERRUPTED, GONE


def _message(state: State, progress: JobProgress, route: Mapping[str, Any]) -> str:
    if state is State.WAITING and not progress.message:
        return str(route.get("message") or "Starting…")
    return progress.message


def _ended_at(folder: JobFolder, outcome: Mapping[str, Any] | None) -> datetime:
    if outcome is not None:
        return datetime.fromisoformat(outcome["ended_at"])
    last = max(
        (file.stat().st_mtime for name in (EVENTS, CANCEL, REQUEST) if (file := folder.path / name).exists()),
        default=0.0,
    )
    return datetime.fromtimestamp(last, UTC)


DAMAGED_AFTER_SECONDS = 3600.0  # a folder that is being created has no request yet


def remove_old_jobs(settings: Settings, *, dry_run: bool = False) -> tuple[Path, ...]:
    """Remove the oldest ended jobs beyond `jobs_kept`; return their folders.

    Brief ones may be at most half of the jobs kept. Running jobs are never removed.
    """
    if len(job_folders(settings)) <= settings.jobs_kept // 2:
        return ()
    jobs = JobReader(settings).list()
    ended = [job for job in jobs if job.state in ENDED]
    brief = {job.id for job in [job for job in ended if job.kind.is_brief][settings.jobs_kept // 2 :]}
    others = [job.id for job in ended if job.id not in brief]
    removed = {*brief, *others[settings.jobs_kept :]}
    readable = {job.id for job in jobs}
    folders = [
        folder.path
        for folder in job_folders(settings)
        if folder.id in removed or (folder.id not in readable and _is_old(folder))
    ]
    if not dry_run:
        for path in folders:
            shutil.rmtree(path, ignore_errors=True)
    return tuple(folders)


def _is_old(folder: JobFolder) -> bool:
    try:
        return not folder.is_locked and time.time() - folder.path.stat().st_mtime > DAMAGED_AFTER_SECONDS
    except FileNotFoundError:
        return False
