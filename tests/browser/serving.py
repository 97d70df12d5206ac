"""`planwise serve` as a process of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

START_SECONDS = 90


@contextmanager
def dashboard(folder, *options, port=None, environment=None):
    """Run `planwise serve` on a free port, or on this one; yields its address."""
    if port is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from planwise.cli import main; main()", "serve", "--no-browser"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--home", str(folder), *options],
        env={"PLANWISE_PREVIEW_WORKERS": "1", **os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"`planwise serve` does not answer:\n{process.communicate()[0]}")
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise


def _answers(url):
    try:
        with urllib.request.urlopen(f"{url}/static/js/bokeh.min.js", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
