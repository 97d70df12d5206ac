"""One person through the years, as the views see it."""

from planwise.comparison.employee import Event, Year, timeline
from planwise.settings import Settings
from ui.values.people import Cause, Person, PersonEvent, PersonYear


def person(settings: Settings, scenario: str, employee_id: str) -> Person:
    """Return a person's timeline; raises InputError with the nearest ids when nobody has the id."""
    found = timeline(settings, scenario, employee_id)
    return Person(
        employee_id=found.employee_id,
        scenario=found.scenario,
        about=found.person,
        years=tuple(map(_year, found.years)),
        problems=found.problems,
    )


def _year(year: Year) -> PersonYear:
    return PersonYear(
        year=year.year,
        status=year.status,
        level_id=year.level_id,
        base_pay=year.base_pay,
        prorated_pay=year.prorated_pay,
        compa_ratio=year.compa_ratio,
        events=tuple(map(_event, year.events)),
    )


def _event(event: Event) -> PersonEvent:
    return PersonEvent(
        effective_date=event.effective_date,
        reason=event.reason,
        previous_level_id=event.previous_level_id,
        level_id=event.level_id,
        previous_pay=event.previous_compensation,
        pay=event.compensation,
        rate=event.rate,
        probability=event.probability,
        draw=event.draw,
        causes=tuple(Cause(behind.parameter, behind.value, behind.tier) for behind in event.behind),
    )
