"""Every test session has a home, a Prefect profile and a screen of its own, without other servers."""

import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest
import real_data
from hypothesis import settings

# Set at import, before anything reads them: Prefect and SQLMesh look at their environment once.
SESSION = Path(tempfile.mkdtemp(prefix="planwise-tests-"))
# Models take seconds to make: the processes of a test run, and its parts, make them once for all homes.
os.environ.setdefault("PLANWISE_CACHE_DIR", str(SESSION / "cache"))
os.environ.update(
    PLANWISE_HOME=str(SESSION / "planwise"),
    PREFECT_HOME=str(SESSION / "prefect"),
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_SERVER_UI_V2_ENABLED="false",
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="90",
    NO_COLOR="1",
    TERM="dumb",
    MAX_FORK_WORKERS="1",
)
for inherited in ("PREFECT_API_URL", "PREFECT_PROFILE", "FORCE_COLOR", "PLANWISE_LEDGER_URL"):
    os.environ.pop(inherited, None)

os.umask(0o077)  # as commands set it
# Parsed SQL is very many objects that stay: scanning them took a third of the time.
gc.set_threshold(100_000)

# How busy the machine is must not decide a test, nor chance: the examples are the same in every run.
settings.register_profile("planwise", deadline=None, derandomize=True)
settings.load_profile("planwise")


def pytest_collection_finish():
    gc.freeze()  # what is imported by now stays


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest: no process is to be left alone with one of them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    real_data.require_or_skip(items, real_data.folder())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    real_data.fail_skipped(report, real_data.folder())
    return report


def pytest_terminal_summary(terminalreporter):
    if line := real_data.summary(terminalreporter.stats.get("skipped", []), real_data.folder()):
        terminalreporter.write_line(line, yellow=True)


def pytest_unconfigure(config):
    shutil.rmtree(SESSION, ignore_errors=True)
