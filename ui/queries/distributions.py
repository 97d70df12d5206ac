"""How raises, pay and compa-ratios are distributed: percentiles and bins by level, and people as points."""

import math

import duckdb
import pandas as pd

from planwise.comparison.sources import path
from planwise.governance.publications import Publication
from ui.queries.people_sql import EVENTS, SNAPSHOT, chosen_people
from ui.values.people import FigureDistribution, Filter, Sample
from ui.values.results import SUPPRESSED_UNDER

BINS_AT_MOST = 50
PEOPLE_A_BIN = 8  # on average, at least, so that a small group has few bins
TAIL = 0.025  # of the people are beyond the first bin's end, and beyond the last bin's start
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # times a power of ten: widths that people can read
LOW_COMPA, HIGH_COMPA = 0.8, 1.2  # the usual band around the midpoint
RAISE = "CAST(base_pay AS DOUBLE) / CAST(opening_base_pay AS DOUBLE) - 1"
OF_SNAPSHOT = {
    "raise": f"SELECT level_id, {RAISE} AS value FROM read_parquet(?) "
    "WHERE simulation_year = ? AND opening_base_pay IS NOT NULL AND {people}",
    "base_pay": "SELECT level_id, CAST(base_pay AS DOUBLE) AS value FROM read_parquet(?) "
    "WHERE simulation_year = ? AND {people}",
    "compa_ratio": "SELECT level_id, CAST(compa_ratio AS DOUBLE) AS value FROM read_parquet(?) "
    "WHERE simulation_year = ? AND compa_ratio IS NOT NULL AND {people}",
}
OF_EVENTS = {"merit": "MERIT", "promotion": "promotion"}
EVENT_RATES = """
SELECT people.level_id, events.applied_rate AS value
FROM (SELECT employee_id, level_id FROM read_parquet(?) WHERE simulation_year = ? AND {people}) AS people
INNER JOIN (SELECT employee_id, applied_rate FROM read_parquet(?)
    WHERE simulation_year = ? AND event_reason = ? AND applied_rate IS NOT NULL) AS events
    ON events.employee_id = people.employee_id
"""
PERCENTILES = """
SELECT level_id, count(*) AS people, avg(value) AS mean, quantile_cont(value, 0.1) AS p10,
    quantile_cont(value, 0.5) AS p50, quantile_cont(value, 0.9) AS p90
FROM figures GROUP BY GROUPING SETS ((level_id), ()) ORDER BY level_id NULLS LAST
"""
COUNTS = """
SELECT level_id, CAST(least(greatest(floor(value / ? + 1e-9), ?), ?) AS INTEGER) AS bin, count(*) AS people
FROM figures GROUP BY ALL ORDER BY ALL
"""
POINTS = """
WITH people AS (
    SELECT level_id, tenure_years, CAST(base_pay AS DOUBLE) AS base_pay,
        CAST(compa_ratio AS DOUBLE) AS compa_ratio,
        row_number() OVER (ORDER BY level_id, compa_ratio, employee_id) AS place, count(*) OVER () AS people
    FROM read_parquet(?)
    WHERE simulation_year = ? AND compa_ratio IS NOT NULL AND {people} AND list_contains(?, level_id)
)
SELECT level_id, tenure_years, base_pay, compa_ratio FROM people
WHERE (place * ?) // greatest(people, ?) <> ((place - 1) * ?) // greatest(people, ?) ORDER BY place
"""
BY_LEVEL = """
SELECT level_id, count(*) AS people, quantile_cont(compa, 0.1) AS p10, quantile_cont(compa, 0.5) AS p50,
    quantile_cont(compa, 0.9) AS p90,
    count(*) FILTER (compa < ?) AS below, count(*) FILTER (compa > ?) AS above
FROM (SELECT level_id, CAST(compa_ratio AS DOUBLE) AS compa FROM read_parquet(?)
    WHERE simulation_year = ? AND compa_ratio IS NOT NULL AND {people})
GROUP BY level_id ORDER BY level_id
"""


