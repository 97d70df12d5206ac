"""Virtual updates: an environment shows another one's tables, no model runs, none expires or is collected."""

from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from worlds import effective_for

from planwise.app.maintain import maintain
from planwise.app.requests import MaintainRequest
from planwise.app.runner import InProcessRunner
from planwise.census import generate_census
from planwise.engine.project import CATALOG
from planwise.engine.warehouse import MARTS, open_warehouse
from planwise.errors import InputError
from planwise.governance.publications import PROD
from planwise.settings import Settings

BASE, CHOSEN, PARTIAL = "scenario_baseline", "scenario_chosen", "trial_study_1"
SILENT = InProcessRunner(lambda message: None)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A warehouse with two whole environments and a trial's, which has no marts but KPIs."""
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    census = generate_census(settings, employees=300)
    base = effective_for(census, {"years": 1})
    with open_warehouse(settings, "test") as warehouse:
        warehouse.plan(BASE, census, base).apply()
        warehouse.plan(CHOSEN, census, base.with_levers({"cola_rate": 0.05})).apply()
        warehouse.plan(PARTIAL, census, base.with_levers({"cola_rate": 0.06}), kpis_only=True).apply()
    return SimpleNamespace(settings=settings)


@contextmanager
def opened(world):
    with open_warehouse(world.settings, "test") as warehouse:
        warehouse.open_state()
        yield warehouse


def differences(warehouse, left, right):
    """Return the rows of each mart that one of two environments has and the other has not."""
    counts = {}
    for mart in MARTS:
        one, other = warehouse.table(left, mart), warehouse.table(right, mart)
        for first, second in ((one, other), (other, one)):
            query = f"SELECT count(*) FROM (SELECT * FROM {first} EXCEPT ALL SELECT * FROM {second})"
            counts[mart] = counts.get(mart, 0) + warehouse.cursor().execute(query).fetchone()[0]
    return {mart: count for mart, count in counts.items() if count}


def move_clock(monkeypatch, days):
    later = int(datetime.now(UTC).timestamp() + days * 86_400) * 1000
    for module in (
        "sqlmesh.core.context",
        "sqlmesh.core.state_sync.db.environment",
        "sqlmesh.core.state_sync.db.snapshot",
    ):
        monkeypatch.setattr(f"{module}.now_timestamp", lambda *_, **__: later)


def test_what_is_missing_or_incomplete_is_not_shown(world):
    with opened(world) as warehouse:
        warehouse.show(PROD, BASE)
        whole = {name for name in (BASE, CHOSEN, PARTIAL, PROD, "scenario_x") if warehouse.is_whole(name)}
        assert whole == {BASE, CHOSEN, PROD}
        for source, text in (("scenario_x", "no complete environment"), (PARTIAL, "have not been computed")):
            with pytest.raises(InputError, match=text):
                warehouse.show(PROD, source)
            assert differences(warehouse, PROD, BASE) == {}


def test_marts_are_described_in_the_database_but_not_for_a_trial(world):
    described = (
        "SELECT count(*), count(comment) FROM duckdb_columns() WHERE schema_name = ? "
        "UNION ALL SELECT count(*), count(comment) FROM duckdb_views() WHERE schema_name = ?"
    )
    with opened(world) as warehouse:
        warehouse.show(PROD, BASE)
        found = {
            schema: warehouse.cursor().execute(described, [schema, schema]).fetchall()
            for schema in ("marts", f"marts__{BASE}", f"marts__{PARTIAL}")
        }
    (_, of_trial), (_, of_trial_views) = found.pop(f"marts__{PARTIAL}")
    assert (of_trial, of_trial_views) == (0, 0)
    for (columns, commented), views in found.values():
        assert columns == commented > 100
        assert views == (len(MARTS), len(MARTS))


def test_an_environment_shows_another_ones_rows_and_no_table_is_made(world, monkeypatch):
    tables = (
        f"SELECT count(*) FROM duckdb_tables() WHERE database_name = '{CATALOG}' AND schema_name <> 'sqlmesh'"
    )
    with opened(world) as warehouse:
        before = warehouse.cursor().execute(tables).fetchone()
        for environment, source in (("checkpoint_1", BASE), (PROD, CHOSEN), ("checkpoint_2", PROD)):
            warehouse.show(environment, source)
            assert differences(warehouse, environment, source) == {}
            assert warehouse.checksums(environment) == warehouse.checksums(source)
            assert warehouse.environment_fingerprint(environment) == warehouse.environment_fingerprint(source)
        unlike = set(differences(warehouse, PROD, BASE))
        assert unlike >= {"fct_workforce_snapshot", "fct_scenario_kpis"}
        of_prod, of_base = warehouse.checksums(PROD), warehouse.checksums(BASE)
        assert {mart for mart in MARTS if of_prod[mart] != of_base[mart]} == unlike
        assert warehouse.cursor().execute(tables).fetchone() == before

    move_clock(monkeypatch, 60)
    report = maintain(world.settings, MaintainRequest(dry_run=False, keep_studies=0), SILENT)
    assert set(report.environments) == {CHOSEN, PARTIAL}  # of a scenario that the ledger does not have
    with opened(world) as later:
        assert set(later.environments()) == {BASE, PROD, "checkpoint_1", "checkpoint_2"}
        later.show(PROD, "checkpoint_1")
        assert differences(later, PROD, BASE) == {}
        later.show(PROD, "checkpoint_2")
        assert differences(later, PROD, "checkpoint_2") == {}
        assert set(differences(later, PROD, BASE)) == unlike


class Killed(BaseException):
    """Ends a process at a moment."""


@pytest.mark.parametrize("views", [0, 1, 5])
def test_an_interrupted_update_is_completed_by_the_next(world, monkeypatch, views):
    """Killed when so many views show the new tables: the environment is not finished, and no source."""
    with opened(world) as warehouse:
        warehouse.show(PROD, BASE)
        adapter = type(warehouse._context.engine_adapter)
        made = []
        create_view = adapter.create_view

        def dying(*arguments, **options):
            if len(made) == views:
                raise Killed
            made.append(arguments)
            return create_view(*arguments, **options)

        monkeypatch.setattr(adapter, "create_view", dying)
        with pytest.raises(Killed):
            warehouse.show(PROD, "checkpoint_2")
        monkeypatch.undo()
    with opened(world) as reopened:
        assert not reopened.is_whole(PROD)
        with pytest.raises(InputError, match="no complete environment"):
            reopened.show("checkpoint_9", PROD)
        reopened.show(PROD, BASE)
        assert differences(reopened, PROD, BASE) == {}
