"""What is delivered beside the wheel: container image, compose file, systemd units; no container is run."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import PurePosixPath

import pytest
import yaml
from prefect.cli import _app as prefect_cli
from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_settings_fields

from benchmarks.serving import FILE
from flows import up_processes, up_units
from flows.up import up
from flows.up_processes import Addresses
from planwise.cli.commands import COMMANDS
from planwise.cli.commands import app as planwise_cli
from planwise.dashboard_link import read_link
from planwise.errors import InputError
from planwise.processes import find_free_port
from planwise.settings import REPOSITORY, Settings, SignInSettings
from tests.waiting import wait_until
from ui.serve import JOURNAL, serve

ADDRESSES = Addresses(4200, 5006)
ANY = "0.0.0.0"  # within a container; its ports are published on the host's 127.0.0.1 only
LOCAL = "127.0.0.1"
INSTRUCTIONS = {"FROM", "ENV", "WORKDIR", "RUN", "COPY", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"}
PACKAGES = ("planwise", "flows", "ui", "expectations", "sqlmesh_project", "benchmarks")
WORKER_CHECK = "--with-healthcheck"  # a container is asked for its health, a program of `planwise up` is not


def dockerfile():
    """Return the instructions of the Dockerfile, in order, as (name, rest)."""
    lines = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def every(name):
    return [rest for found, rest in dockerfile() if found == name]


def compose():
    return yaml.safe_load((REPOSITORY / "compose.yaml").read_text(encoding="utf-8"))


SERVICES = compose()["services"]
OWN = {name: service for name, service in SERVICES.items() if service["image"].startswith("planwise")}


def ignored(name):
    """Whether .dockerignore keeps a file out of the build; the last line that matches decides."""
    result = False
    for line in (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern, path = line.removeprefix("!").removeprefix("**/"), PurePosixPath(name)
        parents = [str(path), *map(str, path.parents)]
        if any(fnmatch(part, pattern) for part in ([*parents, *path.parts] if "**/" in line else parents)):
            result = not line.startswith("!")
    return result


def copied(name):
    """Whether a file of the project is in the image's build."""
    sources = [word for rest in every("COPY") if "--from" not in rest for word in rest.split()[:-1]]
    return any(PurePosixPath(name).is_relative_to(source) for source in sources) and not ignored(name)


def test_the_image_is_built_of_known_instructions_without_root_and_with_checked_hashes():
    names = [name for name, _ in dockerfile()]
    assert set(names) <= INSTRUCTIONS and names[0] == "FROM"
    images = {rest.split()[0] for rest in every("FROM")} | {SERVICES["database"]["image"]}
    assert not [image for image in images if "/" in image or image.endswith(":latest") or ":" not in image]
    assert every("USER") == ["planwise"] and names.index("USER") > max(
        at for at, name in enumerate(names) if name == "RUN"
    )
    installs = [rest for rest in every("RUN") if "pip install" in rest]
    assert len(installs) == 2 and all("--no-deps" in rest for rest in installs)
    assert "--require-hashes -r requirements-team.lock" in installs[0]
    volume, _ = json.loads(every("VOLUME")[0])
    assert f"PLANWISE_HOME={volume}/home " in every("ENV")[-1], "a restore replaces a folder, not a volume"
    assert f"home:{volume}" in OWN["worker"]["volumes"]
    assert all("PIP_INDEX" not in rest and "http" not in rest for rest in (*every("RUN"), *every("ENV")))


def test_what_is_copied_is_there_and_is_all_that_the_product_has():
    for rest in every("COPY"):
        *sources, _ = [word for word in rest.split() if not word.startswith("--")]
        if "--from" not in rest:
            assert [source for source in sources if not (REPOSITORY / source).exists()] == []
            assert [source for source in sources if ignored(source)] == []
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True)
    tracked = listed.stdout.decode().split("\0")[:-1]
    product = [name for name in tracked if name.split("/")[0] in PACKAGES]
    assert len(product) > 300 and [name for name in product if not copied(name)] == []
    kept_out = (".env", ".planwise/ledger.sqlite", "tests/worlds.py", "planwise/__pycache__/a.pyc", "a.csv")
    assert [name for name in kept_out if copied(name) or not ignored(name)] == []
    links = [REPOSITORY / name for name in product if (REPOSITORY / name).is_symlink()]
    targets = [str(link.resolve().relative_to(REPOSITORY)) for link in links]
    assert len(targets) == 2 and all(map(copied, targets))


