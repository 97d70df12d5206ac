"""Create the pages of a session when they are first shown; report errors in them."""

import logging
import secrets
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import expected_error
from planwise.masking import describe_error
from ui.components import html
from ui.components.page import GAP, STACK, WHOLE, empty_state, on_page
from ui.pages import BY_KEY, FIRST, PageInfo, View
from ui.session import Session, session_here

LOG = logging.getLogger("planwise.ui")
ID_BYTES = 4
# By document. A session holds its document, so a strong value would keep both for ever.


@dataclass(frozen=True)
class PageFailure:
    """Message and remedy shown instead of a traceback."""

    what: str
    remedy: str


class BrokenPage:
    """Shown instead of a page that failed: try again, or go to the overview unless that failed."""

    def __init__(
        self, title: str, failure: PageFailure, retry: Callable[[], None], leave: Callable[[], None] | None
    ) -> None:
        buttons = [pmui.Button(label="Try again", variant="contained", margin=0, on_click=lambda _: retry())]
        if leave is not None:
            buttons.append(
                pmui.Button(
                    label="Go to the overview", variant="outlined", margin=0, on_click=lambda _: leave()
                )
            )
        self.layout = pn.Column(
            html.pane(html.heading(title, "This page cannot be shown; the other pages can.")),
            html.pane(html.notice(failure.what, failure.remedy, tone="bad")),
            pn.Row(*buttons, styles={"gap": "12px"}),
            **STACK,
            margin=GAP,
        )

    def refresh(self) -> None:
        """Do nothing: the user decides whether to try again."""


def record(error: BaseException, where: str) -> PageFailure:
    """Log an error and return its message; an unexpected one gets a reference to its log entry."""
    if (known := expected_error(error)) is not None:
        LOG.warning("%s: %s", where, known.what)
        return PageFailure(known.what, known.remedy or "")
    reference = secrets.token_hex(ID_BYTES)
    LOG.error("[%s] %s: %s", reference, where, describe_error(error), exc_info=error)
    return PageFailure(
        f"Something went wrong in {where}: {type(error).__name__}. It changed nothing.",
        f"Try again. If it fails again, give your administrator the reference {reference} of the log entry.",
    )


def callback_failed(error: BaseException) -> None:
    """Show an error to the user of the session whose callback failed; Panel calls this for each."""
    failure = record(error, "an action of this page")
    session = session_here()
    if session is not None and not session.ended:
        session.notify(failure.what, tone="error", remedy=failure.remedy)


LOADING = (
    '<div class="loading" role="status" aria-live="polite"><h1 class="page-title">{title}</h1>'
    '<p class="page-subtitle">Loading …</p><div class="bones"><i></i><i></i><i></i></div></div>'
)
BONES = (
    ".loading{padding:20px 24px}.bones i{display:block;height:88px;margin-top:16px;border-radius:8px;"
    "background:var(--mui-palette-action-hover);animation:pulse 1.6s ease-in-out infinite}"
    ".bones i+i{height:260px}"
    "@keyframes pulse{50%{opacity:.45}}@media (prefers-reduced-motion:reduce){.bones i{animation:none}}"
)
NO_CENSUS = "There is no census in use yet"
BEGIN = "Bring in a payroll file, or generate a sample of invented people, and use it."
HIDDEN = "away"
HIDDEN_STYLE = f":host(.{HIDDEN}) {{ display: none !important; }}"


