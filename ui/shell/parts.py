"""The three parts of the frame that are the browser's: links to pages, the bar, and the browser itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

ASSETS = Path(__file__).parent.parent / "assets" / "shell"
Told = Callable[[dict[str, Any]], None]


class _Part(JSComponent):
    """Tells `told` what a person did here, as a small dictionary."""

    __abstract = True
    _styles = ""

    def __init__(self, told: Told | None = None, **params: Any) -> None:
        self._told = told
        styles = [(ASSETS / self._styles).read_text(encoding="utf-8")] if self._styles else []
        super().__init__(stylesheets=styles, **params)

    def _handle_msg(self, msg: Any) -> None:
        if self._told is not None and isinstance(msg, dict):
            self._told(msg)


class Navigation(_Part):
    """The pages by group, as links; `current` is the one that is shown, `collapsed` leaves the icons."""

    groups = param.List(default=[])
    current = param.String(default="")
    collapsed = param.Boolean(default=False)

    _esm = ASSETS / "navigation.js"
    _styles = "navigation.css"


class Tools(_Part):
    """The bar: product, scenario, when it was read, notices, and who one is. Every text is shown as text."""

    scenario = param.String(default="")
    edits = param.Integer(default=0)
    updated = param.String(default="", doc="When what is shown was last read, in ISO 8601.")
    notices = param.List(default=[])
    unread = param.Integer(default=0)
    person = param.String(default="")
    role = param.String(default="")
    sign_out = param.String(default="", doc="Where to sign out; empty when sign-in is off.")

    _esm = ASSETS / "tools.js"
    _styles = "tools.css"


class Browser(_Part):
    """The browser's address, title, theme and signs of life; shows a banner when the server is gone.

    The page takes no input until `arrived`: what it asked for before could not be answered.
    """

    search = param.String(default="")
    title = param.String(default="")
    dark = param.Boolean(default=False)
    active = param.Number(default=0, doc="When the person last did something, by the browser's clock.")
    arrived = param.Boolean(default=False, doc="Whether the server knows that the browser has the page.")
    leave = param.String(default="", doc="Where the browser must go at once.")

    _esm = ASSETS / "browser.js"
