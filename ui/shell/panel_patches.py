"""Patches of Panel, applied only to tested versions.

Panel sends messages that cannot be written at once from a task, and marks the document as blocked meanwhile.
A task that ends removes the mark; another one, started while the first still sends, then finds no mark, sends
nothing and returns. Its messages wait for the next delivery, and the page is outdated until then.
"""

import logging
from typing import Any

import panel as pn
from panel.io import document as panel
from tornado.websocket import WebSocketClosedError

LOG = logging.getLogger("planwise.ui")
TESTED = ("1.9.",)  # prefixes of Panel's version
_PRIVATE = ("_dispatch_msgs", "_WRITE_MSGS", "_WRITE_BLOCK")
_deliver = getattr(panel, "_dispatch_msgs", None)


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
