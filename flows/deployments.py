"""`planwise deploy`: register the deployments, and give those that write the warehouse one slot together.

Prefect's file has a limit for each deployment only. The server takes one that several share; a run without
the slot is shown as AwaitingConcurrencySlot, and no process waits for it.
"""

import os
import subprocess
import time
from collections.abc import Mapping
from typing import Any

import httpx

from flows.up_processes import DEPLOYMENTS, work_pools
from planwise.cli.options import Home
from planwise.console import results, settings_for
from planwise.errors import InputError, PlanWiseError
from planwise.formatting import counted
from planwise.prefect_server import Orchestrator, PrefectAuth, orchestrator
from planwise.processes import PYTHON, is_loopback
from planwise.settings import Settings

SLOT = "planwise-warehouse"
WRITER = "warehouse"  # the tag of deployments that write the warehouse
TIMEOUT_SECONDS = 30.0
COMMAND_SECONDS = 300.0
BUSY = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


class DeployFailed(PlanWiseError):
    """Prefect refused a work pool, a deployment or the shared limit."""


def deploy(*, home: Home = None) -> None:
    """Register work pool and deployments on the configured Prefect server; runs that write take turns."""
    server, settings = required_server(), settings_for(home)
    with connected(server) as http:
        for pool in work_pools():
            call_api(
                http, "POST", "/work_pools/", {"name": pool, "type": "process"}, known=(httpx.codes.CONFLICT,)
            )
        _deploy_all(settings)
        names = share_slot(http)
    results().print(
        f"{counted(len(names), 'deployment shares', 'deployments share')} the slot {SLOT}: "
        f"{', '.join(names)}",
        soft_wrap=True,
    )


def required_server() -> Orchestrator:
    """Return the configured server; raises InputError without one."""
    server = orchestrator()
    if server is None:
        raise InputError(
            "No Prefect server is configured.",
            remedy="Set PREFECT_API_URL (`planwise up` prints it), or run `planwise up`, which deploys too.",
        )
    return server


def connected(server: Orchestrator) -> httpx.Client:
    """Return a client of the server's API; one on this machine is reached without a proxy."""
    api = httpx.URL(server.api.rstrip("/"))
    auth = PrefectAuth(server.api, server.headers)
    return httpx.Client(base_url=api, auth=auth, timeout=TIMEOUT_SECONDS, trust_env=not is_loopback(api.host))


def share_slot(http: httpx.Client) -> list[str]:
    """Create the slot if it is missing, and give it to every deployment that writes; return their names."""
    limit = {"name": SLOT, "limit": 1, "active": True}
    call_api(http, "POST", "/v2/concurrency_limits/", limit, known=(httpx.codes.CONFLICT,))
    slot = call_api(http, "GET", f"/v2/concurrency_limits/{SLOT}")
    wanted = {"deployments": {"tags": {"all_": ["planwise", WRITER]}}}
    writers = call_api(http, "POST", "/deployments/filter", wanted)
    for writer in writers:
        own = writer.get("global_concurrency_limit") or {}
        if own.get("id") == slot["id"]:
            continue
        call_api(http, "PATCH", f"/deployments/{writer['id']}", {"global_concurrency_limit_id": slot["id"]})
        if own:  # the limit that `prefect deploy` made for it alone
            call_api(http, "DELETE", f"/v2/concurrency_limits/{own['id']}", known=(httpx.codes.NOT_FOUND,))
    return sorted(str(writer["name"]) for writer in writers)


def _deploy_all(settings: Settings) -> None:
    """Register what prefect.yaml declares; runs work in the home."""
    command = (*PYTHON, "-m", "prefect", "deploy", "--all", "--no-prompt", "--prefect-file", str(DEPLOYMENTS))
    settings.root.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command,
        cwd=settings.root,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise DeployFailed(
            "Prefect refused the deployments:\n" + "\n".join(lines[-5:]),
            remedy=f"Correct {DEPLOYMENTS}, or the server that PREFECT_API_URL names.",
        )


def call_api(
    http: httpx.Client,
    method: str,
    path: str,
    content: Mapping[str, Any] | None = None,
    *,
    known: tuple[int, ...] = (),
) -> Any:
    """Return the JSON of an answer; statuses in `known` mean that there is nothing to do."""
    try:
        for seconds in RETRY_SECONDS:
            answer = http.request(method, path, json=content)
            if answer.status_code not in BUSY:
                break
            time.sleep(seconds)  # the server's database was locked
        if answer.status_code in known:
            return None
        answer.raise_for_status()
        return answer.json() if answer.content else None
    except httpx.HTTPError as error:
        text = error.response.text[:300] if isinstance(error, httpx.HTTPStatusError) else str(error)
        raise DeployFailed(
            f"The Prefect server {http.base_url} does not accept {method} {path}: {text}",
            remedy="Check PREFECT_API_URL and PREFECT_API_AUTH_STRING; `planwise doctor` tests the server.",
        ) from error
