"""What `planwise up` runs: programs, their environment, their addresses. Nothing here starts anything."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from flows.launch import prefect_home
from planwise.errors import InputError
from planwise.settings import REPOSITORY, Settings

HOST = "127.0.0.1"
DEPLOYMENTS = "prefect.yaml"
WORKER = "planwise-up"
# Of another set-up than this one; a server of our own knows none of them.
FOREIGN = ("PREFECT_PROFILE", "PREFECT_PROFILES_PATH", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING")


@dataclass(frozen=True)
class Program:
    """A program in its folder; `name` is also that of its log."""

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


def environment(settings: Settings, addresses: Addresses, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of every program: these settings, this server, nobody outside."""
    own = {
        f"PLANWISE_{name.upper()}": str(value)
        for name, value in settings.model_dump().items()
        if value is not None
    }
    local = [name for name in (inherited.get("NO_PROXY"), HOST, "localhost") if name]
    return {
        **{name: value for name, value in inherited.items() if name not in FOREIGN},
        **own,
        "PLANWISE_HOME": str(settings.root),
        "PREFECT_HOME": str(prefect_home(settings)),
        "PREFECT_API_URL": addresses.api,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",  # it calls out
        "NO_PROXY": ",".join(local),
        "no_proxy": ",".join(local),
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
    }


def project(folder: Path = REPOSITORY) -> Path:
    """Return the folder of the checkout, which holds the deployments; raises InputError without one."""
    if not (folder / DEPLOYMENTS).is_file():
        raise InputError(
            f"{folder / DEPLOYMENTS} is not there, so there is nothing to deploy.",
            remedy="`planwise up` runs from a checkout that is installed in place: `make up`.",
        )
    return folder


def work_pools(folder: Path) -> tuple[str, ...]:
    """Return the names of the work pools that the deployments name."""
    declared = yaml.safe_load((folder / DEPLOYMENTS).read_text(encoding="utf-8"))
    return tuple(sorted({deployment["work_pool"]["name"] for deployment in declared["deployments"]}))


def server(addresses: Addresses, folder: Path) -> Program:
    """Return the Prefect server."""
    arguments = ("server", "start", "--host", HOST, "--port", str(addresses.prefect_port))
    return _prefect("prefect-server", "Prefect server", folder, *arguments)


def create_pool(pool: str, folder: Path) -> Program:
    """Return the creation of a pool whose worker starts processes."""
    return _prefect(
        "prefect-work-pool", "work pool", folder, "work-pool", "create", pool, "--type", "process"
    )


def deploy(folder: Path) -> Program:
    """Return the registration of all deployments."""
    return _prefect("prefect-deploy", "deployments", folder, "deploy", "--all", "--no-prompt")


def worker(pool: str, folder: Path) -> Program:
    """Return the worker of a pool."""
    arguments = ("worker", "start", "--pool", pool, "--type", "process", "--name", WORKER)
    return _prefect(f"worker-{pool}", "worker", folder, *arguments)


def dashboard(addresses: Addresses, folder: Path) -> Program:
    """Return the dashboard."""
    start = (sys.executable, "-c", "from planwise.cli import main; main()", "serve", "--no-browser")
    command = (*start, "--address", HOST, "--port", str(addresses.dashboard_port))
    return Program("dashboard", "dashboard", command, folder)


def _prefect(name: str, title: str, folder: Path, *arguments: str) -> Program:
    return Program(name, title, (sys.executable, "-m", "prefect", *arguments), folder)
