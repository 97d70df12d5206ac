"""Start jobs as Prefect deployments and follow their flow runs."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from planwise.errors import PlanWiseError
from planwise.jobs import JobFailure, JobFolder, JobKind, JobWriter, State, job_folders
from planwise.jobs.folder import REQUEST, ROUTE
from planwise.prefect_server import Orchestrator, PrefectAuth, orchestrator
from planwise.processes import is_loopback
from planwise.settings import Settings
from ui.jobs.routes import HERE, PREFECT, PROCESS, Route

TIMEOUT_SECONDS = 4.0
TERMINAL = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


class PrefectAway(PlanWiseError):
    """The Prefect server does not respond, or not as expected."""


@contextmanager
def connected(server: Orchestrator) -> Iterator["PrefectApi"]:
    """Yield a connection to a server; one on this machine is reached without a proxy."""
    is_here = is_loopback(httpx.URL(server.api).host)
    auth = PrefectAuth(server.api, server.headers)
    with httpx.Client(timeout=TIMEOUT_SECONDS, auth=auth, trust_env=not is_here) as client:
        yield PrefectApi(server, client)


class PrefectApi:
    """Requests to one server; raises PrefectAway if there is no valid response."""

    def __init__(self, server: Orchestrator, client: httpx.Client) -> None:
        self._server, self._http = server, client

    def deployment(self, name: str) -> Mapping[str, Any] | None:
        """Return a deployment `flow/name`; None when there is none."""
        found: Mapping[str, Any] | None = self._request(
            "GET", f"/deployments/name/{name}", missing_is_none=True
        )
        return found

    def has_worker(self, pool: str) -> bool:
        """Return whether a worker of the pool is online."""
        workers = self._request("POST", f"/work_pools/{pool}/workers/filter", {}, missing_is_none=True)
        return any(worker["status"] == "ONLINE" for worker in workers or ())

    def start(
        self, deployment: str, request: Mapping[str, Any], *, name: str, tags: list[str]
    ) -> Mapping[str, Any]:
        """Start a flow run."""
        content = {"parameters": {"request": dict(request)}, "name": name, "tags": tags}
        return self._request("POST", f"/deployments/{deployment}/create_flow_run", content) or {}

    def run(self, run: str) -> Mapping[str, Any] | None:
        """Return a flow run; None if the server has none with this id."""
        found: Mapping[str, Any] | None = self._request("GET", f"/flow_runs/{run}", missing_is_none=True)
        return found

    def cancel(self, run: str) -> None:
        """Request cancellation of a flow run; one that has not started is cancelled at once."""
        state = {"type": "CANCELLING", "name": "Cancelling", "message": "Cancelled in the dashboard."}
        self._request("POST", f"/flow_runs/{run}/set_state", {"state": state}, missing_is_none=True)

    def _request(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        missing_is_none: bool = False,
    ) -> Any:
        url = f"{self._server.api.rstrip('/')}{path}"
        try:
            response = self._http.request(method, url, json=content)
            if response.status_code == httpx.codes.NOT_FOUND and missing_is_none:
                return None
            response.raise_for_status()
            return response.json()
        except httpx.HTTPStatusError as error:
            reason = error.response.text[:300]
            raise PrefectAway(
                f"The Prefect server {self._server.pages} responds {error.response.status_code}: {reason}",
                remedy="Check PREFECT_API_URL and the credentials that the server needs.",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise PrefectAway(
                f"The Prefect server {self._server.pages} does not answer: {error or type(error).__name__}",
                remedy="Start it (`planwise up`), or correct PREFECT_API_URL.",
            ) from error


DEPLOYMENTS: Mapping[JobKind, str] = {
    JobKind.SIMULATE: "simulate/simulate",
    JobKind.OPTIMIZE: "optimize/optimize",
    JobKind.SWEEP: "sweep/nightly-sweep",
    JobKind.RELEASE: "release/release",
    JobKind.ROLLBACK: "rollback/rollback",
    JobKind.MONITOR: "monitor/nightly-monitor",
}
REMEMBERED_SECONDS = 10.0  # a request to a server that is down takes seconds to fail
JOB_TAG = "planwise-job:"


class Deployments:
    """Decides where a kind of job runs; the answer is kept for some seconds."""

    def __init__(
        self,
        configured: Callable[[], Orchestrator | None] = orchestrator,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configured = configured
        self._clock = clock
        self._known: dict[JobKind, tuple[float, Route]] = {}
        self._lock = threading.Lock()

    def route(self, kind: JobKind) -> Route:
        """Return where a job of this kind runs: as a deployment with a worker, else on this machine."""
        server = self._configured()
        if kind not in DEPLOYMENTS or server is None:
            return Route(PROCESS, HERE)
        with self._lock:
            at, route = self._known.get(kind, (float("-inf"), None))
            if route is None or self._clock() - at > REMEMBERED_SECONDS:
                route = _route_at(server, DEPLOYMENTS[kind])
                self._known[kind] = (self._clock(), route)
            return route

    def start(self, folder: JobFolder, route: Route) -> None:
        """Start the flow run of a job; raises PrefectAway after marking the job as failed."""
        server = self._configured()
        request = folder.read(REQUEST)
        assert server is not None and request is not None  # the route and the job exist
        try:
            with connected(server) as api:
                tags = ["planwise", "dashboard", f"{JOB_TAG}{folder.id}"]
                run = api.start(route.deployment, request["request"], name=request["title"], tags=tags)
        except PrefectAway as error:
            JobWriter(folder).end(
                State.FAILED, error=JobFailure(error.what, error.remedy or "", "PrefectAway")
            )
            raise
        folder.write(
            ROUTE,
            {
                "by": PREFECT,
                "how": route.how,
                "flow_run": run["id"],
                "link": server.flow_run(run["id"]),
                "message": "Sent to Prefect; waiting for a worker.",
            },
        )

    def cancel(self, folder: JobFolder) -> None:
        """Request cancellation of a job that is a flow run; raises PrefectAway."""
        route, server = folder.read(ROUTE) or {}, self._configured()
        if route.get("by") == PREFECT and server is not None:
            with connected(server) as api:
                api.cancel(route["flow_run"])


DEPLOYED = Deployments()


def _route_at(server: Orchestrator, name: str) -> Route:
    """Return the deployment if it can run jobs, else this machine with the reason."""
    try:
        with connected(server) as api:
            found = api.deployment(name)
            if found is None:
                why = f"Prefect at {server.pages} has no deployment {name}: run `planwise deploy`."
            elif found.get("paused"):
                why = f"The deployment {name} at {server.pages} is paused."
            elif not api.has_worker(pool := str(found["work_pool_name"])):
                why = f"No worker of the work pool {pool} is online at {server.pages}."
            else:
                return Route(PREFECT, f"the Prefect deployment {name}", deployment=found["id"])
    except PlanWiseError as error:
        why = f"{error.what} {error.remedy or ''}"
    return Route(PROCESS, HERE, why.strip())


POLL_SECONDS = 2.0
OUTCOME_SECONDS = 6.0  # a flow run that has ended writes its outcome within this time
LOG = logging.getLogger("planwise.ui")
WAITING = {
    "SCHEDULED": "Waiting for a Prefect worker ({name}).",
    "PENDING": "A Prefect worker is starting the process.",
    "PAUSED": "Paused in Prefect.",
}


class Follower:
    """Updates the jobs of one home that are flow runs, on a thread while there are any."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._ended_since: dict[str, float] = {}

    def ensure(self, settings: Settings) -> None:
        """Start the thread if there are unfinished flow runs; returns at once."""
        with self._lock:
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
                    self.update(folder)
                except Exception:  # one failure must not stop the others
                    LOG.exception("The flow run of job %s cannot be followed", folder.id)
            time.sleep(POLL_SECONDS)

    def update(self, folder: JobFolder) -> None:
        """Write the state of the flow run into the job's folder."""
        route = folder.read(ROUTE) or {}
        server = orchestrator()
        if server is None:
            _set_message(
                folder, route, "No Prefect server is configured any more: the job's state is unknown."
            )
            return
        try:
            with connected(server) as api:
                run = api.run(route["flow_run"])
                if run is not None and folder.cancel_requested and run["state_type"] == "RUNNING":
                    api.cancel(route["flow_run"])  # the first request may not have arrived
        except PlanWiseError as error:
            _set_message(folder, route, error.what)
            return
        if run is None:
            _end(
                folder,
                State.FAILED,
                "The Prefect server no longer has the flow run.",
                "Start it again.",
            )
        elif run["state_type"] in TERMINAL:
            self._ended(folder, run)
        else:
            name = run.get("state_name") or run["state_type"]
            _set_message(folder, route, WAITING.get(run["state_type"], "").format(name=name))

    def _ended(self, folder: JobFolder, run: Mapping[str, Any]) -> None:
        since = self._ended_since.setdefault(folder.id, time.monotonic())
        may_write = folder.lock.exists() and time.monotonic() - since < OUTCOME_SECONDS
        if folder.is_locked or may_write:
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
                    "The earlier results are still published. Start it again; see the log of the flow run."
                )
                _end(folder, State.INTERRUPTED, f"The flow run crashed: {message}", remedy)
            case _:
                _end(folder, State.FAILED, f"The flow run failed: {message}", "See the log of the flow run.")


FOLLOWER = Follower()


def to_follow(settings: Settings) -> list[JobFolder]:
    """Return the unfinished jobs that are flow runs."""
    return [
        folder
        for folder in job_folders(settings)
        if not folder.has_ended and (folder.read(ROUTE) or {}).get("by") == PREFECT
    ]


def _set_message(folder: JobFolder, route: Mapping[str, Any], message: str) -> None:
    if message != route.get("message"):
        folder.write(ROUTE, {**route, "message": message})


def _end(folder: JobFolder, state: State, what: str, remedy: str) -> None:
    JobWriter(folder).end(state, error=JobFailure(what, remedy, "FlowRun"))
