"""Maintenance: what it lists is what goes, what is needed stays, and a home does not grow."""

import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pandas as pd
import pytest
from reference.compare import GRAINS
from worlds import effective_for

from planwise.app.maintain import SWEEPS_KEPT, maintain
from planwise.app.requests import MaintainRequest
from planwise.app.runner import InProcessRunner
from planwise.census import generate_census
from planwise.engine import upkeep
from planwise.engine.upkeep import compact_warehouse, list_contents
from planwise.engine.warehouse import open_warehouse, scenario_environment
from planwise.settings import Settings
from planwise.storage import sizes_mb

EMPLOYEES = 500
BASELINE = scenario_environment("baseline")
RUN = InProcessRunner(lambda message: None)


def maintained(settings, **request):
    return maintain(settings, MaintainRequest(**request), RUN)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    return SimpleNamespace(settings=settings, census=generate_census(settings, employees=EMPLOYEES), runs=0)


def in_order(mart, frame):
    """Return a mart's rows in the order of its grain: a table has none."""
    return frame.sort_values(GRAINS[mart], ignore_index=True)


def simulate(world, times):
    """Run other levers in the baseline's environment; return the last parameters."""
    with open_warehouse(world.settings, "test") as warehouse:
        for _ in range(times):
            world.runs += 1
            effective = effective_for(world.census, {"years": 1, "cola_rate": 0.01 + world.runs / 1000})
            warehouse.plan(BASELINE, world.census, effective).apply()
    return effective


def scatter(settings):
    """Leave what killed processes leave, and files that are young, kept or of other programs; return both."""
    old = time.time() - 7 * 3600
    dead = f"memory-{2**22 + 1}-ab.tmp"  # above the greatest process id
    leftovers = {
        "published/baseline/0123.4567.part/fct_budget.parquet": None,
        "warehouse.duckdb.aa.part": None,
        "warehouse.duckdb.aa.part.wal": None,
        "warehouse.duckdb.tmp/duckdb_temp_storage-0.tmp": None,
        f"{dead}/duckdb_temp_storage-0.tmp": None,
        "workers/study_x.lock": None,
        "workers/study_x.duckdb": None,
        "jobs/20260101T000000000-plan-abcdef/outcome.json.aa.part": old,
        "ledger.sqlite.aa.part": old,
        "sweeps/20200101T000000000.json": None,
    }
    kept = {
        "sweeps/20250101T000000000.json.bb.part": None,  # young
        f"memory-{os.getpid()}-ab.tmp/duckdb_temp_storage-0.tmp": None,
        **{f"sweeps/2026{number:04d}T000000000.json": None for number in range(SWEEPS_KEPT)},
    }
    for name, modified in {**leftovers, **kept}.items():
        file = settings.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"{}")
        if modified:
            os.utime(file, (modified, modified))
    return leftovers, kept


