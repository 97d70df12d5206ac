"""One employee: search, timeline, pay over time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.comparison.employee import Event, Timeline, Year
from planwise.equity.reasons import MARKET_REASONS
from planwise.errors import InputError
from planwise.formatting import NOT_AVAILABLE, counted, money, percent, ratio, with_levels
from planwise.parameters import catalogue
from ui.components import html
from ui.components.card import FRAME, Card, Content, place
from ui.components.page import STACK, show
from ui.components.point_charts import Marks, pay_line
from ui.components.table import PagedTable
from ui.pages.results.events import NOT_ALLOWED
from ui.pages.results.request import CENSUS_YEAR, COLORS, RULES, ResultsView, Section, levels, reason, status
from ui.session import Session
from ui.store import Store
from ui.values.parameter_text import written
from ui.values.people import PeopleFound

NOT_RELEASED = "not released"  # no proposal of this result was approved and released
STAYS = ("continuous_active", "new_hire_active")
ABOUT = {
    "department": "department",
    "gender": "gender",
    "age": "age",
    "hire_date": "hired",
    "termination_date": "last day",
    "fte": "FTE",
    "performance_rating": "rating",
}
EVENT_COLUMNS = [
    "effective_date",
    "event_reason",
    "level",
    "previous_compensation",
    "compensation_amount",
    "applied_rate",
    "rule",
    "chance",
    "lever",
    "value",
    "tier",
    "approver",
]


def timeline_heading(view: ResultsView, person: Timeline) -> str:
    """Return who it is, the pay now and since the start, and whether the events replay to it."""
    last, first = person.years[-1], person.years[0]
    start = first.events[0].compensation if first.year != CENSUS_YEAR and first.events else first.base_pay
    grown = float(last.base_pay) / float(start) - 1
    facts = person.person
    known = [f"{name} {_plain(facts[key])}" for key, name in ABOUT.items() if facts.get(key) is not None]
    kpis = (
        html.Kpi(
            "Base pay",
            money(last.base_pay),
            f"end of {view.place(last.year)}, or at exit; {status(last.status)}",
        ),
        html.Kpi(
            "Since the census" if first.year == CENSUS_YEAR else "Since hire",
            percent(grown, 1, sign=True),
            f"from {money(start)}",
        ),
        html.Kpi("Level", view.level(last.level_id), f"compa-ratio {ratio(last.compa_ratio)}"),
        _market_tile(last),
        html.Kpi(
            "Replay",
            counted(len(person.events), "event"),
            "" if person.problems else "replayed to the year-end pay, to the cent",
            "do not lead to the year-end pay" if person.problems else "exact",
            "bad" if person.problems else "good",
        ),
    )
    heading = html.card_heading(f"{person.employee_id} · {facts.get('job_title') or ''}", " · ".join(known))
    problems = "".join(html.notice(text, tone="bad") for text in person.problems)
    return f"{heading}<div style='height:10px'></div>{html.kpi_strip(kpis)}{problems}"


def _market_tile(year: Year) -> html.Kpi:
    """Return where the pay is in the market of the job title, or why that is not known."""
    if year.market_ratio is None:
        return html.Kpi(
            "Compa-ratio to market", NOT_AVAILABLE, MARKET_REASONS.get(year.market_reason or "", "")
        )
    at = "" if year.market_position is None else f", {place(year.market_position)}"
    note = f"the market's median for the title is {money(year.market_reference)}"
    return html.Kpi("Compa-ratio to market", f"{ratio(year.market_ratio)}{at}", note)


def _why_no_market(year: Year) -> str:
    return "" if year.market_reason is None else MARKET_REASONS[year.market_reason].replace("`", "")


def _plain(fact: Any) -> str:
    return f"{fact.normalize():f}" if isinstance(fact, Decimal) else str(fact)


def pay_chart(view: ResultsView, person: Timeline) -> Content:
    """Return pay over time with its events marked."""
    frame = events_frame(view, person)
    first = person.years[0]
    days: list[str] = [] if first.year != CENSUS_YEAR else [f"{view.result.census_year}-12-31"]
    amounts: list[float] = [] if first.year != CENSUS_YEAR else [float(first.base_pay)]
    for event in person.events:
        days.append(f"{event.effective_date:%Y-%m-%d}")
        amounts.append(float(event.compensation))
    last = person.years[-1]
    if last.status in STAYS and last.year != CENSUS_YEAR:
        days.append(f"{last.year}-12-31")
        amounts.append(float(last.base_pay))
    kinds = dict.fromkeys(event.reason for event in person.events)
    marks = [_marks(kind, [event for event in person.events if event.reason == kind]) for kind in kinds]
    return Content(
        "Pay over time",
        f"Annual full-time base pay · {person.employee_id} · {view.label}",
        frame[["effective_date", "event_reason", "previous_compensation", "compensation_amount"]],
        (
            html.TableColumn("effective_date", "Date"),
            html.TableColumn("event_reason", "Event", reason, is_text=True),
            html.TableColumn("previous_compensation", "Pay before, $", money),
            html.TableColumn("compensation_amount", "Pay after, $", money),
        ),
        f"pay_{person.employee_id}_{view.scenario}.csv",
        pay_line(days, amounts, marks),
    )


def _marks(kind: str, found: Sequence[Event]) -> Marks:
    return Marks(
        reason(kind),
        COLORS.get(kind, "#8a7f77"),
        [f"{event.effective_date:%Y-%m-%d}" for event in found],
        [float(event.compensation) for event in found],
        [f"{event.effective_date:%Y-%m-%d} {reason(kind)}: {money(event.compensation)}" for event in found],
    )


def events_card(view: ResultsView, person: Timeline) -> Content:
    """Return each event with what is behind it."""
    return Content(
        "Events",
        f"Event → rule → lever → value → tier → approver · {person.employee_id} · {view.label}",
        events_frame(view, person),
        (
            html.TableColumn("effective_date", "Date", is_text=True),
            html.TableColumn("event_reason", "Event", reason, is_text=True),
            html.TableColumn("level", "Level", str, is_text=True),
            html.TableColumn("previous_compensation", "Pay before, $", money),
            html.TableColumn("compensation_amount", "Pay after, $", money),
            html.TableColumn("applied_rate", "Rate", lambda v: "–" if v != v else percent(v, 2)),
            html.TableColumn("rule", "Rule", str, is_text=True),
            html.TableColumn("chance", "Draw < probability", str, is_text=True),
            html.TableColumn("lever", "Lever", _label, is_text=True),
            html.TableColumn("value", "Value", str, is_text=True),
            html.TableColumn("tier", "Tier", str, is_text=True),
            html.TableColumn("approver", "Approver", str, is_text=True),
        ),
        f"timeline_{person.employee_id}_{view.scenario}.csv",
    )


def events_frame(view: ResultsView, person: Timeline) -> pd.DataFrame:
    """Return one row per event and lever behind it."""
    rows = []
    for event in person.events:
        shown = {
            "effective_date": f"{event.effective_date:%Y-%m-%d}",
            "event_reason": event.reason,
            "level": levels(event.previous_level_id, event.level_id, view.level),
            "previous_compensation": _float(event.previous_compensation),
            "compensation_amount": float(event.compensation),
            "applied_rate": event.rate,
            "rule": RULES.get(event.reason, ""),
            "chance": ""
            if event.draw is None or event.probability is None
            else f"{event.draw:.4f} < {event.probability:.4f}",
        }
        for cause in event.behind:
            rows.append({**shown, **_cause(cause.parameter, cause.value, cause.tier)})
        if not event.behind:
            rows.append({**shown, "lever": "", "value": "", "tier": "", "approver": NOT_RELEASED})
    return pd.DataFrame(rows, columns=EVENT_COLUMNS)


def _label(lever: str) -> str:
    declared = catalogue().parameters.get(lever)
    return lever if declared is None else with_levels(declared.label)


def _cause(lever: str, value: Any, tier: str) -> dict[str, str]:
    declared = catalogue().parameters.get(lever)
    text = str(value) if declared is None else written(declared, value)
    return {"lever": lever, "value": text, "tier": tier, "approver": NOT_RELEASED}


def years_card(view: ResultsView, person: Timeline) -> Content:
    """Return the state at the end of each year."""
    frame = pd.DataFrame(
        [
            {
                "simulation_year": year.year,
                "employment_status": year.status,
                "level_id": year.level_id,
                "base_pay": float(year.base_pay),
                "prorated_pay": float(year.prorated_pay),
                "compa_ratio": year.compa_ratio,
                "market_reference": year.market_reference,
                "market_ratio": year.market_ratio,
                "market_position": year.market_position,
                "market_reason": _why_no_market(year),
            }
            for year in person.years
        ]
    )
    return Content(
        "Year by year",
        f"At year end, or at exit · {person.employee_id} · {view.label}",
        frame,
        (
            html.TableColumn("simulation_year", "End of", view.place),
            html.TableColumn("employment_status", "Status", status, is_text=True),
            html.TableColumn("level_id", "Level", view.level, is_text=True),
            html.TableColumn("base_pay", "Base pay, $", money),
            html.TableColumn("prorated_pay", "Paid in the year, $", money),
            html.TableColumn("compa_ratio", "Compa-ratio", ratio),
            html.TableColumn("market_reference", "Market median, $", money),
            html.TableColumn("market_ratio", "To market", ratio),
            html.TableColumn("market_position", "Position", place),
            *(
                [html.TableColumn("market_reason", "Why none", str, is_text=True)]
                if frame["market_reason"].any()
                else []
            ),
        ),
        f"years_{person.employee_id}_{view.scenario}.csv",
        chosen=view.year,
    )


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


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
    found: PeopleFound | None = None
    problem: InputError | None = None


class Employee(Section):
    """The section: a search, the people found, one person's timeline."""

    key, title = "employee", "Employee"
    by_people, by_status = False, False

    def __init__(self, session: Session, changed: Callable[[], None], opened: Callable[[str], None]) -> None:
        self._session, self._allowed = session, session.can_see_individual_pay
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

    def read(self, store: Store, view: ResultsView) -> Looked:
        """Return the person of the address, and the people that the text finds."""
        if not self._allowed:
            return Looked()
        text, people = self._text.value.strip(), self._session.individual_pay
        found = people.find(view.scenario, text, limit=FOUND_AT_MOST) if text else None
        if found is not None and found.total == 1 and not view.employee:
            return Looked(people.person(view.scenario, found.rows[0]["employee_id"]), found)
        if not view.employee:
            return Looked(found=found)
        try:
            return Looked(people.person(view.scenario, view.employee), found)
        except InputError as error:
            return Looked(found=found, problem=error)

    def show(self, view: ResultsView, found: Any) -> None:
        """Show them."""
        if not self._allowed:
            return
        parts: list[Any] = []
        if found.found is not None and found.found.total != 1:
            self._people.show(pd.DataFrame(found.found.rows, columns=FOUND), columns=_found_columns(view))
            parts.append(self._found)
        if found.problem is not None:
            self._problem.object = html.notice(found.problem.what, SEARCH, "warn")
            parts.append(self._problem)
        if found.person is not None:
            self._facts.object = timeline_heading(view, found.person)
            self._pay.show(pay_chart(view, found.person))
            self._events.show(events_card(view, found.person))
            self._years.show(years_card(view, found.person))
            parts.append(self._timeline)
        elif not parts:
            parts.append(self._hint)
        show(self._body, *parts)


def _found_columns(view: ResultsView | None) -> tuple[html.TableColumn, ...]:
    return (
        html.TableColumn("employee_id", "Employee", str, is_text=True),
        html.TableColumn("job_title", "Job title", str, is_text=True),
        html.TableColumn("department", "Department", str, is_text=True),
        html.TableColumn("level_id", "Level", view.level if view else str, is_text=True),
        html.TableColumn("base_pay", "Base pay, $", money),
        html.TableColumn("last_year", "Last seen", view.place if view else str),
    )