def spread(
    connection: duckdb.DuckDBPyConnection, publication: Publication, chosen: Filter, year: int, figure: str
) -> FigureDistribution:
    """Return how a figure (a key of OF_SNAPSHOT or OF_EVENTS) is spread over the filter's people."""
    people, bound = chosen_people(chosen)
    snapshot = path(publication, SNAPSHOT)
    if figure in OF_SNAPSHOT:
        query, bound = OF_SNAPSHOT[figure].format(people=people), [snapshot, year, *bound]
    else:
        events = [path(publication, EVENTS), year, OF_EVENTS[figure]]
        query, bound = EVENT_RATES.format(people=people), [snapshot, year, *bound, *events]
    connection.execute(f"CREATE OR REPLACE TEMP TABLE figures AS {query}", bound)
    found = _percentiles(connection)
    everyone = int(found.loc[found["level_id"].isna(), "people"].sum())
    levels = found[found["level_id"].notna() & (found["people"] >= SUPPRESSED_UNDER)]
    left_out = everyone - int(levels["people"].sum())
    if levels.empty:
        return FigureDistribution(levels, _no_bins(), 1.0, everyone, left_out)
    if left_out:  # the row of all levels would reveal the omitted ones
        connection.execute(
            "DELETE FROM figures WHERE NOT list_contains(?, level_id)", [[int(n) for n in levels["level_id"]]]
        )
        found = _percentiles(connection)
    low, high = connection.execute(
        "SELECT quantile_cont(value, ?), quantile_cont(value, ?) FROM figures", [TAIL, 1 - TAIL]
    ).fetchall()[0]
    width = bin_width(low, high, everyone - left_out)
    first, last = math.floor(low / width + 1e-9), math.floor(high / width + 1e-9)
    counts = connection.execute(COUNTS, [width, first, last]).df()
    bins = pd.DataFrame(
        {
            "level_id": counts["level_id"],
            "bin_from": (counts["bin"] * width).where(counts["bin"] > first),
            "bin_to": ((counts["bin"] + 1) * width).where(counts["bin"] < last),
            "people": counts["people"],
        }
    )
    return FigureDistribution(found.reset_index(drop=True), bins, width, everyone, left_out)


def bin_width(low: float, high: float, people: int) -> float:
    """Return a round width that divides low..high into BINS_AT_MOST bins, fewer for few people."""
    bins = max(1, min(BINS_AT_MOST, people // PEOPLE_A_BIN))
    least = (high - low) / bins
    if least <= 0:
        return max(abs(low), 1.0) / 100
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in STEPS if step * power >= least * (1 - 1e-9))


def sample(
    connection: duckdb.DuckDBPyConnection, publication: Publication, chosen: Filter, year: int, limit: int
) -> Sample:
    """Return at most `limit` people as points: every k-th by level and compa-ratio, so evenly drawn."""
    people, bound = chosen_people(chosen)
    snapshot = path(publication, SNAPSHOT)
    by_level = connection.execute(
        BY_LEVEL.format(people=people), [LOW_COMPA, HIGH_COMPA, snapshot, year, *bound]
    ).df()
    enough = by_level[by_level["people"] >= SUPPRESSED_UNDER].reset_index(drop=True)
    everyone, kept = int(by_level["people"].sum()), int(enough["people"].sum())
    points = connection.execute(
        POINTS.format(people=people),
        [snapshot, year, *bound, [int(level) for level in enough["level_id"]], *[limit] * 4],
    ).df()
    return Sample(points, enough, everyone, everyone - kept)


def _percentiles(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    return connection.execute(PERCENTILES).df().astype({"level_id": "float64"})


def _no_bins() -> pd.DataFrame:
    return pd.DataFrame({"level_id": [], "bin_from": [], "bin_to": [], "people": []})