def test_what_is_listed_goes_and_what_is_needed_stays(world, monkeypatch):
    settings = world.settings
    effective = simulate(world, 3)
    with open_warehouse(settings, "test") as warehouse:
        for name in ("scenario_deleted", "trial_forgotten_7"):
            gone = effective.with_levers({"cola_rate": 0.07 if name.startswith("trial") else 0.08})
            warehouse.plan(name, world.census, gone, kpis_only=name.startswith("trial")).apply()
        cursor = warehouse.cursor()
        for schema, table in (
            ("sqlmesh__marts", "orphan"),
            ("raw", "census_removed"),
            ("raw", "drift_donors_removed"),
        ):
            cursor.execute(f'CREATE TABLE planwise."{schema}"."{table}" AS SELECT 1 AS a')
        cursor.execute("CREATE VIEW planwise.sqlmesh__marts.orphan_view AS SELECT 1 AS a")
        before, rows = list_contents(warehouse), warehouse.frames(BASELINE)
        monkeypatch.setattr("planwise.engine.warehouse.PART_ROWS", 600)  # more than a year's, less than two's
        parts = list(warehouse.parts(BASELINE, "fct_workforce_snapshot"))
    whole = in_order("fct_workforce_snapshot", rows["fct_workforce_snapshot"])
    assert [part["simulation_year"].nunique() for part in parts] == [1, 1]
    assert in_order("fct_workforce_snapshot", pd.concat(parts)).equals(whole)
    leftovers, kept = scatter(settings)
    size = settings.warehouse_file.stat().st_size

    listed = maintained(settings)
    assert set(listed.environments) == {"scenario_deleted", "trial_forgotten_7"}
    assert {
        "sqlmesh__marts.orphan",
        "sqlmesh__marts.orphan_view",
        "raw.census_removed",
        "raw.drift_donors_removed",
    } < set(listed.tables)
    assert len(listed.tables) > 2 * 7  # the marts of the superseded runs
    files = {Path(file) for file in listed.files}
    assert all({settings.root / name, (settings.root / name).parent} & files for name in leftovers)
    assert not any({settings.root / name, (settings.root / name).parent} & files for name in kept)
    assert all((settings.root / name).exists() for name in (*leftovers, *kept))
    with open_warehouse(settings, "test") as warehouse:
        warehouse.open_state()
        assert list_contents(warehouse) == before

    done = maintained(settings, dry_run=False)
    assert (done.environments, done.snapshots, done.tables, done.files) == (
        listed.environments,
        listed.snapshots,
        listed.tables,
        listed.files,
    )
    assert done.problem is None
    assert not [name for name in leftovers if (settings.root / name).exists()]
    assert all((settings.root / name).exists() for name in kept)
    assert settings.warehouse_file.stat().st_size < size / 2
    with open_warehouse(settings, "test") as warehouse:
        warehouse.open_state()
        assert list_contents(warehouse) == before.without(
            type(before)(listed.environments, listed.snapshots, listed.tables)
        )
        for mart, frame in rows.items():
            kept = warehouse.frame(BASELINE, mart)
            assert in_order(mart, kept).equals(in_order(mart, frame)), mart
    with open_warehouse(settings, "test") as warehouse:
        assert warehouse.plan(BASELINE, world.census, effective).summary.models_to_run == ()
    again = maintained(settings, dry_run=False)
    assert again.rows() == []


def test_a_maintained_home_does_not_grow(world):
    simulate(world, 1)
    maintained(world.settings, dry_run=False)
    first = sum(sizes_mb(world.settings.root).values())
    simulate(world, 2)
    assert maintained(world.settings, dry_run=False).freed_mb > 0
    assert sum(sizes_mb(world.settings.root).values()) < 1.3 * first


@pytest.fixture
def spread(tmp_path):
    """A warehouse with free blocks, in a home of its own."""
    settings = Settings(home=tmp_path)
    with duckdb.connect(str(settings.warehouse_file)) as database:
        database.execute("CREATE TABLE kept AS SELECT range AS a FROM range(1000)")
        database.execute("CREATE TABLE dropped AS SELECT hash(range) AS a FROM range(1000000)")
        database.execute("CHECKPOINT")
        database.execute("DROP TABLE dropped")
    return settings


def rows_in(file):
    with duckdb.connect(str(file), read_only=True) as database:
        return database.execute("SELECT count(*), sum(a) FROM kept").fetchone()


@pytest.mark.parametrize("moment", ["attached", "_copy", "replaced"])
def test_a_kill_leaves_the_old_file_or_the_new_one(spread, monkeypatch, moment):
    """SIGKILL before the copy has rows, after it is made, and after it was swapped in."""
    child = os.fork()
    if not child:
        owner, name = {
            "attached": (Path, "chmod"),
            "_copy": (upkeep, "_copy"),
            "replaced": (upkeep, "Compaction"),
        }[moment]
        run = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *given: (run(*given), os.kill(os.getpid(), signal.SIGKILL)))
        compact_warehouse(spread)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert rows_in(spread.warehouse_file) == (1000, 499500)
    done = compact_warehouse(spread)
    assert done.problem is None
    assert (done.bytes_after < done.bytes_before / 2) == (moment != "replaced")
    assert rows_in(spread.warehouse_file) == (1000, 499500)


def test_a_compaction_that_cannot_be_made_changes_nothing_and_says_why(spread, monkeypatch):
    content = spread.warehouse_file.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(upkeep.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e5))
        assert "the disk has 0 MB free" in compact_warehouse(spread).problem
    with monkeypatch.context() as patched:
        patched.setattr(upkeep, "_content", lambda _database, name: name)
        assert "differs from it" in compact_warehouse(spread).problem
    assert spread.warehouse_file.read_bytes() == content
    assert sorted(file.name for file in spread.root.iterdir()) == ["warehouse.duckdb"]
