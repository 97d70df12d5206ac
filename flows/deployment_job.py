"""Run a flow as a job: in the folder of the dashboard's job that started it, or in a new one."""

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
    """The dashboard that started the run uses another home than this worker."""


def run_deployment_job(job: Callable[[Settings, Any, Runner], Any], request: Any, kind: JobKind) -> Any:
    """Run a flow's use-case; a stopped one ends as cancelled.

    Raises DifferentHome, before anything is computed, when the job's folder is not in this home: the
    dashboard would not see results published here.
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
    """Return the job folder of a flow run; None when it was not started in a dashboard."""
    found = [tag.removeprefix(JOB_TAG) for tag in tags if tag.startswith(JOB_TAG)]
    if not found:
        return None
    folder = JobFolder(settings.jobs_dir / found[0])
    if "/" in found[0] or not folder.path.is_dir():
        raise DifferentHome(
            f"The dashboard that started this run has another home than this worker, {settings.root}: "
            f"its job {found[0]} is not in it. Nothing was run.",
            remedy="Start the worker with the dashboard's PLANWISE_HOME, or run without Prefect.",
        )
    return folder
