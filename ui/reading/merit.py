"""The realised merit matrix: mean merit by rating and position in the range."""

import duckdb
import pandas as pd

from planwise.comparison.reading import path, require_columns
from planwise.engine.publishing import Publication
from ui.reading.selecting import EVENTS, SNAPSHOT, chosen_people
from ui.values.people import Filter
from ui.values.results import SUPPRESSED_UNDER

MATRIX = """
WITH ranges AS (
    SELECT DISTINCT level_id, range_minimum, range_maximum, (range_maximum - range_minimum) / 4 AS quarter
    FROM read_parquet(?) WHERE simulation_year = ?
), people AS (
    SELECT employee_id, performance_rating FROM read_parquet(?) WHERE simulation_year = ? AND {people}
), raises AS (
    SELECT employee_id, level_id, previous_compensation AS pay, applied_rate
    FROM read_parquet(?) WHERE simulation_year = ? AND event_reason = 'MERIT'
)
SELECT people.performance_rating,
    CASE WHEN pay < range_minimum THEN 'below_range'
        WHEN pay < range_minimum + quarter THEN 'quartile_1'
        WHEN pay < range_minimum + 2 * quarter THEN 'quartile_2'
        WHEN pay < range_minimum + 3 * quarter THEN 'quartile_3'
        WHEN pay < range_maximum THEN 'quartile_4'
        WHEN pay >= range_maximum THEN 'above_range' ELSE 'unknown' END AS position,
    count(*) AS people, avg(applied_rate) AS mean_merit_rate
FROM raises
INNER JOIN people ON people.employee_id = raises.employee_id
LEFT JOIN ranges ON ranges.level_id = raises.level_id
GROUP BY ALL ORDER BY ALL
"""


def merit_matrix(
    connection: duckdb.DuckDBPyConnection, publication: Publication, chosen: Filter, year: int
) -> pd.DataFrame:
    """Return one row per performance rating and position in the range at the merit raise.

    Columns: performance_rating, position (below_range, quartile_1..4, above_range; unknown where the level
    is empty at year end), people, mean_merit_rate (missing under ten people). Raises InputError for a result
    without published ranges.
    """
    require_columns(connection, publication, SNAPSHOT, "range_minimum", "range_maximum")
    people, bound = chosen_people(chosen)
    snapshot = path(publication, SNAPSHOT)
    found = connection.execute(
        MATRIX.format(people=people),
        [snapshot, year, snapshot, year, *bound, path(publication, EVENTS), year],
    ).df()
    found.loc[found["people"] < SUPPRESSED_UNDER, "mean_merit_rate"] = float("nan")
    return found
