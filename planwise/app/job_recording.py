"""Record a run as a background job: steps, progress, outcome and cancellation."""

import contextlib
import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from planwise.app.runner import Runner, Stopped
from planwise.errors import GateBlocked, InputError, PlanWiseError
from planwise.governance.ledger import os_user
from planwise.governance.request import Request
from planwise.jobs import JobFailure, JobFolder, JobKind, JobWriter, State, new_job
from planwise.jobs.folder import CANCEL, ROUTE
from planwise.jobs.reader import remove_old_jobs
from planwise.processes import raise_if_stopped
from planwise.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")


class JobRecordingRunner:
    """Carries out steps as another runner does, and writes down how it goes."""

    def __init__(self, inner: Runner, writer: JobWriter) -> None:
        self._inner = inner
        self._writer = writer

    @property
    def orchestrated(self) -> str:
        """As the other runner says."""
        return self._inner.orchestrated

    @property
    def flow_run(self) -> str | None:
        """As the other runner says."""
        return self._inner.flow_run

    def __call__(self, step: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Carry out a step; what it raises is raised."""
        name = step.__name__.replace("_", " ")
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
        """Keep a remark, and pass it on."""
        self._writer.log(message)
        self._inner.log(message)

    def advance(self, key: str, share: float, message: str) -> None:
        """Keep how far it is, and pass it on."""
        self._writer.progress(share, message)
        self._inner.advance(key, share, message)

    def table(self, key: str, rows: Sequence[dict[str, Any]], title: str) -> None:
        """Keep a table, and pass it on."""
        self._writer.table(key, rows, title)
        self._inner.table(key, rows, title)

    def page(self, key: str, markdown: str, title: str) -> None:
        """Pass a page on: the dashboard has pages of its own."""
        self._inner.page(key, markdown, title)

    def note(self, name: str, value: str) -> None:
        """Keep a fact, and pass it on."""
        self._writer.note(name, value)
        self._inner.note(name, value)

    def stopped(self) -> bool:
        """Whether somebody asked for it, in the dashboard or in another way."""
        return self._writer.folder.cancel_requested or self._inner.stopped()


def record_job(
    writer: JobWriter,
    inner: Runner,
    job: Callable[[Runner], R],
    *,
    has_turn: Callable[[], bool] = lambda: True,
) -> R:
    """Hold a job, wait for its turn, carry it out, write down how it ended; return and raise what it does.

    A job that returns although it was to stop has either finished or kept a part: the result says which.
    Raises Stopped when it was stopped before it began.
    """
    with writer.lock():
        try:
            if not has_turn():
                raise Stopped("Cancelled before it began.")
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
            if writer.folder.cancel_requested:  # a library was interrupted: that is what was wanted
                interrupted = Stopped(
                    "Stopped in the middle of a step.", remedy="Nothing more was published."
                )
                writer.log(" ".join(str(interrupted).split()))
                writer.end(State.CANCELLED)
                raise interrupted from error
            writer.end(State.FAILED, error=_failure(writer.folder, error))
            raise
        except BaseException:  # a signal: whoever sent it wanted the end
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
    if isinstance(error, PlanWiseError):
        return JobFailure(error.what, error.remedy or "", type(error).__name__)
    with contextlib.suppress(OSError), folder.log.open("a", encoding="utf-8") as log:
        log.write("".join(traceback.format_exception(error)))
    return JobFailure(
        f"Internal error: {type(error).__name__}: {error}",
        f"The traceback is in {folder.log}; please report it.",
        type(error).__name__,
    )


POLL_SECONDS = 0.25
# For the step in hand to end by itself; a study and a sweep close their books then.
GRACE_SECONDS = {JobKind.PLAN: 0.5, JobKind.SIMULATE: 1.5, JobKind.OPTIMIZE: 5.5, JobKind.SWEEP: 5.5}
HARD_SECONDS = 3.0  # what is in a library's hands hears no signal
FINISHING = frozenset({"publish result", "record run"})  # the result is in force: let it be recorded


def wait_for_cancellation(writer: JobWriter, over: threading.Event) -> bool:
    """Wait until somebody wishes that the job stops; False when it is over before."""
    while not writer.folder.cancel_requested:
        if over.wait(POLL_SECONDS):
            return False
    return True


def grace_period(writer: JobWriter, kind: JobKind, over: threading.Event) -> float | None:
    """Give the step in hand its time; return when all patience ends (monotonic), None when it is over."""
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
    """Carry out a job in this process, with a folder of its own; return and raise what it does.

    A wish to stop is heard between two steps. A command whose step takes longer is interrupted then, as by
    Ctrl-C, but never killed: somebody sits in front of it.
    """
    remove_old_jobs(settings)
    asked = request.model_dump(mode="json", exclude_defaults=True)
    if "scenario" in type(request).model_fields:
        asked["scenario"] = request.scenario  # type: ignore[attr-defined]
    folder = new_job(settings, kind, asked, title=title_of(kind, asked), started_by=os_user())
    by = COMMAND if inner.flow_run is None else FLOW
    folder.write(ROUTE, {"by": by, "how": HOW[by].format(process=os.getpid(), flow_run=inner.flow_run)})
    writer = JobWriter(folder)

    def work(run: Runner) -> Any:
        try:
            return job(settings, request, run)
        except Exception:
            raise_if_stopped()  # Ctrl-C in a query looks like an error of the query
            raise

    try:
        with _cancellation_watch(writer, kind, inner):
            return record_job(writer, inner, work)
    except InputError:
        if by == COMMAND:  # a slip of the one who reads the message, not a run that broke
            shutil.rmtree(folder.path, ignore_errors=True)
        raise


def title_of(kind: JobKind, request: Mapping[str, Any]) -> str:
    """Return what a job that was not asked for in the dashboard is called there."""
    if kind is JobKind.SWEEP:
        return f"Sweep {', '.join(request.get('scenarios') or ()) or 'all scenarios'}"
    if request.get("resume"):
        return f"Resume study {request['resume']}"
    return f"{'Study of' if kind is JobKind.OPTIMIZE else 'Simulate'} {request['scenario']}"


@contextlib.contextmanager
def _cancellation_watch(writer: JobWriter, kind: JobKind, inner: Runner) -> Iterator[None]:
    """Listen for a wish to stop while the block runs, and say who had it."""
    over = threading.Event()

    def listen() -> None:
        if not wait_for_cancellation(writer, over):
            return
        who = (writer.folder.read(CANCEL) or {}).get("by", "Somebody")
        writer.log(f"{who} asked that it stops.")
        if inner.flow_run is None:
            inner.log(f"{who} asked in the dashboard that this stops.")
            if grace_period(writer, kind, over) is not None:
                os.kill(os.getpid(), _interrupting())

    listener = threading.Thread(target=listen, name="stop watch", daemon=True)
    listener.start()
    try:
        yield
    finally:
        over.set()
        listener.join()


def _interrupting() -> signal.Signals:
    """Return Ctrl-C's signal; where the process was started to ignore it, as in the background, SIGTERM."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return signal.SIGTERM if ignored else signal.SIGINT
