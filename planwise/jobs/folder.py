"""A job's folder `jobs/<id>/`: request, events, outcome, cancellation request and lock."""

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from planwise import storage
from planwise.errors import InputError, machine_errors
from planwise.jobs.job import JobKind
from planwise.settings import Settings

REQUEST, ROUTE, EVENTS, OUTCOME = "request.json", "route.json", "events.jsonl", "outcome.json"
CANCEL, LOCK, LOG = "cancel.json", "lock", "worker.log"
ID = re.compile(r"\d{8}T\d{9}-[a-z]+-[0-9a-f]{6}")


@dataclass(frozen=True)
class JobFolder:
    """The files of one job. JSON files are replaced atomically."""

    path: Path

    @property
    def id(self) -> str:
        """The job's id; ids sort in the order in which jobs were requested."""
        return self.path.name

    @property
    def kind(self) -> JobKind:
        """The kind of job, which is in its id."""
        return JobKind(self.id.split("-")[1])

    @property
    def lock(self) -> Path:
        """The file that the working process locks."""
        return self.path / LOCK

    @property
    def log(self) -> Path:
        """The process's other output."""
        return self.path / LOG

    def read(self, name: str) -> dict[str, Any] | None:
        """Return one of the JSON files; None when it is missing or damaged."""
        try:
            found = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace one of the JSON files; raises MachineError when it cannot be written."""
        with machine_errors():
            storage.write_json(self.path / name, content, allow_nan=False)

    def request_cancel(self, who: str) -> None:
        """Write a cancellation request."""
        self.write(CANCEL, {"by": who, "at": datetime.now(UTC).isoformat()})

    @property
    def cancel_requested(self) -> bool:
        """Whether cancellation was requested."""
        return (self.path / CANCEL).exists()

    @property
    def has_ended(self) -> bool:
        """Whether the outcome is written."""
        return (self.path / OUTCOME).exists()

    @property
    def is_locked(self) -> bool:
        """Whether a living process holds the job's lock."""
        return storage.is_locked(self.lock)


def new_job(
    settings: Settings,
    kind: JobKind,
    request: Mapping[str, Any],
    *,
    title: str,
    started_by: str,
    role: str | None = None,
    now: datetime | None = None,
) -> JobFolder:
    """Create a job's folder without starting the job; raises MachineError when it cannot be written."""
    at = now or datetime.now(UTC)
    stamp = f"{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03d}"
    folder = JobFolder(settings.jobs_dir / f"{stamp}-{kind}-{secrets.token_hex(3)}")
    with machine_errors():
        folder.path.mkdir(parents=True)
    folder.write(
        REQUEST,
        {
            "kind": kind,
            "title": title,
            "request": dict(request),
            "started_by": started_by,
            "role": role,  # of a sign-in; else the ledger has it
            "started_at": at.isoformat(),
        },
    )
    return folder


def folder_of(settings: Settings, job: str) -> JobFolder:
    """Return the folder of a job; raises InputError for an unknown id."""
    folder = JobFolder(settings.jobs_dir / job)
    if not ID.fullmatch(job) or not folder.path.is_dir():
        raise InputError(
            f"There is no job {job[:80]!r}.", remedy="Old jobs are removed; their results are published."
        )
    return folder


def job_folders(settings: Settings) -> list[JobFolder]:
    """Return the folders of all jobs, newest first."""
    try:
        names = [entry.name for entry in os.scandir(settings.jobs_dir)]
    except FileNotFoundError:
        return []
    return [JobFolder(settings.jobs_dir / name) for name in sorted(names, reverse=True) if _is_job(name)]


def _is_job(name: str) -> bool:
    return ID.fullmatch(name) is not None and name.split("-")[1] in set(JobKind)
