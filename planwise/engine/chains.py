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

Queries = dict[str, exp.Query]
"""Models' queries by qualified name, in an order that can run."""


@dataclass(frozen=True)
class Statement:
    """One model, TABLE or VIEW: SQL, columns and placeholders, and the columns that pay reads as codes."""

    kind: str
    name: str
    sql: str
    columns: tuple[str, ...]
    placeholders: tuple[str, ...]
    coded: tuple[str, ...]


@dataclass(frozen=True)
class Chains:
    """Models that no binding changes, those that only dynamics bindings change, and the rest."""

    static: tuple[Statement, ...]
    dynamics: tuple[Statement, ...]
    pay: Queries


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
    read = set[str]().union(*(_reads(queries[fqn]) for fqn in pay))

    def statement(fqn: str) -> Statement:
        columns = tuple(queries[fqn].named_selects)
        coded = tuple(name for name in CODED if fqn in read and name in columns)
        kind = "VIEW" if only_unites(queries[fqn]) else "TABLE"
        sql = queries[fqn].sql(dialect="duckdb")
        return Statement(kind, fqn, sql, columns, placeholders_of(queries[fqn]), coded)

    return Chains(
        tuple(map(statement, static)), tuple(map(statement, dynamics)), {fqn: queries[fqn] for fqn in pay}
    )


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
