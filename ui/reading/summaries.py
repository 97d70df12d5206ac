"""Headcount, pay and movement by year, and by level or department in a year."""

from collections.abc import Sequence

import duckdb
import pandas as pd

from planwise.comparison.people import small_groups
from planwise.comparison.reading import path
from planwise.engine.publishing import Publication
from ui.reading.selecting import DEPARTMENT, EVENTS, SNAPSHOT, of_people, of_status
from ui.values.people import Filter
from ui.values.results import SUPPRESSED_UNDER

GROUPS = {"level": "level_id", "department": DEPARTMENT}
PAY = ("payroll", "mean_base_pay", "median_base_pay", "growth", "own_growth", "mean_compa_ratio")
FLOWS = ("opening_headcount", "hires", "experienced_exits", "new_hire_exits", "promotions", "turnover_rate")
CENSUS_YEAR = 0
SUMMARY = """
WITH promoted AS (
    SELECT simulation_year, employee_id FROM read_parquet(?) WHERE event_type = 'PROMOTION'
), people AS (
    SELECT snapshot.*, {group} AS group_name, {status} AS is_chosen,
        snapshot.simulation_year > 0 AS is_simulated, promoted.employee_id IS NOT NULL AS is_promoted
    FROM read_parquet(?) AS snapshot
    LEFT JOIN promoted ON promoted.simulation_year = snapshot.simulation_year
        AND promoted.employee_id = snapshot.employee_id
    WHERE {people} AND list_contains(?, snapshot.simulation_year)
)
SELECT
    simulation_year,
    group_name,
    count(*) FILTER (is_chosen) AS people,
    count(*) FILTER (is_chosen AND is_simulated AND opening_base_pay IS NOT NULL) AS matched_people,
    CAST(sum(base_pay * fte) FILTER (is_chosen) AS DOUBLE) AS payroll,
    CAST(sum(base_pay) FILTER (is_chosen) AS DOUBLE) / count(*) FILTER (is_chosen) AS mean_base_pay,
    median(CAST(base_pay AS DOUBLE)) FILTER (is_chosen) AS median_base_pay,
    CAST(sum(base_pay) FILTER (is_chosen AND is_simulated AND opening_base_pay IS NOT NULL) AS DOUBLE)
        / CAST(sum(opening_base_pay) FILTER (is_chosen AND is_simulated) AS DOUBLE) - 1 AS own_growth,
    avg(CAST(compa_ratio AS DOUBLE)) FILTER (is_chosen) AS mean_compa_ratio,
    count(*) FILTER (is_simulated AND opening_base_pay IS NOT NULL) AS opening_headcount,
    count(*) FILTER (is_simulated AND opening_base_pay IS NULL) AS hires,
    count(*) FILTER (employment_status = 'experienced_termination') AS experienced_exits,
    count(*) FILTER (employment_status = 'new_hire_termination') AS new_hire_exits,
    count(*) FILTER (is_promoted) AS promotions
FROM people GROUP BY simulation_year, group_name ORDER BY simulation_year, group_name
"""


def by_year(
    connection: duckdb.DuckDBPyConnection, publication: Publication, chosen: Filter, years: Sequence[int]
) -> pd.DataFrame:
    """Return one row per year, the census as year 0: `people`, PAY of the filter's people, FLOWS.

    FLOWS count everybody of the filter's level, departments and gender, whatever the status; they are missing
    in the census year. PAY is missing where fewer than ten people are meant.
    """
    every = (CENSUS_YEAR, *years)
    found = _summary(connection, publication, chosen, every, "''").set_index("simulation_year").reindex(every)
    found["growth"] = found["mean_base_pay"] / found["mean_base_pay"].shift() - 1
    found["people_before"] = found["people"].shift()
    shown = _finish(found.reset_index())
    shown.loc[shown["simulation_year"] == CENSUS_YEAR, list(FLOWS)] = float("nan")
    small = shown["people"] < SUPPRESSED_UNDER
    return _hide(shown, small).drop(columns=["group_name", "people_before", "matched_people"])


def by_group(
    connection: duckdb.DuckDBPyConnection,
    publication: Publication,
    chosen: Filter,
    year: int,
    before: int,
    attribute: str,
) -> pd.DataFrame:
    """Return one row per level or department (`group_name`) in a year; `before` is the year to grow from.

    PAY of groups under ten people is missing, and of the next smallest ones until those without are ten or
    more together: otherwise the total would tell it.
    """
    found = _summary(connection, publication, chosen, (before, year), GROUPS[attribute])
    earlier = found[found["simulation_year"] == before].set_index("group_name")
    now = found[found["simulation_year"] == year].reset_index(drop=True)
    now["growth"] = now["mean_base_pay"] / now["group_name"].map(earlier["mean_base_pay"]) - 1
    now["people_before"] = now["group_name"].map(earlier["people"])
    sizes = {
        name: int(people) for name, people in zip(now["group_name"], now["people"], strict=True) if people
    }
    small = now["group_name"].isin(small_groups(sizes))
    return _hide(_finish(now), small).drop(columns=["people_before", "matched_people"])


def _summary(
    connection: duckdb.DuckDBPyConnection,
    publication: Publication,
    chosen: Filter,
    years: Sequence[int],
    group: str,
) -> pd.DataFrame:
    people, of_all = of_people(chosen)
    status, of_chosen = of_status(chosen)
    query = SUMMARY.format(group=group, status=status, people=people)
    # in the order of the text: events, the status's list, snapshot, people, years
    bound = [path(publication, EVENTS), *of_chosen, path(publication, SNAPSHOT), *of_all, list(years)]
    return connection.execute(query, bound).df()


def _finish(found: pd.DataFrame) -> pd.DataFrame:
    counts = ["people", "matched_people", *(name for name in FLOWS if name != "turnover_rate")]
    present = [name for name in counts if name in found]
    finished = found.astype(dict.fromkeys(present, "float64"))
    finished[present] = finished[present].fillna(0)
    opening = finished["opening_headcount"].where(finished["opening_headcount"] > 0)
    finished["turnover_rate"] = finished["experienced_exits"] / opening
    return finished


def _hide(found: pd.DataFrame, small: pd.Series) -> pd.DataFrame:
    """Take the pay figures of small groups away, and growth that compares with one or rests on too few."""
    shown = found.copy()
    shown.loc[small, list(PAY)] = float("nan")
    shown.loc[~(shown["people_before"] >= SUPPRESSED_UNDER), "growth"] = float("nan")
    shown.loc[shown["matched_people"] < SUPPRESSED_UNDER, "own_growth"] = float("nan")
    return shown
