"""One person through the years: every event with its rule, lever and draw, replayed to the year-end pay."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb

from planwise.comparison.differences import HORIZON
from planwise.comparison.sources import Row, Source, damage_named, path, reader, rows
from planwise.equity.reasons import NO_SURVEY
from planwise.errors import InputError
from planwise.governance.publications import load_publication
from planwise.parameters import Value
from planwise.settings import Settings

EVENTS, SNAPSHOT = "fct_yearly_events", "fct_workforce_snapshot"
NEAREST_SHOWN = 5
CENSUS_YEAR = 0
CENT = Decimal("0.01")
RATE_ROUNDING = Decimal("0.0000005")  # published rates have 6 decimals
# The parameter that decides an event; `level` is the level the person had before it.
LEVERS: Mapping[str, tuple[str, ...]] = {
    "COLA": ("cola_rate",),
    "DRIFT": ("calibrated_rates",),
    "MERIT": ("merit_rate_level_{level}",),
    "promotion": ("promotion_probability_level_{level}", "promotion_raise_level_{level}"),
    "growth": ("new_hire_salary_adjustment",),
    "voluntary": ("termination_rate",),
    "new_hire": ("new_hire_termination_rate",),
    "reduction": ("headcount_growth",),
}


@dataclass(frozen=True)
class Behind:
    """A parameter behind an event: its value in the year and the tier that it came from."""

    parameter: str
    value: Value
    tier: str


@dataclass(frozen=True)
class Event:
    """One event: pay is annual base pay; `draw` was held against `probability` where chance decides."""

    effective_date: date
    type: str
    reason: str
    previous_level_id: int | None
    level_id: int
    previous_compensation: Decimal | None
    compensation: Decimal
    rate: float | None
    probability: float | None
    draw: float | None
    behind: tuple[Behind, ...]

    @property
    def name(self) -> str:
        """The event in two words."""
        return f"{self.effective_date} {self.reason}"

    @property
    def what(self) -> tuple[date, str]:
        """What happened, whatever was paid."""
        return self.effective_date, self.reason


@dataclass(frozen=True)
class Year:
    """One year of a person, the census as year 0: its events, and the state at its end or at exit.

    `market_reference` is what the market pays for the job title; where it is None, `market_reason` says why.
    """

    year: int
    status: str
    opening_base_pay: Decimal | None
    events: tuple[Event, ...]
    base_pay: Decimal
    prorated_pay: Decimal
    level_id: int
    compa_ratio: float | None
    range_penetration: float | None
    market_reference: float | None = None
    market_ratio: float | None = None
    market_position: float | None = None
    market_reason: str | None = None


@dataclass(frozen=True)
class Timeline:
    """A person in one published result; `problems` is empty when the events replay to the year-end pay."""

    scenario: str
    fingerprint: str
    employee_id: str
    person: Mapping[str, Any]
    years: tuple[Year, ...]
    problems: tuple[str, ...]
    currency: str = ""

    @property
    def events(self) -> tuple[Event, ...]:
        """Every event, in order."""
        return tuple(event for year in self.years for event in year.events)

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise employee --json` prints for one scenario."""
        return {
            "employee_id": self.employee_id,
            "scenario": self.scenario,
            "fingerprint": self.fingerprint,
            "person": dict(self.person),
            "years": [{"simulation_year": year.year, **_without_year(year)} for year in self.years],
            "replay": {"ok": not self.problems, "events": len(self.events), "problems": self.problems},
        }


def timeline(settings: Settings, scenario: str, employee_id: str) -> Timeline:
    """Return a person's timeline in a scenario's published result.

    Raises InputError when nothing is published or the id is unknown, with the nearest ids.
    """
    source = Source(load_publication(settings, scenario))
    with reader() as connection, damage_named(source.publication):
        states = _of_person(connection, source, SNAPSHOT, employee_id, "simulation_year")
        if not states:
            raise _unknown(connection, source, employee_id)
        events = _of_person(connection, source, EVENTS, employee_id, "simulation_year, event_sequence")
    with source.publication.reading(source.publication.folder):  # a mart may lack a column
        years = tuple(_year(source, state, events) for state in states)
    last = states[-1]
    return Timeline(
        scenario=scenario,
        fingerprint=source.fingerprint,
        employee_id=employee_id,
        person={
            key: last.get(key)
            for key in ("job_title", "department", "gender", "hire_date", "termination_date", "fte")
        }
        | {"performance_rating": last.get("performance_rating"), "age": last.get("age")},
        years=years,
        problems=tuple(replay_problems(years)),
    )


