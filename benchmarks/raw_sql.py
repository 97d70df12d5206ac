"""The reference: the same SQL as tables in an in-memory DuckDB, with nothing around it."""

import time

import duckdb

from planwise.census import Census
from planwise.engine.config import CATALOG
from planwise.engine.project import open_project
from planwise.engine.raw import census_key, load_census_tables
from planwise.engine.variables import sqlmesh_variables
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings

KPIS = f'"{CATALOG}"."marts"."fct_scenario_kpis"'
DYNAMICS = ("int_workforce", "int_pay_basis")


class RawSql:
    """Runs what a trial runs, as `CREATE TABLE … AS` statements; rendering is not part of the time."""

    def __init__(self, settings: Settings, census: Census) -> None:
        self._settings = settings
        self._census = census
        self._database = duckdb.connect(":memory:")
        self._database.execute(f"SET threads = {settings.threads}")
        self._database.execute(f"ATTACH ':memory:' AS {CATALOG}")
        for schema in ("staging", "intermediate", "marts"):
            self._database.execute(f"CREATE SCHEMA {CATALOG}.{schema}")
        load_census_tables(self._database, census)
        self._static_done = False

    def seconds(self, effective: EffectiveParameters, *, dynamics: bool) -> float:
        """Return the seconds that the SQL of a trial takes, on pay levers alone or with the dynamics."""
        static, moving, pay = self._statements(effective)
        if not self._static_done:
            self._run([*static, *moving])
            self._static_done = True
        started = time.perf_counter()
        self._run([*moving, *pay] if dynamics else pay)
        return time.perf_counter() - started

    def _run(self, statements: list[str]) -> None:
        for statement in statements:
            self._database.execute(statement)

    def _statements(self, effective: EffectiveParameters) -> tuple[list[str], list[str], list[str]]:
        variables = sqlmesh_variables(
            effective, census_hash=census_key(self._census), as_of=self._census.as_of.isoformat()
        )
        context = open_project(self._settings, variables)
        static: list[str] = []
        moving: list[str] = []
        pay: list[str] = []
        try:
            needed = context.dag.upstream(KPIS) | {KPIS}
            for fqn in context.dag.sorted:
                model = context.models.get(fqn)
                if model is None or fqn not in needed:
                    continue
                kind = "VIEW" if model.kind.is_view else "TABLE"
                sql = model.render_query_or_raise().sql(dialect="duckdb")
                statement = f"CREATE OR REPLACE {kind} {fqn} AS {sql}"
                name = fqn.split(".")[-1].strip('"')
                if name.startswith(DYNAMICS):
                    moving.append(statement)
                elif name.startswith(("int_pay", "fct_")):
                    pay.append(statement)
                else:
                    static.append(statement)
        finally:
            context.close()
        return static, moving, pay
