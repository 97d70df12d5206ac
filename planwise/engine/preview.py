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
from planwise.engine.kpis import kpi_rows
from planwise.engine.outcome import Kpis
from planwise.engine.project import MEMORY, open_project
from planwise.engine.raw import census_key, load_census_tables
from planwise.engine.variables import Number, bindings, sqlmesh_variables
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings

SCHEMAS = ("staging", "intermediate", "marts")
KPIS = f'"{CATALOG}"."marts"."fct_scenario_kpis"'
DYNAMICS = f'"{CATALOG}"."intermediate"."int_workforce_'
UNVERSIONED = frozenset({"effective_parameters"})  # a record for the reader; no KPI depends on it


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
        self._dynamics_bindings: dict[str, Number] | None = None
        self._dynamics: list[Statement] = []
        self._pay: tuple[str, ...] = ()
        self._database = duckdb.connect(MEMORY)
        self._database.execute(f"SET threads = {settings.threads}")
        self._database.execute(f"ATTACH ':memory:' AS {CATALOG}")
        for schema in SCHEMAS:
            self._database.execute(f"CREATE SCHEMA {CATALOG}.{schema}")
        load_census_tables(self._database, census)

    def evaluate(self, effective: EffectiveParameters) -> PreviewOutcome:
        """Return the KPIs that a plan of the same parameters gives, exactly."""
        started = time.perf_counter()
        self._prepare(effective)
        values = bindings(effective)
        needed = {name: values[name] for s in self._dynamics for name in s.placeholders}
        reused = needed == self._dynamics_bindings
        if not reused:
            self._dynamics_bindings = None
            for statement in self._dynamics:
                self._create(statement, values)
            self._dynamics_bindings = needed
        arguments = ", ".join(f"{name} := {values[name]}" for name in self._pay)
        kpis = kpi_rows(self._database.execute(f"EXECUTE pay_and_kpis({arguments})"))
        return PreviewOutcome(kpis, time.perf_counter() - started, self._census.rows, reused)

    def close(self) -> None:
        """Free the database."""
        self._database.close()

    def _prepare(self, effective: EffectiveParameters) -> None:
        """Render and compute what no binding changes, unless that is done for parameters of this shape."""
        variables = sqlmesh_variables(
            effective, census_hash=self._key, as_of=self._census.as_of.isoformat(), placeholders=True
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
        self._dynamics_bindings = None
        values = bindings(effective)
        for statement in self._dynamics:
            self._create(statement, values)
        self._dynamics_bindings = {n: values[n] for s in self._dynamics for n in s.placeholders}
        self._pay = self._prepare_statement({fqn: queries[fqn] for fqn in pay})
        self._shape = shape

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

    def _prepare_statement(self, chain: Mapping[str, exp.Query]) -> tuple[str, ...]:
        """Prepare the chain of models as one query, each a table expression; return its placeholders."""
        names = {fqn: exp.to_table(fqn).name for fqn in chain}
        parts: list[str] = []
        placeholders: list[str] = []
        for fqn, query in chain.items():
            folded = query.copy()
            for table in folded.find_all(exp.Table):
                if (name := names.get(_fqn(table))) is not None:
                    table.set("db", None)
                    table.set("catalog", None)
                    table.set("this", exp.to_identifier(name, quoted=True))
            placeholders += _placeholders(folded)
            parts.append(f'"{names[fqn]}" AS MATERIALIZED ({folded.sql(dialect="duckdb")})')
        self._database.execute(
            f"PREPARE pay_and_kpis AS WITH {', '.join(parts)} "
            f'SELECT * FROM "{names[KPIS]}" ORDER BY simulation_year'
        )
        return tuple(dict.fromkeys(placeholders))

    def _create(self, statement: Statement, values: Mapping[str, Number]) -> None:
        self._database.execute(
            f"CREATE OR REPLACE TABLE {statement.name} AS {statement.sql}",
            {name: values[name] for name in statement.placeholders} or None,
        )


def _statement(fqn: str, query: exp.Query) -> Statement:
    return Statement(fqn, query.sql(dialect="duckdb"), _placeholders(query))


def _placeholders(query: exp.Query) -> tuple[str, ...]:
    found = [node.name for node in query.find_all(exp.Parameter, exp.Placeholder)]
    return tuple(dict.fromkeys(found))


def _fqn(table: exp.Table) -> str:
    return f'"{table.catalog or CATALOG}"."{table.db}"."{table.name}"'


def _chains(queries: Mapping[str, exp.Query]) -> tuple[list[str], list[str], list[str]]:
    """Split models into those no binding changes, those that only dynamics bindings change, and the rest."""
    static: list[str] = []
    dynamics: list[str] = []
    pay: list[str] = []
    for fqn, query in queries.items():
        reads = {_fqn(table) for table in query.find_all(exp.Table)}
        bound = bool(_placeholders(query))
        if reads & set(pay) or (bound and not fqn.startswith(DYNAMICS)):
            pay.append(fqn)
        elif bound or reads & set(dynamics):
            dynamics.append(fqn)
        else:
            static.append(fqn)
    return static, dynamics, pay
