"""`planwise serve` as a process of its own."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

START_SECONDS = 90
STOP_SECONDS = 30
TOLD_CHARACTERS = 20_000


@contextmanager
def dashboard(folder, *options, port=None, environment=None):
    """Run `planwise serve` on a free port, or on this one; yields its address."""
    if port is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from planwise.cli import main; main()", "serve", "--no-browser"]
    with tempfile.TemporaryFile("w+") as log:  # a pipe that nobody reads stops the server once it is full
        process = subprocess.Popen(
            [*command, "--port", str(port), "--home", str(folder), *options],
            env={"PLANWISE_PREVIEW_WORKERS": "1", **os.environ, **(environment or {})},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    pytest.fail(f"`planwise serve` does not answer:\n{_told(log)}")
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
            finally:
                sys.stderr.write(f"What the dashboard told:\n{_told(log)}")


def _told(log):
    log.seek(0)
    return log.read()[-TOLD_CHARACTERS:]


def _answers(url):
    try:
        with urllib.request.urlopen(f"{url}/static/js/bokeh.min.js", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
