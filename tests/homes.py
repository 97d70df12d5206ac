"""Homes that take long to make: the first process of a test run makes one, the others copy it."""

import hashlib
import json
import os
import shutil
from datetime import UTC, datetime

import duckdb

from planwise.settings import Settings
from planwise.storage import digest, hold_lock
from tests.ui import recorded_studies
from tests.unit.comparison.comparison_worlds import prepare, publish, staff
from ui.auth.users import Users

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


EVENT = ("E00", 2027, 1, "RAISE", "COLA", "2027-01-01", None, 1, 50_000, 51_000, 0.02, None, None)
SWEEP = {
    **{
        "at": "2026-11-20T12:00:00.000+00:00",
        "asked": "{}",
        "previous_at": None,
        "complete": True,
        "rows": [],
    },
    **{"became_infeasible": [], "became_feasible": [], "moved": [], "gone": []},
}


def make_stores(settings):
    """Fill a home with one of everything, without simulating: two results, a study, a user, a sweep."""
    prepare(settings)
    for scenario, raises in (("more", 1_000), ("less", 0)):
        folder = publish(settings, scenario, staff(*[raises] * 12), events=[EVENT])
        manifest = json.loads((folder / "manifest.json").read_text())
        sums = {file.stem: digest(file) for file in folder.glob("*.parquet")}
        (folder / "manifest.json").write_text(json.dumps(manifest | {"sha256": sums}))
    journal = recorded_studies.begin(settings, "s")
    for growth in (0.02, 0.03, 0.04):
        recorded_studies.add(journal, growth)
    recorded_studies.end(settings, journal, "s", converged=True)
    duckdb.connect(str(settings.warehouse_file)).execute("CREATE TABLE a AS SELECT range FROM range(200000)")
    Users(settings.root / "auth" / "users.json").add(
        "ann", "admin", "correct horse battery", clock=lambda: datetime.now(UTC)
    )
    (settings.root / "sweeps").mkdir()
    (settings.root / "sweeps" / "20261120T120000000.json").write_text(json.dumps(SWEEP))


def contents(folder):
    """Every file with its content, but locks and what SQLite keeps beside the ledger."""
    return {
        str(file.relative_to(folder)): os.readlink(file) if file.is_symlink() else _sha(file)
        for file in sorted(folder.rglob("*"))
        if (file.is_file() or file.is_symlink()) and not file.name.endswith(("lock", "-wal", "-shm"))
    }


def _sha(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()
