"""Steps as Prefect tasks, and a flow run as a job of the dashboard."""

import errno
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

from prefect import get_run_logger, task
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect.events import emit_event
from prefect.runtime import flow_run
from prefect.states import Cancelled
from prefect.tasks import Task, exponential_backoff

from flows.outcomes import announce, announce_failure, completed, failed, links
from planwise.app.performance import run_measured
from planwise.app.runner import Runner, Stopped, record_job, run_as_job, step_name
from planwise.console import settings_for
from planwise.errors import Busy, InputError, PlanWiseError, UnexpectedError
from planwise.governance.roles import acting_as
from planwise.jobs import JobFolder, JobKind, JobWriter
from planwise.jobs.folder import REQUEST
from planwise.masking import describe_error, masked_traceback
from planwise.monitoring import describe_run, monitor_block
from planwise.processes import keep_private
from planwise.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

PREFECT = "prefect"
PERFORMANCE_ALERT = "planwise.performance.alert"
RETRIES = 3
BACKOFF_SECONDS = 2  # 2, 4, 8: a backup or a virus scanner finishes within that
POLL_SECONDS = 2.0  # reading the run's state takes a tenth of a second
# Errors that a retry cannot fix: a full disk, a folder that is missing or not writable.
LASTING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT})


def is_passing_fault(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether a retry may succeed: a lock that is held, or a temporary disk error."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, Busy) or (isinstance(error, OSError) and error.errno not in LASTING)


@contextmanager
def masked_errors() -> Iterator[None]:
    """Raise unexpected errors without the values that they quote: Prefect logs and stores what is raised."""
    try:
        yield
    except (PlanWiseError, OSError):
        raise
    except Exception as error:
        get_run_logger().error(masked_traceback(error))
        raise UnexpectedError(describe_error(error)) from None


class PrefectRunner:
    """Runs every step as a task of the flow run; tables and progress become artifacts."""

    orchestrated = PREFECT

    def __init__(self) -> None:
        keep_private()  # the process is Prefect's
        self.flow_run = str(flow_run.name)
        self._id = UUID(str(flow_run.id))
        self._tags = set(flow_run.tags or ())
        self.subject = ""
        self._progress: dict[str, UUID] = {}
        self._polled = monotonic()
        self._stopped = False

    def __call__(self, step: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the step as a task named after it; its run is also named after the scenario."""
        name = step_name(step)

        @functools.wraps(step)
        def masked(*args: P.args, **kwargs: P.kwargs) -> R:
            with masked_errors():
                return step(*args, **kwargs)

        as_task: Callable[[Callable[P, R]], Task[P, R]] = task(
            name=name,
            task_run_name=f"{name} {self.subject}".rstrip(),
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=RETRIES,
            retry_delay_seconds=exponential_backoff(BACKOFF_SECONDS),
            retry_condition_fn=is_passing_fault,
        )
        with monitor_block(step_name(step)):  # the task's retries included
            return as_task(masked)(*args, **kwargs)

    def log(self, message: str) -> None:
        """Write to the run's log."""
        get_run_logger().info(message)

    def advance(self, key: str, share: float, message: str) -> None:
        """Create or update the progress artifact, and log it."""
        percent = round(100 * share, 1)
        self.log(f"{share:4.0%}  {message}")
        if key not in self._progress:
            self._progress[key] = cast(UUID, create_progress_artifact(percent, key=key, description=message))
        else:
            update_progress_artifact(self._progress[key], percent, description=message)

    def table(self, key: str, rows: Sequence[dict[str, Any]], title: str) -> None:
        """Create a table artifact."""
        create_table_artifact([dict(row) for row in rows], key=key, description=title)

    def page(self, key: str, markdown: str, title: str) -> None:
        """Create a Markdown artifact."""
        create_markdown_artifact(markdown, key=key, description=title)

    def note(self, name: str, value: str) -> None:
        """Tag the flow run, so that it is found by its scenario, census or study."""
        if name == "scenario":
            self.subject = value
        tag = f"{name}:{value}"
        if tag not in self._tags:
            self._tags.add(tag)
            with get_client(sync_client=True) as client:
                client.update_flow_run(self._id, tags=sorted(self._tags))

    def finish(self, settings: Settings, report: Any) -> None:
        """Set every progress artifact to 100 %, and link to where the result is."""
        for progress in self._progress.values():
            update_progress_artifact(progress, 100.0, description="Done")
        for key, link, text in links(settings, report):
            create_link_artifact(link, text, key=key, description=text)

    def alert(self, message: str, facts: Mapping[str, Any]) -> None:
        """Log the message and emit an event."""
        get_run_logger().warning(message)
        emit_event(
            PERFORMANCE_ALERT, {"prefect.resource.id": f"prefect.flow-run.{self._id}"}, payload=dict(facts)
        )

    def stopped(self) -> bool:
        """Whether the run was cancelled; the state is polled, because a plain process gets no signal."""
        if not self._stopped and monotonic() - self._polled >= POLL_SECONDS:
            with get_client(sync_client=True) as client:
                state = client.read_flow_run(self._id).state
            self._stopped = state is not None and (state.is_cancelling() or state.is_cancelled())
            self._polled = monotonic()
        return self._stopped


JOB_TAG = "planwise-job:"


class DifferentHome(InputError):
    """The dashboard that started the run uses another home than this worker."""


def run_deployment_job(
    job: Callable[[Settings, Any, Runner], Any], request: Any, kind: JobKind | None = None
) -> State[Any]:
    """Run a flow's use-case and return the state that it ends in; without a kind it is not recorded as a job.

    A cancelled one ends as Cancelled, one with an expected error as Failed with the error's message. Before
    anything is computed it fails with DifferentHome when the job's folder is not in this home: the dashboard
    would not see results published here.
    """
    settings, runner = settings_for(), PrefectRunner()
    try:
        with masked_errors():
            report = _run(settings, runner, job, request, kind)
    except Stopped as stopped:
        return Cancelled(message=stopped.what)
    except PlanWiseError as error:
        announce_failure(error, runner.subject)
        return failed(error)
    runner.finish(settings, report)
    announce(report)
    return completed(report)


def _run(
    settings: Settings,
    runner: PrefectRunner,
    work: Callable[[Settings, Any, Runner], Any],
    request: Any,
    kind: JobKind | None,
) -> Any:
    def job(settings: Settings, request: Any, run: Runner) -> Any:
        describe_run(flow_run=str(flow_run.id))  # the dashboard links to its page
        return work(settings, request, run)

    folder = folder_of_run(settings, flow_run.tags or ())
    if folder is not None:
        started = folder.read(REQUEST) or {}
        with acting_as(str(started.get("started_by")), started.get("role")):

            def measured(run: Runner) -> Any:
                return run_measured(settings, str(kind), request, job, run)

            return record_job(JobWriter(folder), runner, measured)
    if kind is None:
        return run_measured(settings, str(flow_run.flow_name), request, job, runner)
    return run_as_job(settings, kind, request, job, runner)


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
