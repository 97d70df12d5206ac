"""Preview: the models' own SQL on an in-memory DuckDB, with placeholders where the parameters stand.

The SQL is rendered once. What does not depend on a binding is computed once for a census; the dynamics again
when a binding of theirs changes; pay and KPIs are one prepared statement, so that an evaluation parses and
plans nothing. There is no rule here, only an order of execution: preview and plan agree because the SQL is
the same.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlglot import exp

from planwise.census import Census
from planwise.engine.config import CATALOG
from planwise.engine.fold import BINDINGS, CURRENT_SLOT, folded_query, qualified
from planwise.engine.kpis import kpi_rows
from planwise.engine.outcome import Kpis
from planwise.engine.placeholders import placeholders_of
from planwise.engine.project import MEMORY, open_project
from planwise.engine.raw import census_key, load_census_tables
from planwise.engine.variables import Number, bindings, sqlmesh_variables
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings

SCHEMAS = ("staging", "intermediate", "marts")
KPIS = f'"{CATALOG}"."marts"."fct_scenario_kpis"'
DYNAMICS = f'"{CATALOG}"."intermediate"."int_workforce_'
BINDING_TYPE = "DECIMAL(18, 8)"
# Two rows that are never read: the planner takes the range of a column for what it can ever hold, and would
# plan for the values of the moment without them.
LIMITS = ((CURRENT_SLOT - 1, -1e9), (CURRENT_SLOT + 1, 1e9))
UNVERSIONED = frozenset(
    {"parameters_key", "target_growth_by_year"}
)  # a record, and audits: no KPI reads them


@dataclass(frozen=True)
class PreviewOutcome:
    """KPIs of every employee's simulation; `seconds` is wall time, `employees` the census headcount."""

    kpis: Kpis
    seconds: float
    employees: int
    dynamics_reused: bool


@dataclass(frozen=True)
class Statement:
    """One model's SQL and the placeholders in it."""

    name: str
    sql: str
    placeholders: tuple[str, ...]


class Preview:
    """Evaluates parameters on one census; owns its database; not to be shared between threads."""

    def __init__(self, settings: Settings, census: Census) -> None:
        self._settings = settings
        self._census = census
        self._key = census_key(census)
        self._shape: dict[str, Any] | None = None
        self._dynamics: list[Statement] = []
        self._computed: dict[str, Number] | None = None
        self._query = ""
        self._bound: tuple[str, ...] = ()
        self._database = duckdb.connect(MEMORY)
        self._database.execute(f"SET threads = {settings.threads}")
        self._database.execute(f"ATTACH ':memory:' AS {CATALOG}")
        for schema in SCHEMAS:
            self._database.execute(f"CREATE SCHEMA {CATALOG}.{schema}")
        load_census_tables(self._database, census)

    def evaluate(self, effective: EffectiveParameters) -> PreviewOutcome:
        """Return the KPIs that a plan of the same parameters gives, exactly."""
        started = time.perf_counter()
        self._compute_shape(effective)
        values = bindings(effective)
        reused = self._compute_dynamics(values)
        self._bind({name: values[name] for name in self._bound})
        kpis = kpi_rows(self._database.execute("EXECUTE pay_and_kpis"))
        return PreviewOutcome(kpis, time.perf_counter() - started, self._census.rows, reused)

    def close(self) -> None:
        """Free the database."""
        self._database.close()

    def _compute_shape(self, effective: EffectiveParameters) -> None:
        """Render, and compute what no binding changes, unless that is done for parameters of this shape."""
        variables = sqlmesh_variables(
            effective, census_hash=self._key, as_of=self._census.as_of.isoformat(), bound=False
        )
        shape = {name: value for name, value in variables.items() if name not in UNVERSIONED}
        if shape == self._shape:
            return
        self._shape = None
        queries = self._rendered(variables)
        static, dynamics, pay = _chains(queries)
        for fqn in static:
            self._create(_statement(fqn, queries[fqn]), {})
        self._dynamics = [_statement(fqn, queries[fqn]) for fqn in dynamics]
        self._computed = None
        self._query, self._bound = folded_query({fqn: queries[fqn] for fqn in pay}, KPIS)
        self._create_bindings()
        self._shape = shape

    def _compute_dynamics(self, values: Mapping[str, Number]) -> bool:
        """Compute the dynamics unless they are there for the same bindings; return whether they were."""
        needed = {name: values[name] for s in self._dynamics for name in s.placeholders}
        if needed == self._computed:
            return True
        self._computed = None
        for statement in self._dynamics:
            self._create(statement, values)
        self._database.execute(
            f"PREPARE pay_and_kpis AS {self._query}"
        )  # its plan is void with the tables gone
        self._computed = needed
        return False

    def _rendered(self, variables: Mapping[str, Any]) -> dict[str, exp.Query]:
        """Return the SQL of the KPIs and all they depend on, in an order that can run."""
        context = open_project(self._settings, variables)
        try:
            needed = context.dag.upstream(KPIS) | {KPIS}
            return {
                fqn: context.models[fqn].render_query_or_raise()
                for fqn in context.dag.sorted
                if fqn in needed and fqn in context.models
            }
        finally:
            context.close()

    def _create_bindings(self) -> None:
        columns = ", ".join(f"{name} {BINDING_TYPE}" for name in self._bound)
        self._database.execute(f"CREATE OR REPLACE TABLE {BINDINGS} (slot INTEGER, {columns})")
        for slot, limit in LIMITS:
            row = f", {limit}" * len(self._bound)
            self._database.execute(f"INSERT INTO {BINDINGS} VALUES ({slot}{row})")

    def _bind(self, values: Mapping[str, Number]) -> None:
        self._database.execute(f"DELETE FROM {BINDINGS} WHERE slot = {CURRENT_SLOT}")
        row = "".join(f", {value}" for value in values.values())
        self._database.execute(f"INSERT INTO {BINDINGS} VALUES ({CURRENT_SLOT}{row})")

    def _create(self, statement: Statement, values: Mapping[str, Number]) -> None:
        self._database.execute(
            f"CREATE OR REPLACE TABLE {statement.name} AS {statement.sql}",
            {name: values[name] for name in statement.placeholders} or None,
        )


def _statement(fqn: str, query: exp.Query) -> Statement:
    return Statement(fqn, query.sql(dialect="duckdb"), placeholders_of(query))


def _chains(queries: Mapping[str, exp.Query]) -> tuple[list[str], list[str], list[str]]:
    """Split models into those no binding changes, those that only dynamics bindings change, and the rest."""
    static: list[str] = []
    dynamics: list[str] = []
    pay: list[str] = []
    for fqn, query in queries.items():
        reads = {qualified(table) for table in query.find_all(exp.Table)}
        bound = bool(placeholders_of(query))
        if reads & set(pay) or (bound and not fqn.startswith(DYNAMICS)):
            pay.append(fqn)
        elif bound or reads & set(dynamics):
            dynamics.append(fqn)
        else:
            static.append(fqn)
    return static, dynamics, pay
