"""The models' SQL, rendered with placeholders, and sorted by what makes it run again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from planwise.engine.config import CATALOG
from planwise.engine.fold import CODED, only_unites, qualified
from planwise.engine.placeholders import placeholders_of
from planwise.engine.project import open_project
from planwise.settings import Settings

KPIS = f'"{CATALOG}"."marts"."fct_scenario_kpis"'
PAY = f'"{CATALOG}"."intermediate"."int_pay"'
DYNAMICS = f'"{CATALOG}"."intermediate"."int_workforce_'
# Where the tables of the dynamics are: a prepared query is planned again at every execution once a table was
# made in a database that it reads, and not every one reads these.
DYNAMICS_CATALOG = "dynamics"

Queries = dict[str, exp.Query]
"""Models' queries by qualified name, in an order that can run."""


@dataclass(frozen=True)
class Statement:
    """One model, TABLE or VIEW: SQL, columns and placeholders, and the columns that are read as codes."""

    kind: str
    name: str
    sql: str
    columns: tuple[str, ...]
    placeholders: tuple[str, ...]
    coded: tuple[str, ...]


@dataclass(frozen=True)
class Chains:
    """Models that no binding changes, those that only dynamics bindings change, and the rest.

    `pay` reads the tables of the dynamics; `moving` are the queries of both, of all that a binding changes.
    """

    static: tuple[Statement, ...]
    dynamics: tuple[Statement, ...]
    pay: Queries
    moving: Queries


def rendered_chains(settings: Settings, variables: Mapping[str, Any]) -> Chains:
    """Return the SQL of the KPIs and all they depend on; the variables leave numbers unbound."""
    context = open_project(settings, variables)
    try:
        needed = context.dag.upstream(KPIS) | {KPIS}
        queries = {
            fqn: context.models[fqn].render_query_or_raise()
            for fqn in context.dag.sorted
            if fqn in needed and fqn in context.models
        }
    finally:
        context.close()
    static, dynamics, pay = _sorted_by_chain(queries)
    moving = [fqn for fqn in queries if fqn not in static]
    read = set[str]().union(*(_reads(queries[fqn]) for fqn in moving))

    def statement(fqn: str, query: exp.Query, name: str) -> Statement:
        columns = tuple(query.named_selects)
        coded = tuple(column for column in CODED if fqn in read and column in columns)
        kind = "VIEW" if only_unites(query) else "TABLE"
        return Statement(kind, name, query.sql(dialect="duckdb"), columns, placeholders_of(query), coded)

    own = set(dynamics)
    return Chains(
        tuple(statement(fqn, queries[fqn], fqn) for fqn in static),
        tuple(
            statement(fqn, _reading_dynamics(queries[fqn], own), _in_dynamics(exp.to_table(fqn)))
            for fqn in dynamics
        ),
        {fqn: _reading_dynamics(queries[fqn], own) for fqn in pay},
        {fqn: queries[fqn] for fqn in moving},
    )


def _reading_dynamics(query: exp.Query, dynamics: set[str]) -> exp.Query:
    """Return a query that reads the models of the dynamics from where their tables are."""
    found = query.copy()
    for table in found.find_all(exp.Table):
        if qualified(table) in dynamics:
            table.set("catalog", exp.to_identifier(DYNAMICS_CATALOG, quoted=True))
    return found


def _in_dynamics(table: exp.Table) -> str:
    return f'"{DYNAMICS_CATALOG}"."{table.db}"."{table.name}"'


def up_to(queries: Queries, last: str) -> Queries:
    """Return the queries that one of them reads, directly or not, and itself."""
    needed = {last}
    for fqn in reversed(queries):
        if fqn in needed:
            needed |= _reads(queries[fqn])
    return {fqn: query for fqn, query in queries.items() if fqn in needed}


def _sorted_by_chain(queries: Queries) -> tuple[list[str], list[str], list[str]]:
    static: list[str] = []
    dynamics: list[str] = []
    pay: list[str] = []
    for fqn, query in queries.items():
        reads = _reads(query)
        bound = bool(placeholders_of(query))
        if reads & set(pay) or (bound and not fqn.startswith(DYNAMICS)):
            pay.append(fqn)
        elif bound or reads & set(dynamics):
            dynamics.append(fqn)
        else:
            static.append(fqn)
    return static, dynamics, pay


def _reads(query: exp.Query) -> set[str]:
    return {qualified(table) for table in query.find_all(exp.Table)}
