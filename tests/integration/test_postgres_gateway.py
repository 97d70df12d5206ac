"""The models on PostgreSQL: SQLMesh's own commands plan, query and audit there, and find DuckDB's figures."""

from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest
from pandas.api.types import is_numeric_dtype
from sqlmesh import Context
from worlds import shared

from planwise.census import generate_census
from planwise.engine import command_line
from planwise.engine.postgres import check_order, postgres_connection
from planwise.engine.project import EXECUTION_TIME, INTERVAL_END, INTERVAL_START
from planwise.engine.warehouse import MARTS, scenario_environment
from planwise.errors import InputError
from planwise.governance import effective_parameters, open_ledger
from planwise.settings import Settings

SCENARIO, KPIS = "grown", "fct_scenario_kpis"
RELATIVE = 1e-6
COMMENTS = """
SELECT count(*) AS n FROM pg_description JOIN pg_class ON pg_class.oid = objoid
WHERE relname LIKE 'marts__fct_budget__%' AND description = 'Annualised COLA of incumbents'
"""
# What is written another way on PostgreSQL: groups (arrays), reductions, caps; pay at the range maximum.
LEVERS = {
    "years": 2,
    "headcount_growth": 0.04,
    "headcount_growth@2027": -0.2,
    "merit_groups": "department: Engineering=+0.01",
    "range_maximum_cap": True,
    "promotion_raise_max": 0.09,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory, server):
    """A scenario on an in-memory DuckDB, and planned on PostgreSQL as SQLMesh's command does it."""
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    census = generate_census(settings, employees=1000, seed=7)
    with open_ledger(settings) as ledger:
        stored = ledger.scenarios.create(SCENARIO, LEVERS)
        effective = effective_parameters(ledger, stored, census.first_year)
    environment = scenario_environment(SCENARIO)
    own = shared().run(census, effective, audits=False).frames
    dates = {"start": INTERVAL_START, "end": INTERVAL_END}
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PLANWISE_HOME", str(settings.root))
        patched.setenv("PLANWISE_WAREHOUSE_URL", server)
        patched.setenv(command_line.SCENARIO_VARIABLE, SCENARIO)
        patched.setenv(command_line.GATEWAY_VARIABLE, "postgres")
        patched.setattr(command_line, "keep_private", lambda: None)
        with closing(Context(paths=[settings.project])) as context:
            plan = {"execution_time": EXECUTION_TIME, "no_prompts": True, "auto_apply": True}
            context.plan(environment, **dates, **plan)
            there = {mart: context.fetchdf(f"SELECT * FROM marts__{environment}.{mart}") for mart in MARTS}
            passed = context.audit(models=["marts.fct_budget"], **dates)
            comments = context.fetchdf(COMMENTS).n[0]
    return SimpleNamespace(settings=settings, own=own, there=there, passed=passed, comments=comments)


def by_grain(frame):
    return frame.sort_values([c for c in ("simulation_year", "employee_id") if c in frame], ignore_index=True)


def test_every_kpi_is_that_of_duckdb(world):
    own, there = by_grain(world.own[KPIS]), by_grain(world.there[KPIS])
    assert list(there) == list(own) and len(own) == 2
    assert own.hires[0] > 0 and own.reductions[1] > 0
    unlike = {}
    for name in own:
        if is_numeric_dtype(own[name]):
            found = there[name].to_numpy(dtype=float)
            if not np.allclose(found, own[name].to_numpy(dtype=float), rtol=RELATIVE, atol=0, equal_nan=True):
                unlike[name] = own[name].tolist(), found.tolist()
        elif (
            there[name].where(there[name].notna(), None).tolist()
            != own[name].where(own[name].notna(), None).tolist()
        ):
            unlike[name] = own[name].tolist(), there[name].tolist()
    assert unlike == {}


def test_every_mart_has_the_rows_of_duckdb_and_the_audits_pass(world):
    assert {mart: len(frame) for mart, frame in world.there.items()} == {
        mart: len(frame) for mart, frame in world.own.items()
    }
    assert world.passed
    assert world.comments == 1
    own, there = (by_grain(frames["fct_workforce_snapshot"]) for frames in (world.own, world.there))
    for column in ("employee_id", "employment_status", "level_id", "department"):
        assert there[column].tolist() == own[column].tolist()
    assert there.base_pay.astype(float).tolist() == own.base_pay.tolist()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "needs a database"),
        ("nonsense", "is not a URL"),
        ("mysql://a@b/c", "is for mysql"),
        ("postgresql://a@b", "names no database"),
    ],
)
def test_a_wrong_url_is_refused_with_the_remedy(url, said):
    with pytest.raises(InputError, match=said) as refused:
        postgres_connection(url)
    assert "PLANWISE_WAREHOUSE_URL" in refused.value.remedy


def test_an_unknown_gateway_a_missing_server_and_another_order_are_refused(world, monkeypatch, tmp_path):
    monkeypatch.setenv(command_line.GATEWAY_VARIABLE, "oracle")
    with pytest.raises(InputError, match="'oracle'") as refused:
        command_line.home_config(world.settings, SCENARIO)
    assert "duckdb or postgres" in refused.value.remedy
    monkeypatch.setenv(command_line.GATEWAY_VARIABLE, "postgres")
    nowhere = world.settings.model_copy(update={"warehouse_url": f"postgresql://a:secret@/b?host={tmp_path}"})
    with pytest.raises(InputError, match="cannot be used") as refused:
        command_line.home_config(nowhere, SCENARIO)
    assert "secret" not in str(refused.value)
    cursor = SimpleNamespace(execute=lambda _: None, fetchone=lambda: ("en_US.UTF-8",))
    with pytest.raises(InputError, match="en_US") as refused:
        check_order(cursor, "warehouse")
    assert "--locale C" in refused.value.remedy
