"""The people of published results as groups: figures, spreads; `individual_pay` has single people.

Every result is cached by scenario, fingerprint and query. DuckDB is imported with the first query.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

import pandas as pd

from planwise.app.equity import read_equity
from planwise.errors import InputError
from planwise.governance.publications import Publication, load_publication
from planwise.settings import Settings
from planwise.small_groups import small_groups
from ui.cache import BoundedCache
from ui.values.people import (
    FigureDistribution,
    Filter,
    IncreaseBudget,
    Population,
    Sample,
)

if TYPE_CHECKING:
    import duckdb

    from planwise.equity.report import EquityReport

MARKET = "fct_market_position"
MARKET_FIGURES = ("mean_base_pay", "mean_market_ratio", "mean_market_position")
ANSWERS_KEPT = 256  # each is at most a few thousand rows
Answer = TypeVar("Answer")


def without_small_markets(frame: pd.DataFrame) -> pd.DataFrame:
    """Return groups of matched people without the figures of those whose pay they could reveal."""
    shown = frame.copy()
    for _, rows in frame.groupby(["simulation_year", "attribute"]):
        shown.loc[small_groups(rows["market_people"].to_dict()), list(MARKET_FIGURES)] = float("nan")
    return shown


class PeopleReader:
    """Queries the Parquet files of the result in force; methods block and may be called from any thread.

    Raises InputError when the scenario has no published result or it is damaged.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._answers: BoundedCache[object] = BoundedCache(ANSWERS_KEPT)

    def population(self, scenario: str) -> Population:
        """Return the population of the result."""

        def read(connection: "duckdb.DuckDBPyConnection", publication: Publication) -> Population:
            from ui.queries.people_sql import population

            return population(connection, publication, self._settings)

        return self.ask(scenario, ("population",), read)

    def by_year(self, scenario: str, chosen: Filter) -> pd.DataFrame:
        """Return headcount, pay and movement by year; see `people_sql.by_year`."""

        def read(connection: "duckdb.DuckDBPyConnection", publication: Publication) -> pd.DataFrame:
            from ui.queries.people_sql import by_year

            return by_year(connection, publication, chosen, publication.manifest["years"])

        return self.ask(scenario, ("by_year", chosen), read)

    def by_group(self, scenario: str, chosen: Filter, year: int, attribute: str) -> pd.DataFrame:
        """Return the same by "level" or "department" in a year; see `people_sql.by_group`."""

        def read(connection: "duckdb.DuckDBPyConnection", publication: Publication) -> pd.DataFrame:
            from ui.queries.people_sql import CENSUS_YEAR, by_group

            before = year - 1 if year - 1 in publication.manifest["years"] else CENSUS_YEAR
            return by_group(connection, publication, chosen, year, before, attribute)

        return self.ask(scenario, ("by_group", chosen, year, attribute), read)

    def spread(self, scenario: str, chosen: Filter, year: int, figure: str) -> FigureDistribution:
        """Return how a figure is spread: raise, merit, promotion, base_pay or compa_ratio."""

        def read(connection: "duckdb.DuckDBPyConnection", publication: Publication) -> FigureDistribution:
            from ui.queries.distributions import spread

            return spread(connection, publication, chosen, year, figure)

        return self.ask(scenario, ("spread", chosen, year, figure), read)

    def merit_matrix(self, scenario: str, chosen: Filter, year: int) -> pd.DataFrame:
        """Return mean merit by rating and position in the range; see `people_sql.merit_matrix`."""

        def read(connection: "duckdb.DuckDBPyConnection", publication: Publication) -> pd.DataFrame:
            from ui.queries.people_sql import merit_matrix

            return merit_matrix(connection, publication, chosen, year)

        return self.ask(scenario, ("merit_matrix", chosen, year), read)

    def levels(self, scenario: str, chosen: Filter, year: int) -> Sample:
        """Return a sample without points: compa-ratios by level."""

        def read(connection: "duckdb.DuckDBPyConnection", publication: Publication) -> Sample:
            from ui.queries.distributions import sample

            return sample(connection, publication, chosen, year, 0)

        return self.ask(scenario, ("levels", chosen, year), read)

    def equity(self, scenario: str) -> pd.DataFrame:
        """Return the pay-equity mart: one row per year, attribute and group, the census as year 0."""

        def read(connection: "duckdb.DuckDBPyConnection", publication: Publication) -> pd.DataFrame:
            from planwise.comparison.sources import path

            query = "SELECT * FROM read_parquet(?) ORDER BY simulation_year, attribute, headcount DESC, 3"
            return connection.execute(query, [path(publication, "fct_pay_equity")]).df()

        return self.ask(scenario, ("equity",), read)

    def market(self, scenario: str) -> pd.DataFrame:
        """Return the market position mart, the census as year 0; pay of small groups is left out.

        Raises InputError for a result of an earlier version, which has none.
        """

        def read(connection: "duckdb.DuckDBPyConnection", publication: Publication) -> pd.DataFrame:
            from planwise.comparison.sources import path, require_mart

            require_mart(publication, MARKET)
            query = "SELECT * FROM read_parquet(?) ORDER BY simulation_year, attribute, headcount DESC, 3"
            return without_small_markets(connection.execute(query, [path(publication, MARKET)]).df())

        return self.ask(scenario, ("market",), read)

    def increase_budget(self, scenario: str) -> IncreaseBudget:
        """Return what the raises of the first year cost, in total and by level and department.

        Raises InputError for a result of an earlier version, whose list shows what was drawn.
        """

        def read(_connection: "duckdb.DuckDBPyConnection", publication: Publication) -> IncreaseBudget:
            from planwise.comparison.increases import IncreaseList

            found = IncreaseList(publication, self._settings)
            groups = pd.DataFrame(found.groups())
            return IncreaseBudget(found.year, found.budget(), vars(found.bridge()), groups)

        return self.ask(scenario, ("increase_budget",), read)

    def equity_report(self, scenario: str, year: int) -> "EquityReport":
        """Return the pay equity at the end of a year, without single people."""
        return self.ask(
            scenario,
            ("equity_report", year),
            lambda connection, found: read_equity(connection, found, year).without_people(),
        )

    def ask(
        self,
        scenario: str,
        question: tuple[object, ...] | None,
        read: Callable[["duckdb.DuckDBPyConnection", Publication], Answer],
    ) -> Answer:
        """Return what `read` finds in the result in force; kept by `question`, unless that is None."""

        def ask() -> Answer:
            publication = load_publication(self._settings, scenario)

            def answer() -> Answer:
                from planwise.comparison.sources import damage_named, reader

                with reader() as connection, damage_named(publication):
                    return read(connection, publication)

            if question is None:
                return answer()
            key = (scenario, publication.fingerprint, publication.manifest["published_at"], *question)
            return cast(Answer, self._answers.get(key, answer))

        return again(ask)


def again(ask: Callable[[], Answer]) -> Answer:
    """Return an answer; a question that fails is put a second time."""
    try:
        return ask()
    except InputError:
        # Two publications in a row remove the folder that was in force a moment ago; ask the new one.
        return ask()
