"""The market of a job title: the table of the census's titles, and the place of a pay in it.

Without a survey the pay chain has no trace of it, so that nothing is slower.
"""

import json
from itertools import pairwise

from sqlmesh import macro

PERCENTILES = (10, 25, 50, 75, 90)
NO_MARKET = "none"
PAID = """(
  SELECT simulation_year, employee_id, level_id, is_active, market_title_id,
    CAST(base_pay AS DOUBLE) AS base_pay
  FROM intermediate.int_pay
  WHERE NOT market_title_id IS NULL
)"""  # cast once, not in every branch of market_place
NO_ONE = """(
  SELECT CAST(NULL AS INT) AS simulation_year, CAST(NULL AS TEXT) AS employee_id,
    CAST(NULL AS INT) AS level_id, CAST(NULL AS BOOLEAN) AS is_active,
    CAST(NULL AS DOUBLE) AS base_pay, CAST(NULL AS INT) AS market_title_id
  WHERE 1 = 0
)"""
NO_SUMS = (
    "CAST(0 AS BIGINT) AS market_people, CAST(NULL AS DECIMAL(28, 6)) AS market_ratio_sum, "
    "CAST(0 AS BIGINT) AS market_places, CAST(NULL AS DECIMAL(28, 4)) AS market_position_sum"
)
NO_YEAR = """(
  SELECT CAST(NULL AS INT) AS simulation_year, CAST(NULL AS DECIMAL(14, 8)) AS market_index WHERE 1 = 0
)"""


@macro()
def market_table(evaluator):
    """Return the name of the loaded table of the titles' market reference, keyed by content."""
    return f"raw.market_{evaluator.var('market_key')}"


@macro()
def with_market_title(evaluator, source):
    """Return the query that adds the number of the job title to a relation; null without match or survey."""
    if evaluator.var("market_key") == NO_MARKET:
        return f"(SELECT s.*, CAST(NULL AS INT) AS market_title_id FROM {source.name} AS s)"
    return (
        f"(SELECT s.*, t.title_id AS market_title_id FROM {source.name} AS s "
        "LEFT JOIN staging.stg_market_titles AS t "
        "ON t.job_title = s.job_title AND NOT t.market_median IS NULL)"
    )


@macro()
def with_market_sums(evaluator, source):
    """Return the query that adds sums of the active in the market to a relation by year and level."""
    if evaluator.var("market_key") == NO_MARKET:
        return f"(SELECT s.*, {NO_SUMS} FROM {source.name} AS s)"
    return (
        "(SELECT s.*, m.market_people, m.market_ratio_sum, m.market_places, m.market_position_sum "
        f"FROM {source.name} AS s LEFT JOIN (SELECT simulation_year, level_id, COUNT(*) AS market_people, "
        "SUM(market_ratio) AS market_ratio_sum, COUNT(market_position) AS market_places, "
        "SUM(market_position) AS market_position_sum FROM intermediate.int_market "
        "WHERE is_active GROUP BY simulation_year, level_id) AS m "
        "ON m.simulation_year = s.simulation_year AND m.level_id = s.level_id)"
    )


@macro()
def paid_where_surveyed(evaluator):
    """Return the pay of all simulated years; without a survey no one's."""
    return NO_ONE if evaluator.var("market_key") == NO_MARKET else PAID


@macro()
def market_years(evaluator):
    """Return the simulated years and how far the market has moved since the census."""
    if evaluator.var("market_key") == NO_MARKET:
        return NO_YEAR
    rows = (
        f"SELECT {year} AS simulation_year, CAST($market_index_{year} AS DECIMAL(14, 8)) AS market_index"
        for year in json.loads(evaluator.var("simulated_years"))
    )
    return f"({' UNION ALL '.join(rows)})"  # rows of a VALUES could not read a preview's bindings


@macro()
def market_place(evaluator, pay):
    """Return the percentile of a pay, interpolated between market_p10 to market_p90 of its row.

    Below the lowest percentile that is known, and above the highest, it is that percentile; null where
    fewer than two are known. Only those at the ends may be missing.
    """
    amount = f"CAST({pay.sql(dialect='duckdb')} AS DOUBLE)"
    known = {p: f"market_p{p}" for p in PERCENTILES}
    others = ", ".join(known[p] for p in PERCENTILES if p != 50)
    cases = [f"WHEN {known[50]} IS NULL OR COALESCE({others}) IS NULL THEN NULL"]
    cases.append(f"WHEN {amount} <= {known[10]} THEN 10")
    for lower, upper in pairwise(PERCENTILES):
        width = f"({known[upper]} - {known[lower]})"
        place = f"{lower} + {upper - lower} * ({amount} - {known[lower]}) / {width}"
        cases.append(f"WHEN {amount} <= {known[upper]} THEN COALESCE({place}, {upper})")
    cases.append(f"WHEN NOT {known[90]} IS NULL THEN 90 WHEN NOT {known[75]} IS NULL THEN 75 ELSE 50")
    return f"CAST(CASE {' '.join(cases)} END AS DECIMAL(8, 4))"
