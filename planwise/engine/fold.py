"""Fold a chain of models into one query, with a table's columns where the placeholders stand."""

from collections.abc import Iterable, Mapping

from sqlglot import exp
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from planwise.engine.config import CATALOG
from planwise.engine.placeholders import PLACEHOLDER, placeholders_of

BINDINGS = f"{CATALOG}.main.bindings"
CURRENT_SLOT = 1
CODED = ("gender", "ethnicity", "department")  # texts of few values: grouped and joined by as numbers


def folded_query(
    chain: Mapping[str, exp.Query],
    last: str,
    tables: Mapping[str, Iterable[str]],
    columns: tuple[str, ...] = ("*",),
    order: tuple[str, ...] = ("simulation_year",),
) -> str:
    """Return one query for the last of a chain of models, by qualified name.

    Each model becomes a common table expression: computed once when it is a query of its own, inlined when it
    only unites others. `tables` are the columns of the tables that the chain begins with. Columns that
    nothing reads are left out, which DuckDB does not do for an expression that it computes once.
    """
    names = {fqn: exp.to_table(fqn).name for fqn in chain}
    whole = exp.select(*columns).from_(exp.table_(names[last], quoted=True))
    bound: list[str] = []
    for fqn, query in chain.items():
        folded = query.copy()
        for table in folded.find_all(exp.Table):
            if (name := names.get(qualified(table))) is not None:
                table.set("db", None)
                table.set("catalog", None)
                table.set("this", exp.to_identifier(name, quoted=True))
        bound += placeholders_of(folded)
        _keep_codes(folded)
        _read_bindings(folded)
        alias = exp.to_identifier(names[fqn], quoted=True)
        whole.with_(alias, folded, materialized=not only_unites(folded), copy=False)
    whole.order_by(*order, copy=False)
    read = dict.fromkeys(bound)
    known = {**tables, BINDINGS: ("slot", *read)}
    return _only_what_is_read(whole, known).sql(dialect="duckdb")


def qualified(table: exp.Table) -> str:
    """Return a table's full name, quoted, as SQLMesh names models."""
    return f'"{table.catalog or CATALOG}"."{table.db}"."{table.name}"'


def only_unites(query: exp.Query) -> bool:
    """Return whether a query only puts other tables' rows together, so that a copy of them would be waste."""
    return not query.ctes and all(select.is_star for select in query.find_all(exp.Select))


def _only_what_is_read(query: exp.Select, tables: Mapping[str, Iterable[str]]) -> exp.Query:
    schema = MappingSchema(dialect="duckdb")
    for fqn, columns in tables.items():
        schema.add_table(fqn, dict.fromkeys(columns, "UNKNOWN"))
    found = qualify(query, schema=schema, dialect="duckdb", quote_identifiers=False, isolate_tables=False)
    return pushdown_projections(found, schema=schema, dialect="duckdb")


def _keep_codes(query: exp.Query) -> None:
    """Take the casts to text off the columns that the chain's tables hold as codes."""
    for cast in list(query.find_all(exp.Cast)):
        if isinstance(cast.this, exp.Column) and cast.this.name in CODED:
            cast.replace(cast.this)


def _read_bindings(query: exp.Query) -> None:
    """Put a column of the bindings where each placeholder stands (see `bound`)."""
    for node in list(query.find_all(*PLACEHOLDER)):
        select = node.find_ancestor(exp.Select)
        assert select is not None
        if not any(join.this.alias == "bindings" for join in select.args.get("joins") or []):
            current = exp.select("*").from_(BINDINGS).where(f"slot = {CURRENT_SLOT}").subquery("bindings")
            select.join(current, join_type="cross", copy=False)
        node.replace(exp.column(node.name, table="bindings"))
