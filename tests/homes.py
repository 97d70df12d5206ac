"""Homes that take long to make: the first process of a test run makes one, the others copy it."""

import os
import shutil

from planwise.settings import Settings
from planwise.storage import hold_lock

MAKE_SECONDS = 900  # a full simulation on a busy machine


def copy_of(tmp_path_factory, name, make):
    """Return a home of this process alone, as `make` fills one; `name` is what all processes call it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / f"{name}-made"
    with hold_lock(shared / f"{name}.lock", f"make {name}", timeout_seconds=MAKE_SECONDS, on_wait=None):
        if not made.exists():
            begun = tmp_path_factory.mktemp(name) / "begun"
            make(Settings(home=begun))
            begun.rename(made)  # whole, or not there: one that failed is made again
    settings = Settings(home=tmp_path_factory.mktemp(name) / "home")
    shutil.copytree(made, settings.root)
    return settings
