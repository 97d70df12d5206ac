"""Jobs as files: made and held here, without a worker."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

from planwise.jobs import JobKind, JobWriter, new_job

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
HOLD = """
import sys, time
from pathlib import Path
from planwise.jobs import JobFolder, JobWriter
writer = JobWriter(JobFolder(Path(sys.argv[1])))
with writer.lock():
    writer.started()
    print("held", flush=True)
    time.sleep(600)
"""


def job(settings, kind=JobKind.SIMULATE, *, seconds=0, title="Simulate baseline", by="ana", **request):
    """Ask for a job, so many seconds after noon."""
    at = NOW + timedelta(seconds=seconds)
    return new_job(settings, kind, request or {"scenario": "baseline"}, title=title, started_by=by, now=at)


def ended(settings, state, seconds=0, **outcome):
    folder = job(settings, seconds=seconds)
    JobWriter(folder).end(state, **outcome)
    return folder


def held_elsewhere(folder):
    """Hold a job in a process of its own; returns that process once it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process
