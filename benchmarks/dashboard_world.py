"""What the dashboard's benchmarks run on: a home, the dashboard serving it, a browser."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.serving import PLANWISE, Served, serving

CHROMIUM = os.environ.get("PLANWISE_CHROMIUM", "/usr/bin/chromium")
VIEWPORT = {"width": 1440, "height": 900}


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
def world(employees: int, home: Path | None) -> Iterator[Served]:
    """Yield the dashboard on such a home, served as people serve it."""
    with (
        home_with(employees, home) as folder,
        tempfile.TemporaryFile("w+") as log,
        serving(folder, log) as served,
    ):
        yield served


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
