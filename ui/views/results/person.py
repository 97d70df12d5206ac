"""One employee: a search, and the timeline of who is chosen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.comparison.employee import Timeline
from planwise.errors import InputError
from ui.components import html
from ui.components.card import FRAME, Card
from ui.components.layout import STACK, show
from ui.components.paged import PagedTable
from ui.session import Session
from ui.store import Store
from ui.values.formatting import money
from ui.values.people import ACTIVE, READERS_OF_PEOPLE, Found
from ui.views.results import timeline
from ui.views.results.asked import Asked
from ui.views.results.explorer import NOT_ALLOWED

FOUND_AT_MOST = 50
FOUND = ["employee_id", "job_title", "department", "level_id", "base_pay", "last_year"]
HINT = (
    '<div class="empty"><h2>Find an employee</h2><p>Type a part of an id, a job title or a department, or '
    "click an employee in the events. The timeline shows every event with its rule, lever, value "
    "and tier.</p></div>"
)


SEARCH = "Type a part of an id, a job title or a department into the field above."


@dataclass(frozen=True)
class Looked:
    """What was found: a person, or people to choose from, or what is wrong."""

    person: Timeline | None = None
    found: Found | None = None
    problem: InputError | None = None


class Employee:
    """The section: a search, the people found, one person's timeline."""

    key, title = "employee", "Employee"
    by_people, by_status, status = False, False, ACTIVE

    def __init__(self, session: Session, changed: Callable[[], None], opened: Callable[[str], None]) -> None:
        self._allowed = session.user.role in READERS_OF_PEOPLE
        self._text = pmui.TextInput(
            label="Employee id, job title or department",
            placeholder="EMP-000123",
            size="small",
            width=340,
            margin=(4, 0),
        )
        self._text.param.watch(lambda _: changed(), "value")
        self._people = PagedTable(
            _found_columns(None),
            key="employee_id",
            caption="People found",
            noun="employee",
            opens="Timeline of",
            on_open=lambda key: opened(str(key)) if key else None,
        )
        self._found = pmui.Paper(self._people.layout, **FRAME)
        self._problem = html.pane("")
        self._hint = html.pane(HINT)
        self._facts = html.pane("")
        self._pay = Card(name="pay over time")
        self._events = Card(name="events of the employee", with_chart=False, height=760)
        self._years = Card(name="years of the employee", with_chart=False)
        self._timeline = pn.Column(
            self._facts, self._pay.layout, self._events.layout, self._years.layout, **STACK
        )
        self._body = pn.Column(self._hint, **STACK)
        self.layout = pn.Column(
            *([self._text, self._body] if self._allowed else [html.pane(NOT_ALLOWED)]), **STACK
        )

    def read(self, store: Store, asked: Asked) -> Looked:
        """Return the person of the address, and the people that the text finds."""
        if not self._allowed:
            return Looked()
        text = self._text.value.strip()
        found = store.people.find(asked.scenario, text, limit=FOUND_AT_MOST) if text else None
        if found is not None and found.total == 1 and not asked.employee:
            return Looked(store.people.person(asked.scenario, found.rows[0]["employee_id"]), found)
        if not asked.employee:
            return Looked(found=found)
        try:
            return Looked(store.people.person(asked.scenario, asked.employee), found)
        except InputError as error:
            return Looked(found=found, problem=error)

    def show(self, asked: Asked, found: Any) -> None:
        """Show them."""
        if not self._allowed:
            return
        parts: list[Any] = []
        if found.found is not None and found.found.total != 1:
            self._people.show(pd.DataFrame(found.found.rows, columns=FOUND), columns=_found_columns(asked))
            parts.append(self._found)
        if found.problem is not None:
            self._problem.object = html.notice(found.problem.what, SEARCH, "warn")
            parts.append(self._problem)
        if found.person is not None:
            self._facts.object = timeline.about(asked, found.person)
            self._pay.show(timeline.pay(asked, found.person))
            self._events.show(timeline.events(asked, found.person))
            self._years.show(timeline.years(asked, found.person))
            parts.append(self._timeline)
        elif not parts:
            parts.append(self._hint)
        show(self._body, *parts)


def _found_columns(asked: Asked | None) -> tuple[html.Column, ...]:
    return (
        html.Column("employee_id", "Employee", str, is_text=True),
        html.Column("job_title", "Job title", str, is_text=True),
        html.Column("department", "Department", str, is_text=True),
        html.Column("level_id", "Level", asked.level if asked else str, is_text=True),
        html.Column("base_pay", "Base pay, $", money),
        html.Column("last_year", "Last seen", asked.place if asked else str),
    )
