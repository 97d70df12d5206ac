"""The application: one page a session."""

from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import panel as pn
from panel_material_ui.template.base import Page  # the package does not export its type

from ui.auth.gate import Gate, user_of
from ui.auth.handlers import LOGOUT
from ui.components import card, downloads, html, job_panel, lever_editor, table
from ui.components.page import on_page
from ui.session import Services, Session, zone_of
from ui.shell.address import keep_in_address
from ui.shell.frame import MENU_WIDTH, RAIL_WIDTH, Browser, Frame
from ui.shell.page_host import callback_failed
from ui.shell.panel_patches import patch_delivery, share_stylesheets

ASSETS = Path(__file__).parent / "assets"
BUSY = {"defaultProps": {"aria-label": "Working"}}  # the page's own bar has no name, and is always there
BAR = {"backgroundColor": "#1b3a57", "backgroundImage": "none", "color": "#ffffff"}
PLAIN = {"styleOverrides": {"root": {"textTransform": "none"}}}
TIP = {"styleOverrides": {"tooltip": {"width": "max-content", "maxWidth": "280px"}}}  # not a word a line
LOOKS = {  # of both themes
    "MuiAppBar": {"styleOverrides": {"root": BAR}},
    "MuiLinearProgress": BUSY,
    "MuiTab": PLAIN,
    "MuiToggleButton": PLAIN,
    "MuiTooltip": TIP,
}
THEME = {
    "light": {
        "palette": {"primary": {"main": "#1f5f99"}, "background": {"default": "#ffffff", "paper": "#ffffff"}},
        "components": LOOKS,
    },
    "dark": {"palette": {"primary": {"main": "#7fb2e5"}}, "components": LOOKS},
}
THEME_COOKIE, NAVIGATION_COOKIE, ZONE_COOKIE = "planwise-theme", "planwise-nav", "planwise-zone"

# A page sent to the browser defines the data of its components, so these are imported before the first one.
COMPONENTS = (card, downloads, job_panel, lever_editor, table)

pn.extension(exception_handler=callback_failed)
patch_delivery()


def make_page(services: Services, gate: Gate | None = None) -> Page:
    """Return the page of a session; it follows the address and refreshes itself."""
    if pn.state.curdoc is not None:
        share_stylesheets(pn.state.curdoc)
    request = _request()
    user, identity = user_of(request, gate)
    cookies = getattr(request, "cookies", {})
    session = Session(services, user)
    session.zone = zone_of(unquote(cookies.get(ZONE_COOKIE, "")))
    dark = cookies.get(THEME_COOKIE, "").endswith("dark")

    def here(message: dict[str, Any]) -> None:
        if "query" in message:  # a link on a page
            on_page(lambda: html.follow(session.go, message))
            return
        session.arrive()
        on_page(lambda: browser.param.update(arrived=True))  # the message may arrive without the page's lock

    browser = Browser(here, search=_search(request), dark=dark, width=0, height=0, margin=0)
    keep_in_address(session, browser)
    rail = cookies.get(NAVIGATION_COOKIE) == "rail"
    if not session.selection.page and session.store.is_new:
        session.go("census")
    frame = Frame(session, browser, sign_out=f".{LOGOUT}" if gate else "", rail=rail)
    if gate is not None and identity is not None:
        browser.param.watch(lambda _: gate.presence.touch(identity.ticket.id), "active")
        frame.end_when(lambda: gate.close_if_ended(identity))
    page = _page(
        meta_title=escape(browser.title),  # the template does not; the address names scenarios
        header=[frame.tools, browser],
        sidebar=[frame.navigation],
        sidebar_variant="permanent",
        sidebar_width=RAIL_WIDTH if rail else MENU_WIDTH,
        sidebar_resizable=False,
        main=[frame.pages.main],
        dark_theme=dark,
        theme_config=THEME,
        favicon=ASSETS / "logo.svg",
        template=ASSETS / "page.html",
        busy_indicator=None,
    )
    page.param.watch(lambda event: browser.param.update(dark=event.new), "dark_theme")
    frame.navigation.param.watch(
        lambda event: page.param.update(sidebar_width=RAIL_WIDTH if event.new else MENU_WIDTH), "collapsed"
    )
    if pn.state.curdoc is not None:
        pn.state.curdoc.config.notify_connection_status = False  # the frame has its own banner
    return page


def _page(**content: Any) -> Page:
    """Return a page that does not follow whether the server is busy.

    It would show every session's work to all, and the server's state would keep every page for ever.
    """
    known = {id(watcher) for watcher in _busy_watchers()}
    page = Page(**content)
    for watcher in _busy_watchers():
        if id(watcher) not in known:
            pn.state.param.unwatch(watcher)
    return page


def _busy_watchers() -> list[Any]:
    return list(pn.state.param.watchers.get("busy", {}).get("value", []))


def _request() -> Any:
    document = pn.state.curdoc
    context = document.session_context if document is not None else None
    return getattr(context, "request", None)


def _search(request: Any) -> str:
    _, mark, query = str(getattr(request, "uri", "") or "").partition("?")
    return mark + query
