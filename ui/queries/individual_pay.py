"""Single people and their pay: their only reader, opened by users with the right to see them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from planwise.app.equity import raises_of, read_equity
from planwise.governance.permissions import Action
from planwise.governance.publications import Publication
from planwise.governance.roles import acting_as
from planwise.settings import Settings
from ui.queries.comparisons import written
from ui.queries.people import PeopleReader, again
from ui.values.people import EventPage, EventQuery, Filter, IncreaseQuery, PeopleFound, Sample
from ui.values.user import User

if TYPE_CHECKING:
    import duckdb

    from planwise.comparison.employee import Timeline


class IndividualPay:
    """Reads single people of the results in force for one user; raises InputError without the right.

    Methods block and may be called from any thread; they raise InputError like PeopleReader's.
    """

    def __init__(self, settings: Settings, groups: PeopleReader, user: User) -> None:
        user.require(Action.SEE_PAY)
        self._settings, self._groups, self._user = settings, groups, user

    def sample(self, scenario: str, chosen: Filter, year: int, limit: int) -> Sample:
        """Return at most `limit` people as points without ids, evenly drawn."""

        def read(connection: "duckdb.DuckDBPyConnection", publication: Publication) -> Sample:
            from ui.queries.distributions import sample

            return sample(connection, publication, chosen, year, limit)

        return self._groups.ask(scenario, ("sample", chosen, year, limit), read)

    def events(self, scenario: str, query: EventQuery, *, offset: int = 0, limit: int) -> EventPage:
        """Return some of the events that a query finds."""
        return self._events(scenario, ("events", query, offset, limit), query, offset, limit)

    def export_events(self, scenario: str, query: EventQuery, *, limit: int) -> EventPage:
        """Return the first `limit` events of a query; not kept, because it may be large."""
        return self._events(scenario, None, query, 0, limit)

    def find(self, scenario: str, text: str, *, limit: int) -> PeopleFound:
        """Return people whose id, job title or department has the text in it."""
        from planwise.comparison.employee import find_people

        rows, total = again(lambda: find_people(self._settings, scenario, text, limit=limit))
        return PeopleFound(tuple(rows), total)

    def person(self, scenario: str, employee_id: str) -> "Timeline":
        """Return one person's timeline; raises InputError with the nearest ids for an unknown one."""
        from planwise.comparison.employee import timeline

        return again(lambda: timeline(self._settings, scenario, employee_id))

    def increases(
        self, scenario: str, query: IncreaseQuery, *, offset: int = 0, limit: int
    ) -> tuple[pd.DataFrame, int]:
        """Return some of the increase list's rows that a query finds, and how many it finds."""
        from planwise.comparison.increases import load_increases

        order: dict[str, Any] = {"sort": query.sort, "descending": query.descending}
        rows, total = again(
            lambda: load_increases(self._settings, scenario).find(
                query.text, offset=offset, limit=limit, **order
            )
        )
        return pd.DataFrame(rows), total

    def increases_file(self, scenario: str, suffix: str) -> bytes:
        """Return the whole increase list as a file: csv or xlsx."""
        from planwise.app.papers import IncreasesRequest, list_increases

        request = IncreasesRequest(scenario=scenario)
        return self._exported(
            lambda file: list_increases(self._settings, request.model_copy(update={"output": file})), suffix
        )

    def equity_raises(self, scenario: str, year: int) -> pd.DataFrame:
        """Return whom closing the adjusted gap of a year would raise; raises InputError without a gap."""
        return raises_of(
            self._groups.ask(
                scenario,
                None,
                lambda connection, found: read_equity(connection, found, year),
            )
        )

    def workbook(self, names: Sequence[str]) -> bytes:
        """Return a comparison as an Excel workbook, with levels, groups and single people."""
        from planwise.app.compare import CompareRequest, compare_scenarios

        request = CompareRequest(scenarios=tuple(names))
        return self._exported(
            lambda file: compare_scenarios(self._settings, request.model_copy(update={"xlsx": file})), "xlsx"
        )

    def people_file(self, names: Sequence[str]) -> bytes:
        """Return every matched person's pay at the end of the horizon as CSV, one row a person and pair."""
        from planwise.app.compare import CompareRequest, compare_scenarios

        request = CompareRequest(scenarios=tuple(names))
        return self._exported(
            lambda file: compare_scenarios(self._settings, request.model_copy(update={"csv": file})), "csv"
        )

    def _exported(self, write: Callable[[Path], object], suffix: str) -> bytes:
        """Return what a use-case writes into a file, recorded as this user's export."""
        with acting_as(self._user.name, self._user.role):
            return written(write, suffix)

    def _events(
        self, scenario: str, question: tuple[object, ...] | None, query: EventQuery, offset: int, limit: int
    ) -> EventPage:
        def read(connection: "duckdb.DuckDBPyConnection", publication: Publication) -> EventPage:
            from ui.queries.people_sql import events

            return events(connection, publication, query, offset, limit)

        return self._groups.ask(scenario, question, read)