def test_the_services_are_whole_and_listen_on_this_machine_only():
    found = compose()
    for service in SERVICES.values():
        assert [port for port in service.get("ports", ()) if not port.startswith(f"{LOCAL}:")] == []
        named = [volume.split(":")[0] for volume in service.get("volumes", ())]
        assert set(named) <= set(found["volumes"]) and set(service.get("secrets", ())) <= set(
            found["secrets"]
        )
        assert {config["source"] for config in service.get("configs", ())} <= set(found["configs"])
        for name, need in service.get("depends_on", {}).items():
            healthy = need["condition"] != "service_healthy" or "test" in SERVICES[name]["healthcheck"]
            assert healthy and need["condition"].startswith("service_")
    assert all(service["cap_drop"] == ["ALL"] and service["build"] == "." for service in OWN.values())
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {service["image"] for service in OWN.values()} == {f"planwise:{project['version']}"}
    assert "ports" not in SERVICES["database"]
    assert (
        OWN["dashboard"]["pid"] == "service:worker"
        and OWN["dashboard"]["volumes"] == OWN["worker"]["volumes"]
    )
    text = (REPOSITORY / "compose.yaml").read_text(encoding="utf-8")
    needed = re.findall(r"\$\{(\w+)(:\?[^}]+)?\}", text)
    assert {name for name, _ in needed} == {"PLANWISE_DATABASE_PASSWORD", "PLANWISE_PREFECT_CREDENTIAL"}
    assert all(message for _, message in needed), "one that is missing is an error"
    databases = {url.rpartition("/")[2] for s in OWN.values() for url in urls(s).values()}
    created = re.findall(r"CREATE DATABASE (\w+);", found["configs"]["databases"]["content"])
    assert databases == {SERVICES["database"]["environment"]["POSTGRES_DB"], *created}


def urls(service):
    """Return the URLs of databases in a service's environment; none has a password."""
    found = {k: v for k, v in service["environment"].items() if "postgresql+" in str(v)}
    assert all(re.fullmatch(r"postgresql\+\w+://planwise@database/\w+", url) for url in found.values())
    return found


def declared():
    """Return what `planwise up` starts, by the name of the service, as a container writes it."""

    def words(program):
        at = program.command.index("prefect") if "prefect" in program.command else 4
        own = "prefect" if "prefect" in program.command else "planwise"
        return [own, *program.command[at + (own == "prefect") :]]

    folder = REPOSITORY
    (pool,) = up_processes.work_pools()
    found = {
        "prefect-server": words(up_processes.server_program(ADDRESSES, folder)),
        "deployments": words(up_processes.deploy(folder)),
        "worker": [*words(up_processes.worker_program(pool, folder)), WORKER_CHECK],
        "dashboard": words(up_processes.dashboard_program(ADDRESSES, folder)),
    }
    return {name: [ANY if word == LOCAL else word for word in command] for name, command in found.items()}


def test_containers_run_what_up_runs_in_the_same_environment(tmp_path):
    assert {name: service["command"] for name, service in OWN.items()} == declared()
    (command,) = every("CMD")
    assert json.loads(command) == [*declared()["dashboard"], "--auth", "basic"]
    expected = up_processes.program_environment(Settings(home=tmp_path), ADDRESSES, {})
    own = {name for name in expected if name.startswith("PREFECT_")}
    server, worker = (OWN[name]["environment"] for name in ("prefect-server", "worker"))
    assert own <= server.keys(), "a setting of `planwise up` that containers lack"
    elsewhere = {
        "PREFECT_HOME",
        "PREFECT_API_URL",
        "PREFECT_API_AUTH_STRING",
        "PREFECT_SERVER_API_AUTH_STRING",
    }
    assert {name: server[name] for name in own - elsewhere} == {
        name: expected[name] for name in own - elsewhere
    }
    assert worker["PLANWISE_DASHBOARD_URL"] == expected["PLANWISE_DASHBOARD_URL"]
    assert worker["PREFECT_API_AUTH_STRING"] == server["PREFECT_SERVER_API_AUTH_STRING"]


@pytest.mark.parametrize("service", OWN)
def test_the_command_line_accepts_each_command(service):
    program, *arguments = OWN[service]["command"]
    cli = {"planwise": planwise_cli, "prefect": prefect_cli._app}[program]
    _, bound, unused, *_ = cli.parse_known_args(arguments)
    assert not unused and (bound.arguments or arguments == ["deploy"])
    assert program == "prefect" or arguments[0] in COMMANDS


def test_every_variable_is_one_that_is_read():
    planwise = {f"PLANWISE_{name.upper()}" for name in (Settings.model_fields | SignInSettings.model_fields)}
    prefect = set(_get_settings_fields(PrefectSettings))
    image = re.findall(r"(P\w+)=", every("ENV")[-1])
    names = {name for service in OWN.values() for name in (*service["environment"], *image)}
    assert {name for name in names if name.startswith("PLANWISE_")} <= planwise
    assert {name for name in names if name.startswith("PREFECT_")} <= prefect
    assert {name for name in names if "_" not in name} == {
        "PATH",
        "PGPASSWORD",
        "PYTHONDONTWRITEBYTECODE",
    } | {
        "PYTHONSAFEPATH",
        "PYTHONUNBUFFERED",
    }


