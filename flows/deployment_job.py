"""A flow run writes into a job's folder how it goes: that of the dashboard which asked for it, or its own."""

from collections.abc import Callable, Sequence
from typing import Any

from prefect.runtime import flow_run
from prefect.states import Cancelled

from flows.tasks import PrefectRunner
from planwise.app.job_recording import record_job, run_as_job
from planwise.app.runner import Runner, Stopped
from planwise.console import settings_for
from planwise.errors import InputError
from planwise.jobs import JobFolder, JobKind, JobWriter
from planwise.settings import Settings

JOB_TAG = "planwise-job:"


class DifferentHome(InputError):
    """The dashboard that asked for the run looks at another home than this worker's."""


def run_deployment_job(job: Callable[[Settings, Any, Runner], Any], request: Any, kind: JobKind) -> Any:
    """Carry out a flow's job; one that was stopped ends as cancelled.

    Raises OtherHome, before anything is computed, when the job's folder is not in this home: what is
    published here would not be seen there.
    """
    settings = settings_for()
    try:
        folder = folder_of_run(settings, flow_run.tags or ())
        if folder is None:
            return run_as_job(settings, kind, request, job, PrefectRunner())
        return record_job(JobWriter(folder), PrefectRunner(), lambda run: job(settings, request, run))
    except Stopped as stopped:
        return Cancelled(message=stopped.what)


def folder_of_run(settings: Settings, tags: Sequence[str]) -> JobFolder | None:
    """Return the folder of the job that a flow run is; None when no dashboard asked for it."""
    found = [tag.removeprefix(JOB_TAG) for tag in tags if tag.startswith(JOB_TAG)]
    if not found:
        return None
    folder = JobFolder(settings.jobs_dir / found[0])
    if "/" in found[0] or not folder.path.is_dir():
        raise DifferentHome(
            f"The dashboard that asked for this run has another home than this worker, {settings.root}: "
            f"its job {found[0]} is not in it. Nothing was run.",
            remedy="Start the worker with the dashboard's PLANWISE_HOME, or run without Prefect.",
        )
    return folder
