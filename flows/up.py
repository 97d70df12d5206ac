"""`planwise up`: start server, worker and dashboard together, and stop them together."""

import contextlib
import os
import shlex
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
from cyclopts import Parameter

from flows import up_processes, up_units
from flows.up_processes import POLL_SECONDS, WORKER, Addresses, ProgramGroup
from planwise.cli.commands import LOGS
from planwise.cli.options import Home
from planwise.console import progress, results, settings_for
from planwise.dashboard_link import read_link
from planwise.errors import Busy, InputError
from planwise.formatting import counted
from planwise.prefect_server import CREDENTIAL, PrefectAuth, api_credential, credential_headers, prefect_home
from planwise.processes import Terminated, require_free_port
from planwise.settings import Settings
from planwise.storage import hold_lock

TIMEOUT_SECONDS = 5.0


class Answers:
    """Health checks of the Prefect server and the dashboard on this machine; proxies are bypassed."""

    def __init__(self, addresses: Addresses, headers: Mapping[str, str]) -> None:
        self._addresses = addresses
        auth = PrefectAuth(addresses.api, headers)
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False, auth=auth)

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
        """Whether this machine's worker has polled since it was started."""
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


DEPLOY_SECONDS = 300.0
START_SECONDS = 120.0  # a server takes 5 to 10 s on a quiet machine


def up(
    *,
    prefect_port: int = 4200,
    dashboard_port: int = 5006,
    dashboard: bool = True,
    worker: bool = True,
    units: Annotated[bool, Parameter(negative="")] = False,
    output: Path | None = None,
    home: Home = None,
) -> int:
    """Run Prefect server, worker and dashboard together, on this machine only, until Ctrl-C or SIGTERM.

    The deployments of prefect.yaml are registered first. When one of the programs ends, all are stopped and
    the exit code is 5; a port in use is 4. Their output is in the home's logs/. With --units nothing is
    started: systemd can run the same programs.

    Parameters
    ----------
    prefect_port
        Port of the Prefect server.
    dashboard_port
        Port of the dashboard.
    dashboard
        Also serve the dashboard.
    worker
        Also run a worker; without one, runs wait for a worker on another machine.
    units
        Print the systemd units of these programs instead.
    output
        With --units: folder to write them to; their environment is written to units.env in the home.

    """
    settings = settings_for(home)
    settings.require_project()
    addresses = up_processes.Addresses(prefect_port, dashboard_port)
    if output and not units:
        raise InputError("--output is the folder of systemd units.", remedy="Add --units.")
    if units:
        _write_units(settings, addresses, output, dashboard=dashboard, worker=worker)
        return 0
    require_free_port(up_processes.HOST, prefect_port, remedy=_other_port("--prefect-port", prefect_port))
    if dashboard:
        require_free_port(
            up_processes.HOST, dashboard_port, remedy=_other_port("--dashboard-port", dashboard_port)
        )
    logs = _folders(settings)
    environment = up_processes.program_environment(settings, addresses, os.environ)
    try:
        with _lock_home(settings), ProgramGroup(environment, logs, _log) as programs:
            answers = Answers(addresses, credential_headers(api_credential(settings)))
            _start(programs, answers, addresses, settings.root, dashboard=dashboard, worker=worker)
            _print_ready(addresses, settings, dashboard=dashboard)
            while True:
                programs.check()
                time.sleep(POLL_SECONDS)
    except (KeyboardInterrupt, Terminated):
        _log("All stopped.")
        return 0  # being stopped is the normal end


def _write_units(
    settings: Settings,
    addresses: up_processes.Addresses,
    output: Path | None,
    *,
    dashboard: bool,
    worker: bool,
) -> None:
    """Print the units, or write them with their environment."""
    _folders(settings)
    up_units.require_owner(settings.root)
    found = up_units.units(settings, addresses, dashboard=dashboard, worker=worker)
    out = results()
    if output is None:
        for name, text in found.items():
            out.print(f"# {name}\n{text}", markup=False, soft_wrap=True)
        _log(f"--output FOLDER writes them, and {settings.root / up_units.ENVIRONMENT}, which they read.")
        return
    environment = up_units.unit_environment(settings, addresses)
    file = up_units.write_units(found, output, environment, settings.root)
    out.print(
        f"{counted(len(found), 'unit')} in {output}; the environment is {file}.", markup=False, soft_wrap=True
    )
    out.print("As root: copy them to /etc/systemd/system, then", soft_wrap=True)
    out.print(f"systemctl daemon-reload && systemctl enable --now {up_units.TARGET}", soft_wrap=True)


