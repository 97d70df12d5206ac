"""`planwise serve` as a process of its own; what it told is shown with a test that failed."""

import os
import sys
import tempfile
from contextlib import contextmanager

from benchmarks.serving import FILE, serving, told


@contextmanager
def dashboard(folder, *options, port=None, environment=None):
    """Run it on a free port, or on this one; yields its address."""
    environment = {"PLANWISE_PREVIEW_WORKERS": "1", **os.environ, **(environment or {})}
    with tempfile.TemporaryFile("w+") as log:
        try:
            with serving(folder, log, *options, port=port, environment=environment, ready=FILE) as served:
                yield served.url
        finally:
            sys.stderr.write(f"What the dashboard told:\n{told(log)}")
