"""What plans do quicker than SQLMesh does by itself, they do with the same result."""

import re
import shutil
from datetime import UTC, datetime

import pytest
from sqlglot import exp, parse_one
from sqlmesh.core.model import SqlModel
from sqlmesh.core.snapshot import DeployabilityIndex
from worlds import effective_for, shared

from planwise.census import generate_census
from planwise.engine.project import CATALOG
from planwise.engine.sqlmesh_adapter import SCHEDULE, CachedCron, ExpandedModel, SqlText
from planwise.engine.warehouse import AuditFailed, Warehouse

# SQLMesh names a table in an audit after the physical table, we after the model.
PHYSICAL_ALIAS = re.compile(r'(?<!\.)"(?:staging|intermediate|marts)__(\w+?)__\d+"')


@pytest.fixture(scope="module")
def census():
    return generate_census(shared().settings, employees=200, seed=3)


@pytest.fixture
def warehouse():
    found = Warehouse(":memory:", shared().settings)
    yield found
    found.close()


def inner(query: exp.Query) -> str:
    """Return the SQL within `SELECT * FROM (…) AS filled`, as SQLMesh would write it."""
    text = query.sql(dialect="duckdb").removeprefix("SELECT * FROM (").removesuffix(") AS filled")
    return parse_one(text, dialect="duckdb").sql(dialect="duckdb")


def test_filled_sql_is_what_sqlmesh_renders(census, warehouse):
    base = effective_for(census, {"years": 2})
    warehouse.plan("first", census, base).apply()
    warehouse.plan("second", census, base.with_levers({"cola_rate": 0.03125})).apply()
    snapshots = warehouse._context.snapshots
    index = DeployabilityIndex.create(snapshots.values())
    for snapshot in snapshots.values():
        model = snapshot.model
        plan = {"snapshots": snapshots, "deployability_index": index}
        assert isinstance(model, ExpandedModel)
        assert inner(model.render_query(**plan)) == SqlModel.render_query(model, **plan).sql(
            dialect="duckdb", comments=False
        )
        for audit, arguments in model.audits_with_args:
            ours = model.render_audit_query(audit, **plan, **arguments)
            theirs = SqlModel.render_audit_query(model, audit, **plan, **arguments)
            expected = PHYSICAL_ALIAS.sub(r'"\1"', theirs.sql(dialect="duckdb", comments=False))
            assert inner(ours) == expected, audit.name


def test_text_is_cut_at_tables_only():
    query = parse_one(
        'WITH "a" AS (SELECT 1 AS "x", $rate_1 AS "y") SELECT * FROM "c"."s"."t" AS "z", "a", "c"."s"."other"'
    )
    text = SqlText.of(query).with_values({"rate_1": "0.5"})
    assert text.tables == ('"c"."s"."t"', '"c"."s"."other"')
    assert inner(text.filled({'"c"."s"."t"': 'c.p."t-1"'})) == (
        'WITH "a" AS (SELECT 1 AS "x", 0.5 AS "y") SELECT * FROM "c"."p"."t-1" AS "z", "a", "c"."s"."other"'
    )


def test_what_finished_before_a_failure_is_not_run_again(census, warehouse, monkeypatch):
    base = effective_for(census, {"years": 1})

    def failing(self, audit, **options):
        return (
            exp.select(exp.Literal.number(1)) if audit.name == "shares_fill_the_unit" else right(self, audit)
        )

    def right(self, audit):
        return exp.select(exp.Literal.number(1)).where(exp.false())

    with monkeypatch.context() as patched, pytest.raises(AuditFailed, match="shares_fill_the_unit: 1 row of"):
        patched.setattr(ExpandedModel, "render_audit_query", failing)
        warehouse.plan("failing", census, base).apply()
    again = warehouse.plan("sound", census, base).summary
    assert {"staging.stg_census", "intermediate.int_baseline_workforce"} <= set(again.models_reused)
    assert "intermediate.int_hire_levels" in again.models_to_run


def test_what_a_killed_process_wrote_is_there_though_never_folded_into_the_file(census, tmp_path):
    base = effective_for(census, {"years": 1})
    written, found = Warehouse(tmp_path / "a.duckdb", shared().settings), tmp_path / "b.duckdb"
    try:
        written.plan("first", census, base, kpis_only=True).apply()
        assert (tmp_path / "a.duckdb.wal").stat().st_size > 0
        for suffix in ("", ".wal"):
            shutil.copyfile(tmp_path / f"a.duckdb{suffix}", found.with_name(found.name + suffix))
    finally:
        written.close()
    again = Warehouse(found, shared().settings)
    try:
        assert again.plan("second", census, base, kpis_only=True).summary.models_to_run == ()
    finally:
        again.close()


def test_a_remembered_tick_is_the_schedules():
    for start in (datetime(2024, 2, 29, 12, 30, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)):
        for schedule in ("@daily", "15 */4 * * 1"):
            for _ in range(2):
                assert CachedCron(schedule, start).get_next() == SCHEDULE(schedule, start).get_next()
                assert CachedCron(schedule, start).get_prev() == SCHEDULE(schedule, start).get_prev()


STATE = f'"{CATALOG}".sqlmesh._environments'


def test_environments_do_not_expire_by_themselves(census, tmp_path, monkeypatch, request):
    """The clock moved by 60 days: an environment of today's version and one that an earlier version made."""
    warehouse = Warehouse(tmp_path / "w.duckdb", shared().settings)
    request.addfinalizer(warehouse.close)
    warehouse.plan("kept", census, effective_for(census, {"years": 1})).apply()
    warehouse.plan(
        "older", census, effective_for(census, {"years": 1}).with_levers({"cola_rate": 0.03})
    ).apply()
    cursor = warehouse.cursor()
    week = int(datetime.now(UTC).timestamp() + 7 * 86_400) * 1000
    assert cursor.execute(f"SELECT max(expiration_ts) FROM {STATE}").fetchone() == (None,)
    cursor.execute(f"UPDATE {STATE} SET expiration_ts = {week} WHERE name = 'older'")

    def people(name):
        found = warehouse.frame(name, "fct_workforce_snapshot")
        return found.sort_values(["simulation_year", "employee_id"], ignore_index=True)

    before = {name: people(name) for name in ("kept", "older")}
    in_60_days = int(datetime.now(UTC).timestamp() + 60 * 86_400) * 1000
    for module in (
        "sqlmesh.core.context",
        "sqlmesh.core.state_sync.db.environment",
        "sqlmesh.core.state_sync.db.snapshot",
    ):
        monkeypatch.setattr(f"{module}.now_timestamp", lambda *_, **__: in_60_days)

    warehouse.collect()

    assert set(warehouse.environments()) == {"kept", "older"}
    assert all(people(name).equals(rows) for name, rows in before.items())
