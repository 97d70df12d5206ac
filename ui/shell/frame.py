"""The frame: navigation at the side, the page that is chosen in the middle, what is new on its own."""

import logging
from datetime import UTC, datetime
from typing import Any

import panel as pn
import panel_material_ui as pmui

from ui.components import html
from ui.pages import BY_KEY, FIRST, PAGES, View
from ui.session import Session

POLL_MILLISECONDS = 3000  # how soon a new publication or trial shows
MENU_WIDTH = 208
LOG = logging.getLogger("planwise.ui")


class Frame:
    """Makes a page's view when it is first shown, keeps it, and refreshes the one that is shown."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._views: dict[str, View] = {}
        self._shown = ""
        self._seen = session.store.version()
        self.main = pn.Column(sizing_mode="stretch_width")
        self._status = html.pane(
            _status("watching for new results"), sizing_mode=None, width=190, align="center"
        )
        self._menu = pmui.MenuList(
            items=[{"label": page.title, "icon": page.icon, "key": page.key} for page in PAGES],
            active=0,
            dense=True,
            sizing_mode="stretch_width",
        )
        self._menu.param.watch(self._chosen, "active")
        session.selection.param.watch(lambda _: self._follow(), "page")
        session.param.watch(self._toast, "notices")
        session.every(POLL_MILLISECONDS, self.look)
        self._follow()

    @property
    def header(self) -> list[Any]:
        """What stands in the bar at the top."""
        refresh = pmui.IconButton(
            icon="refresh",
            label="Read the results again",
            description="Read the results again",
            color="light",
        )
        refresh.on_click(lambda _: self.look(always=True))
        return [pn.layout.HSpacer(), self._status, refresh]

    @property
    def sidebar(self) -> list[Any]:
        """What stands at the side."""
        return [self._menu]

    def look(self, *, always: bool = False) -> None:
        """Refresh the page that is shown when the store has something new."""
        version = self.session.store.version()
        if always or version != self._seen:
            self._seen = version
            self._views[self._shown].refresh()
            self._status.object = _status(f"updated {datetime.now(UTC):%H:%M:%S} UTC")

    def _follow(self) -> None:
        wanted = self.session.selection.page or FIRST
        if wanted not in BY_KEY:
            self.session.notify(f"There is no page {wanted!r}; the overview is shown.", tone="warning")
            wanted = FIRST
        if wanted == self._shown:
            return
        if wanted in self._views:
            self._views[wanted].refresh()
        else:
            self._views[wanted] = BY_KEY[wanted].load(self.session)
        self._shown = wanted
        self._menu.active = [page.key for page in PAGES].index(wanted)
        self.main.objects = [self._views[wanted].layout]

    def _chosen(self, event: Any) -> None:
        index = event.new if isinstance(event.new, int) else event.new[0]
        key = PAGES[index].key
        if key != self._shown:
            self.session.go(key)

    def _toast(self, event: Any) -> None:
        if len(event.new) and pn.state.notifications is not None:
            notice = event.new[0]
            pn.state.notifications.send(
                f"{notice.text} {notice.remedy}".strip(), notification_type=notice.tone, duration=6000
            )


def _status(text: str) -> str:
    return f'<div class="status" role="status" style="color:#fff;text-align:right">{text}</div>'
