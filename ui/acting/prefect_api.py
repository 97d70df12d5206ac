"""A Prefect server as the dashboard uses it: over HTTP, as importing Prefect takes seconds and memory."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

import httpx

from planwise.errors import PlanWiseError
from planwise.prefect_profile import Orchestrator

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
