"""SQL over published people: filters, population, figures by year and group, merit, events."""

from collections.abc import Sequence

import duckdb
import pandas as pd

from planwise.comparison.sources import census_of, level_names, path, require_columns
from planwise.errors import InputError
from planwise.governance.publications import Publication
from planwise.settings import Settings
from planwise.small_groups import small_groups
from ui.values.people import (
    EVENT_COLUMNS,
    EVENT_KINDS,
    NOT_GIVEN,
    SORTABLE,
    EventPage,
    EventQuery,
    Filter,
    Population,
)
from ui.values.results import SUPPRESSED_UNDER

DEPARTMENT = f"coalesce(department, '{NOT_GIVEN}')"
GENDER = f"coalesce(gender, '{NOT_GIVEN}')"
SNAPSHOT, EVENTS = "fct_workforce_snapshot", "fct_yearly_events"


def of_people(chosen: Filter) -> tuple[str, list[object]]:
    """Return the condition of level, departments and gender, whatever the employment status."""
    terms: list[str] = []
    bound: list[object] = []
    if chosen.level is not None:
        terms.append("level_id = ?")
        bound.append(chosen.level)
    if chosen.departments:
        terms.append(f"list_contains(?, {DEPARTMENT})")
        bound.append(list(chosen.departments))
    if chosen.gender:
        terms.append(f"{GENDER} = ?")
        bound.append(chosen.gender)
    return " AND ".join(terms) or "true", bound


def of_status(chosen: Filter) -> tuple[str, list[object]]:
    """Return the condition of the employment status."""
    return "list_contains(?, employment_status)", [list(chosen.statuses)]


def chosen_people(chosen: Filter) -> tuple[str, list[object]]:
    """Return the condition of the whole filter."""
    people, first = of_people(chosen)
    status, second = of_status(chosen)
    return f"{people} AND {status}", first + second


def population(
    connection: duckdb.DuckDBPyConnection, publication: Publication, settings: Settings
) -> Population:
    """Return levels, departments and genders of all employees in the result, from the census on."""
    found = connection.execute(
        f"SELECT level_id, {DEPARTMENT} AS department, {GENDER} AS gender, simulation_year, "
        "count(*) AS people FROM read_parquet(?) GROUP BY ALL",
        [path(publication, SNAPSHOT)],
    ).df()
    years = tuple(int(year) for year in publication.manifest["years"])
    last = found[found["simulation_year"] == years[-1]]
    sizes = last.groupby("department")["people"].sum()
    genders = tuple(sorted(found["gender"].unique(), key=lambda name: (name == NOT_GIVEN, name)))
    return Population(
        scenario=publication.scenario,
        fingerprint=publication.fingerprint,
        years=years,
        levels=tuple(sorted(int(level) for level in found["level_id"].unique())),
        level_names=level_names(census_of(publication, settings)),
        departments=tuple(
            sorted(found["department"].unique(), key=lambda name: (-int(sizes.get(name, 0)), str(name)))
        ),
        genders=() if set(genders) <= {NOT_GIVEN} else genders,
    )


