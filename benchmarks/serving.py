"""`planwise serve` as a process of its own, for benchmarks and tests."""

import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any

from planwise.dashboard_link import read_link
from planwise.processes import find_free_port

PLANWISE = (sys.executable, "-c", "from planwise.cli import main; main()")
START_SECONDS = 120.0
STOP_SECONDS = 30.0
ASK_SECONDS = 0.1  # between two looks whether it answers
ANSWER_SECONDS = 30.0
TOLD_CHARACTERS = 20_000
PAGE = "/"  # the first answer has made a session: later ones are faster
ANYBODY = ssl._create_unverified_context()  # whether it answers, not who it is
FILE = "/static/js/bokeh.min.js"  # public, and no session


@dataclass(frozen=True)
class Served:
    """A dashboard that answers: its address, the cookie of its link (empty with sign-in), its process."""

    url: str
    cookie: str
    pid: int


@contextmanager
def serving(
    home: Path,
    log: IO[str],
    *options: str,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    ready: str = PAGE,
    program: Sequence[str] = PLANWISE,
) -> Iterator[Served]:
    """Yield the dashboard on a free port, or on this one, once it answers; `ready` is visited first.

    `log` gets what it tells; `environment` is in place of the process's own. Raises RuntimeError when it does
    not start, and TimeoutExpired when it does not stop.
    """
    port = find_free_port() if port is None else port
    url = f"{'https' if '--tls-certificate' in options else 'http'}://127.0.0.1:{port}"
    command = (*program, "serve", "--no-browser", "--port", str(port), "--home", str(home), *options)
    # The log is a file: a pipe that nobody reads stops the server once it is full.
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url + FILE):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"`planwise serve` does not answer:\n{told(log)}")
            time.sleep(ASK_SECONDS)
        cookie = _admitted(read_link(home, port))
        if ready != FILE:
            _ask(url + ready, cookie)
        yield Served(url, cookie, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def let_in(window: Any, served: Served) -> None:
    """Give a browser's context (Playwright) the cookie of a dashboard."""
    if served.cookie:
        name, _, value = served.cookie.partition("=")
        window.add_cookies([{"name": name, "value": value, "url": served.url}])


def told(log: IO[str]) -> str:
    """Return the end of a log."""
    log.seek(0)
    return log.read()[-TOLD_CHARACTERS:]


def _admitted(link: str | None) -> str:
    """Return the cookie that a link gives, as browsers send it; empty without a link."""
    return "" if link is None else _ask(link)["Set-Cookie"].partition(";")[0]


def _ask(url: str, cookie: str = "") -> HTTPMessage:
    request = urllib.request.Request(url, headers={"Cookie": cookie})
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS, context=ANYBODY) as answer:
        headers: HTTPMessage = answer.headers
        return headers


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS, context=ANYBODY) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
