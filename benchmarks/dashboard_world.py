"""What the dashboard's benchmarks run on: a home, the dashboard serving it, a browser."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = os.environ.get("PLANWISE_CHROMIUM", "/usr/bin/chromium")
START_SECONDS = 120.0
STOP_SECONDS = 20.0
VIEWPORT = {"width": 1440, "height": 900}
PLANWISE = (sys.executable, "-c", "from planwise.cli import main; main()")


@dataclass(frozen=True)
class Served:
    """A dashboard that answers: its address and its process."""

    url: str
    pid: int


@contextmanager
def home_with(employees: int, home: Path | None = None) -> Iterator[Path]:
    """Yield a home with a census of that size and its published baseline; `home` is taken as it is.

    A home made here is removed afterwards.
    """
    if home is not None:
        yield home
        return
    folder = Path(tempfile.mkdtemp(prefix="planwise-dashboard-"))
    try:
        _run("census", "generate", "--employees", str(employees), "--home", str(folder))
        _run("simulate", "--home", str(folder))
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(home: Path) -> Iterator[Served]:
    """Yield the dashboard, served as people serve it, in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = (*PLANWISE, "serve", "--no-browser", "--port", str(port), "--home", str(home))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError(f"`planwise serve` does not answer: {process.communicate()[1]}")
            time.sleep(0.1)
        yield Served(url, process.pid)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextmanager
def browsing() -> Iterator[Any]:
    """Yield a browser (Playwright on Debian's Chromium)."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


def _run(*arguments: str) -> None:
    done = subprocess.run((*PLANWISE, *arguments), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"planwise {' '.join(arguments)}: {done.stderr}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/", timeout=30) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
