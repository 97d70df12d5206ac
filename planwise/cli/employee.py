"""`planwise employee`: one person's events and pay."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from planwise.cli.compare import TIER_MARKS, setting_text
from planwise.cli.options import Home, Json
from planwise.comparison.differences import difference, relative
from planwise.comparison.employee import CENSUS_YEAR, Event, Timeline, Year, find_people, timeline
from planwise.comparison.sources import Row
from planwise.console import PLAIN, emit_json, progress, results, settings_for
from planwise.errors import CheckFailed, InputError
from planwise.formatting import TERMINAL, counted, in_currency
from planwise.governance import Action, require_role
from planwise.governance.publications import load_publication
from planwise.parameters import BASELINE, catalogue
from planwise.settings import Settings

FOUND_SHOWN = 20
CELL = replace(TERMINAL, missing="")
STATUS = {
    "continuous_active": "employed",
    "new_hire_active": "hired, employed",
    "experienced_termination": "left",
    "new_hire_termination": "hired, left again",
}
KINDS = {
    "growth": "hire",
    "promotion": "promotion",
    "voluntary": "exit",
    "new_hire": "exit in the first year",
    "reduction": "exit by reduction",
}


def employee(
    employee_id: Annotated[
        str | None, Parameter(help="Employee ID from the census; hires are NEW-YEAR-SLOT.")
    ] = None,
    /,
    *,
    scenario: Annotated[str, Parameter(name="--scenario", help="A published scenario.")] = BASELINE,
    against: Annotated[str | None, Parameter(name="--against", help="Compare with this scenario.")] = None,
    find: Annotated[
        str | None,
        Parameter(name="--find", help="List employees whose ID, job title or department contains this text."),
    ] = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """Show one employee's published events and pay; exit with code 1 when the events do not give the pay."""
    settings = settings_for(home)
    if (find is None) == (employee_id is None):
        raise InputError(
            "Give either an employee ID or --find.",
            remedy="`planwise employee ID`, or `planwise employee --find TEXT`.",
        )
    require_role(settings, Action.SEE_PAY)
    if find is not None:
        _find(settings, scenario, find, as_json=json)
        return 0
    own = timeline(settings, scenario, str(employee_id))
    other = None if against is None else timeline(settings, against, str(employee_id))
    if json:
        emit_json(own.as_json() | ({} if other is None else _against(own, other)))
    else:
        with in_currency(own.currency):
            results().print(render_timeline(own))
            if other is not None:
                results().print(render_against(own, other))
    broken = own.problems or (other is not None and other.problems)
    return CheckFailed.exit_code if broken else 0


def _find(settings: Settings, scenario: str, text: str, *, as_json: bool) -> None:
    people, found = find_people(settings, scenario, text, limit=FOUND_SHOWN)
    if as_json:
        emit_json({"scenario": scenario, "find": text, "found": found, "people": people})
        return
    if people:
        with in_currency(load_publication(settings, scenario).currency):
            results().print(render_people(people))
    progress().print(f"{found:,} found in {scenario}; {len(people)} shown.", markup=False)


def _against(own: Timeline, other: Timeline) -> dict[str, Any]:
    return {
        "against": other.as_json(),
        "differences": [
            {
                "simulation_year": year,
                "base_pay": here and here.base_pay,
                "against": there and there.base_pay,
                "difference": here and there and here.base_pay - there.base_pay,
            }
            for year, here, there in paired_years(own, other)
        ],
    }


def render_timeline(found: Timeline) -> RenderableType:
    """Return the person, the events, and whether they replay to the year-end pay."""
    table = _table(("date", "event", "level"), ("before", "pay", "rate", "compa"), "decided by")
    for year in found.years:
        for event in year.events:
            _event_row(table, event)
        _year_row(table, year)
    replayed = (
        f"{counted(len(found.events), 'event')} replayed: each begins with the pay that the last one left"
    )
    verdict = (
        Text(f"{replayed}, and each year ends with what they give.", style="dim")
        if not found.problems
        else Text("\n".join(f"! {problem}" for problem in found.problems), style="bold red")
    )
    return Group(Text(_person_headline(found), style="bold"), table, verdict)


