"""The page: filters on top, key figures, sections as tabs; only the one that is shown is read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import count, moment, with_levels, written_for
from ui.components import html
from ui.components.card import SMALL
from ui.components.downloads import Download
from ui.components.page import STACK, Page, UpdateGuard, empty_state, heading_row, on_page
from ui.components.scenario_dialogs import ProposeButton
from ui.pages.results.distributions import Ranges, Spreads
from ui.pages.results.employee import Employee
from ui.pages.results.equity import Equity
from ui.pages.results.events import Explorer
from ui.pages.results.increases import Increases
from ui.pages.results.market import Market
from ui.pages.results.request import ResultsRequest, ResultsView, Section, load_view
from ui.pages.results.years import Bridge, Groups, Years, headline
from ui.selection import Selection
from ui.session import Session
from ui.store import Store
from ui.values.people import STATUSES
from ui.values.results import ScenarioLabels, ScenarioStatus

SELECT: dict[str, Any] = {"size": "small", "margin": (6, 0, 4, 0)}
ALL_LEVELS, ALL_GENDERS = "All levels", "All"
EVERY_LEVEL = 0  # the widget takes None for nothing chosen
DEPARTMENTS_WIDTH = 220
COMPACT = {  # as low as the other filters; long names are cut, the cards' subtitles have them whole
    "& .MuiSelect-select": {"paddingTop": "8px", "paddingBottom": "4px", "minHeight": "24px !important"},
    "& .MuiChip-root": {"height": "22px", "fontSize": "12px", "borderRadius": "4px"},
    "& .MuiChip-label": {"maxWidth": "150px", "overflow": "hidden", "textOverflow": "ellipsis", "px": "8px"},
    "& .MuiChip-deleteIcon": {"fontSize": "16px"},
}


LABEL_WHEN_EMPTY = "label[data-shrink='false'] { transform: translate(14px, 6px) !important; }"


class FilterControls:
    """The row of filters; those that the section does not use are disabled."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._filling = UpdateGuard()
        self._scenario = pmui.Select(label="Scenario", options=[], width=220, **SELECT)
        self._year = pmui.Select(label="Year", options=[], width=92, **SELECT)
        self._status = pmui.Select(
            label="Employment status",
            options={status.label: key for key, status in STATUSES.items()},
            width=206,
            **SELECT,
        )
        self._level = pmui.Select(label="Level", options={ALL_LEVELS: EVERY_LEVEL}, width=168, **SELECT)
        self._departments = pmui.MultiChoice(
            label="Departments",
            options=[],
            searchable=True,
            placeholder="All departments",
            width=DEPARTMENTS_WIDTH,
            sx=COMPACT,
            stylesheets=[LABEL_WHEN_EMPTY],
            visual_size="small",
            margin=(6, 0, 4, 0),
        )
        self._gender = pmui.Select(label="Gender", options={ALL_GENDERS: ""}, width=100, **SELECT)
        self._reset = pmui.Button(
            label="Reset filters",
            description="Reset filters: show all active employees",
            variant="text",
            size="small",
            margin=(10, 0, 0, 0),
        )
        self._reset.on_click(self._reset_filters)
        self._follow(self._scenario, "scenario")
        self._follow(self._year, "year")
        self._follow(self._status, "status")
        self._follow(self._level, "level")
        self._follow(self._departments, "departments")
        self._follow(self._gender, "gender")
        self.layout = pn.FlexBox(
            self._scenario,
            self._year,
            self._status,
            self._level,
            self._departments,
            self._gender,
            self._reset,
            gap="4px 10px",
            align_items="flex-start",
            sizing_mode="stretch_width",
        )

    def show(self, view: ResultsView, section: Section, scenarios: Mapping[str, str]) -> None:
        """Show the selection and its options."""
        population = view.population
        with self._filling:
            self._scenario.param.update(options=dict(scenarios), value=view.scenario)
            self._year.param.update(options=list(view.result.years), value=view.year)
            self._status.param.update(value=view.people.status, disabled=not section.by_status)
            levels = {ALL_LEVELS: EVERY_LEVEL} | {view.level(number): number for number in population.levels}
            off = not section.by_people
            self._level.param.update(options=levels, value=view.people.level or EVERY_LEVEL, disabled=off)
            self._departments.param.update(
                options=list(population.departments), value=list(view.people.departments), disabled=off
            )
            self._gender.param.update(
                options={ALL_GENDERS: ""} | {name: name for name in population.genders},
                value=view.people.gender,
                disabled=off or not population.genders,
                label="Gender" if population.genders else "No gender",
            )
            self._reset.disabled = off

    def _reset_filters(self, _: Any) -> None:
        self._selection.param.update(status="", level=None, departments=(), gender="")

    def _follow(self, widget: Any, name: str) -> None:
        def choose(event: Any) -> None:
            if not self._filling:
                value = tuple(event.new) if name == "departments" else event.new
                value = None if name == "level" and value == EVERY_LEVEL else value
                self._selection.param.update(**{name: value})

        widget.param.watch(choose, "value")


