"""Run every check: linters, SQL tests, then pytest; the last line counts all of pytest's tests, in its words.

Nothing stops at the first failure, so that one run tells all there is to mend. Tests that start Prefect's
server or measure time run one after the other; the rest run on two processes.
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
from pathlib import Path

from scripts.axe import AxeError, axe_script

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
BIN = Path(sys.executable).parent
IN_PARALLEL = ("unit", "code_health", "spec", "reference", "statistical", "integration", "ui")
IN_A_BROWSER = ("browser",)
ONE_BY_ONE = ("flows",)
PROCESSES = "2"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
COUNTED = ("failed", "errors", "passed", "skipped")


def lint_commands(scratch: Path) -> dict[str, list[str]]:
    """Return the linters by name."""
    sqlmesh = [str(BIN / "sqlmesh"), "--log-file-dir", str(scratch / "logs"), "-p", "sqlmesh_project"]
    return {
        "ruff format": [str(BIN / "ruff"), "format", "--check", "."],
        "ruff check": [str(BIN / "ruff"), "check", "."],
        "mypy": [str(BIN / "mypy")],
        "import-linter": [str(BIN / "lint-imports"), "--no-cache"],
        "sqlmesh format": [*sqlmesh, "format", "--check"],
        "sqlmesh lint": [*sqlmesh, "lint"],
        "sqlmesh test": [*sqlmesh, "test"],
    }


def run(name: str, command: list[str], environment: dict[str, str]) -> bool:
    """Run one step in the project's folder; return whether it passed."""
    print(f"--- {name}", flush=True)
    started = time.monotonic()
    passed = subprocess.run(command, cwd=ROOT, env=environment).returncode == 0
    print(f"--- {name}: {'ok' if passed else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
    return passed


def pytest_commands(scratch: Path, *, thorough: bool) -> dict[str, list[str]]:
    """Return pytest's runs: folders that bear company, what measures time in them, and the other folders."""
    chosen = [] if thorough else ["-m", "not thorough"]
    known = [folder for folder in (*IN_PARALLEL, *IN_A_BROWSER, *ONE_BY_ONE) if (TESTS / folder).is_dir()]
    holding_tests = {file.relative_to(TESTS).parts[0] for file in TESTS.glob("*/**/test_*.py")}
    if unlisted := holding_tests - set(known):
        raise SystemExit(
            f"scripts/check.py lists no folder named {sorted(unlisted)}: add it, or nobody runs it"
        )

    def pytest(name: str, folders: tuple[str, ...], *options: str) -> list[str]:
        paths = [f"tests/{folder}" for folder in folders if folder in known]
        return [str(BIN / "pytest"), *options, f"--junit-xml={scratch / name}.xml", *paths]

    return {
        "pytest in parallel": pytest(
            "parallel", IN_PARALLEL, "-q", "-m", "not timing", "-n", PROCESSES, "--dist", "loadfile"
        ),
        "pytest, timing": pytest("timing", IN_PARALLEL, "-q", "-m", "timing"),
        "pytest in a browser": pytest(
            "browser", IN_A_BROWSER, "-q", *chosen, "-n", PROCESSES, "--dist", "loadfile"
        ),
        "pytest one by one": pytest("one-by-one", ONE_BY_ONE, "-q"),
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
    told = ", ".join(f"{counts[key]} {key}" for key in COUNTED if counts[key]) or "no tests ran"
    return f" {told} in {seconds:.2f}s ({int(seconds // 60)} min {int(seconds % 60)} s) ".center(100, "=")


def browser_is_there() -> bool:
    """Return whether the browser tests have a browser; as root on Debian, install it when it is missing."""
    if any(shutil.which(name) for name in BROWSERS):
        return True
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("--- installing Chromium from Debian's packages", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", *command], stdout=subprocess.DEVNULL, env=environment)
    if shutil.which("chromium"):
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
    """Run what was asked for; return 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lint", action="store_true", help="the linters and SQL tests only")
    parser.add_argument("--thorough", action="store_true", help="every page's own browser tests too")
    asked = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="planwise-check-") as folder:
        scratch = Path(folder)
        environment = {**os.environ, "PLANWISE_HOME": str(scratch / "home")}
        failed = [n for n, c in lint_commands(scratch).items() if not run(n, c, environment)]
        last = ""
        if not asked.lint:
            failed += [] if browser_is_there() else ["Chromium"]
            failed += [] if accessibility_rules_are_there() else ["axe-core"]
            failed += [
                n
                for n, c in pytest_commands(scratch, thorough=asked.thorough).items()
                if not run(n, c, environment)
            ]
            last = closing_line(scratch, time.monotonic() - started)
    print(f"FAILED: {', '.join(failed)}" if failed else "Every check passed.")
    if last:
        print(last)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
