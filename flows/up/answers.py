"""Ask the programs whether they are ready."""

from datetime import UTC, datetime
from typing import Any

import httpx

from flows.up.plan import WORKER, Addresses

TIMEOUT_SECONDS = 5.0


class Answers:
    """Questions to a Prefect server and a dashboard of this machine; no proxy is asked."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False)

    def server_is_healthy(self) -> bool:
        """Whether the server answers."""
        return self._is_ok(f"{self._addresses.api}/health")

    def dashboard_is_there(self) -> bool:
        """Whether the dashboard answers."""
        return self._is_ok(f"{self._addresses.dashboard}/static/js/bokeh.min.js")

    def has_pool(self, pool: str) -> bool:
        """Whether the work pool exists."""
        return self._is_ok(f"{self._addresses.api}/work_pools/{pool}")

    def worker_polls(self, pool: str, since: datetime) -> bool:
        """Whether our worker has given a sign of life since it was started."""
        try:
            answer = self._http.post(f"{self._addresses.api}/work_pools/{pool}/workers/filter", json={})
            found = answer.json() if answer.status_code == httpx.codes.OK else []
        except (httpx.TransportError, ValueError):
            return False
        return any(_seen(worker) >= since for worker in found if worker["name"] == WORKER)

    def _is_ok(self, url: str) -> bool:
        try:
            return self._http.get(url).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def _seen(worker: dict[str, Any]) -> datetime:
    text = worker.get("last_heartbeat_time")
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else datetime.min.replace(tzinfo=UTC)
