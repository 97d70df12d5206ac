"""`planwise up` as a process of its own: what it starts, and that nothing of it stays."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import psutil
import pytest
import yaml

from flows.up_processes import Program, ProgramDied, ProgramGroup
from planwise.prefect_server import PrefectAuth, api_credential, credential_headers
from planwise.processes import find_free_port
from planwise.settings import REPOSITORY, Settings
from tests.waiting import WAIT_SECONDS, wait_until

READY = "PlanWise is up."
GONE_SECONDS = 30
SLEEP = "import time; time.sleep(600)"
DEPLOYMENTS = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]


@pytest.fixture
def up(tmp_path):
    """Start `planwise up` on a home of its own; whatever happens, it does not outlive the test."""
    begun = []

    def start(*options, port=None):
        port = port or find_free_port()
        command = [sys.executable, "-c", "from planwise.cli import main; main()", "up"]
        said = tmp_path / "said.txt"
        with said.open("w") as output:
            process = subprocess.Popen(
                [*command, "--home", str(tmp_path / "home"), "--prefect-port", str(port), *options],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        begun.append(process)
        return SimpleNamespace(process=process, api=f"http://127.0.0.1:{port}/api", said=said)

    yield start
    for process in begun:
        process.terminate()
        process.wait(GONE_SECONDS)


def wait_until_ready(started):
    wait_until(lambda: READY in started.said.read_text() or started.process.poll() is not None)
    assert started.process.poll() is None, started.said.read_text()


def signed_in(started, home):
    auth = PrefectAuth(started.api, credential_headers(api_credential(Settings(home=home))))
    return httpx.Client(auth=auth, trust_env=False, timeout=10)


def attack(started, headers):
    """Create a deployment as a web page of another site would."""
    content = {"name": "evil", "flow_id": "00000000-0000-0000-0000-000000000000"}
    url = f"{started.api}/deployments/"
    return httpx.post(
        url, json=content, headers={"Origin": "https://evil.example", **headers}, trust_env=False
    )


def left_of(children):
    _, alive = psutil.wait_procs(children, timeout=GONE_SECONDS)
    return [child.cmdline() for child in alive if child.status() != psutil.STATUS_ZOMBIE]


def test_everything_is_deployed_and_guarded_and_stops_together(up, tmp_path):
    started = up("--no-dashboard")
    wait_until_ready(started)
    home = tmp_path / "home"
    with signed_in(started, home) as client:
        answer = client.post(f"{started.api}/deployments/filter", json={})
        found = {(d["name"], d["work_pool_name"]) for d in answer.json()}
    forged = attack(started, {}), attack(started, credential_headers(api_credential(Settings(home=home))))
    token = httpx.get(f"{started.api}/csrf-token?client=evil", trust_env=False)
    credential = home / "prefect" / "api_credential"
    children = psutil.Process(started.process.pid).children(recursive=True)
    started.process.terminate()
    assert started.process.wait(GONE_SECONDS) == 0
    assert found == {(d["name"], d["work_pool"]["name"]) for d in DEPLOYMENTS}
    assert [answer.status_code for answer in (*forged, token)] == [403, 403, 401], "no token, and none to get"
    assert not any("access-control-allow-origin" in answer.headers for answer in (*forged, token))
    assert credential.stat().st_mode & 0o777 == 0o600
    assert credential.read_text() not in started.said.read_text()
    assert len(children) >= 2  # a server and a worker
    assert left_of(children) == []


def test_a_port_in_use_is_busy_and_nothing_starts(up, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        started = up(port=port)
        assert started.process.wait(60) == 4
    assert f"Port {port}" in started.said.read_text()
    assert not (tmp_path / "home" / "logs").exists()


def program(name, code):
    return Program(name, name, (sys.executable, "-c", code), Path.cwd())


def test_when_one_dies_it_is_named_with_its_log_and_the_others_stop(tmp_path):
    with pytest.raises(ProgramDied, match=r"The brief ended with exit status 7; .*\nno more") as died:  # noqa: SIM117
        with ProgramGroup(os.environ, tmp_path, lambda _: None) as programs:
            lasting = programs.start(program("lasting", SLEEP))
            programs.start(program("brief", "print('no more'); raise SystemExit(7)"))
            programs.wait(lasting, lambda: False, WAIT_SECONDS)
    assert str(tmp_path / "brief.log") in died.value.remedy
    assert lasting.process.returncode == -signal.SIGTERM


# As a worker starts a flow run: in a session of its own, where a signal to the worker's group does not come.
NESTED = f"""
import signal, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {SLEEP!r}], start_new_session=True)
signal.signal(signal.SIGTERM, signal.SIG_IGN if {{stubborn}} else signal.SIG_DFL)
time.sleep(600)
"""


def family_of(pid, size):
    leader = psutil.Process(pid)
    wait_until(lambda: len(leader.children(recursive=True)) >= size, GONE_SECONDS)
    return [leader, *leader.children(recursive=True)]


def test_what_a_program_started_stops_with_it_too(tmp_path):
    with ProgramGroup(os.environ, tmp_path, lambda _: None) as programs:
        family = family_of(programs.start(program("nested", NESTED.format(stubborn=False))).process.pid, 1)
    assert left_of(family) == []


def test_nothing_outlives_a_killed_parent(tmp_path):
    """Neither what ends at once nor what has to be killed, which takes a while: of two parents at a time."""

    def parent(stubborn):
        folder = tmp_path / str(stubborn)
        folder.mkdir()
        code = f"""
import os, pathlib, sys, time
from flows.up_processes import Program
from flows.up_processes import ProgramGroup
with ProgramGroup(os.environ, pathlib.Path({str(folder)!r}), print) as programs:
    command = (sys.executable, "-c", {NESTED.format(stubborn=stubborn)!r})
    programs.start(Program("one", "one", command, pathlib.Path.cwd()))
    time.sleep(600)
"""
        return subprocess.Popen([sys.executable, "-c", code])

    parents = [parent(stubborn) for stubborn in (False, True)]
    # The guardian, the program, what that started.
    families = [member for one in parents for member in family_of(one.pid, 3)]
    time.sleep(2.5)  # the guardian looks once a second
    for one in parents:
        one.kill()
        one.wait()
    assert left_of(families) == []
