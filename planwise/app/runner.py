"""Run the steps of a use-case: in this process, and recorded as a background job that can be cancelled."""

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar

from planwise.app.performance import run_measured
from planwise.console import progress
from planwise.errors import GateBlocked, InputError, PlanWiseError, expected_error
from planwise.governance import current_user
from planwise.governance.request import Request
from planwise.jobs import JobFailure, JobFolder, JobKind, JobWriter, State, new_job
from planwise.jobs.folder import CANCEL, ROUTE
from planwise.jobs.reader import remove_old_jobs
from planwise.masking import describe_error, masked_traceback
from planwise.monitoring import monitor_block
from planwise.processes import raise_if_stopped
from planwise.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

IN_PROCESS = "in process"


class Stopped(PlanWiseError):
    """The job was cancelled, and stopped between two steps."""

    exit_code = 130  # as after Ctrl-C


def require_not_stopped(run: "Runner", what: str) -> None:
    """Raise Stopped when cancellation was requested; `what` completes "Stopped before …"."""
    if run.stopped():
        raise Stopped(
            f"Stopped before {what}.", remedy="Nothing was published; the published result is unchanged."
        )


class Runner(Protocol):
    """Runs the steps of one use-case and reports progress."""

    @property
    def orchestrated(self) -> str:
        """How the steps run, in process or by Prefect; part of the result."""

    @property
    def flow_run(self) -> str | None:
        """The flow run's name, if there is one; other processes see it while they wait for the warehouse."""

    def __call__(self, step: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one step and return its result; its errors propagate."""

    def log(self, message: str) -> None:
        """Log a message."""

    def advance(self, key: str, share: float, message: str) -> None:
        """Report progress; `share` is from 0 to 1."""

    def table(self, key: str, rows: Sequence[dict[str, Any]], title: str) -> None:
        """Publish a table with the run."""

    def page(self, key: str, markdown: str, title: str) -> None:
        """Publish a Markdown page with the run."""

    def note(self, name: str, value: str) -> None:
        """Record a fact about the run, such as its study's name."""

    def alert(self, message: str, facts: Mapping[str, Any]) -> None:
        """Report that the run's performance is beyond a threshold."""

    def stopped(self) -> bool:
        """Whether cancellation was requested."""


def step_name(step: Callable[..., Any]) -> str:
    """Return what a step is called in jobs, tasks and measurements."""
    return step.__name__.replace("_", " ")


class InProcessRunner:
    """Calls steps directly; tables and pages are left to the caller."""

    orchestrated = IN_PROCESS
    flow_run = None

    def __init__(self, log: Callable[[str], None] | None = None) -> None:
        self._log = log

    def __call__(self, step: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the step, and measure it."""
        with monitor_block(step_name(step)):
            return step(*args, **kwargs)

    def log(self, message: str) -> None:
        """Write a line to stderr, or pass it to the caller's function."""
        if self._log:
            self._log(message)
        else:
            progress().print(message, markup=False, soft_wrap=True)

    def advance(self, key: str, share: float, message: str) -> None:
        """Write a line with the percentage."""
        self.log(f"{share:4.0%}  {message}")

    def table(self, key: str, rows: Sequence[dict[str, Any]], title: str) -> None:
        """Do nothing: the command prints the tables it wants."""

    def page(self, key: str, markdown: str, title: str) -> None:
        """Do nothing: the command prints what it wants."""

    def note(self, name: str, value: str) -> None:
        """Do nothing: the result has it."""

    def alert(self, message: str, facts: Mapping[str, Any]) -> None:
        """Log the message."""
        self.log(message)

    def stopped(self) -> bool:
        """Return False: the process itself is stopped, by Ctrl-C."""
        return False


class JobRecordingRunner:
    """Runs steps through another runner, and records them in the job's folder."""

    def __init__(self, inner: Runner, writer: JobWriter) -> None:
        self._inner = inner
        self._writer = writer

    @property
    def orchestrated(self) -> str:
        """The inner runner's value."""
        return self._inner.orchestrated

    @property
    def flow_run(self) -> str | None:
        """The inner runner's value."""
        return self._inner.flow_run

    def __call__(self, step: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run and record a step; its errors propagate."""
        name = step_name(step)
        self._writer.step(name, "running")
        started = time.perf_counter()
        try:
            result = self._inner(step, *args, **kwargs)
        except BaseException:
            self._writer.step(name, "failed", time.perf_counter() - started)
            raise
        self._writer.step(name, "done", time.perf_counter() - started)
        return result

    def log(self, message: str) -> None:
        """Record a message, and pass it on."""
        self._writer.log(message)
        self._inner.log(message)

    def advance(self, key: str, share: float, message: str) -> None:
        """Record the progress, and pass it on."""
        self._writer.progress(share, message)
        self._inner.advance(key, share, message)

    def table(self, key: str, rows: Sequence[dict[str, Any]], title: str) -> None:
        """Record a table, and pass it on."""
        self._writer.table(key, rows, title)
        self._inner.table(key, rows, title)

    def page(self, key: str, markdown: str, title: str) -> None:
        """Pass a page on; the dashboard has pages of its own."""
        self._inner.page(key, markdown, title)

    def note(self, name: str, value: str) -> None:
        """Record a fact, and pass it on."""
        self._writer.note(name, value)
        self._inner.note(name, value)

    def alert(self, message: str, facts: Mapping[str, Any]) -> None:
        """Record an alert, and pass it on."""
        self._writer.log(message)
        self._inner.alert(message, facts)

    def stopped(self) -> bool:
        """Whether cancellation was requested, in the dashboard or elsewhere."""
        return self._writer.folder.cancel_requested or self._inner.stopped()


def record_job(
    writer: JobWriter,
    inner: Runner,
    job: Callable[[Runner], R],
    *,
    has_turn: Callable[[], bool] = lambda: True,
) -> R:
    """Lock a job, wait in the queue, run it and write its outcome; return its result or raise its error.

    A job that returns after a cancellation request has finished or kept a part; the result says which.
    Raises Stopped when it was cancelled before it started.
    """
    with writer.lock():
        try:
            if not has_turn():
                raise Stopped("Cancelled before it started.")
            writer.started()
            result = job(JobRecordingRunner(inner, writer))
        except Stopped as stopped:
            writer.log(stopped.what)
            writer.end(State.CANCELLED)
            raise
        except GateBlocked as blocked:
            writer.end(State.FAILED, result=_gate_report(blocked), error=_failure(writer.folder, blocked))
            raise
        except Exception as error:
            if writer.folder.cancel_requested:  # a library raised because it was interrupted
                interrupted = Stopped(
                    "Stopped in the middle of a step.", remedy="Nothing more was published."
                )
                writer.log(" ".join(str(interrupted).split()))
                writer.end(State.CANCELLED)
                raise interrupted from error
            writer.end(State.FAILED, error=_failure(writer.folder, error))
            raise
        except BaseException:  # a signal ended the job
            writer.end(State.CANCELLED)
            raise
        as_json = result.as_json()  # type: ignore[attr-defined]
        cut_short = as_json.get("stopped") == "cancelled" or as_json.get("complete") is False
        writer.end(State.CANCELLED if cut_short else State.DONE, result=as_json)
        return result


def _gate_report(blocked: GateBlocked) -> Mapping[str, Any] | None:
    report = getattr(blocked, "report", None)
    return None if report is None else report.as_json()


def _failure(folder: JobFolder, error: Exception) -> JobFailure:
    if (known := expected_error(error)) is not None:
        return JobFailure(known.what, known.remedy or "", type(known).__name__)
    with contextlib.suppress(OSError), folder.log.open("a", encoding="utf-8") as log:
        log.write(masked_traceback(error))
    return JobFailure(
        f"Internal error: {describe_error(error)}",
        f"The traceback is in {folder.log}; please report it.",
        type(error).__name__,
    )


POLL_SECONDS = 0.25
# Time for the current step to end by itself; a study and a sweep also write their results then.
GRACE_SECONDS = {
    **dict.fromkeys(JobKind, 0.5),
    JobKind.SIMULATE: 1.5,
    JobKind.OPTIMIZE: 5.5,
    JobKind.SWEEP: 5.5,
    JobKind.RELEASE: 5.5,
    JobKind.ROLLBACK: 5.5,
}
HARD_SECONDS = 3.0  # code inside a library does not react to signals
FINISHING = frozenset(
    {"publish result", "record run", "put in use", "use census", "commit", "publish"}
)  # published: to be recorded


def wait_for_cancellation(writer: JobWriter, over: threading.Event) -> bool:
    """Wait for a cancellation request; return False when the job ends first."""
    while not writer.folder.cancel_requested:
        if over.wait(POLL_SECONDS):
            return False
    return True


def grace_period(writer: JobWriter, kind: JobKind, over: threading.Event) -> float | None:
    """Wait for the current step; return the final deadline (monotonic), None when the job has ended."""
    if over.wait(GRACE_SECONDS[kind]):
        return None
    hard_at = time.monotonic() + HARD_SECONDS
    while writer.last_step in FINISHING and time.monotonic() < hard_at:
        if over.wait(POLL_SECONDS):
            return None
    return hard_at


COMMAND, FLOW = "command", "flow"
HOW: Mapping[str, str] = {
    COMMAND: "a command on this machine (process {process})",
    FLOW: "the Prefect flow run {flow_run}",
}


def run_as_job(
    settings: Settings,
    kind: JobKind,
    request: Request,
    job: Callable[[Settings, Any, Runner], Any],
    inner: Runner,
) -> Any:
    """Run a use-case in this process and record it as a job; return its result or raise its error.

    A cancellation request takes effect between steps. After the grace period the step is interrupted as by
    Ctrl-C; the process is never killed, because a person may be using its terminal.
    """
    remove_old_jobs(settings)
    stored = request.model_dump(mode="json", exclude_defaults=True)
    if "scenario" in type(request).model_fields:
        stored["scenario"] = request.scenario  # type: ignore[attr-defined]
    folder = new_job(settings, kind, stored, title=title_of(kind, stored), started_by=current_user())
    by = COMMAND if inner.flow_run is None else FLOW
    folder.write(ROUTE, {"by": by, "how": HOW[by].format(process=os.getpid(), flow_run=inner.flow_run)})
    writer = JobWriter(folder)

    def work(run: Runner) -> Any:
        try:
            return run_measured(settings, kind, request, job, run)
        except Exception:
            raise_if_stopped()  # DuckDB reports Ctrl-C as an error of the query
            raise

    try:
        with _cancellation_watch(writer, kind, inner):
            return record_job(writer, inner, work)
    except InputError:
        if by == COMMAND:  # a wrong option is reported to the user, not recorded as a failed run
            shutil.rmtree(folder.path, ignore_errors=True)
        raise


def title_of(kind: JobKind, request: Mapping[str, Any]) -> str:
    """Return the dashboard's title for a job that was started elsewhere."""
    if kind is JobKind.SWEEP:
        return f"Sweep {', '.join(request.get('scenarios') or ()) or 'all scenarios'}"
    if request.get("resume"):
        return f"Resume study {request['resume']}"
    match kind:
        case JobKind.RELEASE:
            return f"Release proposal {request['proposal']}"
        case JobKind.ROLLBACK:
            return f"Roll back to {request['checkpoint']}"
        case JobKind.MONITOR:
            return "Compare actuals with the plan"
        case JobKind.ROLLOUT:
            return f"Rehearse the rollout of {request['scenario']}"
    return f"{'Study of' if kind is JobKind.OPTIMIZE else 'Simulate'} {request['scenario']}"


@contextlib.contextmanager
def _cancellation_watch(writer: JobWriter, kind: JobKind, inner: Runner) -> Iterator[None]:
    """Watch for a cancellation request while the block runs, and log who made it."""
    over = threading.Event()

    def listen() -> None:
        if not wait_for_cancellation(writer, over):
            return
        who = (writer.folder.read(CANCEL) or {}).get("by", "Another user")
        writer.log(f"{who} requested cancellation.")
        if inner.flow_run is None:
            inner.log(f"{who} requested cancellation in the dashboard.")
            if grace_period(writer, kind, over) is not None:
                os.kill(os.getpid(), _interrupt_signal())

    listener = threading.Thread(target=listen, name="stop watch", daemon=True)
    listener.start()
    try:
        yield
    finally:
        over.set()
        listener.join()


def _interrupt_signal() -> signal.Signals:
    """Return Ctrl-C's signal, or SIGTERM where the process ignores that, as background processes do."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return signal.SIGTERM if ignored else signal.SIGINT
