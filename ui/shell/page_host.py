"""Make the pages of a session when they are first shown; report what fails in one."""

import logging
import secrets
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from ui.components import html
from ui.components.page import GAP, STACK, WHOLE, on_page
from ui.pages import BY_KEY, FIRST, PageInfo, View
from ui.session import Session

LOG = logging.getLogger("planwise.ui")
ID_BYTES = 4
# By document. A session holds its document, so a strong value would keep both for ever.
_SESSIONS: "WeakKeyDictionary[Any, ReferenceType[Session]]" = WeakKeyDictionary()


@dataclass(frozen=True)
class PageFailure:
    """What the user reads instead of a traceback."""

    what: str
    remedy: str


class BrokenPage:
    """Stands where a page should be; a way to try again and a way out, unless that is this page."""

    def __init__(
        self, title: str, failure: PageFailure, again: Callable[[], None], leave: Callable[[], None] | None
    ) -> None:
        retry = pmui.Button(label="Try again", variant="contained", margin=0, on_click=lambda _: again())
        ways = [retry]
        if leave is not None:
            ways.append(
                pmui.Button(
                    label="Go to the overview", variant="outlined", margin=0, on_click=lambda _: leave()
                )
            )
        self.layout = pn.Column(
            html.pane(html.heading(title, "This page cannot be shown; the other pages can.")),
            html.pane(html.notice(failure.what, failure.remedy, tone="bad")),
            pn.Row(*ways, styles={"gap": "12px"}),
            **STACK,
            margin=GAP,
        )

    def refresh(self) -> None:
        """Nothing: trying again is the user's choice."""


def record(error: BaseException, where: str) -> PageFailure:
    """Log an error and return what to tell; one raised on purpose says it itself, another gets an id."""
    if isinstance(error, PlanWiseError):
        LOG.warning("%s: %s", where, error.what)
        return PageFailure(error.what, error.remedy or "")
    reference = secrets.token_hex(ID_BYTES)
    LOG.error("[%s] %s: %s", reference, where, error, exc_info=error)
    return PageFailure(
        f"Something went wrong in {where}: {type(error).__name__}. Nothing was changed by it.",
        f"Try again. If it stays, give {reference} to who runs the server: its log says more under it.",
    )


def watch_session(session: Session) -> None:
    """Let errors of callbacks in this document reach its user."""
    if pn.state.curdoc is not None:
        _SESSIONS[pn.state.curdoc] = ref(session)


def callback_failed(error: BaseException) -> None:
    """Tell the user of the session in which a callback failed; Panel calls this for every one."""
    failure = record(error, "an action of this page")
    known = _SESSIONS.get(pn.state.curdoc) if pn.state.curdoc is not None else None
    session = known() if known is not None else None
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
AWAY = "away"
AWAY_STYLE = f":host(.{AWAY}) {{ display: none !important; }}"


class Pages:
    """One session's views. `main` holds those that were visited; only the one that is shown is visible."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.shown = ""
        self.main = pn.Column(sizing_mode="stretch_width", styles=WHOLE)
        self._views: dict[str, View] = {}

    def show(self, key: str) -> None:
        """Show a page; one that must be made in the browser comes in a later turn, after its outline."""
        page = BY_KEY[key]
        first = not self.shown
        self.shown = key
        if key in self._views:
            self._refresh(page)
        elif not _in_browser() or (first and _is_imported(page)):
            self._make(page)
        else:
            self._place(_outline(page))
            pn.state.execute(self._import_and_make(page))  # without the lock: the browser needs it to come

    def refresh(self) -> None:
        """Let the page that is shown look for what is new."""
        if self.shown in self._views:
            self._refresh(BY_KEY[self.shown])

    def clear(self) -> None:
        """Take everything off the page."""
        self._views.clear()
        self.main.objects = []

    def _import_and_make(self, page: PageInfo) -> Callable[[], Coroutine[Any, Any, None]]:
        async def later() -> None:
            try:
                await self.session.offload(lambda: page.load)
            except Exception as error:  # whatever a page's module raises, the others live on
                self._break(page, error)
                return
            if not self.session.ended and self.shown == page.key:
                on_page(lambda: self._make(page))

        return later

    def _make(self, page: PageInfo) -> None:
        if self.shown != page.key or page.key in self._views:  # another was chosen meanwhile
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
        """Show one part and hide the views beside it: what is drawn once is not drawn again.

        A view is hidden before the next is shown, and is never taken off: that would draw it again.
        """
        kept = [view.layout for view in self._views.values()]
        for part in kept:
            _keep_away(part, away=part is not shown)
        wanted = kept if any(part is shown for part in kept) else [*kept, shown]
        if list(self.main.objects) != wanted:
            self.main.objects = wanted

    def _break(self, page: PageInfo, error: Exception) -> None:
        failure = record(error, f"the page {page.title}")
        leave = None if page.key == FIRST else lambda: self.session.go(FIRST)
        self._views[page.key] = BrokenPage(page.title, failure, again=lambda: self._again(page), leave=leave)
        if self.shown == page.key:
            self._place(self._views[page.key].layout)

    def _again(self, page: PageInfo) -> None:
        self._views.pop(page.key, None)
        self.show(page.key)


def _keep_away(part: Any, *, away: bool) -> None:
    """Hide a part by its class: `visible` would measure every part of every page again."""
    if AWAY_STYLE not in part.stylesheets:
        part.stylesheets = [*part.stylesheets, AWAY_STYLE]
    classes = [AWAY] if away else []
    if part.css_classes != classes:
        part.css_classes = classes


def _outline(page: PageInfo) -> pn.pane.HTML:
    pane = html.pane(LOADING.format(title=page.title))
    pane.stylesheets = [*pane.stylesheets, BONES]
    return pane


def _is_imported(page: PageInfo) -> bool:
    return f"ui.pages.{page.key}" in sys.modules


def _in_browser() -> bool:
    return pn.state.curdoc is not None and pn.state.curdoc.session_context is not None
