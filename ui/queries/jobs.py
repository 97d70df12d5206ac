"""Read the jobs from their folders, and past simulations from the ledger."""

from collections.abc import Hashable
from pathlib import Path

from sqlalchemy import make_url

from planwise.governance import Ledger, open_ledger
from planwise.governance.ledger import SimulationRun
from planwise.jobs import Job, JobReader
from planwise.settings import Settings
from planwise.storage import is_locked, read_lock_holder
from ui.values.results import PastRun


class JobsReader:
    """Reads the jobs and past runs of one home; shared by all sessions."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._jobs = JobReader(settings)
        self._ledger: Ledger | None = None

    def list(self) -> tuple[Job, ...]:
        """Return every job, the newest first."""
        return self._jobs.list()

    def get(self, job: str) -> Job:
        """Return a job; raises InputError when there is none of that id."""
        return self._jobs.get(job)

    def version(self) -> Hashable:
        """Return a value that changes when a job begins or ends."""
        return self._jobs.version()

    def holder(self) -> str | None:
        """Return in words which process holds the warehouse's lock; None when it is free."""
        file = self._settings.warehouse_lock_file
        return read_lock_holder(file) if is_locked(file) else None

    def past(self, limit: int) -> tuple[PastRun, ...]:
        """Return the newest simulations of the ledger of all users; raises LedgerUnusable, Busy."""
        ledger = self._open()
        if ledger is None:
            return ()
        by = {
            str(job.result["fingerprint"]) + job.scenario: job.started_by
            for job in reversed(self._jobs.list())
            if job.result and "fingerprint" in job.result
        }
        return tuple(_past(run, by) for run in ledger.runs.list(limit=limit))

    def _open(self) -> Ledger | None:
        """Open the ledger; None without one, which is not created."""
        if self._ledger is None:
            url = make_url(self._settings.ledger)
            if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
                return None
            self._ledger = open_ledger(self._settings)
        return self._ledger


def _past(run: SimulationRun, by: dict[str, str]) -> PastRun:
    last = run.kpis[-1] if run.kpis else {}
    return PastRun(
        scenario=run.scenario,
        started_at=run.started_at,
        seconds=run.seconds,
        models_run=run.models_run,
        models_reused=run.models_reused,
        gate=run.gate_status,
        published=run.published,
        by=by.get(run.fingerprint + run.scenario, ""),
        growth=last.get("growth_compound"),
        payroll=last.get("payroll"),
    )