class Pages:
    """The views of one session. `main` has those that were visited; one of them is visible."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.shown = ""
        self.main = pn.Column(sizing_mode="stretch_width", styles=WHOLE)
        self._views: dict[str, View] = {}
        self._waiting: dict[str, Any] = {}  # layouts of pages for which there was no census
        self._closed = False

    def show(self, key: str) -> None:
        """Show a page; in a browser, a page that is not imported yet follows after its outline."""
        if self._closed:
            return
        page = BY_KEY[key]
        first = not self.shown
        self.shown = key
        self.session.terms = self.session.store.local()  # a page of results takes theirs
        if page.needs_census and not self.session.store.has_census:
            self._place(self._begin_at_census(page))
        elif key in self._views:
            self._refresh(page)
        elif not _in_browser() or (first and _is_imported(page)):
            self._create(page)
        else:
            self._place(_outline(page))
            pn.state.execute(self._import_and_create(page))  # without the document's lock

    def refresh(self) -> None:
        """Refresh the page that is shown."""
        if self.shown in self._views:
            self._refresh(BY_KEY[self.shown])
        elif self.shown in self._waiting and self.session.store.has_census:
            self.show(self.shown)

    def close(self) -> None:
        """Remove all content for good."""
        self._closed = True
        self._views.clear()
        self._waiting.clear()
        self.main.objects = []

    def _import_and_create(self, page: PageInfo) -> Callable[[], Coroutine[Any, Any, None]]:
        async def later() -> None:
            try:
                await self.session.offload(lambda: page.load)
            except Exception as error:  # an error in one page's module must not affect the others
                self._break(page, error)
                return
            if not self.session.ended and self.shown == page.key:
                on_page(lambda: self._create(page))

        return later

    def _create(self, page: PageInfo) -> None:
        if self._closed or self.shown != page.key or page.key in self._views:  # another was chosen since
            return
        try:
            view = page.load(self.session)
        except Exception as error:
            self._break(page, error)
            return
        self._views[page.key] = view
        self._place(view.layout)

    def _refresh(self, page: PageInfo) -> None:
        view = self._views[page.key]
        try:
            view.refresh()
        except Exception as error:
            self._break(page, error)
            return
        self._place(view.layout)

    def _place(self, shown: Any) -> None:
        """Show one layout and hide the others, the others first; removing one would draw it again later."""
        layouts = [*(view.layout for view in self._views.values()), *self._waiting.values()]
        for layout in layouts:
            _set_hidden(layout, hidden=layout is not shown)
        if not any(layout is shown for layout in layouts):
            layouts.append(shown)
        if list(self.main.objects) != layouts:
            self.main.objects = layouts

    def _begin_at_census(self, page: PageInfo) -> Any:
        if page.key not in self._waiting:
            state = empty_state(self.session, NO_CENSUS, BEGIN, census="Go to Census")
            heading = html.pane(html.heading(page.title, "Needs the people that a plan begins with"))
            self._waiting[page.key] = pn.Column(heading, state, **STACK, margin=GAP)
        return self._waiting[page.key]

    def _break(self, page: PageInfo, error: Exception) -> None:
        failure = record(error, f"the page {page.title}")
        leave = None if page.key == FIRST else lambda: self.session.go(FIRST)
        self._views[page.key] = BrokenPage(page.title, failure, retry=lambda: self._retry(page), leave=leave)
        if self.shown == page.key:
            self._place(self._views[page.key].layout)

    def _retry(self, page: PageInfo) -> None:
        self._views.pop(page.key, None)
        self.show(page.key)


def _set_hidden(layout: Any, *, hidden: bool) -> None:
    """Hide a layout by its class: `visible` would make the browser measure every layout again."""
    if HIDDEN_STYLE not in layout.stylesheets:
        layout.stylesheets = [*layout.stylesheets, HIDDEN_STYLE]
    classes = [HIDDEN] if hidden else []
    if layout.css_classes != classes:
        layout.css_classes = classes


def _outline(page: PageInfo) -> pn.pane.HTML:
    pane = html.pane(LOADING.format(title=page.title))
    pane.stylesheets = [*pane.stylesheets, BONES]
    return pane


def _is_imported(page: PageInfo) -> bool:
    return page.module in sys.modules


def _in_browser() -> bool:
    return pn.state.curdoc is not None and pn.state.curdoc.session_context is not None
