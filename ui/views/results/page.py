"""The page: filters on top, key figures, sections as tabs; only the one that is shown is read."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from ui.components import html
from ui.components.layout import STACK, on_page
from ui.components.page import Page
from ui.session import Session
from ui.store import Store
from ui.values.formatting import count, moment
from ui.values.people import READERS_OF_PEOPLE
from ui.views.results.asked import Asked, Wanted, ask
from ui.views.results.bridge import Bridge
from ui.views.results.controls import Controls
from ui.views.results.equity import Equity
from ui.views.results.explorer import Explorer
from ui.views.results.groups import Groups
from ui.views.results.person import Employee
from ui.views.results.ranges import Ranges
from ui.views.results.section import Section
from ui.views.results.spreads import Spreads
from ui.views.results.years import Years, headline

PLAIN = {"& .MuiTab-root": {"textTransform": "none", "fontSize": "14px", "minWidth": 0, "px": "14px"}}
CHOICES = ("page", *Wanted.__dataclass_fields__)
BELOW = {"sizing_mode": "stretch_width", "margin": (14, 0, 0, 0)}
READING = '<p class="page-subtitle" role="status">Reading the published result…</p>'
NOTHING = (
    '<div class="empty"><h2>Nothing is published yet</h2><p>A result appears here as soon as a scenario is '
    "simulated and its gate passes: on the page Run, or with <code>planwise simulate</code>.</p></div>"
)


@dataclass(frozen=True)
class Shown:
    """Everything that one look at the page needs, read on a thread."""

    asked: Asked | None
    scenarios: tuple[str, ...]
    section: Section
    strip: str = ""
    found: Any = None


class ResultsPage(Page):
    """The page's parts, made once; `fill` reads what the selection asks for and shows it."""

    key = "results"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._controls = Controls(session.selection)
        self._sections: tuple[Section, ...] = (
            Years(),
            Groups(),
            Bridge(),
            Spreads(self._ask),
            Ranges(self._ask, people_allowed=session.user.role in READERS_OF_PEOPLE),
            Equity(self._ask),
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
        self._nothing = html.pane(NOTHING)
        self._body = pn.Column(
            self._heading, self._controls.layout, self._notices, self._strip, self._tabs, **STACK
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
        """Read what is wanted now, on a thread, and show it; what was wanted meanwhile is read after it."""
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
        key, wanted = self._key(), Wanted.of(self._session.selection)
        try:
            shown = await self._session.offload(self._read, self._session.store, wanted)
        except PlanWiseError as error:
            on_page(partial(self._show_error, error))
            return
        if self._session.ended:
            return
        self._seen = key
        on_page(partial(self._show_found, shown))

    def _read(self, store: Store, wanted: Wanted) -> Shown:
        """Read on a thread; touches no widget."""
        section = self._by_key.get(wanted.section, self._sections[0])
        asked = ask(store, wanted, status=section.status)
        if asked is None:
            return Shown(None, (), section)
        if wanted.section not in ("", *self._by_key):
            notice = html.notice(
                f"There is no section {wanted.section!r}; {section.title} is shown.", tone="warn"
            )
            asked = replace(asked, notices=(*asked.notices, notice))
        strip = "" if section.key == Employee.key else html.kpi_strip(self._headline(store, asked))
        return Shown(asked, store.scenarios(), section, strip, section.read(store, asked))

    def _headline(self, store: Store, asked: Asked) -> Any:
        return headline(asked, store.people.by_year(asked.scenario, asked.people))

    def _show_found(self, shown: Shown) -> None:
        asked = shown.asked
        if asked is None:
            self._show(self._nothing)
            return
        census = asked.result.manifest["census"]
        self._heading.object = html.heading(
            f"Results of {asked.scenario}",
            f"{asked.year} · {census['name']}, {count(census['rows'])} employees as of {census['as_of']} · "
            f"published {moment(str(asked.result.manifest['published_at']))}",
        )
        self._controls.show(asked, shown.section, shown.scenarios)
        self._set_notices(asked.notices)
        self._strip.param.update(object=shown.strip, visible=bool(shown.strip))
        with self._filling:
            self._tabs.active = self._sections.index(shown.section)
        shown.section.show(asked, shown.found)
        self._show(self._body)

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
        return Wanted.of(self._session.selection), self._session.store.version()