def render_against(own: Timeline, other: Timeline) -> RenderableType:
    """Return one person's year-end pay in two scenarios, and the events that only one of them has."""
    table = _table(("year",), (own.scenario, other.scenario, "difference", "%"))
    lines = [
        Text(f"Only in {side.scenario}: {event.effective_date} {_kind(event)}{_step(event)}")
        for side, than in ((own, other), (other, own))
        for event in side.events
        if event.what not in {theirs.what for theirs in than.events}
    ]
    for year, here, there in paired_years(own, other):
        pay = [None if side is None else side.base_pay for side in (here, there)]
        table.add_row(
            _name(year),
            _state(here),
            _state(there),
            CELL.money(difference(*pay), 2, sign=True),
            CELL.percent(relative(*pay), 2, sign=True),
        )
    return Group(table, *lines)


def paired_years(own: Timeline, other: Timeline) -> list[tuple[int, Year | None, Year | None]]:
    """Return every year of either timeline with what each has of it."""
    here, there = ({year.year: year for year in of.years} for of in (own, other))
    return [(year, here.get(year), there.get(year)) for year in sorted({*here, *there})]


def render_people(people: Sequence[Row]) -> RenderableType:
    """Return one line a person."""
    table = _table(("id", "level", "job title", "department"), ("last year", "base pay"))
    for row in people:
        cells = (row["employee_id"], row["level_id"], row["job_title"], row["department"])
        year = _name(row["last_year"])
        table.add_row(*(Text(str(cell)) for cell in cells), year, CELL.money(row["base_pay"], 2))
    return table


def _person_headline(found: Timeline) -> str:
    person = found.person
    facts = [
        person["job_title"],
        person["department"],
        f"hired {person['hire_date']}",
        f"left {person['termination_date']}" if person["termination_date"] else None,
        f"FTE {float(person['fte']):g}",
        f"rating {person['performance_rating']}" if person["performance_rating"] is not None else None,
    ]
    return f"{found.employee_id} in {found.scenario}: {', '.join(str(fact) for fact in facts if fact)}"


def _event_row(table: Table, event: Event) -> None:
    table.add_row(
        f"{event.effective_date}",
        _kind(event),
        _step(event).strip() or str(event.level_id),
        CELL.money(event.previous_compensation, 2),
        CELL.money(event.compensation, 2),
        CELL.percent(event.rate, 2, sign=True),
        "",
        Text("\n".join(_decided_by(event)), style="dim"),
    )


def _kind(event: Event) -> str:
    return KINDS.get(event.reason, event.reason)


def _step(event: Event) -> str:
    promoted = event.previous_level_id not in (None, event.level_id)
    return f" {event.previous_level_id} → {event.level_id}" if promoted else ""


def _decided_by(event: Event) -> Iterator[str]:
    declared = catalogue().parameters
    for item in event.behind:
        unit = declared[item.parameter].unit.value if item.parameter in declared else ""
        yield f"{item.parameter} {setting_text(item.value, unit)}{TIER_MARKS.get(item.tier, '')}"
    if event.draw is not None and event.probability is not None:
        yield f"drew {event.draw:.4f}, chance {event.probability:.4f}"


def _year_row(table: Table, year: Year) -> None:
    cells = (
        _name(year.year),
        "as imported" if year.year == CENSUS_YEAR else STATUS.get(year.status, year.status),
        str(year.level_id),
        "",
        CELL.money(year.base_pay, 2),
        "",
        CELL.ratio(year.compa_ratio, 3),
    )
    table.add_row(
        *(Text(cell, style="bold") for cell in cells), Text(_market(year), style="dim"), end_section=True
    )


def _market(year: Year) -> str:
    """Return the compa-ratio to market and the percentile, empty without: 0.940 of the market, P41."""
    if year.market_ratio is None:
        return ""
    at = "" if year.market_position is None else f", P{CELL.ratio(year.market_position, 0)}"
    return f"{CELL.ratio(year.market_ratio, 3)} of the market{at}"


def _state(year: Year | None) -> str:
    if year is None:
        return "-"
    left = "" if year.status in ("continuous_active", "new_hire_active") else " (left)"
    return f"{CELL.money(year.base_pay, 2)}{left}"


def _name(year: int) -> str:
    return "census" if year == CENSUS_YEAR else f"{year}"


def _table(texts: Sequence[str], numbers: Sequence[str], *more: str) -> Table:
    return Table(
        *texts,
        *(Column(name, justify="right", no_wrap=True) for name in numbers),
        *(Column(name, overflow="fold") for name in more),
        **PLAIN,
    )
