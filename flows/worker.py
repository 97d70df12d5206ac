"""A process that carries out one job of the dashboard: `python -m flows.worker FOLDER`.

It leads a session of its own, so it outlives the browser and the dashboard; who looks, reads its folder. A
wish to stop is heard between steps; after a while a signal ends the step in hand, then the process itself.
Nothing is imported that takes time before the job's turn has come.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from flows.reporting import reported
from flows.runner import InProcess, Runner
from flows.wishes import patience, until_wished
from planwise.console import settings_for
from planwise.errors import PlanWiseError
from planwise.jobs import JobFolder, JobWriter, Kind, State
from planwise.jobs.folder import REQUEST
from planwise.jobs.writer import wait_for_turn
from planwise.processes import install_handlers
from planwise.settings import Settings

PLAN_PATIENCE_SECONDS = 1.5  # a plan is looked at, not waited for
FAILED = 1


def main(arguments: list[str]) -> int:
    """Carry out the job; return the exit status. How it ended is in its folder."""
    (path,) = arguments
    folder = JobFolder(Path(path).resolve())
    asked = folder.read(REQUEST)
    if asked is None:
        sys.stderr.write(f"{folder.path} holds no request.\n")
        return FAILED
    kind = Kind(asked["kind"])
    writer = JobWriter(folder)
    install_handlers(signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever wants it to end says so in the folder
    threading.Thread(target=_watch, args=(writer, kind), name="stop watch", daemon=True).start()
    try:
        _carry_out(settings_for(), writer, kind, asked["request"])
    except PlanWiseError as error:
        sys.stderr.write(f"{error}\n")  # it is told in the folder too
        return FAILED
    return 0


def _carry_out(settings: Settings, writer: JobWriter, kind: Kind, request: dict[str, Any]) -> None:
    folder = writer.folder

    def has_turn() -> bool:
        return kind is Kind.PLAN or wait_for_turn(settings, folder, writer.waits, lambda: folder.is_to_stop)

    def job(run: Runner) -> Any:
        writer.waits("Loading the engine…")
        from flows import kinds  # the engine takes seconds to import

        patience = {"lock_timeout_seconds": PLAN_PATIENCE_SECONDS} if kind is Kind.PLAN else {}
        asked = kinds.request_of(kind, request)
        return kinds.job_of(kind)(settings.model_copy(update=patience), asked, run)

    reported(writer, InProcess(), job, has_turn=has_turn)


def _watch(writer: JobWriter, kind: Kind) -> None:
    """End the process when it is to stop and does not: first politely, then at once."""
    alive = threading.Event()  # never set: this thread ends with the process
    until_wished(writer, alive)
    hard_at = patience(writer, kind, alive) or time.monotonic()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(max(0.0, hard_at - time.monotonic()))
    writer.end(State.CANCELLED)
    os.kill(
        os.getpid(), signal.SIGKILL
    )  # nothing is lost: what is published is whole, the warehouse survives


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