GROUPS = {"level": "level_id", "department": DEPARTMENT}
PAY = ("payroll", "mean_base_pay", "median_base_pay", "growth", "own_growth", "mean_compa_ratio")
FLOWS = ("opening_headcount", "hires", "experienced_exits", "new_hire_exits", "promotions", "turnover_rate")
CENSUS_YEAR = 0
SUMMARY = """
WITH promoted AS (
    SELECT simulation_year, employee_id FROM read_parquet(?) WHERE event_type = 'PROMOTION'
), people AS (
    SELECT snapshot.*, {group} AS group_name, {status} AS is_chosen,
        snapshot.simulation_year > 0 AS is_simulated,
        snapshot.employment_status IN ('continuous_active', 'new_hire_active') AS is_active,
        promoted.employee_id IS NOT NULL AS is_promoted
    FROM read_parquet(?) AS snapshot
    LEFT JOIN promoted ON promoted.simulation_year = snapshot.simulation_year
        AND promoted.employee_id = snapshot.employee_id
    WHERE {people} AND list_contains(?, snapshot.simulation_year)
)
SELECT
    simulation_year,
    group_name,
    count(*) FILTER (is_chosen) AS people,
    count(*) FILTER (is_chosen AND is_active AND is_simulated AND opening_base_pay IS NOT NULL)
        AS matched_people,
    count(*) FILTER (is_chosen AND is_active) AS active_people,
    CAST(sum(base_pay * fte) FILTER (is_chosen AND is_active) AS DOUBLE) AS payroll,
    CAST(sum(base_pay) FILTER (is_chosen) AS DOUBLE) / count(*) FILTER (is_chosen) AS mean_base_pay,
    median(CAST(base_pay AS DOUBLE)) FILTER (is_chosen) AS median_base_pay,
    CAST(sum(base_pay) FILTER (is_chosen AND is_active AND is_simulated AND opening_base_pay IS NOT NULL)
        AS DOUBLE)
        / CAST(sum(opening_base_pay) FILTER (is_chosen AND is_active AND is_simulated) AS DOUBLE) - 1
        AS own_growth,
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

    Payroll is of those active at year end, `active_people` of the filter's people, own growth of those of
    them who were employed at the opening; leavers have none. FLOWS count everybody of the filter's level,
    departments and gender, whatever the status; they are missing in
    the census year. PAY is missing where fewer than ten people are meant.
    """
    every = (CENSUS_YEAR, *years)
    found = _summary(connection, publication, chosen, every, "''").set_index("simulation_year").reindex(every)
    found["growth"] = found["mean_base_pay"] / found["mean_base_pay"].shift() - 1
    found["people_before"] = found["people"].shift()
    shown = _finish(found.reset_index())
    shown.loc[shown["simulation_year"] == CENSUS_YEAR, list(FLOWS)] = float("nan")
    small, few = shown["people"] < SUPPRESSED_UNDER, shown["active_people"] < SUPPRESSED_UNDER
    return _hide(shown, small, few).drop(columns=["group_name", "people_before", "matched_people"])


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
    more together: otherwise the total would reveal it.
    """
    found = _summary(connection, publication, chosen, (before, year), GROUPS[attribute])
    earlier = found[found["simulation_year"] == before].set_index("group_name")
    now = found[found["simulation_year"] == year].reset_index(drop=True)
    now["growth"] = now["mean_base_pay"] / now["group_name"].map(earlier["mean_base_pay"]) - 1
    now["people_before"] = now["group_name"].map(earlier["people"])
    small, few = (
        now["group_name"].isin(
            small_groups({name: int(n) for name, n in zip(now["group_name"], now[of], strict=True) if n})
        )
        for of in ("people", "active_people")
    )
    return _hide(_finish(now), small, few).drop(columns=["people_before", "matched_people"])


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
    counts = [
        "people",
        "active_people",
        "matched_people",
        *(name for name in FLOWS if name != "turnover_rate"),
    ]
    present = [name for name in counts if name in found]
    finished = found.astype(dict.fromkeys(present, "float64"))
    finished[present] = finished[present].fillna(0)
    opening = finished["opening_headcount"].where(finished["opening_headcount"] > 0)
    finished["turnover_rate"] = finished["experienced_exits"] / opening
    return finished


def _hide(found: pd.DataFrame, small: pd.Series, few: pd.Series) -> pd.DataFrame:
    """Remove pay figures of small groups, payroll of few active people, growth from or of too few people."""
    shown = found.copy()
    shown.loc[small, list(PAY)] = float("nan")
    shown.loc[few, "payroll"] = float("nan")
    shown.loc[~(shown["people_before"] >= SUPPRESSED_UNDER), "growth"] = float("nan")
    shown.loc[shown["matched_people"] < SUPPRESSED_UNDER, "own_growth"] = float("nan")
    return shown


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


OF_PEOPLE = ("department", "employment_status")
OWN = ", ".join(f"events.{name}" for name in EVENT_COLUMNS if name not in OF_PEOPLE)
CHOSEN = f"""
FROM read_parquet(?) AS events
INNER JOIN (
    SELECT simulation_year, employee_id, {DEPARTMENT} AS department, employment_status
    FROM read_parquet(?) WHERE {{people}}
) AS people ON people.simulation_year = events.simulation_year AND people.employee_id = events.employee_id
WHERE {{which}}
"""
IN_ORDER = "{key} {direction} NULLS LAST, events.effective_date, events.employee_id, events.event_sequence"


def events(
    connection: duckdb.DuckDBPyConnection,
    publication: Publication,
    query: EventQuery,
    offset: int,
    limit: int,
) -> EventPage:
    """Return `limit` events from `offset` on, and how many the query finds; level as at the year's end."""
    if query.sort not in SORTABLE:
        raise InputError(
            f"Events are not sorted by {query.sort!r}.", remedy=f"One of: {', '.join(SORTABLE)}."
        )
    source, bound = _chosen(publication, query)
    table = "people" if query.sort in OF_PEOPLE else "events"
    order = IN_ORDER.format(key=f"{table}.{query.sort}", direction="DESC" if query.descending else "ASC")
    total = connection.execute(f"SELECT count(*) {source}", bound).fetchall()[0][0]
    frame = connection.execute(
        f"SELECT {OWN}, people.department, people.employment_status {source} "
        f"ORDER BY {order} LIMIT ? OFFSET ?",
        [*bound, limit, offset],
    ).df()
    return EventPage(frame, int(total))


def _chosen(publication: Publication, query: EventQuery) -> tuple[str, list[object]]:
    people, bound = chosen_people(query.people)
    which, more = ["true"], list[object]()
    if query.year is not None:
        people, bound = f"{people} AND simulation_year = ?", [*bound, query.year]
        which.append("events.simulation_year = ?")
        more.append(query.year)
    if query.kind:
        which.append("events.event_reason = ?")
        more.append(EVENT_KINDS[query.kind][1])
    if query.employee:
        which.append("contains(lower(events.employee_id), ?)")
        more.append(query.employee.lower())
    files = [path(publication, EVENTS), path(publication, SNAPSHOT)]
    return CHOSEN.format(people=people, which=" AND ".join(which)), [*files, *bound, *more]
