"""Run every check: linters, SQL tests, then pytest; the last line counts all of pytest's tests, in its words.

Nothing stops at the first failure, so that one run finds everything to fix. The tests run on two processes,
the linters beside the first of them; those in a browser on three; tests that measure time run alone.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.axe import AxeError, axe_script

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
BIN = Path(sys.executable).parent
# In this order, so that no long file is left for one process at the end.
QUICK = ("integration", "statistical", "reference", "spec", "unit", "code_health", "ui")
IN_A_BROWSER = ("browser",)
WITH_SERVERS = ("flows",)
TIMING = "pytest.mark.timing"
# Tests of a file share what they need, so one process runs them; files that are marked `long` come first.
TOGETHER = ("-m", "not timing", "--dist", "loadfile", "--no-loadscope-reorder")
PROCESSES = 2
BROWSER_PROCESSES = 3  # with two, processors wait a fifth of the time for pages that settle and for servers
HEADLESS = "chromium-headless-shell"  # without windows: it takes a quarter less time
BROWSERS = (HEADLESS, "chromium", "chromium-browser", "google-chrome")
COUNTED = ("failed", "errors", "passed", "skipped")


def lint_commands() -> tuple[dict[str, list[str]], ...]:
    """Return the linters by name, in two lots that may run beside each other."""
    return (
        {
            "mypy": [str(BIN / "mypy")],
            "ruff format": [str(BIN / "ruff"), "format", "--check", "."],
            "ruff check": [str(BIN / "ruff"), "check", "."],
        },
        {
            "sqlmesh": [sys.executable, "-m", "scripts.sql_checks"],
            "import-linter": [str(BIN / "lint-imports"), "--no-cache"],
            "oxlint": [str(BIN / "oxlint"), "--deny-warnings", "ui/assets"],
        },
    )


def run_lints(environment: dict[str, str]) -> list[str]:
    """Run the linters; return the names of those that failed."""

    def run_lot(lot: dict[str, list[str]]) -> list[str]:
        return [name for name, command in lot.items() if not run_quietly(name, command, environment)]

    lots = lint_commands()
    with ThreadPoolExecutor(len(lots)) as threads:
        return [name for failed in threads.map(run_lot, lots) for name in failed]


def run_quietly(name: str, command: list[str], environment: dict[str, str]) -> bool:
    """Run one step and print its output at its end; return whether it passed."""
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    print(f"\n--- {name}\n{done.stdout}{_ended(name, done.returncode, started)}", flush=True)
    return done.returncode == 0


def run(name: str, command: list[str], environment: dict[str, str]) -> bool:
    """Run one step in the project's folder; return whether it passed."""
    print(f"--- {name}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, env=environment).returncode
    print(_ended(name, code, started), flush=True)
    return code == 0


def _ended(name: str, code: int, started: float) -> str:
    return f"--- {name}: {'FAILED' if code else 'ok'} in {time.monotonic() - started:.0f} s"


def pytest_commands(scratch: Path) -> dict[str, list[str]]:
    """Return pytest's runs: folders by what their tests need, and apart from them what measures time."""
    known = [folder for folder in (*QUICK, *IN_A_BROWSER, *WITH_SERVERS) if (TESTS / folder).is_dir()]
    files = [str(file.relative_to(ROOT)) for file in sorted(TESTS.glob("*/**/test_*.py"))]
    if unlisted := {file.split("/")[1] for file in files} - set(known):
        raise SystemExit(
            f"scripts/check.py lists no folder named {sorted(unlisted)}: add it, or its tests are never run"
        )
    measuring = [file for file in files if TIMING in (ROOT / file).read_text(encoding="utf-8")]

    def pytest(name: str, paths: list[str], *options: str) -> list[str]:
        return [str(BIN / "pytest"), "-q", *options, f"--junit-xml={scratch / name}.xml", *paths]

    def together(name: str, folders: tuple[str, ...], processes: int) -> list[str]:
        paths = [f"tests/{folder}" for folder in folders if folder in known]
        return pytest(name, paths, "-n", str(processes), *TOGETHER)

    return {
        "pytest": together("quick", QUICK, PROCESSES),
        "pytest in a browser": together("browser", IN_A_BROWSER, BROWSER_PROCESSES),
        "pytest with servers": together("servers", WITH_SERVERS, PROCESSES),
        "pytest, timing": pytest("timing", measuring, "-m", "timing"),
    }


def closing_line(scratch: Path, seconds: float) -> str:
    """Return one closing line, in pytest's words, for all its runs."""
    counts: Counter[str] = Counter()
    for report in scratch.glob("*.xml"):
        suite = ElementTree.parse(report).getroot().find("testsuite")
        assert suite is not None
        found = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
        counts["failed"] += found["failures"]
        counts["errors"] += found["errors"]
        counts["skipped"] += found["skipped"]
        counts["passed"] += found["tests"] - found["failures"] - found["errors"] - found["skipped"]
    totals = ", ".join(f"{counts[key]} {key}" for key in COUNTED if counts[key]) or "no tests ran"
    return f" {totals} in {seconds:.2f}s ({int(seconds // 60)} min {int(seconds % 60)} s) ".center(100, "=")


def browser_is_there() -> bool:
    """Return whether the browser tests have a browser; as root on Debian, install what is missing."""
    if shutil.which(HEADLESS):
        return True
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("--- installing Chromium from Debian's packages", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["install", "-y", "-qq", "--no-install-recommends"]
        for command in (["update", "-qq"], [*install, "chromium"], [*install, HEADLESS]):
            subprocess.run(["apt-get", *command], stdout=subprocess.DEVNULL, env=environment)
    if any(shutil.which(name) for name in BROWSERS):
        return True
    print(
        "The browser tests need Chromium. Install it (Debian: sudo apt-get install chromium) and run again."
    )
    return False


def accessibility_rules_are_there() -> bool:
    """Return whether the browser tests have axe-core; fetch it from npm when it is missing."""
    try:
        axe_script()
    except AxeError as error:
        print(error)
        return False
    return True


def main() -> int:
    """Run the chosen checks; return 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lint", action="store_true", help="run the linters and SQL tests only")
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="planwise-check-") as folder, ThreadPoolExecutor() as beside:
        scratch = Path(folder)
        own = {"PLANWISE_HOME": scratch / "home", "PLANWISE_CACHE_DIR": scratch / "cache"}
        environment = {**os.environ, **{name: str(folder) for name, folder in own.items()}}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or each of some hundred processes compiles it all
        last = ""
        lints = beside.submit(run_lints, environment)
        if options.lint:
            failed = lints.result()
        else:
            browser = beside.submit(browser_is_there)
            rules = beside.submit(accessibility_rules_are_there)
            (quick, command), *others = pytest_commands(scratch).items()  # the first needs neither of them
            failed = [] if run(quick, command, environment) else [quick]
            failed += lints.result()
            failed += [] if browser.result() else ["Chromium"]
            failed += [] if rules.result() else ["axe-core"]
            failed += [name for name, command in others if not run(name, command, environment)]
            last = closing_line(scratch, time.monotonic() - started)
    print(f"FAILED: {', '.join(failed)}" if failed else "Every check passed.")
    if last:
        print(last)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
