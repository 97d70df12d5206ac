"""The ledger on PostgreSQL; needs PLANWISE_TEST_POSTGRESQL_URL, an empty database of one's own."""

import os
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url, text

from planwise.errors import InputError
from planwise.governance import SimulationRun, open_ledger, utc_now
from planwise.governance.models import Base
from planwise.settings import Settings

URL = os.environ.get("PLANWISE_TEST_POSTGRESQL_URL")
pytestmark = pytest.mark.skipif(URL is None, reason="PLANWISE_TEST_POSTGRESQL_URL is not set")


@pytest.fixture
def empty():
    url = make_url(URL).set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


@pytest.fixture
def ledger(empty):
    with open_ledger(Settings(ledger_url=URL), actor="anna") as opened:
        yield opened


def test_the_migrations_make_the_tables_of_the_models(ledger):
    with ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_scenarios_levers_and_runs_are_kept(ledger):
    ledger.scenarios.create("a", {"cola_rate": 0.03, "range_adjustment": None})
    with pytest.raises(InputError, match="already"):
        ledger.scenarios.create("a")
    assert ledger.scenarios.clone("a", "b", {"seed": 1}).overrides["seed"] == 1
    ledger.scenarios.delete("a")
    ledger.dynamic_levers.replace({"cola_rate": 0.03, "cola_rate@2027": 0.04})
    now = utc_now()
    run = ledger.runs.record(
        SimulationRun(
            scenario="b",
            fingerprint="f" * 64,
            environment="e",
            started_at=now,
            seconds=1.0,
            models_run=1,
            models_reused=0,
            gate_status="passed",
            published=True,
            kpis=[{"simulation_year": 2026}],
        )
    )
    with open_ledger(Settings(ledger_url=URL)) as again:
        assert [scenario.name for scenario in again.scenarios.list()] == ["baseline", "b"]
        assert again.dynamic_levers.current() == {"cola_rate": 0.03, "cola_rate@2027": 0.04}
        assert again.runs.list() == [run]


OPEN_AND_CREATE = """
import sys
from planwise.governance import open_ledger
from planwise.settings import Settings
with open_ledger(Settings(ledger_url=sys.argv[1])) as ledger:
    ledger.scenarios.create(f"s{sys.argv[2]}")
"""


def test_processes_that_open_an_empty_database_at_once_lose_nothing(empty):
    workers = [
        subprocess.Popen([sys.executable, "-c", OPEN_AND_CREATE, URL, str(worker)], stderr=subprocess.PIPE)
        for worker in range(3)
    ]
    errors = [worker.communicate()[1].decode() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0], errors
    with open_ledger(Settings(ledger_url=URL)) as ledger:
        assert len(ledger.scenarios.list()) == 1 + 3
