"""The view that is shown: made when first visited, kept, refreshed, and replaced when it fails."""

import sys
from collections.abc import Callable

import panel as pn

from ui.components import html
from ui.components.layout import on_page
from ui.pages import BY_KEY, FIRST, PageInfo, View
from ui.session import Session
from ui.shell.failures import BrokenPage, record

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


class Pages:
    """One session's views. `main` is where the one that is shown stands."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.shown = ""
        self.main = pn.Column(sizing_mode="stretch_width")
        self._views: dict[str, View] = {}

    def show(self, key: str) -> None:
        """Show a page; one that is not imported yet comes in the next turn, after its outline."""
        page = BY_KEY[key]
        self.shown = key
        if key in self._views:
            self._refresh(page)
        elif _is_imported(page) or not _in_browser():
            self._make(page)
        else:
            self.main.objects = [_outline(page)]
            pn.state.execute(self._import_and_make(page))  # without the lock: the browser needs it to come

    def refresh(self) -> None:
        """Let the page that is shown look for what is new."""
        if self.shown in self._views:
            self._refresh(BY_KEY[self.shown])

    def _import_and_make(self, page: PageInfo) -> Callable[[], object]:
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
        try:
            view = page.load(self.session)
        except Exception as error:
            self._break(page, error)
            return
        self._views[page.key] = view
        self.main.objects = [view.layout]

    def _refresh(self, page: PageInfo) -> None:
        view = self._views[page.key]
        try:
            view.refresh()
        except Exception as error:
            self._break(page, error)
            return
        if self.main.objects != [view.layout]:
            self.main.objects = [view.layout]

    def _break(self, page: PageInfo, error: Exception) -> None:
        failure = record(error, f"the page {page.title}")
        self._views[page.key] = BrokenPage(
            page.title, failure, again=lambda: self._again(page), leave=lambda: self.session.go(FIRST)
        )
        if self.shown == page.key:
            self.main.objects = [self._views[page.key].layout]

    def _again(self, page: PageInfo) -> None:
        self._views.pop(page.key, None)
        self.show(page.key)


def _outline(page: PageInfo) -> pn.pane.HTML:
    pane = html.pane(LOADING.format(title=page.title))
    pane.stylesheets = [*pane.stylesheets, BONES]
    return pane


def _is_imported(page: PageInfo) -> bool:
    return f"ui.views.{page.key}" in sys.modules


def _in_browser() -> bool:
    return pn.state.curdoc is not None and pn.state.curdoc.session_context is not None
