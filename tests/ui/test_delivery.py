"""Messages for the browser: none is left lying when two deliveries meet."""

import asyncio
from types import SimpleNamespace

import pytest
from bokeh.document import Document
from panel.io import document as panel

from ui.shell import panel_patches


class Socket:
    """Takes messages; each is on its way until the future that it gave is done."""

    def __init__(self):
        self.taken, self.futures = [], []

    def take(self, _, msg):
        self.taken.append(msg)
        self.futures.append(asyncio.get_running_loop().create_future())
        return [self.futures[-1]]


@pytest.fixture
def sent(monkeypatch):
    """What a browser gets, in its order, when the second message is made while the first ends."""

    def deliver_two(deliver):
        monkeypatch.setattr(panel, "_dispatch_msgs", deliver)
        socket = Socket()
        monkeypatch.setitem(panel.extra_socket_handlers, Socket, socket.take)
        protocol = SimpleNamespace(create=lambda kind, events: events)
        document = Document()
        connection = type("Connection", (), {"_socket": socket, "protocol": protocol})()

        async def two():
            panel.schedule_write_events(document, [connection], ["first"])
            await asyncio.sleep(0)
            socket.futures[0].set_result(None)
            panel.schedule_write_events(document, [connection], ["second"])
            for _ in range(5):
                await asyncio.sleep(0)
                for future in socket.futures[1:]:
                    future.done() or future.set_result(None)
            return [text for (text,) in socket.taken], document in panel._WRITE_BLOCK

        return asyncio.run(two())

    return deliver_two


def test_panel_leaves_the_second_of_two_messages(sent):
    """When this fails, Panel has mended it: ui/shell/panel_patches.py can go."""
    assert sent(panel_patches._deliver)[0] == ["first"]


def test_every_message_is_delivered_in_its_order(sent):
    assert sent(panel_patches.deliver) == (["first", "second"], False)


def test_the_application_delivers_everything():
    import ui.app  # noqa: F401

    assert panel._dispatch_msgs is panel_patches.deliver


def test_an_untested_version_of_panel_keeps_its_own_delivery_and_says_so(monkeypatch, caplog):
    own = object()
    monkeypatch.setattr(panel, "_dispatch_msgs", own)
    assert not panel_patches.patch_delivery("2.0.0")
    assert panel._dispatch_msgs is own
    assert "Panel 2.0.0 was not tested" in caplog.text
    assert panel_patches.patch_delivery("1.9.3")
    assert panel._dispatch_msgs is panel_patches.deliver
