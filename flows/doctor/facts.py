"""Gather what the checks judge. Nothing is made, upgraded or repaired."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from flows.doctor import checks
from flows.doctor.checks import Check
from planwise.errors import Busy, PlanWiseError
from planwise.orchestrator import configured_api
from planwise.settings import Settings
from planwise.storage import hold_lock, read_lock_holder

PINNED = {
    "fastapi": "Prefect's server breaks",
    "sqlalchemy": "scheduled runs stop without a word",
    "sqlmesh": "the incremental loader knows this one",
    "duckdb": "SQLMesh needs it",
    "prefect": "the deployments are tested with it",
}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
API_SECONDS = 5.0
MEGABYTE = 1e6


def examine(settings: Settings) -> Iterator[Check]:
    """Carry out every check, one after the other."""
    yield checks.python(sys.version_info[:3])
    yield from _packages()
    yield _home(settings)
    yield _census(settings)
    yield _ledger(settings)
    yield _warehouse(settings)
    yield from _published(settings)
    yield _prefect_api()
    named = os.environ.get("PLANWISE_CHROMIUM")
    yield checks.chromium(named or next(filter(None, map(shutil.which, CHROMIUM)), None))


def _packages() -> Iterator[Check]:
    declared = {
        r.name: str(r.specifier) for r in map(Requirement, requires("planwise") or ()) if not r.marker
    }
    for name, why in PINNED.items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = None
        yield checks.package(name, installed, declared[name], why)


def _home(settings: Settings) -> Check:
    root = settings.root
    nearest = next(folder for folder in (root, *root.parents) if folder.exists())
    problem = None
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        problem = str(error.strerror)
    free_mb = shutil.disk_usage(nearest).free / MEGABYTE
    return checks.home(root, exists=root.exists(), problem=problem, free_mb=free_mb)


def _census(settings: Settings) -> Check:
    import pyarrow.parquet as pq

    from planwise.census import census_in_use, load_census

    name, declared, stored, problem = None, None, None, None
    try:
        name = census_in_use(settings)
        if name is not None:
            found = load_census(settings, name)
            declared, stored = found.rows, pq.read_table(found.census_file).num_rows
            pq.read_table(found.levels_file)
    except PlanWiseError as error:
        problem = error.what
    except (OSError, ValueError, KeyError) as error:  # pyarrow's errors are among the first two
        problem = f"{name}: {error}"
    return checks.census(name, declared=declared, stored=stored, problem=problem)


def _ledger(settings: Settings) -> Check:
    from alembic.script import ScriptDirectory
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    from planwise.governance.connection import HEAD, MIGRATIONS, SQLITE, connect, revision, translated

    where, exists, found, problem = "its URL", True, None, None
    try:
        url = make_url(settings.ledger)
        where = url.render_as_string()
        exists = url.get_backend_name() != SQLITE or Path(str(url.database)).exists()
        if exists:
            engine = connect(settings.ledger)
            try:
                with translated(engine):
                    found = revision(engine)
            finally:
                engine.dispose()
    except PlanWiseError as error:
        problem = error.what
    except ArgumentError as error:
        problem = str(error)
    known = tuple(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())
    return checks.ledger(where, exists=exists, revision=found, head=HEAD, known=known, problem=problem)


def _warehouse(settings: Settings) -> Check:
    import duckdb

    file, holder, problem = settings.warehouse_file, None, None
    exists = file.exists()
    if exists:
        try:
            with (
                hold_lock(settings.warehouse_lock_file, "doctor", timeout_seconds=0),
                duckdb.connect(str(file), read_only=True) as database,
            ):
                database.execute("SELECT count(*) FROM duckdb_tables()").fetchall()
        except Busy:
            holder = read_lock_holder(settings.warehouse_lock_file)
        except (duckdb.Error, OSError) as error:
            problem = str(error)
    return checks.warehouse(file, exists=exists, holder=holder, problem=problem)


def _published(settings: Settings) -> Iterator[Check]:
    from planwise.engine.publishing import published_scenarios

    scenarios = published_scenarios(settings)
    if not scenarios:
        yield checks.nothing_published()
    for scenario in scenarios:
        yield _publication(settings, scenario)


def _publication(settings: Settings, scenario: str) -> Check:
    import pyarrow.parquet as pq

    from planwise.engine.publishing import load_publication
    from planwise.engine.warehouse import MARTS

    try:
        found = load_publication(settings, scenario)
        declared = dict(found.manifest["row_counts"])
    except PlanWiseError as error:
        return checks.publication(scenario, problem=error.what)
    except (KeyError, TypeError, ValueError) as error:
        return checks.publication(scenario, problem=f"its manifest has no row counts: {error}")
    damaged = []
    for mart in MARTS:
        try:
            rows = pq.read_table(found.file(mart)).num_rows
        except (OSError, ValueError) as error:
            damaged.append(f"{mart}: {error}")
            continue
        if rows != declared.get(mart):
            damaged.append(f"{mart}: {rows} rows, the manifest says {declared.get(mart)}")
    return checks.publication(scenario, problem=None, damaged=tuple(damaged))


def _prefect_api() -> Check:
    import httpx

    url, problem = configured_api(), None
    if url is not None:
        try:
            httpx.get(f"{url.rstrip('/')}/health", timeout=API_SECONDS).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = str(error)
    return checks.prefect_api(url, problem)
