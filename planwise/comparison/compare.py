"""Compare published results: parameters, KPIs, levels and people, each with the first scenario's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from planwise.comparison.metrics import LEVEL_METRICS, Figure, Metric, difference, metrics_of, relative
from planwise.comparison.parameters import ParameterDifference, parameter_differences
from planwise.comparison.people import TOP_MOVERS, WinnersAndLosers, can_match, winners_and_losers
from planwise.comparison.remarks import Remark, common_years, remarks_on
from planwise.comparison.sources import Row, Source, load_sources, mart_rows, reader
from planwise.errors import InputError
from planwise.settings import Settings

KPIS, GROWTH, LEVELS = "fct_scenario_kpis", "fct_compensation_growth", "fct_level_summary"
CENSUS_YEAR = 0  # how the marts call the census
EMPLOYEES_MAX = 100_000  # rows a pair that a spreadsheet still opens


@dataclass(frozen=True)
class Figures:
    """One scenario's marts: KPIs by year, `before` by the year that follows it, levels by year and level."""

    kpis: Mapping[int, Row]
    before: Mapping[int, Row]
    levels: Mapping[tuple[int, int], Row]


@dataclass(frozen=True)
class Compared:
    """One metric of every scenario, in one year and level if these are given."""

    metric: Metric
    values: Mapping[str, Figure]
    year: int | None = None
    level_id: int | None = None

    def difference(self, scenario: str) -> Figure:
        """Return the difference from the first scenario, in the metric's unit."""
        return difference(self.values[scenario], self._base)

    def relative(self, scenario: str) -> float | None:
        """Return the difference as a share of the first scenario's figure."""
        return relative(self.values[scenario], self._base)

    @property
    def _base(self) -> Figure:
        return next(iter(self.values.values()))

    def as_json(self) -> dict[str, Any]:
        """Return values, differences and relative differences by scenario."""
        _, *others = self.values
        where = {"simulation_year": self.year, "level_id": self.level_id}
        return {
            "metric": self.metric.name,
            "label": self.metric.label,
            "unit": self.metric.kind.value,
            **{key: value for key, value in where.items() if value is not None},
            "values": dict(self.values),
            "differences": {name: self.difference(name) for name in others},
            "relative": {name: self.relative(name) for name in others},
        }


@dataclass(frozen=True)
class Comparison:
    """Scenarios side by side; the first is the base. `years` are those that all of them simulate."""

    sources: tuple[Source, ...]
    years: tuple[int, ...]
    remarks: tuple[Remark, ...]
    parameters: tuple[ParameterDifference, ...]
    metrics: tuple[Metric, ...]
    figures: Mapping[str, Figures]
    people: tuple[WinnersAndLosers, ...]
    compared_at: datetime

    @property
    def base(self) -> Source:
        """The scenario that the others are compared with."""
        return self.sources[0]

    @property
    def others(self) -> tuple[Source, ...]:
        """The scenarios that are compared with it."""
        return self.sources[1:]

    @property
    def names(self) -> tuple[str, ...]:
        """All scenarios, the base first."""
        return tuple(source.name for source in self.sources)

    def kpi(self, metric: Metric, year: int) -> Compared:
        """Return one metric of one year."""
        values = {name: self.figures[name].kpis[year].get(metric.name) for name in self.names}
        return Compared(metric, values, year=year)

    def total(self, metric: Metric) -> Compared:
        """Return a flow metric's sum over the compared years; None where a year has no figure."""
        return Compared(
            metric,
            {
                name: _sum([self.figures[name].kpis[year].get(metric.name) for year in self.years])
                for name in self.names
            },
        )

    def level_ids(self, year: int) -> tuple[int, ...]:
        """Return the levels that anybody is in, in any scenario, in a year."""
        return tuple(
            sorted({level for name in self.names for at, level in self.figures[name].levels if at == year})
        )

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise compare --json` prints."""
        parameters = [(row.kind, row.as_json()) for row in self.parameters]
        return {
            "scenarios": [source.as_json() for source in self.sources],
            "base": self.base.name,
            "years": list(self.years),
            "compared_at": self.compared_at.isoformat(timespec="seconds"),
            "remarks": [vars(remark) for remark in self.remarks],
            "compared": {
                "parameters": bool(self.years),
                "kpis": bool(self.years),
                "people": [pair.scenario for pair in self.people],
            },
            "levers": [row for kind, row in parameters if kind == "lever"],
            "assumptions": [row for kind, row in parameters if kind == "assumption"],
            "kpis": [self.kpi(m, year).as_json() for year in self.years for m in self.metrics],
            "totals": [self.total(m).as_json() for m in self.metrics if m.flow] if self.years else [],
            "levels": [compared.as_json() for compared in self._levels()],
            "people": [pair.as_json() for pair in self.people],
        }

    def _levels(self) -> Iterator[Compared]:
        for year in self.years:
            for level in self.level_ids(year):
                rows = {name: self.figures[name].levels.get((year, level), {}) for name in self.names}
                for metric in LEVEL_METRICS:
                    values = {name: row.get(metric.name) for name, row in rows.items()}
                    yield Compared(metric, values, year=year, level_id=level)


def compare(
    settings: Settings,
    names: Sequence[str],
    *,
    movers: int = TOP_MOVERS,
    employees: int = 0,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Comparison:
    """Compare two or more scenarios by what they published; the first is the base of all differences.

    Raises InputError when one is not published, its result is damaged, or `employees` is out of bounds.
    What cannot be compared (another census, other years) is left out and said in `remarks`. `employees` is
    how many of the largest pay differences of each pair to keep, person by person.
    """
    if not 0 <= employees <= EMPLOYEES_MAX:
        raise InputError(
            f"{employees:,} employees are outside 0 to {EMPLOYEES_MAX:,}.",
            remedy="Ask for fewer; the totals count everyone.",
        )
    sources = load_sources(settings, names)
    years = common_years(sources)
    with reader() as connection:
        figures = {source.name: _figures(connection, source, years) for source in sources}
        people = tuple(
            winners_and_losers(connection, sources[0], other, years[-1], movers=movers, employees=employees)
            for other in sources[1:]
            if years and can_match(sources[0], other)
        )
    columns = [name for figure in figures.values() for row in figure.kpis.values() for name in row]
    return Comparison(
        sources=sources,
        years=years,
        remarks=remarks_on(settings, sources),
        parameters=parameter_differences(sources, years),
        metrics=metrics_of(columns),
        figures=figures,
        people=people,
        compared_at=now(),
    )


def _figures(connection: duckdb.DuckDBPyConnection, source: Source, years: Sequence[int]) -> Figures:
    kpis, growth, levels = (
        mart_rows(connection, source.publication, mart) for mart in (KPIS, GROWTH, LEVELS)
    )
    states = {row["simulation_year"]: row for row in growth}
    first = source.years[0]
    return Figures(
        kpis={row["simulation_year"]: row for row in kpis if row["simulation_year"] in years},
        before={year: states[CENSUS_YEAR if year == first else year - 1] for year in years},
        levels={
            (row["simulation_year"], row["level_id"]): row
            for row in levels
            if row["simulation_year"] in years
        },
    )


def _sum(values: Sequence[Figure]) -> Figure:
    present = [value for value in values if value is not None]
    return sum(present[1:], start=present[0]) if len(present) == len(values) and present else None
