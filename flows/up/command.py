"""`planwise up`."""

import contextlib
import os
import shlex
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from flows.launch import prefect_home
from flows.up import plan
from flows.up.answers import Answers
from flows.up.processes import POLL_SECONDS, Together
from planwise.console import progress, results, settings_for
from planwise.errors import Busy, InputError
from planwise.failures import LOGS
from planwise.options import Home
from planwise.processes import Terminated, require_free_port
from planwise.settings import Settings
from planwise.storage import hold_lock

START_SECONDS = 120.0  # a server takes 5 to 10 s on a quiet machine


def up(
    *,
    prefect_port: int = 4200,
    dashboard_port: int = 5006,
    dashboard: bool = True,
    worker: bool = True,
    home: Home = None,
) -> int:
    """Run Prefect server, worker and dashboard together, on this machine only, until Ctrl-C or SIGTERM.

    The deployments of prefect.yaml are registered first. When one of the programs ends, all are stopped and
    the exit code is 5; a port in use is 4. What they write is in the home's logs/.

    Parameters
    ----------
    prefect_port
        Port of the Prefect server.
    dashboard_port
        Port of the dashboard.
    dashboard
        Also serve the dashboard.
    worker
        Also run a worker; without one, runs wait until a worker of another place takes them.

    """
    settings = settings_for(home)
    folder = plan.project()
    addresses = plan.Addresses(prefect_port, dashboard_port)
    require_free_port(plan.HOST, prefect_port, remedy=_other_port("--prefect-port", prefect_port))
    if dashboard:
        require_free_port(plan.HOST, dashboard_port, remedy=_other_port("--dashboard-port", dashboard_port))
    logs = _folders(settings)
    environment = plan.environment(settings, addresses, os.environ)
    try:
        with _alone(settings), Together(environment, logs, _tell) as programs:
            _start(programs, addresses, folder, dashboard=dashboard, worker=worker)
            _say_ready(addresses, settings, dashboard=dashboard)
            while True:
                programs.check()
                time.sleep(POLL_SECONDS)
    except (KeyboardInterrupt, Terminated):
        _tell("All stopped.")
        return 0  # being stopped is how this ends


def _start(
    programs: Together, addresses: plan.Addresses, folder: Path, *, dashboard: bool, worker: bool
) -> None:
    answers = Answers(addresses)
    page = programs.start(plan.dashboard(addresses, folder)) if dashboard else None
    server = programs.start(plan.server(addresses, folder))
    programs.wait(server, answers.server_is_healthy, START_SECONDS)
    _tell(f"{server.program.title}: ready at {addresses.prefect}")
    pools = plan.work_pools(folder)
    for pool in pools:
        if not answers.has_pool(pool):
            programs.finish(plan.create_pool(pool, folder), START_SECONDS)
    since = datetime.now(UTC)
    workers = {pool: programs.start(plan.worker(pool, folder)) for pool in pools if worker}
    programs.finish(plan.deploy(folder), START_SECONDS)
    for pool, polling in workers.items():
        programs.wait(polling, lambda pool=pool: answers.worker_polls(pool, since), START_SECONDS)  # type: ignore[misc]
        _tell(f"{polling.program.title}: ready, takes runs from work pool {pool}")
    if page:
        programs.wait(page, answers.dashboard_is_there, START_SECONDS)
        _tell(f"{page.program.title}: ready at {addresses.dashboard}")


def _say_ready(addresses: plan.Addresses, settings: Settings, *, dashboard: bool) -> None:
    say = results()
    if dashboard:
        say.print(f"dashboard   {addresses.dashboard}", soft_wrap=True)
    say.print(f"Prefect     {addresses.prefect}", soft_wrap=True)
    say.print(f"logs        {settings.root / LOGS}", markup=False, soft_wrap=True)
    home = shlex.quote(str(settings.root))
    say.print(
        f"To run commands as its flows: export PLANWISE_HOME={home} PREFECT_API_URL={addresses.api}",
        markup=False,
        soft_wrap=True,
    )
    say.print("PlanWise is up. Ctrl-C stops all of it.")


def _folders(settings: Settings) -> Path:
    logs = settings.root / LOGS
    try:
        logs.mkdir(parents=True, exist_ok=True)
        prefect_home(settings).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The home {settings.root} cannot be written: {error}",
            remedy="Give its owner's rights, or choose another: --home FOLDER.",
        ) from error
    return logs


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Hold the home's lock: two servers on one SQLite file would schedule every run twice."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold_lock(settings.root / "up.lock", "planwise up", timeout_seconds=0))
        except Busy as error:
            raise Busy(
                f"`planwise up` runs already in {settings.root}.",
                remedy="Use that one, stop it, or choose another home: --home FOLDER.",
            ) from error
        yield


def _other_port(option: str, port: int) -> str:
    return f"Stop what listens there, or choose another: `planwise up {option} {port + 1}`."


def _tell(message: str) -> None:
    progress().print(f"{datetime.now():%H:%M:%S}  {message}", markup=False, soft_wrap=True)
