"""The reference: the same SQL as tables in an in-memory DuckDB, with nothing around it."""

import time
from collections.abc import Mapping

import duckdb

from planwise.census import Census, market_key
from planwise.engine.preview import load_census_tables
from planwise.engine.project import CATALOG, census_key, open_project
from planwise.engine.sqlmesh_adapter import text_with_values
from planwise.engine.variables import Number, bindings, sqlmesh_variables
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
        self._static: list[str] = []
        self._moving: list[str] = []
        self._pay: list[str] = []

    def seconds(self, effective: EffectiveParameters, *, dynamics: bool) -> float:
        """Return the seconds that the SQL of a trial takes, on pay levers alone or with the dynamics."""
        values = bindings(effective)
        if not self._pay:
            self._render(effective)
            self._run(self._static, values)
            self._run(self._moving, values)
        started = time.perf_counter()
        if dynamics:
            self._run(self._moving, values)
        self._run(self._pay, values)
        return time.perf_counter() - started

    def _run(self, statements: list[str], values: Mapping[str, Number]) -> None:
        for statement in statements:
            self._database.execute(text_with_values(statement, values))

    def _render(self, effective: EffectiveParameters) -> None:
        """Render the models once, with placeholders for the numbers; sort them by what moves them."""
        variables = sqlmesh_variables(
            effective,
            census_hash=census_key(self._census),
            as_of=self._census.as_of.isoformat(),
            market_key=market_key(self._census),
            bound=False,
        )
        context = open_project(self._settings, variables)
        try:
            needed = context.dag.upstream(KPIS) | {KPIS}
            for fqn in context.dag.sorted:
                model = context.models.get(fqn)
                if model is None or fqn not in needed:
                    continue
                kind = "VIEW" if model.kind.is_view else "TABLE"
                sql = model.render_query_or_raise().sql(dialect="duckdb")
                name = fqn.split(".")[-1].strip('"')
                chain = (
                    self._moving
                    if name.startswith(DYNAMICS)
                    else self._pay
                    if name.startswith(("int_pay", "fct_"))
                    else self._static
                )
                chain.append(f"CREATE OR REPLACE {kind} {fqn} AS {sql}")
        finally:
            context.close()
