"""What went wrong, in a page or a callback: the log has the traceback, the user an id to ask for."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from ui.components import html
from ui.components.layout import GAP, STACK
from ui.session import Session

LOG = logging.getLogger("planwise.ui")
ID_BYTES = 4
# By document. A session holds its document, so a strong value would keep both for ever.
_SESSIONS: "WeakKeyDictionary[Any, ReferenceType[Session]]" = WeakKeyDictionary()


@dataclass(frozen=True)
class Failure:
    """What the user reads instead of a traceback."""

    what: str
    remedy: str


class BrokenPage:
    """Stands where a page should be; a way to try again and a way out, unless that is this page."""

    def __init__(
        self, title: str, failure: Failure, again: Callable[[], None], leave: Callable[[], None] | None
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


def record(error: BaseException, where: str) -> Failure:
    """Log an error and return what to tell; one raised on purpose says it itself, another gets an id."""
    if isinstance(error, PlanWiseError):
        LOG.warning("%s: %s", where, error.what)
        return Failure(error.what, error.remedy or "")
    reference = secrets.token_hex(ID_BYTES)
    LOG.error("[%s] %s: %s", reference, where, error, exc_info=error)
    return Failure(
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
