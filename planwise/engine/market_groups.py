"""Figures of the market position of single groups, beside the KPIs of a trial or a preview."""

from collections.abc import Sequence
from typing import Any

from sqlglot import exp, parse_one

from planwise.engine.outcome import column_of
from planwise.engine.variables import literal

MARKET_FIGURES = ("mean_market_position", "mean_market_ratio")
KPI_MODEL, MARKET_MODEL = "marts.fct_scenario_kpis", "marts.fct_market_position"


def kpi_models(groups: Sequence[str]) -> list[str]:
    """Return the models that a trial needs: the KPIs, and where groups are limited their market position."""
    return [KPI_MODEL, *([MARKET_MODEL] if groups else [])]


def named_groups(rows: list[dict[str, Any]], groups: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of `kpis_with_groups` with the columns of `column_of`."""
    names = {
        f"{figure}_{number}": column_of(figure, group)
        for number, group in enumerate(groups)
        for figure in MARKET_FIGURES
    }
    return [{names.get(name, name): value for name, value in row.items()} for row in rows]


def kpis_with_groups(kpis: str, market: str, groups: Sequence[str]) -> exp.Query:
    """Return the query of the KPIs with the figures of groups, each an attribute and its group: `level=3`.

    Their columns have the number of the group at the end.
    """
    columns, joins = ["kpis.*"], []
    for number, group in enumerate(groups):
        attribute, _, name = group.partition("=")
        table = f"group_{number}"
        columns += [f"{table}.{figure} AS {figure}_{number}" for figure in MARKET_FIGURES]
        joins.append(
            f"LEFT JOIN {market} AS {table} ON {table}.simulation_year = kpis.simulation_year "
            f'AND {table}.attribute = {literal(attribute)} AND {table}."group" = {literal(name)}'
        )
    query = parse_one(f"SELECT {', '.join(columns)} FROM {kpis} AS kpis {' '.join(joins)}", dialect="duckdb")
    assert isinstance(query, exp.Query)
    return query
