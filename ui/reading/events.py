"""Events, some at a time: filtered, sorted and cut by the query, so that a million stay where they are."""

import duckdb

from planwise.comparison.reading import path
from planwise.engine.publishing import Publication
from planwise.errors import InputError
from ui.reading.selecting import DEPARTMENT, EVENTS, SNAPSHOT, chosen_people
from ui.values.people import EVENT_COLUMNS, EVENT_KINDS, SORTABLE, EventPage, EventQuery

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
    asked: EventQuery,
    offset: int,
    limit: int,
) -> EventPage:
    """Return `limit` events from `offset` on, and how many the query finds; level as at the year's end."""
    if asked.sort not in SORTABLE:
        raise InputError(
            f"Events are not sorted by {asked.sort!r}.", remedy=f"One of: {', '.join(SORTABLE)}."
        )
    source, bound = _chosen(publication, asked)
    table = "people" if asked.sort in OF_PEOPLE else "events"
    order = IN_ORDER.format(key=f"{table}.{asked.sort}", direction="DESC" if asked.descending else "ASC")
    total = connection.execute(f"SELECT count(*) {source}", bound).fetchall()[0][0]
    frame = connection.execute(
        f"SELECT {OWN}, people.department, people.employment_status {source} "
        f"ORDER BY {order} LIMIT ? OFFSET ?",
        [*bound, limit, offset],
    ).df()
    return EventPage(frame, int(total))


def _chosen(publication: Publication, asked: EventQuery) -> tuple[str, list[object]]:
    people, bound = chosen_people(asked.people)
    which, more = ["true"], list[object]()
    if asked.year is not None:
        people, bound = f"{people} AND simulation_year = ?", [*bound, asked.year]
        which.append("events.simulation_year = ?")
        more.append(asked.year)
    if asked.kind:
        which.append("events.event_reason = ?")
        more.append(EVENT_KINDS[asked.kind][1])
    if asked.employee:
        which.append("contains(lower(events.employee_id), ?)")
        more.append(asked.employee.lower())
    files = [path(publication, EVENTS), path(publication, SNAPSHOT)]
    return CHOSEN.format(people=people, which=" AND ".join(which)), [*files, *bound, *more]
