"""A run that nobody asked the dashboard for is a job too: the dashboard shows it, and may ask it to stop."""

import contextlib
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flows.reporting import reported
from flows.runner import Runner
from flows.wishes import patience, until_wished
from planwise.errors import InputError
from planwise.governance.ledger import os_user
from planwise.governance.request import Request
from planwise.jobs import JobWriter, Kind, new_job
from planwise.jobs.folder import CANCEL, ROUTE
from planwise.jobs.reader import remove_old_jobs
from planwise.processes import raise_if_stopped
from planwise.settings import Settings

COMMAND, FLOW = "command", "flow"
HOW: Mapping[str, str] = {
    COMMAND: "a command on this machine (process {process})",
    FLOW: "the Prefect flow run {flow_run}",
}


def as_job(
    settings: Settings,
    kind: Kind,
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
        with _heard(writer, kind, inner):
            return reported(writer, inner, work)
    except InputError:
        if by == COMMAND:  # a slip of the one who reads the message, not a run that broke
            shutil.rmtree(folder.path, ignore_errors=True)
        raise


def title_of(kind: Kind, request: Mapping[str, Any]) -> str:
    """Return what a job that was not asked for in the dashboard is called there."""
    if kind is Kind.SWEEP:
        return f"Sweep {', '.join(request.get('scenarios') or ()) or 'all scenarios'}"
    if request.get("resume"):
        return f"Resume study {request['resume']}"
    return f"{'Study of' if kind is Kind.OPTIMIZE else 'Simulate'} {request['scenario']}"


@contextlib.contextmanager
def _heard(writer: JobWriter, kind: Kind, inner: Runner) -> Iterator[None]:
    """Listen for a wish to stop while the block runs, and say who had it."""
    over = threading.Event()

    def listen() -> None:
        if not until_wished(writer, over):
            return
        who = (writer.folder.read(CANCEL) or {}).get("by", "Somebody")
        writer.told(f"{who} asked that it stops.")
        if inner.flow_run is None:
            inner.tell(f"{who} asked in the dashboard that this stops.")
            if patience(writer, kind, over) is not None:
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