PLAIN = {"& .MuiTab-root": {"textTransform": "none", "fontSize": "14px", "minWidth": 0, "px": "14px"}}
CHOICES = ("page", *ResultsRequest.__dataclass_fields__)
BELOW = {"sizing_mode": "stretch_width", "margin": (14, 0, 0, 0)}
READING = '<p class="page-subtitle" role="status">Reading the published result…</p>'
OUT_OF_DATE = "Until it is run again, these figures are of what was published."
NOTHING = "A result appears here as soon as a scenario is simulated and its gate passes."


@dataclass(frozen=True)
class Shown:
    """Everything that one look at the page needs, read on a thread."""

    view: ResultsView | None
    scenarios: Mapping[str, str]  # by label
    section: Section
    strip: str = ""
    found: Any = None
    is_stale: bool = False
    why_not_propose: str = ""


def _notice_of(name: str, labels: ScenarioLabels, stale: ScenarioStatus | None) -> str | None:
    """Return what is to be known of a result that is not a current scenario's; else None."""
    if stale is not None:
        return html.notice(f"Out of date: {with_levels(stale.why)}", OUT_OF_DATE, "warn")
    if labels.is_deleted(name):
        text = "The scenario was deleted; only this result is left."
        return html.notice(text, "It cannot be simulated again.", "warn")
    if labels.is_archived(name):
        return html.notice("The scenario is archived.", "Restore it on the overview.", "warn")
    return None


