"""Compare published results: parameters, KPIs, levels and people, each with the first scenario's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import duckdb

from planwise.census import load_census
from planwise.comparison.differences import (
    LEVEL_METRICS,
    ComparedParameters,
    Figure,
    Metric,
    ParameterDifference,
    Setting,
    difference,
    metrics_of,
    parameter_differences,
    relative,
)
from planwise.comparison.people import TOP_MOVERS, WinnersAndLosers, winners_and_losers
from planwise.comparison.sources import SEED, Row, Source, load_sources, mart_rows, reader, unpublished
from planwise.equity.reasons import gap_reason
from planwise.errors import InputError
from planwise.formatting import TERMINAL
from planwise.governance import Ledger, effective_parameters, open_ledger
from planwise.governance.publications import PROD, load_publication
from planwise.parameters import Chain, catalogue
from planwise.settings import Settings

About = Literal["census", "horizon", "seed", "same", "stale", "deleted", "gap"]
NAMED = 3  # parameters named in a remark; the lever table has them all


@dataclass(frozen=True)
class Remark:
    """One limit of a comparison; `scenarios` are those it applies to."""

    about: About
    scenarios: tuple[str, ...]
    what: str
    remedy: str | None = None

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}" if self.remedy else self.what


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
    def currency(self) -> str | None:
        """The currency of all amounts; None where it differs between scenarios."""
        codes = {source.publication.currency for source in self.sources}
        return codes.pop() if len(codes) == 1 else None

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
        """Return the levels that have people in a year, in any scenario."""
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
            "levels": [compared.as_json() for compared in self.levels()],
            "people": [pair.as_json() for pair in self.people],
        }

    def as_table(self) -> list[dict[str, Any]]:
        """Return one flat row per metric: its values in the last compared year."""
        rows = [self.kpi(metric, self.years[-1]) for metric in self.metrics] if self.years else []
        return [{"figure": row.metric.label, "year": row.year, **row.values} for row in rows]

    def levels(self) -> Iterator[Compared]:
        """Yield every metric of every level and compared year."""
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
    What cannot be compared (another census, other years) is left out and listed in `remarks`. `employees` is
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
            if years and other.has_census_of(sources[0])
        )
    columns = [name for figure in figures.values() for row in figure.kpis.values() for name in row]
    return Comparison(
        sources=sources,
        years=years,
        remarks=(*remarks_on(settings, sources), *_of_gaps(figures)),
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


def _of_gaps(figures: Mapping[str, Figures]) -> list[Remark]:
    """Return why pay gaps are missing: one remark for each gap and reason, of the scenarios it applies to."""
    found: dict[tuple[str, str], dict[str, list[int]]] = {}
    for name, figure in figures.items():
        for year, row in figure.kpis.items():
            for gap, column in (("adjusted", "adjusted_gap_max"), ("median", "median_gap")):
                if column in row and row[column] is None:
                    why = gap_reason(row, column.removesuffix("_max"))
                    found.setdefault((gap, why), {}).setdefault(name, []).append(year)
    remarks = []
    for (gap, why), by_name in found.items():
        where = ", ".join(f"{name} ({_span(years)})" for name, years in by_name.items())
        what = f"The {gap} pay gap cannot be measured: {why}. It is missing in {where}."
        remarks.append(Remark("gap", tuple(by_name), what))
    return remarks


def _sum(values: Sequence[Figure]) -> Figure:
    present = [value for value in values if value is not None]
    return sum(present[1:], start=present[0]) if len(present) == len(values) and present else None


def common_years(sources: Sequence[Source]) -> tuple[int, ...]:
    """Return the years that all of them simulate."""
    shared = set(sources[0].years).intersection(*(source.years for source in sources[1:]))
    return tuple(sorted(shared))


def remarks_on(settings: Settings, sources: Sequence[Source]) -> tuple[Remark, ...]:
    """Return everything that limits the comparison, what each limit leaves, and what to do about it."""
    base, *others = sources
    found = [*_of_censuses(base, others), *_of_horizons(sources), *_of_seeds(base, others)]
    found += [
        Remark("same", (base.name, other.name), f"{other.name} and {base.name} are the same simulation.")
        for other in others
        if other.fingerprint == base.fingerprint
    ]
    with open_ledger(settings) as ledger:
        for source in sources:
            found += out_of_date(settings, ledger, source)
    return tuple(found)


def out_of_date(settings: Settings, ledger: Ledger, source: Source) -> list[Remark]:
    """Return why a published result is not what its scenario would give now; nothing when it is."""
    again = f"`planwise simulate --scenario {source.name}`, or compare with --simulate."
    if source.name == PROD:  # what was released does not change
        return []
    stored = {scenario.name: scenario for scenario in ledger.scenarios.list(archived=True)}.get(source.name)
    if stored is None:
        what = f"The scenario {source.name} was deleted; what it published last is compared."
        return [Remark("deleted", (source.name,), what)]
    try:
        census = load_census(settings, stored.census)
        now = ComparedParameters(f"{source.name} now", effective_parameters(ledger, stored, source.years[0]))
    except InputError as error:
        what = f"{source.name} is compared as published; now it would not run: {error.what}"
        return [Remark("stale", (source.name,), what, error.remedy)]
    found = []
    if census.content_hash != source.census["content_hash"]:
        what = (
            f"{source.name} was published on census {_people(source)} and would now run on {census.name} "
            f"({census.rows:,} people, {census.as_of}): what was published is compared."
        )
        found.append(Remark("stale", (source.name,), what, again))
    if census.market.get("key") != (source.census.get("market") or {}).get("key"):
        what = f"{source.name} was published with another market reference of its job titles than it has now."
        found.append(Remark("stale", (source.name,), what, again))
    if changed := _changed(source, now):
        what = f"{source.name} was published with other parameters than it has now: {changed}."
        found.append(Remark("stale", (source.name,), what, again))
    return found


def _changed(source: Source, now: ComparedParameters) -> str:
    """Name what differs between a result and its scenario; what a study aims at changes no result."""
    if source.years != now.effective.years:
        return f"years {_span(source.years)}, now {_span(now.effective.years)}"
    declared = catalogue().parameters
    found = [
        f"{declared[difference.parameter].label} ({difference.when}) {_value(published)}, "
        f"now {_value(current)}"
        for difference in parameter_differences((source, now), source.years)
        if difference.parameter in declared and declared[difference.parameter].chain != Chain.STUDY
        for published, current in [tuple(difference.settings.values())]
        if published is not None and current is not None
    ]
    more = [f"and {len(found) - NAMED} more"] if len(found) > NAMED else []
    return ", ".join(found[:NAMED] + more)


def _value(setting: Setting) -> str:
    """Return a value with all its digits; shares as percentages."""
    number = isinstance(setting.value, float) and abs(setting.value) < 1
    return TERMINAL.exact_percent(setting.value) if number else str(setting.value)


def due(settings: Settings, names: Sequence[str]) -> tuple[str, ...]:
    """Return the scenarios to simulate before a comparison: not published, or published out of date."""
    absent = unpublished(settings, names)
    with open_ledger(settings) as ledger:
        return tuple(
            name
            for name in names
            if name in absent
            or any(
                remark.about == "stale"
                for remark in out_of_date(settings, ledger, Source(load_publication(settings, name)))
            )
        )


def _of_censuses(base: Source, others: Sequence[Source]) -> list[Remark]:
    return [
        Remark(
            "census",
            (base.name, other.name),
            f"{other.name} starts from census {_people(other)}, {base.name} from {_people(base)}: levers and "
            "rates can be compared; differences in people and amounts are also those of the censuses; "
            "winners and losers are not available.",
            f"`planwise simulate --scenario {other.name} --census {base.census['name']}` runs it on that.",
        )
        for other in others
        if not other.has_census_of(base)
    ]


def _of_horizons(sources: Sequence[Source]) -> list[Remark]:
    if len({source.years for source in sources}) == 1:
        return []
    spans = ", ".join(f"{source.name} {_span(source.years)}" for source in sources)
    years = common_years(sources)
    rest = (
        f"only {_span(years)} is compared" if years else "no year is in all; only what they are is compared"
    )
    return [
        Remark(
            "horizon",
            tuple(source.name for source in sources),
            f"The horizons differ ({spans}): {rest}.",
            "Give them one horizon (`planwise scenario set NAME --assume years=5`) and simulate again.",
        )
    ]


def _of_seeds(base: Source, others: Sequence[Source]) -> list[Remark]:
    return [
        Remark(
            "seed",
            (base.name, other.name),
            f"{other.name} has another seed than {base.name}: differences include random variation."
            + (" Hires are other people and are not matched." if other.has_census_of(base) else ""),
            f"Give them one seed (`planwise scenario set NAME --assume {SEED}=42`) and simulate again.",
        )
        for other in others
        if not other.has_seed_of(base)
    ]


def _people(source: Source) -> str:
    census = source.census
    return f"{census['name']} ({census['rows']:,} people, {census['as_of']})"


def _span(years: Sequence[int]) -> str:
    return f"{years[0]}-{years[-1]}" if len(years) > 1 else str(years[0])
