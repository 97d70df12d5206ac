"""The programs of `planwise up`: what to start, and how to start, watch and stop it."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil
import yaml

from planwise.errors import PlanWiseError
from planwise.prefect_server import prefect_home, protection
from planwise.processes import PYTHON, child_environment, describe_exit, start_session
from planwise.settings import REPOSITORY, Settings
from planwise.storage import move

STOP_SECONDS = 15.0  # a flow run ends its work, a server its database; then SIGKILL
GONE = (psutil.NoSuchProcess, psutil.AccessDenied)


def descendants(pid: int) -> set[psutil.Process]:
    """Return all descendants of a process; the empty set when it has ended."""
    try:
        return set(psutil.Process(pid).children(recursive=True))
    except GONE:
        return set()


def terminate(processes: Iterable[psutil.Process]) -> None:
    """Send SIGTERM to processes."""
    for process in processes:
        with contextlib.suppress(*GONE):
            process.terminate()


def wait_or_kill(processes: Iterable[psutil.Process], seconds: float) -> None:
    """Wait until processes have ended; kill those that have not."""
    _, alive = psutil.wait_procs(list(processes), timeout=max(0.0, seconds))
    for process in alive:
        with contextlib.suppress(*GONE):
            process.kill()


HOST = "127.0.0.1"
DEPLOYMENTS = Path(__file__).with_name("prefect.yaml")  # in a checkout, a link to the file at its top
WORKER = "planwise-up"
PLANWISE = (*PYTHON, "-c", "from planwise.cli import main; main()")
# Variables of another server, which do not apply to this one.
FOREIGN = ("PREFECT_PROFILE", "PREFECT_PROFILES_PATH", "PREFECT_API_KEY")


@dataclass(frozen=True)
class Program:
    """A program and its folder; `name` also names its log."""

    name: str
    title: str
    command: tuple[str, ...]
    folder: Path


@dataclass(frozen=True)
class Addresses:
    """Where the Prefect server and the dashboard listen."""

    prefect_port: int
    dashboard_port: int

    @property
    def prefect(self) -> str:
        """The Prefect server, in a browser."""
        return f"http://{HOST}:{self.prefect_port}"

    @property
    def api(self) -> str:
        """The Prefect server's API, for PREFECT_API_URL."""
        return f"{self.prefect}/api"

    @property
    def dashboard(self) -> str:
        """The dashboard."""
        return f"http://{HOST}:{self.dashboard_port}"