class ResultsPage(Page):
    """The page's parts, made once; `fill` reads what the selection asks for and shows it."""

    key = "results"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._controls = FilterControls(session.selection)
        self._sections: tuple[Section, ...] = (
            Years(),
            Increases(session, self._ask, self._open),
            Groups(),
            Bridge(),
            Spreads(self._ask),
            Ranges(session, self._ask),
            Equity(session, self._ask),
            Market(session, self._ask),
            Explorer(session, self._ask, self._open),
            Employee(session, self._ask, self._open),
        )
        self._by_key = {section.key: section for section in self._sections}
        self._strip = html.pane("")
        self._tabs = pmui.Tabs(
            *((section.title, pn.Column(section.layout, **BELOW)) for section in self._sections),
            dynamic=True,
            sx=PLAIN,
            sizing_mode="stretch_width",
            margin=0,
        )
        self._nothing = empty_state(
            session, "Nothing is published yet", NOTHING, run="Go to Run", census="Census"
        )
        self._begin = empty_state(
            session, "Nothing is published yet", NOTHING, census="Go to Census", run="Run"
        )
        self._result = ""
        self._run_again = pmui.Button(label="Run again", **SMALL | {"variant": "outlined"}, visible=False)
        self._run_again.on_click(lambda _: session.go("run", scenario=self._result))
        self._propose = ProposeButton(session, **SMALL)
        files = (self._summary_button(suffix) for suffix in ("pdf", "html"))
        self._body = pn.Column(
            heading_row(self._heading, self._run_again, self._propose.layout, *files),
            self._controls.layout,
            self._notices,
            self._strip,
            self._tabs,
            **STACK,
        )
        self._show(html.pane(READING))
        self._busy = self._again = False
        self._seen: tuple[Any, ...] = ()
        self._tabs.param.watch(self._turned, "active")
        session.selection.param.watch(self._chosen, list(CHOICES))
        self._ask()

    def refresh(self) -> None:
        """Show what is new; nothing is read when nothing is."""
        if self._seen != self._key():
            self._ask()

    async def fill(self) -> None:
        """Read the selection on a thread and show it; if it changed meanwhile, read again."""
        if self._busy:
            self._again = True
            return
        self._busy = True
        try:
            while True:
                self._again = False
                await self._fill_once()
                if not self._again or self._session.ended:
                    return
        finally:
            self._busy = False

    async def _fill_once(self) -> None:
        key, request = self._key(), ResultsRequest.of(self._session.selection)
        try:
            shown = await self._session.offload(self._read, self._session.store, request)
        except PlanWiseError as error:
            on_page(partial(self._show_error, error))
            return
        if self._session.ended or ResultsRequest.of(self._session.selection) != request:
            return  # an answer to an earlier choice would turn the tab back
        self._seen = key
        on_page(partial(self._show_found, shown))

    def _read(self, store: Store, request: ResultsRequest) -> Shown:
        """Read on a thread; touches no widget."""
        section = self._by_key.get(request.section, self._sections[0])
        view = load_view(store, request, status=section.status)
        if view is None:
            return Shown(None, {}, section)
        labels = store.labels()
        stale = store.statuses.stale(view.scenario)
        if (notice := _notice_of(view.scenario, labels, stale)) is not None:
            view = replace(view, notices=(*view.notices, notice))
        if request.section not in ("", *self._by_key):
            notice = html.notice(
                f"There is no section {request.section!r}; {section.title} is shown.", tone="warn"
            )
            view = replace(view, notices=(*view.notices, notice))
        own_figures = section.key in (Employee.key, Increases.key)  # of a person, of the first year
        names = store.scenarios()
        options = labels.options(names if view.scenario in names else (*names, view.scenario))
        with written_for(view.result.local):
            strip = "" if own_figures else html.kpi_strip(self._headline(store, view))
            found = section.read(store, view)
        why_not = self._propose.why_not(view.scenario)
        return Shown(view, options, section, strip, found, stale is not None, why_not)

    def _headline(self, store: Store, view: ResultsView) -> Any:
        return headline(view, store.people.by_year(view.scenario, view.people))

    def _show_found(self, shown: Shown) -> None:
        view = shown.view
        if view is None:
            self._show(self._nothing if self._store.has_census else self._begin)
            return
        self._result = view.scenario
        self._session.terms = view.result.local
        self._run_again.param.update(visible=shown.is_stale, disabled=not self._session.can_run)
        self._propose.offer(view.scenario, shown.why_not_propose)
        census = view.result.manifest["census"]
        self._heading.object = html.heading(
            f"Results of {view.label}",
            f"{view.year} · {census['name']}, {count(census['rows'])} employees as of {census['as_of']} · "
            f"published {moment(str(view.result.manifest['published_at']))}",
        )
        self._controls.show(view, shown.section, shown.scenarios)
        self._set_notices(view.notices)
        self._strip.param.update(object=shown.strip, visible=bool(shown.strip))
        with self._filling:
            self._tabs.active = self._sections.index(shown.section)
        shown.section.show(view, shown.found)
        self._show(self._body)

    def _summary_button(self, suffix: str) -> Download:
        async def page() -> bytes:
            result = self._result
            button.filename = f"summary_{result}.{suffix}"
            return await self._session.offload(self._session.store.comparisons.summary, (result,), suffix)

        kind = suffix.upper()
        button = Download(
            page,
            lambda error: self._set_notices([html.error_notice(error)]),
            label=f"Summary, {kind}",
            busy="Writing the summary…",
            description=f"Summary, {kind}: the scenario on one page",
            **SMALL,
        )
        return button

    def _ask(self) -> None:
        pn.state.execute(self.fill)

    def _chosen(self, *_: Any) -> None:
        if self.is_shown and self._seen != self._key():
            self._ask()

    def _turned(self, event: Any) -> None:
        if not self._filling:
            self._session.selection.section = self._sections[event.new].key

    def _open(self, employee_id: str) -> None:
        """Show one person's timeline."""
        self._session.go(self.key, section=Employee.key, employee=employee_id)

    def _key(self) -> tuple[Any, ...]:
        return ResultsRequest.of(self._session.selection), self._session.store.version()
