"""The merit matrix as it came out: mean merit by rating and position in the range."""

import duckdb
import pandas as pd

from planwise.comparison.reading import path
from planwise.engine.publications import Publication
from ui.reading.selecting import EVENTS, SNAPSHOT, chosen_people
from ui.values.people import Filter
from ui.values.results import SUPPRESSED_UNDER

# Ranges are not published, but every person's place in one is: base_pay = minimum + penetration x width is
# one line per level and year, so its intercept and slope give the range back, to the cent.
MATRIX = """
WITH ranges AS (
    SELECT level_id, round(regr_intercept(pay, place), 2) AS minimum,
        round(regr_intercept(pay, place) + regr_slope(pay, place), 2) AS maximum
    FROM (SELECT level_id, CAST(base_pay AS DOUBLE) AS pay, CAST(range_penetration AS DOUBLE) AS place
        FROM read_parquet(?) WHERE simulation_year = ? AND range_penetration IS NOT NULL)
    GROUP BY level_id
), people AS (
    SELECT employee_id, performance_rating FROM read_parquet(?) WHERE simulation_year = ? AND {people}
), raises AS (
    SELECT employee_id, level_id, CAST(previous_compensation AS DOUBLE) AS pay, applied_rate
    FROM read_parquet(?) WHERE simulation_year = ? AND event_reason = 'MERIT'
), placed AS (
    SELECT people.performance_rating, raises.applied_rate,
        (raises.pay - ranges.minimum) / (ranges.maximum - ranges.minimum) AS place
    FROM raises
    INNER JOIN people ON people.employee_id = raises.employee_id
    LEFT JOIN ranges ON ranges.level_id = raises.level_id
)
SELECT performance_rating,
    CASE WHEN place < 0 THEN 'below_range' WHEN place < 0.25 THEN 'quartile_1'
        WHEN place < 0.5 THEN 'quartile_2' WHEN place < 0.75 THEN 'quartile_3'
        WHEN place < 1 THEN 'quartile_4' WHEN place >= 1 THEN 'above_range' ELSE 'unknown' END AS position,
    count(*) AS people, avg(applied_rate) AS mean_merit_rate
FROM placed GROUP BY ALL ORDER BY ALL
"""


def merit_matrix(
    connection: duckdb.DuckDBPyConnection, publication: Publication, chosen: Filter, year: int
) -> pd.DataFrame:
    """Return one row per performance rating and position in the range at the merit raise.

    Columns: performance_rating, position (below_range, quartile_1..4, above_range; unknown where the level
    shows no range), people, mean_merit_rate (missing under ten people).
    """
    people, bound = chosen_people(chosen)
    snapshot = path(publication, SNAPSHOT)
    found = connection.execute(
        MATRIX.format(people=people),
        [snapshot, year, snapshot, year, *bound, path(publication, EVENTS), year],
    ).df()
    found.loc[found["people"] < SUPPRESSED_UNDER, "mean_merit_rate"] = float("nan")
    return found
