"""What the Results page shows: scenario, year, filters, and the labels of statuses and events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from planwise.errors import InputError
from planwise.formatting import level
from ui.components import html
from ui.components.card import Card
from ui.components.charts import DOWN, PALETTE, UP
from ui.selection import Selection
from ui.store import BASELINE, Store
from ui.values.people import ACTIVE, EVENT_KINDS, STATUSES, Filter, Population
from ui.values.results import Result

CENSUS_YEAR = 0  # how the marts call it


@dataclass(frozen=True)
class ResultsRequest:
    """The part of a selection that this page reads; empty is the page's own default."""

    scenario: str = ""
    year: int | None = None
    section: str = ""
    status: str = ""
    level: int | None = None
    departments: tuple[str, ...] = ()
    gender: str = ""
    event: str = ""
    employee: str = ""

    @classmethod
    def of(cls, selection: Selection) -> "ResultsRequest":
        """Return the request of a selection."""
        return cls(**{name: getattr(selection, name) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class ResultsView:
    """A result, a year and people that exist; `notices` is HTML about selections that do not."""

    result: Result
    population: Population
    year: int
    people: Filter
    event: str
    employee: str
    notices: tuple[str, ...] = ()

    @property
    def scenario(self) -> str:
        """The scenario that is shown."""
        return self.result.scenario

    @property
    def label(self) -> str:
        """The scenario's title, else its name."""
        return self.result.label or self.result.scenario

    @property
    def unfiltered(self) -> bool:
        """Whether all active people are meant."""
        return self.people == Filter()

    def level(self, level_id: Any) -> str:
        """Return the name of a level in this result."""
        return level(level_id, self.population.level_names)

    def place(self, year: Any) -> str:
        """Return a year as an axis names it; year 0 is the census."""
        return f"{self.result.census_year} census" if int(year) == CENSUS_YEAR else str(int(year))

    def who(self, *, by_status: bool = True) -> str:
        """Return the filter in words."""
        chosen = self.people
        parts = [STATUSES[chosen.status].label.lower()] if by_status else []
        if chosen.level is not None:
            parts.append(self.level(chosen.level))
        if chosen.departments:
            names = ", ".join(chosen.departments[:2])
            more = len(chosen.departments) - 2
            parts.append(f"{names} and {more} more departments" if more > 0 else names)
        if chosen.gender:
            parts.append(f"gender {chosen.gender}")
        return ", ".join(parts) or "all employees"

    @property
    def span(self) -> str:
        """The simulated years."""
        return f"{self.result.years[0]}–{self.result.last_year}"

    def subtitle(self, what: str, *, period: str = "", by_status: bool = True) -> str:
        """Return a card's second line: unit, period (the year unless given), whose figures, scenario."""
        return f"{what} · {period or self.year} · {self.who(by_status=by_status)} · {self.label}"


def load_view(store: Store, request: ResultsRequest, *, status: str = ACTIVE) -> ResultsView | None:
    """Return what is shown, None when nothing is published; `status` is the default of the section.

    A selection that does not exist is left out, with a notice. Raises InputError when no result can be read.
    """
    names = store.scenarios(archived=True)
    if not names:
        return None
    result, notices = _result(store, request.scenario, names)
    population = store.people.population(result.scenario)
    year = request.year if request.year in result.years else result.first_year
    if request.year is not None and request.year != year:
        notices.append(f"{result.label} does not simulate {request.year}; {year} is shown.")
    people = Filter(status=status)
    if request.status in STATUSES:
        people = replace(people, status=request.status)
    elif request.status:
        notices.append(
            f"There is no employment status {request.status!r}; {STATUSES[status].label} is shown."
        )
    if request.level in population.levels:
        people = replace(people, level=request.level)
    elif request.level is not None:
        notices.append(
            f"No employee is in {level(request.level, population.level_names)}; all levels are shown."
        )
    known = tuple(name for name in request.departments if name in population.departments)
    if missing := [name for name in request.departments if name not in known]:
        notices.append(f"There is no department {', '.join(missing)} in {result.label}; it is left out.")
    if request.gender in population.genders:
        people = replace(people, gender=request.gender)
    elif request.gender:
        notices.append(f"There is no gender {request.gender!r} in {result.label}; all are shown.")
    event = request.event if request.event in EVENT_KINDS else ""
    return ResultsView(
        result=result,
        population=population,
        year=year,
        people=replace(people, departments=known),
        event=event,
        employee=request.employee.strip(),
        notices=tuple(html.notice(text, tone="warn") for text in notices),
    )


def _result(store: Store, request: str, names: tuple[str, ...]) -> tuple[Result, list[str]]:
    """Return the selected result, else the first that can be read, and notices about it."""
    notices: list[str] = []
    order = [request] if request in names else []
    unknown = f"There is no published scenario {request!r}" if request and not order else ""
    order += [name for name in (BASELINE, *store.scenarios()) if name in names and name not in order]
    failures: list[InputError] = []
    for name in order:
        try:
            found = store.result(name)
        except InputError as error:
            failures.append(error)
            continue
        if unknown or (failures and name != request):
            notices.append(f"{unknown}; {found.label} is shown." if unknown else f"{found.label} is shown.")
        notices[:0] = [f"{error.what} {error.remedy or ''}".strip() for error in failures]
        return found, notices
    raise failures[0]


def suppressed(hidden: int) -> str:
    """Return the note about pay figures that are not shown."""
    return f" · pay figures of {hidden} small groups are not shown" if hidden else ""


REASONS: Mapping[str, str] = {
    "growth": "Hire",
    "voluntary": "Exit, voluntary",
    "new_hire": "Exit, new hire",
    "reduction": "Exit, reduction",
    "promotion": "Promotion",
    "COLA": "COLA",
    "DRIFT": "Drift",
    "MERIT": "Merit",
}
COLORS: Mapping[str, str] = {
    "growth": UP,
    "voluntary": DOWN,
    "new_hire": DOWN,
    "reduction": DOWN,
    "promotion": PALETTE[3],
    "COLA": PALETTE[0],
    "DRIFT": PALETTE[4],
    "MERIT": PALETTE[1],
}
RULES: Mapping[str, str] = {
    "growth": "Headcount target minus who stayed; pay by place in the level's range × new-hire adjustment",
    "voluntary": "Draw under the probability: rate × tenure, age and level multipliers",
    "new_hire": "Of the year's hires, those with the lowest draws leave again",
    "reduction": "The headcount target is under who stayed: those with the lowest draws leave",
    "promotion": "Draw under the probability: pay × (1 + raise), at least the new range's minimum",
    "COLA": "All employed on its date: pay × (1 + COLA rate, or the award of the group)",
    "DRIFT": "Drawn: what a similar person got in a year beyond the award (steps, a new title, or less)",
    "MERIT": "Rate of the level × rating × place in range, within the level's budget",
}
STATUS_LABELS: Mapping[str, str] = {
    "continuous_active": "Continuing",
    "new_hire_active": "New hire",
    "experienced_termination": "Left, experienced",
    "new_hire_termination": "Left, new hire",
}


def reason(name: Any) -> str:
    """Return what an event's reason is called; an unknown one keeps its name."""
    return REASONS.get(str(name), str(name))


def status(name: Any) -> str:
    """Return what an employment status is called."""
    return STATUS_LABELS.get(str(name), str(name))


def levels(before: Any, after: Any, write: Any) -> str:
    """Return a level, or the change of it: L2 Manager → L3 Senior Manager."""
    if before is None or before != before or int(before) == int(after):
        return str(write(after))
    return f"{write(before)} → {write(after)}"


class Section:
    """One tab of cards; only the one that is shown is read."""

    key: ClassVar[str]
    title: ClassVar[str]
    by_people: ClassVar[bool] = True  # whether level, departments and gender filter it
    by_status: ClassVar[bool] = True  # whether the employment status does
    status: ClassVar[str] = ACTIVE  # the employment status that it starts with
    layout: Any
    _cards: Sequence[Card] = ()

    def read(self, store: Store, view: ResultsView) -> Any:
        """Return the contents of the cards; runs on a thread and touches no widget. Raises InputError."""
        raise NotImplementedError

    def show(self, view: ResultsView, found: Any) -> None:
        """Show what was read: by default, one content on each card."""
        for card, content in zip(self._cards, found, strict=True):
            card.show(content)
