"""Patches of Panel, applied only to tested versions.

Each of Panel's components links its stylesheets. A session that has seen every page has more than a thousand
links to four files, more than a browser loads at once: it fails some with ERR_INSUFFICIENT_RESOURCES. So the
texts of these files are sent once, and shared.

Panel sends messages that cannot be written at once from a task, and marks the document as blocked meanwhile.
A task that ends removes the mark; another one, started while the first still sends, then finds no mark, sends
nothing and returns. Its messages wait for the next delivery, and the page is outdated until then.
"""

import logging
from functools import cache
from pathlib import Path
from typing import Any

import panel as pn
from bokeh.models import InlineStyleSheet
from panel.io import document as panel
from tornado.websocket import WebSocketClosedError

LOG = logging.getLogger("planwise.ui")
TESTED = ("1.9.",)  # prefixes of Panel's version
_PRIVATE = ("_dispatch_msgs", "_WRITE_MSGS", "_WRITE_BLOCK")
_deliver = getattr(panel, "_dispatch_msgs", None)

_DIST = Path(pn.__file__).parent / "dist"
SHARED_FILES = (
    "css/loading.css",
    "css/listpanel.css",
    "bundled/theme/material.css",
    "bundled/theme/material_variables.css",
)


class SharedStylesheets(dict[str, Any]):
    """Panel's stylesheets of one document by address; `SHARED_FILES` are one text for all components."""

    def __setitem__(self, url: str, sheet: Any) -> None:
        name = next((name for name in SHARED_FILES if url.partition("?")[0].endswith(name)), None)
        super().__setitem__(url, sheet if name is None else InlineStyleSheet(css=_text_of(name)))


@cache
def _text_of(name: str) -> str:
    text = (_DIST / name).read_text(encoding="utf-8")
    return text.replace("../assets/", "static/extensions/panel/assets/")  # relative to the page


def share_stylesheets(document: Any, version: str = pn.__version__) -> None:
    """Let the document's components share stylesheets; call it before the first one is shown."""
    if version.startswith(TESTED) and hasattr(pn.state, "_stylesheets"):
        pn.state._stylesheets[document] = SharedStylesheets()


async def deliver(document: Any) -> None:
    """Send every waiting message to a document's browser, in order, including those added meanwhile."""
    assert _deliver is not None  # checked by `patch_delivery`
    try:
        while panel._WRITE_MSGS.get(document):
            panel._WRITE_BLOCK[document] = True
            await _deliver(document)
    except WebSocketClosedError:
        LOG.debug("A page was closed before all its messages were sent")


def patch_delivery(version: str = pn.__version__) -> bool:
    """Use `deliver` in Panel; with an untested version, warn and keep Panel's own. Safe to call twice."""
    if version.startswith(TESTED) and all(hasattr(panel, name) for name in _PRIVATE):
        panel._dispatch_msgs = deliver
        return True
    LOG.warning(
        "Panel %s was not tested with this dashboard: its own message delivery is used, which can leave a "
        "page outdated until the next change. Tested: %s*.",
        version,
        "*, ".join(TESTED),
    )
    return False
