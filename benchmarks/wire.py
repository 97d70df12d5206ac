"""One session of the dashboard over its websocket, without a browser: what a page sends, and what it is told.

The page is fetched (which makes the session), its websocket opened, its document pulled, and `document_ready`
said, as a browser does. Models are kept as plain attributes by id, so that a benchmark finds a widget by its
label, sets its value, and waits for what the server answers.
"""

import asyncio
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, Self
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

TOKEN = re.compile(r'"token":\s*"([^"]+)"')
PATIENCE_SECONDS = 60.0
MESSAGE_MAX_BYTES = 50_000_000
Model = dict[str, Any]


class WireError(Exception):
    """The server closed the session or did not answer in time."""


class Wire:
    """A session as its browser has it: `models` has the attributes of every model by id, as they are now."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._changed = asyncio.Event()
        self._welcome = asyncio.Event()
        self._pulled = asyncio.Event()
        self._closed = False
        self._reading = asyncio.ensure_future(self._read())
        self.models: dict[str, Model] = {}
        self.bytes_received = 0

    @classmethod
    async def open(cls, url: str, cookie: str = "") -> Self:
        """Open a page with a cookie and pull its document; raises WireError when the server does not."""
        headers = {"Cookie": cookie}
        page = await AsyncHTTPClient().fetch(
            HTTPRequest(url, headers=headers, request_timeout=PATIENCE_SECONDS)
        )
        found = TOKEN.search(page.body.decode())
        if found is None:
            raise WireError(f"{url} is not a page of the dashboard: no session token in it.")
        parts = urlsplit(url)
        address = f"ws://{parts.netloc}{parts.path.rstrip('/')}/ws"
        request = HTTPRequest(address, headers={**headers, "Origin": f"{parts.scheme}://{parts.netloc}"})
        connection = await websocket_connect(
            request, subprotocols=["bokeh", found.group(1)], max_message_size=MESSAGE_MAX_BYTES
        )
        wire = cls(connection)
        await asyncio.wait_for(wire._welcome.wait(), PATIENCE_SECONDS)  # who speaks before is not understood
        await wire._send("PULL-DOC-REQ", {})
        await asyncio.wait_for(wire._pulled.wait(), PATIENCE_SECONDS)
        ready = {"type": "event", "name": "document_ready", "values": {"type": "map"}}
        await wire._patch({"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": ready})
        await wire.tell("Browser", here=True)
        return wire

    async def close(self) -> None:
        """Leave, as a browser whose tab is closed."""
        self._closed = True
        self._connection.close()
        self._reading.cancel()

    def find(self, **attributes: Any) -> str:
        """Return the id of the one model with these attributes; raises LookupError for none or several."""
        found = [
            name
            for name, model in self.models.items()
            if all(model.get(key) == value for key, value in attributes.items())
        ]
        if len(found) != 1:
            raise LookupError(f"{len(found)} models have {attributes}")
        return found[0]

    def texts(self) -> Iterator[str]:
        """Yield every text of every model: what the page says."""
        for model in list(self.models.values()):
            for name in ("text", "html", "object"):
                if isinstance(model.get(name), str):
                    yield model[name]

    async def set(self, model: str, **attributes: Any) -> None:
        """Set attributes of a model, as a widget that a person moved does."""
        self.models[model].update(attributes)
        events = [
            {"kind": "ModelChanged", "model": {"id": model}, "attr": name, "new": value}
            for name, value in attributes.items()
        ]
        await self._patch(*events)

    async def tell(self, component: str, **message: Any) -> None:
        """Send a message of a component of ours, named by its class, as its script does."""
        inner = next(name for name, model in self.models.items() if model.get("type") == f"{component}1")
        outer = next(
            name
            for name, model in self.models.items()
            if isinstance(data := model.get("data"), dict) and data.get("id") == inner
        )
        data = {"type": "map", "entries": [list(entry) for entry in message.items()]}
        values = {"type": "map", "entries": [["model", {"id": outer}], ["data", data]]}
        event = {"type": "event", "name": "data_event", "values": values}
        await self._patch({"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event})

    def values(self, component: str, attribute: str) -> dict[str, Any]:
        """Return an attribute, a mapping, of a component of ours; empty where there is no such component."""
        for model in self.models.values():
            if model.get("type") == f"{component}1":
                return dict(model.get(attribute, {}).get("entries", ()))
        return {}

    async def until(self, holds: Callable[[Self], bool], seconds: float = PATIENCE_SECONDS) -> float:
        """Wait until something holds; return the seconds it took. Raises WireError when it does not."""
        begun = time.perf_counter()
        while not holds(self):
            self._changed.clear()
            left = begun + seconds - time.perf_counter()
            if self._closed:
                raise WireError("The server closed the session.")
            try:
                await asyncio.wait_for(self._changed.wait(), max(left, 0))
            except TimeoutError as error:
                raise WireError(f"Not within {seconds:.0f} s.") from error
        return time.perf_counter() - begun

    async def _patch(self, *events: dict[str, Any]) -> None:
        await self._send("PATCH-DOC", {"events": list(events)})

    async def _send(self, kind: str, content: dict[str, Any]) -> None:
        header = {"msgid": str(next(self._numbers)), "msgtype": kind}
        for part in (header, {}, content):
            await self._connection.write_message(json.dumps(part))

    async def _read(self) -> None:
        """Take messages apart: header, metadata, content, then a header and bytes for each buffer."""
        while (header := await self._connection.read_message()) is not None:
            about = json.loads(header)
            await self._connection.read_message()
            content = await self._connection.read_message()
            for _ in range(2 * about.get("num_buffers", 0)):
                await self._connection.read_message()
            if content is None:
                break
            self.bytes_received += len(content)
            self._take(about["msgtype"], json.loads(content))
            self._changed.set()
        self._closed = True
        self._changed.set()

    def _take(self, kind: str, content: dict[str, Any]) -> None:
        if kind == "ERROR":
            raise WireError(f"The server says: {content.get('text', content)}")
        self._keep(content)
        for event in content.get("events", ()):
            if event.get("kind") == "ModelChanged":
                self.models.setdefault(event["model"]["id"], {})[event["attr"]] = event["new"]
        if kind == "ACK":
            self._welcome.set()
        elif kind == "PULL-DOC-REPLY":
            self._pulled.set()

    def _keep(self, value: Any) -> None:
        """Keep every model in a value, however deep."""
        if isinstance(value, dict):
            if value.get("type") == "object" and "id" in value:
                self.models.setdefault(value["id"], {"type": value["name"]}).update(
                    value.get("attributes", {})
                )
            for part in value.values():
                self._keep(part)
        elif isinstance(value, list):
            for part in value:
                self._keep(part)