def find_people(settings: Settings, scenario: str, text: str, *, limit: int) -> tuple[list[Row], int]:
    """Return people whose id, job title or department has the text in it, by id, and how many there are.

    Upper and lower case are the same; each person is shown as last known. Raises InputError without a result.
    """
    source = Source(load_publication(settings, scenario))
    with reader() as connection, damage_named(source.publication):
        found = rows(
            connection,
            "SELECT employee_id, max_by(level_id, simulation_year) AS level_id, "
            "max_by(job_title, simulation_year) AS job_title, "
            "max_by(department, simulation_year) AS department, max(simulation_year) AS last_year, "
            "max_by(base_pay, simulation_year) AS base_pay, count(*) OVER () AS found "
            "FROM read_parquet(?) WHERE contains(lower(employee_id), ?) OR contains(lower(job_title), ?) "
            "OR contains(lower(department), ?) GROUP BY employee_id ORDER BY employee_id LIMIT ?",
            [path(source.publication, SNAPSHOT), *[text.lower()] * 3, limit],
        )
    total = found[0]["found"] if found else 0
    return [{key: value for key, value in row.items() if key != "found"} for row in found], total


def replay_problems(years: Sequence[Year]) -> Iterator[str]:
    """Yield what does not follow: each event begins with the pay left, and the last pay is the year's.

    A rate, where there is one, gives the new pay as far as its published decimals go.
    """
    pay: Decimal | None = None
    for year in years:
        if year.year == CENSUS_YEAR or pay is None:
            pay = year.opening_base_pay
        if year.opening_base_pay is not None and year.opening_base_pay != pay:
            yield f"{year.year} opens with {year.opening_base_pay:,}, the year before ended with {pay:,}"
        pay = year.opening_base_pay
        for event in year.events:
            if event.previous_compensation != pay:
                yield f"{event.name} begins with {event.previous_compensation}, not {pay}"
            if not _rate_holds(event):
                yield f"{event.name}: {event.rate} does not lead to {event.compensation:,}"
            pay = event.compensation
        if pay != year.base_pay:
            yield f"{year.year} ends with {year.base_pay:,}, its events with {pay}"


def _rate_holds(event: Event) -> bool:
    if event.rate is None or event.previous_compensation is None:
        return True
    before = event.previous_compensation
    paid = (before * (1 + Decimal(repr(event.rate)))).quantize(CENT, ROUND_HALF_UP)
    return abs(paid - event.compensation) <= CENT + before * RATE_ROUNDING


def _of_person(
    connection: duckdb.DuckDBPyConnection, source: Source, mart: str, employee_id: str, order: str
) -> list[Row]:
    query = f"SELECT * FROM read_parquet(?) WHERE employee_id = ? ORDER BY {order}"
    return rows(connection, query, [path(source.publication, mart), employee_id])


def _year(source: Source, state: Row, events: Sequence[Row]) -> Year:
    year = state["simulation_year"]
    return Year(
        year=year,
        status=state["employment_status"],
        opening_base_pay=state["opening_base_pay"],
        events=tuple(_event(source, row) for row in events if row["simulation_year"] == year),
        base_pay=state["base_pay"],
        prorated_pay=state["prorated_pay"],
        level_id=state["level_id"],
        compa_ratio=_float(state.get("compa_ratio")),
        range_penetration=_float(state.get("range_penetration")),
        **_market(state),
    )


def _market(state: Row) -> dict[str, Any]:
    """Return the market's figures; without a ratio the snapshot's reference is a midpoint, not the market's.

    A result of an earlier version has none of the columns.
    """
    ratio = _float(state.get("market_ratio"))
    reason = state.get("market_reason") or NO_SURVEY
    if ratio is None:
        return {"market_reason": reason}
    return {
        "market_reference": _float(state["market_reference"]),
        "market_ratio": ratio,
        "market_position": _float(state["market_position"]),
    }


def _event(source: Source, row: Row) -> Event:
    level = row["level_id"] if row["previous_level_id"] is None else row["previous_level_id"]
    names = [name.format(level=level) for name in LEVERS.get(row["event_reason"], ()) if name != HORIZON]
    found = [(name, source.setting(name, row["simulation_year"])) for name in names]
    return Event(
        effective_date=row["effective_date"],
        type=row["event_type"],
        reason=row["event_reason"],
        previous_level_id=row["previous_level_id"],
        level_id=row["level_id"],
        previous_compensation=row["previous_compensation"],
        compensation=row["compensation_amount"],
        rate=_float(row["applied_rate"]),
        probability=row["probability"],
        draw=row["draw"],
        behind=tuple(Behind(name, own.value, own.tier) for name, own in found if own is not None),
    )


def _unknown(connection: duckdb.DuckDBPyConnection, source: Source, employee_id: str) -> InputError:
    nearest = rows(
        connection,
        "SELECT employee_id FROM (SELECT DISTINCT employee_id FROM read_parquet(?)) "
        "ORDER BY jaro_winkler_similarity(lower(employee_id), lower(?)) DESC, employee_id LIMIT ?",
        [path(source.publication, SNAPSHOT), employee_id, NEAREST_SHOWN],
    )
    ids = ", ".join(row["employee_id"] for row in nearest)
    return InputError(
        f"There is no employee {employee_id!r} in {source.name}: "
        f"neither in census {source.census['name']} nor among its hires.",
        remedy=f"The nearest IDs: {ids or 'none'}. `planwise employee --find TEXT` searches IDs, job "
        "titles and departments.",
    )


def _without_year(year: Year) -> dict[str, Any]:
    return {key: value for key, value in asdict(year).items() if key != "year"}


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
