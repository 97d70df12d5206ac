"""HTML with links to pages: they change the page of the session, and open in another tab as any link does."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import param
from panel.custom import JSComponent

from ui.components.html import breakable
from ui.components.styles import stylesheet
from ui.selection import FIELDS

ASSETS = Path(__file__).parent.parent / "assets"
Go = Callable[..., None]


class Linked(JSComponent):
    """Shows `html`, its texts escaped by whoever made it; a link is followed by `go(page, **chosen)`."""

    html = param.String(default="")

    _esm = ASSETS / "linked.js"

    def __init__(self, go: Go, html: str = "", **layout: Any) -> None:
        self._go = go
        super().__init__(
            html=html, stylesheets=[stylesheet()], **({"sizing_mode": "stretch_width", "margin": 0} | layout)
        )

    def _handle_msg(self, message: Any) -> None:
        """Follow a link; what is not a page's address is not followed."""
        query = parse_qs(str(message.get("query", "")).lstrip("?"))
        chosen = {name: FIELDS[name].read(query[name][0]) for name in FIELDS if name in query}
        if page := chosen.pop("page", ""):
            self._go(page, **chosen)


def address(page: str, **selection: Any) -> str:
    """Return the address of a page with these choices."""
    chosen = {"page": page, **selection}
    return "?" + urlencode([(name, FIELDS[name].write(value)) for name, value in chosen.items()])


def link(text: str, page: str, *, about: str = "", **selection: Any) -> str:
    """Return a link to a page; `about` is what a screen reader says when the text alone says too little."""
    spoken = f' aria-label="{escape(about, quote=True)}"' if about else ""
    return f'<a href="{escape(address(page, **selection), quote=True)}"{spoken}>{breakable(text)}</a>'
