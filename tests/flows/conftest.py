"""Homes with a small census, and one Prefect server for the session, with the services that schedule runs."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from types import SimpleNamespace

import pytest

from planwise.app.runner import InProcessRunner
from planwise.census import generate_census
from planwise.settings import Settings

EMPLOYEES = 500
SERVER_START_SECONDS = 90


class Recorder(InProcessRunner):
    """Runs steps in this process; keeps its messages, tables and pages."""

    def __init__(self):
        self.logged, self.tables, self.pages, self.steps = [], {}, {}, []
        super().__init__(self.logged.append)

    def __call__(self, step, /, *args, **kwargs):
        self.steps.append(step.__name__)
        return step(*args, **kwargs)

    def table(self, key, rows, title):
        self.tables[key] = rows

    def page(self, key, markdown, title):
        self.pages[key] = markdown


@pytest.fixture
def run():
    return Recorder()


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    chosen = Settings(home=tmp_path_factory.mktemp("home"))
    generate_census(chosen, employees=EMPLOYEES)
    return chosen


@pytest.fixture
def strict_gate(tmp_path, monkeypatch):
    """Tighten one threshold of the simulation gate so that nothing passes it."""
    file = tmp_path / "thresholds.yaml"
    file.write_text("growth_all_possible: {minimum: -0.3, maximum: -0.2}\n", encoding="utf-8")
    monkeypatch.setenv("PLANWISE_GATE_THRESHOLDS", str(file))


@pytest.fixture
def planwise(settings):
    """The command line as a program of its own, on the module's home."""

    def environment(**more):
        return {**os.environ, "PLANWISE_HOME": str(settings.root), "COLUMNS": "200", **more}

    def start(*tokens, **more):
        return subprocess.Popen(
            [sys.executable, "-c", "from planwise.cli import main; main()", *tokens],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(**more),
        )

    def call(*tokens, **more):
        process = start(*tokens, **more)
        out, err = process.communicate(timeout=120)
        return SimpleNamespace(code=process.returncode, out=out, err=err)

    def as_json(*tokens, **more):
        done = call(*tokens, "--json", **more)
        return SimpleNamespace(code=done.code, err=done.err, answer=json.loads(done.out))

    return SimpleNamespace(start=start, call=call, json=as_json)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Start a Prefect server as operators do; flows of this process report to it."""
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    folder = tmp_path_factory.mktemp("prefect")
    prefect = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--no-ui"]
    log = (folder / "server.log").open("w")
    process = subprocess.Popen(
        [*prefect, "--port", str(port)],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PREFECT_HOME": str(folder)},
    )
    try:
        _wait_until_healthy(url, process, folder / "server.log")
        with temporary_settings({PREFECT_API_URL: url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            yield url
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


def _wait_until_healthy(url, process, log):
    deadline = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"the Prefect server did not start: {log.read_text()[-2000:]}")
