"""`planwise up --units`: the programs of `planwise up` as systemd units, under an account without rights.

systemd then restarts each program by itself, starts them with the machine and keeps their output. Units are
readable by everybody, so the environment, which has the credential, is a file of the home's owner.
"""

import os
import pwd
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from flows import up_processes
from flows.up_processes import LINGER_SECONDS, STOP_SECONDS, Addresses, Program
from planwise.errors import InputError
from planwise.settings import REPOSITORY, Settings
from planwise.storage import write_text

PREFIX = "planwise-"
TARGET = "planwise.target"
ENVIRONMENT = "units.env"  # in the home, mode 600
UNIT_MODE = 0o644
RESTART_SECONDS = 5
# Of the environment in which units are written: settings, the server, PostgreSQL's password, the way out.
PASSED_ON = ("PLANWISE_", "PREFECT_", "PG", "SSL_CERT_")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# Folders that ProtectHome= empties; an installation or a home within one has to be seen.
HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
HARDENING = """\
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native"""


def units(settings: Settings, addresses: Addresses, *, dashboard: bool, worker: bool) -> dict[str, str]:
    """Return the units by file name: server, deployments, a worker a pool, dashboard, and their target."""
    folder = settings.root
    server = up_processes.server_program(addresses, folder)
    after_server = (_unit(server),)
    found = {
        _unit(server): _service(settings, server, after=()),
        **_one(settings, up_processes.deploy(folder), after=after_server, once=True),
    }
    for pool in up_processes.work_pools() if worker else ():
        found |= _one(settings, up_processes.worker_program(pool, folder), after=after_server)
    if dashboard:
        found |= _one(settings, up_processes.dashboard_program(addresses, folder), after=())
    target = f"[Unit]\nDescription=PlanWise on {folder}\nWants={' '.join(found)}\n"
    return {**found, TARGET: f"{target}\n[Install]\nWantedBy=multi-user.target\n"}


def write_units(found: Mapping[str, str], folder: Path, environment: Mapping[str, str], home: Path) -> Path:
    """Write units into a folder, and the environment into the home; return the environment's file."""
    for name, text in found.items():
        write_text(folder / name, text)
        (folder / name).chmod(UNIT_MODE)
    file = home / ENVIRONMENT
    write_text(file, "".join(f"{name}={_quoted(value)}\n" for name, value in sorted(environment.items())))
    return file


def unit_environment(settings: Settings, addresses: Addresses) -> dict[str, str]:
    """Return what the units' programs are given, with the settings of the environment in use."""
    passed_on = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(PASSED_ON) or name.upper() in PROXIES
    }
    return up_processes.program_environment(settings, addresses, passed_on)


def require_owner(home: Path) -> None:
    """Raise InputError unless the home belongs to the user, whose account the units name."""
    if home.stat().st_uid != os.geteuid():
        owner = _name(home.stat().st_uid)
        raise InputError(
            f"The home {home} belongs to {owner}, and units run as its owner.",
            remedy=f"Write them as {owner} (`sudo -u {owner} planwise up --units --output FOLDER`), "
            "then copy them to /etc/systemd/system as root.",
        )


def _one(settings: Settings, program: Program, *, after: Iterable[str], once: bool = False) -> dict[str, str]:
    return {_unit(program): _service(settings, program, after=after, once=once)}


def _unit(program: Program) -> str:
    return f"{PREFIX}{program.name.removeprefix('prefect-')}.service"


def _service(settings: Settings, program: Program, *, after: Iterable[str], once: bool = False) -> str:
    """Return the unit of a program; one that runs `once` counts as active when it has succeeded."""
    servers = " ".join(after)
    home = settings.root
    lines = [
        "[Unit]",
        f"Description=PlanWise: {program.title}",
        f"After=network.target postgresql.service {servers}".rstrip(),
        *([f"Wants={servers}"] if servers else []),
        f"PartOf={TARGET}",
        "StartLimitIntervalSec=0",  # a server that is away comes back, however long it takes
        "",
        "[Service]",
        *(["Type=oneshot", "RemainAfterExit=yes"] if once else ["Type=exec"]),
        f"User={_name(home.stat().st_uid)}",
        f"WorkingDirectory={_escaped(str(program.folder))}",
        f"EnvironmentFile={_escaped(str(home / ENVIRONMENT))}",
        f"ExecStart={' '.join(map(_argument, program.command))}",
        "Restart=on-failure",
        f"RestartSec={RESTART_SECONDS}",
        f"TimeoutStopSec={STOP_SECONDS + LINGER_SECONDS:.0f}",
        "SuccessExitStatus=143",  # stopped by SIGTERM
        "RestartPreventExitStatus=2",  # bad input, which a new start does not mend
        HARDENING,
        f"ProtectHome={'read-only' if _in_a_home(home) else 'yes'}",
        *(f"ReadWritePaths={_argument(str(path))}" for path in _written(settings)),
    ]
    return "\n".join([*lines, "", "[Install]", f"WantedBy={TARGET}", ""])


def _in_a_home(home: Path) -> bool:
    """Whether the home or the installation is in a folder that ProtectHome=yes hides."""
    needed = (home, REPOSITORY, Path(sys.prefix), Path(sys.executable).resolve())
    return any(path.is_relative_to(folder) for path in needed for folder in HOMES)


def _written(settings: Settings) -> Iterable[Path]:
    """Return the folders that programs write, each once."""
    backups = settings.backup_folder.absolute()
    return (settings.root,) if backups.is_relative_to(settings.root) else (settings.root, backups)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # as in containers
        return str(uid)


def _escaped(text: str) -> str:
    """Return a path as a unit takes it: `%` is its own mark."""
    return text.replace("%", "%%")


def _argument(text: str) -> str:
    """Return a word of a command line, quoted where systemd would split or fill it in."""
    text = _escaped(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{text}"' if not text or set(text) & set(" ;'\"\\") else text


def _quoted(value: str) -> str:
    """Return a value as a line of an EnvironmentFile."""
    for mark in ("\\", '"', "$", "`"):
        value = value.replace(mark, f"\\{mark}")
    return f'"{value}"'