def _start(
    programs: ProgramGroup,
    answers: Answers,
    addresses: up_processes.Addresses,
    folder: Path,
    *,
    dashboard: bool,
    worker: bool,
) -> None:
    page = programs.start(up_processes.dashboard_program(addresses, folder)) if dashboard else None
    server = programs.start(up_processes.server_program(addresses, folder))
    programs.wait(server, answers.server_is_healthy, START_SECONDS)
    _log(f"{server.program.title}: ready at {addresses.prefect}")
    pools = up_processes.work_pools()
    for pool in pools:
        if not answers.has_pool(pool):
            programs.finish(up_processes.create_pool(pool, folder), START_SECONDS)
    since = datetime.now(UTC)
    workers = {pool: programs.start(up_processes.worker_program(pool, folder)) for pool in pools if worker}
    programs.finish(up_processes.deploy(folder), DEPLOY_SECONDS)
    for pool, polling in workers.items():
        programs.wait(polling, lambda pool=pool: answers.worker_polls(pool, since), START_SECONDS)  # type: ignore[misc]
        _log(f"{polling.program.title}: ready, takes runs from work pool {pool}")
    if page:
        programs.wait(page, answers.dashboard_is_there, START_SECONDS)
        _log(f"{page.program.title}: ready at {addresses.dashboard}")


def _print_ready(addresses: up_processes.Addresses, settings: Settings, *, dashboard: bool) -> None:
    out = results()
    if dashboard:
        out.print(f"dashboard   {_dashboard(settings, addresses)}", markup=False, soft_wrap=True)
    credential = prefect_home(settings) / CREDENTIAL
    out.print(f"Prefect     {addresses.prefect} (signs in with the text in {credential})", soft_wrap=True)
    out.print(f"logs        {settings.root / LOGS}", markup=False, soft_wrap=True)
    home = shlex.quote(str(settings.root))
    out.print(
        f"To run commands as its flows: export PLANWISE_HOME={home} PREFECT_API_URL={addresses.api} "
        f'PREFECT_API_AUTH_STRING="$(cat {shlex.quote(str(credential))})"',
        markup=False,
        soft_wrap=True,
    )
    out.print("PlanWise is up. Ctrl-C stops all of it.")


def _dashboard(settings: Settings, addresses: up_processes.Addresses) -> str:
    """Return where the dashboard opens: by its link where sign-in is off."""
    return read_link(settings.root, addresses.dashboard_port) or addresses.dashboard


def _folders(settings: Settings) -> Path:
    logs = settings.root / LOGS
    try:
        logs.mkdir(parents=True, exist_ok=True)
        prefect_home(settings).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The home {settings.root} cannot be written: {error}",
            remedy="Correct its permissions, or choose another: --home FOLDER.",
        ) from error
    return logs


@contextlib.contextmanager
def _lock_home(settings: Settings) -> Iterator[None]:
    """Hold the home's lock: two servers on one SQLite file would schedule every run twice."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold_lock(settings.root / "up.lock", "planwise up", timeout_seconds=0))
        except Busy as error:
            raise Busy(
                f"`planwise up` is already running in {settings.root}.",
                remedy="Use that one, stop it, or choose another home: --home FOLDER.",
            ) from error
        yield


def _other_port(option: str, port: int) -> str:
    return f"Stop the program on that port, or choose another: `planwise up {option} {port + 1}`."


def _log(message: str) -> None:
    progress().print(f"{datetime.now():%H:%M:%S}  {message}", markup=False, soft_wrap=True)
