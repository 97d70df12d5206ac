"""The frame around the pages: navigation, tools, notifications, browser state, end of a sign-in."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import panel as pn
import param
from panel.custom import JSComponent
from tornado.ioloop import IOLoop

from ui.draft import BASELINE
from ui.pages import BY_KEY, FIRST, PAGES
from ui.session import Notice, Session
from ui.shell.page_host import Pages

ASSETS = Path(__file__).parent.parent / "assets" / "shell"
MessageHandler = Callable[[dict[str, Any]], None]


class _Part(JSComponent):
    """A component in JavaScript; `on_message` gets what the user did, as a small dictionary."""

    __abstract = True
    _styles = ""

    def __init__(self, on_message: MessageHandler | None = None, **params: Any) -> None:
        self._on_message = on_message
        styles = [(ASSETS / self._styles).read_text(encoding="utf-8")] if self._styles else []
        super().__init__(stylesheets=styles, **params)

    def _handle_msg(self, msg: Any) -> None:
        if self._on_message is not None and isinstance(msg, dict):
            self._on_message(msg)


class Navigation(_Part):
    """Links to the pages, by group; `current` is the page shown, `collapsed` shows icons only."""

    groups = param.List(default=[])
    current = param.String(default="")
    collapsed = param.Boolean(default=False)

    _esm = ASSETS / "navigation.js"
    _styles = "navigation.css"


class Tools(_Part):
    """The bar at the top: product, scenario, time of the last read, notifications, account."""

    scenario = param.String(default="")
    census = param.String(default="")
    edits = param.Integer(default=0)
    updated = param.String(default="", doc="When the results shown were last read, in ISO 8601.")
    notices = param.List(default=[])
    unread = param.Integer(default=0)
    person = param.String(default="")
    role = param.String(default="")
    sign_out = param.String(default="", doc="Address of the sign-out; empty when sign-in is off.")

    _esm = ASSETS / "tools.js"
    _styles = "tools.css"


class Browser(_Part):
    """The browser's address, title, theme and activity; shows a banner when the connection is lost.

    The page takes no input until `arrived`: earlier requests could not be answered.
    """

    search = param.String(default="")
    title = param.String(default="")
    dark = param.Boolean(default=False)
    active = param.Number(default=0, doc="Time of the user's last activity, by the browser's clock.")
    arrived = param.Boolean(
        default=False, doc="Whether the server has confirmed that the browser has the page."
    )
    leave = param.String(default="", doc="An address that the browser must open at once.")

    _esm = ASSETS / "browser.js"


POLL_MILLISECONDS = 3000  # until a new publication or trial is shown
LEAVE_SECONDS = 5.0  # for a browser to leave by itself; what still listens then is no browser
MENU_WIDTH, RAIL_WIDTH = 208, 56
PRODUCT = "PlanWise"
StillSignedIn = Callable[[], str]


class Frame:
    """Navigation and tools around the pages of one session."""

    def __init__(self, session: Session, browser: Browser, *, sign_out: str = "", rail: bool = False) -> None:
        self.session = session
        self.browser = browser
        self.pages = Pages(session)
        self.navigation = Navigation(
            self._receive, groups=_groups(), collapsed=rail, sizing_mode="stretch_both", margin=0
        )
        self.tools = Tools(
            self._receive,
            person=session.user.name,
            role=session.user.role,
            sign_out=sign_out,
            sizing_mode="stretch_width",
            margin=0,
        )
        self._seen = session.store.version()
        self._notice_count = 0
        session.selection.param.watch(lambda _: self._follow(), "page")
        session.selection.param.watch(lambda _: self._show_scenario(), "scenario")
        session.draft.param.watch(lambda *_: self._show_scenario(), ["scenario", "changes"])
        session.param.watch(self._notice, "notices")
        if session.notices:  # raised while the address was read
            session.param.trigger("notices")
        session.every(POLL_MILLISECONDS, self.refresh)
        self._set_updated()
        self._follow()

    def refresh(self, *, always: bool = False) -> None:
        """Refresh the page shown if the store has something new."""
        version = self.session.store.version()
        if always or version != self._seen:
            self._seen = version
            self.pages.refresh()
            self._show_scenario()
            self._set_updated()

    def end_when(self, over: StillSignedIn) -> None:
        """Check the sign-in regularly; when it has ended, clear and leave the page, and close its sockets."""

        def check() -> None:
            if not self.browser.leave and (why := over()):  # the first reason is shown
                self.pages.close()
                self.session.sign_out()
                close_sockets(pn.state.curdoc, LEAVE_SECONDS)
                self.browser.leave = f"./logout?{urlencode({'why': why, 'next': f'/{self.browser.search}'})}"

        self.session.every(POLL_MILLISECONDS, check, unseen=True)

    def _follow(self) -> None:
        key = self.session.selection.page or FIRST
        if key not in BY_KEY:
            self.session.notify(
                f"There is no page “{key}”.", tone="warning", remedy="The overview is shown instead."
            )
            self.session.go("")
            return
        self.navigation.current = key
        if key != self.pages.shown:
            self.pages.show(key)
        self._show_scenario()

    def _show_scenario(self) -> None:
        page = BY_KEY.get(self.session.selection.page or FIRST, BY_KEY[FIRST])
        draft = self.session.draft
        scenario = self.session.selection.scenario or (draft.scenario if draft.scenario != BASELINE else "")
        store = self.session.store
        labels = store.labels()
        known = scenario in labels.stored or scenario in store.scenarios(archived=True)
        name = labels.of(scenario or BASELINE) if known or not scenario else scenario
        self.tools.param.update(
            scenario=name, census=labels.census(scenario or BASELINE), edits=len(draft.changes)
        )
        shown = name if scenario else ""
        self.browser.title = " · ".join(part for part in (page.title, shown, PRODUCT) if part)

    def _set_updated(self) -> None:
        self.tools.updated = datetime.now(UTC).isoformat()

    def _notice(self, event: Any) -> None:
        self._notice_count += 1
        notices = [_plain(notice, self._notice_count - index) for index, notice in enumerate(event.new)]
        self.tools.param.update(notices=notices, unread=min(self.tools.unread + 1, len(notices)))

    def _receive(self, message: dict[str, Any]) -> None:
        page = message.get("go")
        if isinstance(page, str) and page in BY_KEY:
            self.session.go(page)
        elif "refresh" in message:
            self.refresh(always=True)
        elif "read" in message:
            self.tools.unread = 0
        elif isinstance(message.get("follow"), int):
            self._follow_notice(message["follow"])

    def _follow_notice(self, number: int) -> None:
        index = self._notice_count - number
        notices = self.session.notices
        link = notices[index].link if 0 <= index < len(notices) else None
        if link is not None:
            self.session.go(link[0], **link[1])


def close_sockets(document: Any, after_seconds: float) -> None:
    """Close the connections of browsers to a document, after a while."""
    context = document.session_context if document is not None else None
    if context is None:
        return

    def close() -> None:
        for connection in tuple(context.session._subscribed_connections) if context.session else ():
            connection._socket.close(reason="signed out")

    IOLoop.current().call_later(after_seconds, close)


def _groups() -> list[dict[str, Any]]:
    names = dict.fromkeys(page.group for page in PAGES)
    return [
        {
            "heading": name,
            "pages": [
                {
                    "key": page.key,
                    "title": page.title,
                    "icon": page.icon,
                    "href": f"?{urlencode({'page': page.key})}",
                }
                for page in PAGES
                if page.group == name
            ],
        }
        for name in names
    ]


def _plain(notice: Notice, number: int) -> dict[str, Any]:
    page = BY_KEY.get(notice.link[0]) if notice.link else None
    return {
        "id": number,
        "text": notice.text,
        "remedy": notice.remedy,
        "tone": notice.tone,
        "at": notice.at.isoformat(),
        "link": f"Open {page.title}" if page else "",
    }