def health_check(service, ports):
    """Return the command of a container's health check, with this machine's ports."""
    kind, program, *words = service["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    for port, own in ports.items():
        words = [word.replace(f":{port}/", f":{own}/") for word in words]
    return [sys.executable, *words]


def test_a_container_of_the_worker_is_healthy_once_it_polls(server, tmp_path):
    port, own = find_free_port(), {"PREFECT_HOME": str(tmp_path), "PREFECT_API_URL": server}
    ports = {"PREFECT_WORKER_WEBSERVER_PORT": str(port), "PREFECT_WORKER_WEBSERVER_HOST": LOCAL}
    check = health_check(OWN["worker"], {8080: port})
    with (tmp_path / "log").open("w") as log:
        command = [sys.executable, "-m", *OWN["worker"]["command"]]
        worker = subprocess.Popen(command, env={**os.environ, **own, **ports}, stdout=log, stderr=log)
    try:
        assert subprocess.run(check, capture_output=True).returncode != 0
        wait_until(
            lambda: worker.poll() is not None or not subprocess.run(check, capture_output=True).returncode
        )
        assert worker.poll() is None, (tmp_path / "log").read_text()
    finally:
        worker.terminate()
        worker.wait(30)


def test_the_other_health_checks_ask_what_answers_without_signing_in(server):
    api = server.removeprefix(f"http://{LOCAL}:")
    port = api.partition("/")[0]
    assert not subprocess.run(health_check(OWN["prefect-server"], {4200: port})).returncode
    (check,) = every("HEALTHCHECK")
    assert f"http://{LOCAL}:5006{FILE}'" in check and '"--port", "5006"' in every("CMD")[0]


def unit_lines(text):
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


@pytest.fixture
def units(tmp_path, capfd, monkeypatch):
    """Write the units of a home with an awkward name; return them by name, and their environment's file."""
    monkeypatch.setenv("PGPASSWORD", 'a "b" $c')
    monkeypatch.setenv("HOSTILE", "never passed on")
    home, folder = tmp_path / "home 100%", tmp_path / "units"
    assert up(units=True, output=folder, home=home) == 0
    printed = capfd.readouterr()
    found = {file.name: file.read_text() for file in folder.iterdir()}
    return found, home / up_units.ENVIRONMENT, printed.out, folder


def test_units_start_what_up_starts(units):
    found, environment, printed, folder = units
    home = environment.parent
    (pool,) = up_processes.work_pools()
    programs = {
        "planwise-server.service": up_processes.server_program(ADDRESSES, home),
        "planwise-deploy.service": up_processes.deploy(home),
        f"planwise-worker-{pool}.service": up_processes.worker_program(pool, home),
        "planwise-dashboard.service": up_processes.dashboard_program(ADDRESSES, home),
    }
    assert found.keys() == {*programs, up_units.TARGET}
    for name, program in programs.items():
        lines = unit_lines(found[name])
        assert tuple(shlex.split(lines["ExecStart"])) == program.command
        assert lines["EnvironmentFile"].replace("%%", "%") == str(environment)
        assert lines["Type"] == ("oneshot" if name == "planwise-deploy.service" else "exec")
        assert lines["Restart"] == "on-failure" and lines["NoNewPrivileges"] == "yes"
        assert name in unit_lines(found[up_units.TARGET])["Wants"].split()
        assert ("planwise-server.service" in lines["After"]) is (
            program.name not in ("prefect-server", "dashboard")
        )
    assert environment.stat().st_mode & 0o777 == 0o600
    credential = (home / "prefect" / "api_credential").read_text()
    assert not [name for name, text in {**found, "": printed}.items() if credential in text]
    given = dict(line.split("=", 1) for line in environment.read_text().splitlines())
    assert given["PGPASSWORD"] == '"a \\"b\\" \\$c"' and "HOSTILE" not in given
    assert given["PREFECT_SERVER_API_AUTH_STRING"] == f'"{credential}"'
    if verify := shutil.which("systemd-analyze"):
        files = map(str, sorted(folder.iterdir()))
        done = subprocess.run([verify, "verify", *files], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


def test_units_are_of_the_homes_owner(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(InputError, match="belongs to"):
        up(units=True, output=tmp_path / "units", home=tmp_path)
    with pytest.raises(InputError, match="Add --units"):
        up(output=tmp_path / "units", home=tmp_path)
    monkeypatch.undo()
    assert up(units=True, dashboard=False, worker=False, home=tmp_path) == 0
    assert "# planwise-server.service" in (printed := capsys.readouterr().out) and "dashboard" not in printed
    assert not (tmp_path / up_units.ENVIRONMENT).exists()


@pytest.mark.parametrize("journal", [False, True])
def test_the_journal_is_not_given_the_link_that_opens_the_dashboard(tmp_path, monkeypatch, capsys, journal):
    monkeypatch.setattr("ui.server.serve", lambda *_, **__: None)
    monkeypatch.delenv(JOURNAL, raising=False)
    if journal:
        monkeypatch.setenv(JOURNAL, "8:1")
    port = find_free_port()
    serve(port=port, browser=False, home=tmp_path)
    link = read_link(tmp_path, port)
    said = capsys.readouterr().err.replace("\n", "")
    assert link and (link in said) is not journal and f"http://{LOCAL}:{port}" in said
    assert (f"auth/dashboard-{port}.html" in said) is journal and (
        tmp_path / f"auth/dashboard-{port}.html"
    ).exists()
