"""Where work runs: a worker process of this machine, or a deployment of the Prefect server."""

import contextlib
import subprocess
import threading
from dataclasses import dataclass
from typing import Any

from planwise.errors import PlanWiseError
from planwise.jobs import JobFailure, JobFolder, JobWriter, State
from planwise.jobs.folder import ROUTE
from planwise.processes import PYTHON, child_environment, start_session
from planwise.settings import Settings

PROCESS, PREFECT = "process", "prefect"
TAIL_BYTES = 600
PASSED_ON = ("project", "lock_timeout_seconds", "ledger_url", "study_storage_url", "threads", "jobs_at_once")
HERE = "a worker process on this machine"


@dataclass(frozen=True)
class Route:
    """Where a job runs: `by` process or prefect; `how` as text; `why` it does not run as a deployment."""

    by: str
    how: str
    why: str = ""
    deployment: Any = None


class Processes:
    """The worker processes that this dashboard has started; they continue when it stops."""

    def __init__(self) -> None:
        self._started: dict[subprocess.Popen[bytes], JobFolder] = {}
        self._lock = threading.Lock()

    def start(self, settings: Settings, folder: JobFolder, route: Route) -> None:
        """Start a job's process in its own session; raises PlanWiseError if that fails."""
        folder.write(ROUTE, {"by": PROCESS, "how": route.how, "why": route.why})
        command = [*PYTHON, "-m", "planwise.app.job_process", str(folder.path)]
        try:
            with folder.log.open("ab") as log:
                process = start_session(command, log, environment=environment(settings), folder=settings.root)
        except OSError as error:
            failure = JobFailure(
                f"No process could be started: {error.strerror}.",
                "The machine may be out of memory or processes; try again.",
                "OSError",
            )
            JobWriter(folder).end(State.FAILED, error=failure)
            raise PlanWiseError(failure.what, remedy=failure.remedy) from error
        with self._lock:
            self._started[process] = folder

    def reap(self) -> None:
        """Collect ended processes; one without an outcome failed to start: its log has the reason."""
        with self._lock:
            ended = [process for process in self._started if process.poll() is not None]
            folders = [(process, self._started.pop(process)) for process in ended]
        for process, folder in folders:
            if process.returncode > 0 and not folder.has_ended:
                with contextlib.suppress(PlanWiseError):
                    JobWriter(folder).end(State.FAILED, error=_broken(folder, process.returncode))


PROCESSES = Processes()


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of a process with these settings."""
    own = {
        f"PLANWISE_{name.upper()}": str(value)
        for name in PASSED_ON
        if (value := getattr(settings, name)) is not None
    }
    return {**child_environment(), **own, "PLANWISE_HOME": str(settings.root), "NO_COLOR": "1"}


def _broken(folder: JobFolder, code: int) -> JobFailure:
    with contextlib.suppress(OSError):
        tail = folder.log.read_bytes()[-TAIL_BYTES:].decode(errors="replace").strip()
        last = tail.splitlines()[-1] if tail else "it wrote nothing"
        return JobFailure(
            f"The worker process ended with exit code {code}: {last}", f"Its log is {folder.log}.", "Exit"
        )
    return JobFailure(f"The worker process ended with exit code {code}.", "Start it again.", "Exit")
