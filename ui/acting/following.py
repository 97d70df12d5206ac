"""Follows flow runs of the Prefect server until they have ended: one thread a dashboard, while there are any.

What a flow run does it writes into the job's folder itself; here is only what it cannot say: that it waits
for a worker, crashed, was cancelled before it began, or that the server is gone. A dashboard that was started
anew goes on where another one left.
"""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from planwise.errors import PlanWiseError
from planwise.jobs import JobFailure, JobFolder, JobWriter, State, job_folders
from planwise.jobs.folder import ROUTE
from planwise.prefect_profile import orchestrator
from planwise.settings import Settings
from ui.acting.prefect_api import TERMINAL, PrefectApi
from ui.acting.routes import PREFECT

POLL_SECONDS = 2.0
LAST_WORDS_SECONDS = 6.0  # a flow run that has ended writes its outcome within this
LOG = logging.getLogger("planwise.ui")
WAITING = {
    "SCHEDULED": "Waiting for a Prefect worker to take it ({name}).",
    "PENDING": "A Prefect worker has taken it and starts its process.",
    "PAUSED": "Paused in Prefect.",
}


class Follower:
    """Follows the flow runs of one home; `ensure` starts the thread when there is something to follow."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._alone = threading.Lock()
        self._ended_since: dict[str, float] = {}

    def ensure(self, settings: Settings) -> None:
        """Follow what there is to follow; returns at once."""
        with self._alone:
            alive = self._thread is not None and self._thread.is_alive()
            if not alive and to_follow(settings):
                self._thread = threading.Thread(
                    target=self._follow, args=(settings,), name="prefect runs", daemon=True
                )
                self._thread.start()

    def _follow(self, settings: Settings) -> None:
        while folders := to_follow(settings):
            for folder in folders:
                try:
                    self.look(folder)
                except Exception:  # the others are followed all the same
                    LOG.exception("The flow run of job %s cannot be followed", folder.id)
            time.sleep(POLL_SECONDS)

    def look(self, folder: JobFolder) -> None:
        """Bring what the server says into the job's folder."""
        route = folder.read(ROUTE) or {}
        server = orchestrator()
        if server is None:
            _say(folder, route, "No Prefect server is configured any more: its state is not known.")
            return
        try:
            with PrefectApi(server) as api:
                run = api.run(route["flow_run"])
                if run is not None and folder.cancel_requested and run["state_type"] == "RUNNING":
                    api.cancel(route["flow_run"])  # the first wish may not have arrived
        except PlanWiseError as error:
            _say(folder, route, error.what)
            return
        if run is None:
            _end(
                folder,
                State.FAILED,
                "The Prefect server does not know the flow run any more.",
                "Start it again.",
            )
        elif run["state_type"] in TERMINAL:
            self._ended(folder, run)
        else:
            name = run.get("state_name") or run["state_type"]
            _say(folder, route, WAITING.get(run["state_type"], "").format(name=name))

    def _ended(self, folder: JobFolder, run: Mapping[str, Any]) -> None:
        since = self._ended_since.setdefault(folder.id, time.monotonic())
        speaks = folder.lock.exists() and time.monotonic() - since < LAST_WORDS_SECONDS
        if folder.is_held or speaks:
            return
        self._ended_since.pop(folder.id, None)
        state = run.get("state") or {}
        message = str(state.get("message") or run.get("state_name") or "")
        match run["state_type"]:
            case "COMPLETED":
                JobWriter(folder).end(State.DONE)
            case "CANCELLED":
                JobWriter(folder).end(State.CANCELLED)
            case "CRASHED":
                remedy = (
                    "What was published before is in force. Start it again; the flow run's log says more."
                )
                _end(folder, State.INTERRUPTED, f"The flow run crashed: {message}", remedy)
            case _:
                _end(folder, State.FAILED, f"The flow run failed: {message}", "The flow run's log says more.")


FOLLOWER = Follower()


def to_follow(settings: Settings) -> list[JobFolder]:
    """Return the jobs that are flow runs and have not ended."""
    return [
        folder
        for folder in job_folders(settings)
        if not folder.has_ended and (folder.read(ROUTE) or {}).get("by") == PREFECT
    ]


def _say(folder: JobFolder, route: Mapping[str, Any], message: str) -> None:
    if message != route.get("message"):
        folder.write(ROUTE, {**route, "message": message})


def _end(folder: JobFolder, state: State, what: str, remedy: str) -> None:
    JobWriter(folder).end(state, error=JobFailure(what, remedy, "FlowRun"))
