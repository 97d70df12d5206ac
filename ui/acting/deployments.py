"""Jobs as deployments of a Prefect server: whether one would be served, and starting it there."""

import threading
import time
from collections.abc import Callable, Mapping

from planwise.errors import PlanWiseError
from planwise.jobs import JobFailure, JobFolder, JobKind, JobWriter, State
from planwise.jobs.folder import REQUEST, ROUTE
from planwise.prefect_profile import Orchestrator, orchestrator
from ui.acting.prefect_api import PrefectApi, PrefectAway
from ui.acting.routes import HERE, PREFECT, PROCESS, Route

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
