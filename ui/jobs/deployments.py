"""Start jobs as Prefect deployments and follow their flow runs."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

import httpx

from planwise.errors import PlanWiseError
from planwise.jobs import JobFailure, JobFolder, JobKind, JobWriter, State, job_folders
from planwise.jobs.folder import REQUEST, ROUTE
from planwise.prefect_profile import Orchestrator, orchestrator
from planwise.settings import Settings
from ui.jobs.routes import HERE, PREFECT, PROCESS, Route

ASK_SECONDS = 4.0
LOOPBACK = "localhost"
TERMINAL = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


class PrefectAway(PlanWiseError):
    """The Prefect server does not answer, or not as it should."""


class PrefectApi:
    """Questions to one server; raises PrefectAway for what is no answer."""

    def __init__(self, server: Orchestrator) -> None:
        self.server = server
        self._http = httpx.Client(
            timeout=ASK_SECONDS, headers=dict(server.headers), trust_env=not _is_here(server.api)
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> "PrefectApi":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def deployment(self, name: str) -> Mapping[str, Any] | None:
        """Return a deployment `flow/name`; None when there is none."""
        found: Mapping[str, Any] | None = self._ask("GET", f"/deployments/name/{name}", missing_is_none=True)
        return found

    def has_worker(self, pool: str) -> bool:
        """Whether a worker of the pool has given a sign of life lately."""
        workers = self._ask("POST", f"/work_pools/{pool}/workers/filter", {}, missing_is_none=True)
        return any(worker["status"] == "ONLINE" for worker in workers or ())

    def start(
        self, deployment: str, request: Mapping[str, Any], *, name: str, tags: list[str]
    ) -> Mapping[str, Any]:
        """Ask for a flow run now."""
        content = {"parameters": {"request": dict(request)}, "name": name, "tags": tags}
        return self._ask("POST", f"/deployments/{deployment}/create_flow_run", content) or {}

    def run(self, run: str) -> Mapping[str, Any] | None:
        """Return a flow run; None when the server knows none of that id."""
        found: Mapping[str, Any] | None = self._ask("GET", f"/flow_runs/{run}", missing_is_none=True)
        return found

    def cancel(self, run: str) -> None:
        """Ask the worker to stop a flow run; one that has not begun is cancelled at once."""
        state = {"type": "CANCELLING", "name": "Cancelling", "message": "Cancelled in the dashboard."}
        self._ask("POST", f"/flow_runs/{run}/set_state", {"state": state}, missing_is_none=True)

    def _ask(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        missing_is_none: bool = False,
    ) -> Any:
        url = f"{self.server.api.rstrip('/')}{path}"
        try:
            answer = self._http.request(method, url, json=content)
            if answer.status_code == httpx.codes.NOT_FOUND and missing_is_none:
                return None
            answer.raise_for_status()
            return answer.json()
        except httpx.HTTPStatusError as error:
            said = error.response.text[:300]
            raise PrefectAway(
                f"The Prefect server {self.server.pages} answers {error.response.status_code}: {said}",
                remedy="Check PREFECT_API_URL and what the server asks to sign in.",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise PrefectAway(
                f"The Prefect server {self.server.pages} does not answer: {error or type(error).__name__}",
                remedy="Start it (`planwise up`), or correct PREFECT_API_URL.",
            ) from error


def _is_here(url: str) -> bool:
    """Whether a server is on this machine, so that no proxy is asked."""
    host = httpx.URL(url).host
    try:
        return host == LOOPBACK or ip_address(host).is_loopback
    except ValueError:
        return False


DEPLOYMENTS: Mapping[JobKind, str] = {
    JobKind.SIMULATE: "simulate/simulate",
    JobKind.OPTIMIZE: "optimize/optimize",
    JobKind.SWEEP: "sweep/nightly-sweep",
}
REMEMBERED_SECONDS = 10.0  # a server that is away takes seconds to say so
JOB_TAG = "planwise-job:"


class Deployments:
    """Answers where a kind of job runs; what was found a moment ago is not asked again."""

    def __init__(
        self,
        configured: Callable[[], Orchestrator | None] = orchestrator,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configured = configured
        self._clock = clock
        self._known: dict[JobKind, tuple[float, Route]] = {}
        self._alone = threading.Lock()

    def route(self, kind: JobKind) -> Route:
        """Return where a job of this kind runs now: as a deployment that a worker serves, else here."""
        server = self._configured()
        if kind not in DEPLOYMENTS or server is None:
            return Route(PROCESS, HERE)
        with self._alone:
            at, route = self._known.get(kind, (float("-inf"), None))
            if route is None or self._clock() - at > REMEMBERED_SECONDS:
                route = _asked(server, DEPLOYMENTS[kind])
                self._known[kind] = (self._clock(), route)
            return route

    def start(self, folder: JobFolder, route: Route) -> None:
        """Ask for the flow run of a job; raises PrefectAway, and then the job has failed."""
        server = self._configured()
        asked = folder.read(REQUEST)
        assert server is not None and asked is not None  # the route says so; it was written a moment ago
        try:
            with PrefectApi(server) as api:
                tags = ["planwise", "dashboard", f"{JOB_TAG}{folder.id}"]
                run = api.start(route.deployment, asked["request"], name=asked["title"], tags=tags)
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
                "message": "Handed to Prefect; waiting for a worker to take it.",
            },
        )

    def cancel(self, folder: JobFolder) -> None:
        """Tell the server that a job is to stop; raises PrefectAway. Jobs of this machine are left alone."""
        route, server = folder.read(ROUTE) or {}, self._configured()
        if route.get("by") == PREFECT and server is not None:
            with PrefectApi(server) as api:
                api.cancel(route["flow_run"])


DEPLOYED = Deployments()


def _asked(server: Orchestrator, name: str) -> Route:
    """Ask the server; the reason why it does not serve is said beside the other way."""
    try:
        with PrefectApi(server) as api:
            found = api.deployment(name)
            if found is None:
                why = f"Prefect at {server.pages} has no deployment {name}; `prefect deploy --all` makes it."
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
                    api.cancel(route["flow_run"])  # the first request may not have arrived
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
        if folder.is_locked or speaks:
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