def program_environment(
    settings: Settings, addresses: Addresses, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of every program: these settings, this server, no external hosts."""
    own = {
        f"PLANWISE_{name.upper()}": str(value)
        for name, value in settings.model_dump().items()
        if value is not None
    }
    local = [name for name in (inherited.get("NO_PROXY"), HOST, "localhost") if name]
    return {
        **{name: value for name, value in child_environment(inherited).items() if name not in FOREIGN},
        **own,
        "PLANWISE_HOME": str(settings.root),
        "PLANWISE_DASHBOARD_URL": settings.dashboard_url or addresses.dashboard,
        "PREFECT_HOME": str(prefect_home(settings)),
        "PREFECT_API_URL": addresses.api,
        **protection(settings, addresses.prefect, f"http://localhost:{addresses.prefect_port}"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",  # it calls external hosts
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": str(SLOT_WAIT_SECONDS),
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",  # else its database only grows
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(RUNS_KEPT_DAYS * 86_400),
        "NO_PROXY": ",".join(local),
        "no_proxy": ",".join(local),
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
    }


def work_pools() -> tuple[str, ...]:
    """Return the names of the deployments' work pools."""
    declared = yaml.safe_load(DEPLOYMENTS.read_text(encoding="utf-8"))
    return tuple(sorted({deployment["work_pool"]["name"] for deployment in declared["deployments"]}))


def server_program(addresses: Addresses, folder: Path) -> Program:
    """Return the Prefect server."""
    arguments = ("server", "start", "--host", HOST, "--port", str(addresses.prefect_port))
    return _prefect("prefect-server", "Prefect server", folder, *arguments)


def create_pool(pool: str, folder: Path) -> Program:
    """Return the program that creates a process work pool."""
    return _prefect(
        "prefect-work-pool", "work pool", folder, "work-pool", "create", pool, "--type", "process"
    )


def deploy(folder: Path) -> Program:
    """Return the program that registers all deployments."""
    return Program("prefect-deploy", "deployments", (*PLANWISE, "deploy"), folder)


def worker_program(pool: str, folder: Path) -> Program:
    """Return the worker of a pool."""
    arguments = ("worker", "start", "--pool", pool, "--type", "process", "--name", WORKER)
    return _prefect(f"worker-{pool}", "worker", folder, *arguments)


def dashboard_program(addresses: Addresses, folder: Path) -> Program:
    """Return the dashboard."""
    command = (*PLANWISE, "serve", "--no-browser", "--address", HOST, "--port", str(addresses.dashboard_port))
    return Program("dashboard", "dashboard", command, folder)


def _prefect(name: str, title: str, folder: Path, *arguments: str) -> Program:
    return Program(name, title, (*PYTHON, "-m", "prefect", *arguments), folder)


PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
POLL_SECONDS = 0.2
LINGER_SECONDS = 5.0  # Prefect's worker does not end after a run of it was killed
RECORD_SECONDS = 1.0  # how often the programs' child processes are recorded
RUNS_KEPT_DAYS = 90
SLOT_WAIT_SECONDS = 5  # until a run that waits for the warehouse's slot asks for it again
TAIL_LINES = 3


class ProgramDied(PlanWiseError):
    """A program ended unexpectedly or failed."""


class StartTimeout(PlanWiseError):
    """A program did not become ready."""


@dataclass(frozen=True)
class RunningProgram:
    """A started program; `family` are its known child processes."""

    program: Program
    process: subprocess.Popen[bytes]
    log: Path
    family: set[psutil.Process] = field(default_factory=set)

    def record_family(self) -> None:
        """Record its child processes."""
        self.family.update(descendants(self.process.pid))


class ProgramGroup:
    """Starts programs, watches them, and stops all of them at the end of the block."""

    def __init__(self, environment: Mapping[str, str], logs: Path, log: Callable[[str], None]) -> None:
        self._environment = dict(environment)
        self._logs = logs
        self._log = log
        self._running: list[RunningProgram] = []
        self._looked = 0.0

    def __enter__(self) -> Self:
        self._guardian = subprocess.Popen(
            [*PYTHON, "-m", "flows.up_guardian"],
            cwd=REPOSITORY,
            env=child_environment(),
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._stop()
        finally:
            self._guardian.communicate()  # ends with its input, when no process is left

    def start(self, program: Program) -> RunningProgram:
        """Start a program that keeps running; its output goes to its log."""
        self._log(f"{program.title}: starting")
        running = self._spawn(program)
        self._running.append(running)
        return running

    def finish(self, program: Program, seconds: float) -> None:
        """Run a program to its end; raises ProgramDied when it fails, StartTimeout when it takes too long."""
        self._log(f"{program.title}: running")
        step = self._spawn(program)
        try:
            self.wait(step, lambda: step.process.poll() is not None, seconds)
        finally:
            _end(step)
        if step.process.returncode:
            raise _died(step)
        self._log(f"{program.title}: done")

    def wait(self, running: RunningProgram, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until a program is ready; raises ProgramDied when one ends, StartTimeout after `seconds`."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise StartTimeout(
                    f"The {running.program.title} is not ready after {seconds:.0f} s.",
                    remedy=f"Its log is {running.log}.",
                )
            time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Raise ProgramDied when a program has ended."""
        if time.monotonic() - self._looked > RECORD_SECONDS:
            self._looked = time.monotonic()
            for running in self._running:
                running.record_family()
        for running in self._running:
            if running.process.poll() is not None:
                raise _died(running)

    def _spawn(self, program: Program) -> RunningProgram:
        log = self._logs / f"{program.name}.log"
        if log.exists():
            move(log, log.with_suffix(".log.1"))
        with log.open("wb") as output:
            process = start_session(
                program.command,
                output,
                environment=self._environment,
                folder=program.folder,
                before_exec=_dies_with(os.getpid()),
            )
        self._register_with_guardian(process.pid)
        return RunningProgram(program, process, log)

    def _register_with_guardian(self, pid: int) -> None:
        assert self._guardian.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the guardian has ended; only its protection is lost
            self._guardian.stdin.write(f"{pid}\n")
            self._guardian.stdin.flush()

    def _stop(self) -> None:
        """Stop programs in reverse order; a second Ctrl-C or SIGTERM kills those that are left."""
        try:
            for running in reversed(self._running):
                _end(running)
                self._log(f"{running.program.title}: stopped")
        except (KeyboardInterrupt, SystemExit):
            for running in self._running:
                _kill(running)


def _dies_with(parent: int) -> Callable[[], None] | None:
    """Return the child's set-up before its program starts: SIGTERM at its parent's death."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # not between fork and exec, where little is allowed

    def request_signal() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the request
            os._exit(1)

    return request_signal


def _end(running: RunningProgram) -> None:
    """Terminate a program and its child processes; kill those that do not end."""
    running.record_family()
    terminate(running.family)
    if running.process.poll() is None:
        running.process.terminate()
    wait_or_kill(running.family, STOP_SECONDS)
    with contextlib.suppress(subprocess.TimeoutExpired):
        running.process.wait(LINGER_SECONDS)
    _kill(running)


def _kill(running: RunningProgram) -> None:
    """Kill a program's remaining processes, and reap its leader."""
    wait_or_kill(running.family, 0)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(running.process.pid, signal.SIGKILL)
    running.process.wait()


def _died(running: RunningProgram) -> ProgramDied:
    lines = running.log.read_text(encoding="utf-8", errors="replace").splitlines()
    last = "\n".join([line for line in lines if line.strip()][-TAIL_LINES:]) or "none"
    ended = f"The {running.program.title} ended with {describe_exit(running.process.returncode)}"
    return ProgramDied(
        f"{ended}; its last lines:\n{last}",
        remedy=f"Its log is {running.log}.",
    )
