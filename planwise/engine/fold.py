"""Fold a chain of models into one query, with a table's columns where the placeholders stand."""

from collections.abc import Mapping

from sqlglot import exp

from planwise.engine.config import CATALOG
from planwise.engine.placeholders import PLACEHOLDER, placeholders_of

BINDINGS = f"{CATALOG}.main.bindings"
CURRENT_SLOT = 1


def folded_query(
    chain: Mapping[str, exp.Query], last: str, columns: str = "*", order: str = "simulation_year"
) -> tuple[str, tuple[str, ...]]:
    """Return one query for the last of a chain of models, by qualified name, and the bindings it reads.

    Each model becomes a common table expression: computed once when it is a query of its own, inlined when it
    only unites others.
    """
    names = {fqn: exp.to_table(fqn).name for fqn in chain}
    parts: list[str] = []
    bound: list[str] = []
    for fqn, query in chain.items():
        folded = query.copy()
        for table in folded.find_all(exp.Table):
            if (name := names.get(qualified(table))) is not None:
                table.set("db", None)
                table.set("catalog", None)
                table.set("this", exp.to_identifier(name, quoted=True))
        bound += placeholders_of(folded)
        _read_bindings(folded)
        kept = "NOT MATERIALIZED" if _only_unites(folded) else "MATERIALIZED"
        parts.append(f'"{names[fqn]}" AS {kept} ({folded.sql(dialect="duckdb")})')
    query_text = f'WITH {", ".join(parts)} SELECT {columns} FROM "{names[last]}" ORDER BY {order}'
    return query_text, tuple(dict.fromkeys(bound))


def qualified(table: exp.Table) -> str:
    """Return a table's full name, quoted, as SQLMesh names models."""
    return f'"{table.catalog or CATALOG}"."{table.db}"."{table.name}"'


def _only_unites(query: exp.Query) -> bool:
    return not query.ctes and all(select.is_star for select in query.find_all(exp.Select))


def _read_bindings(query: exp.Query) -> None:
    """Put a column of the bindings where each placeholder stands.

    DuckDB plans a statement with untyped parameters again at every execution, but not one that reads a table.
    """
    for node in list(query.find_all(*PLACEHOLDER)):
        select = node.find_ancestor(exp.Select)
        assert select is not None
        if not any(join.this.alias == "bindings" for join in select.args.get("joins") or []):
            current = exp.select("*").from_(BINDINGS).where(f"slot = {CURRENT_SLOT}").subquery("bindings")
            select.join(current, join_type="cross", copy=False)
        node.replace(exp.column(node.name, table="bindings"))
