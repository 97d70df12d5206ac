"""What the server changes reaches the browser: Panel leaves messages lying when two deliveries meet.

Panel sends what it cannot write at once from a task, and marks the document as blocked meanwhile. A task
that ends takes the mark away; the next one, made while the first still sent, takes the missing mark for
"nothing to send" and returns: its messages wait for the next delivery, for ever if there is none. The page
then shows a figure, a dialog or a whole view of before, though the server has it right.
"""

import logging
from typing import Any

from panel.io import document as panel
from tornado.websocket import WebSocketClosedError

LOG = logging.getLogger("planwise.ui")
_deliver = panel._dispatch_msgs


async def deliver(document: Any) -> None:
    """Send all that waits for a document's browser, what comes meanwhile too, in its order."""
    try:
        while panel._WRITE_MSGS.get(document):
            panel._WRITE_BLOCK[document] = True
            await _deliver(document)
    except WebSocketClosedError:
        LOG.debug("A page was left before everything was sent to it")


def patch_delivery() -> None:
    """Let Panel deliver this way from now on; safe to call twice."""
    panel._dispatch_msgs = deliver
