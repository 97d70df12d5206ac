"""The frame around the pages: sessions, notices, messages to the browser, the command that serves."""

import asyncio
import gc
import re
import socket
import subprocess
import sys
import weakref
from functools import partial
from types import SimpleNamespace

import panel as pn
import pytest
from bokeh.document import Document
from panel.io import document as panel
from panel.io.document import _cleanup_doc, _destroy_document
from panel.io.state import set_curdoc

import ui.pages
from planwise.census import generate_census
from planwise.errors import Busy, InputError
from planwise.processes import require_free_port
from ui import server
from ui.app import make_page
from ui.pages import BY_KEY, PAGES, PageInfo
from ui.serve import serve
from ui.session import _SESSIONS, Services, Session
from ui.shell import frame as frames
from ui.shell import page_host, panel_patches
from ui.shell.frame import Browser, Frame
from ui.shell.page_host import HIDDEN, callback_failed, record
from ui.store import Store
from ui.values.user import User


class Page:
    """A page of a test; does what it is told."""

    def __init__(self, session):
        self.session, self.refreshed = session, 0
        self.layout = pn.Column("a page")

    def refresh(self):
        self.refreshed += 1
        if self.session.selection.topic == "broken":
            raise ZeroDivisionError("a secret figure")


class BadPage:
    def __init__(self, session):
        raise ValueError("cannot be made")


@pytest.fixture
def pages(monkeypatch):
    made = {"one": Page, "two": Page, "bad": BadPage}
    infos = [PageInfo(key, key.title(), "icon", "Group") for key in made]
    monkeypatch.setattr(PageInfo, "load", property(lambda self: made[self.key]))
    for where in ("ui.shell.frame", "ui.shell.page_host"):
        monkeypatch.setattr(f"{where}.BY_KEY", {info.key: info for info in infos})
        monkeypatch.setattr(f"{where}.FIRST", "one")
    monkeypatch.setattr("ui.shell.frame.PAGES", tuple(infos))
    return infos


@pytest.fixture
def services(settings):
    return Services(settings, Store(settings))


@pytest.fixture
def frame(services, pages):
    session = Session(services, User("ada", "analyst"))
    return Frame(session, Browser())


def a_visit(services):
    """Open and close one page as a server does; returns weak references to what it had."""
    document = Document()
    document.destroy = partial(_destroy_document, document)  # as Panel does for a document of a server
    request = SimpleNamespace(arguments={}, cookies={}, headers={}, uri="/?page=overview")
    context = SimpleNamespace(request=request, _document=document, server_context=None, session=None, id="x")
    document._session_context = lambda: context
    with set_curdoc(document):
        page = make_page(services)
        page.server_doc(document, location=False)
        session = _SESSIONS[document]()
    kept = [weakref.ref(one) for one in (document, session, session.selection, session.draft, page)]
    callbacks = len(document.session_callbacks)
    for callback in list(document.callbacks.session_destroyed_callbacks):
        callback(document.session_context)
    left = len(document.session_callbacks)
    _cleanup_doc(document, destroy=True)
    return kept, callbacks, left


def test_a_closed_session_is_forgotten_and_its_callbacks_stop(services):
    assert BY_KEY["overview"].load, "a server has imported its pages before the first visit"
    a_visit(services)
    gc.collect()
    sizes = len(pn.state._views), len(_SESSIONS), len(pn.state._periodic)
    kept = []
    for _ in range(3):
        references, callbacks, left = a_visit(services)
        kept += references
        assert (callbacks >= 1, left) == (True, 0)
    gc.collect()
    assert [reference() for reference in kept if reference() is not None] == []
    assert (len(pn.state._views), len(_SESSIONS), len(pn.state._periodic)) == sizes


def test_what_was_promised_for_the_end_is_done_once_even_if_a_part_fails(services):
    session, done = Session(services, User("ada", "analyst")), []
    session.on_end(lambda: done.append("first"))
    session.on_end(lambda: 1 / 0)
    session.on_end(lambda: done.append("last"))
    session.end()
    session.end()
    assert done == ["last", "first"]


def test_what_a_session_was_told_is_bounded(frame):
    for number in range(200):
        frame.session.notify(f"notice {number}")
    assert len(frame.session.notices) == 50
    assert frame.tools.notices[0]["text"] == "notice 199"
    assert len(frame.tools.notices) == 50


def test_a_page_is_made_once_stays_on_the_page_and_is_refreshed_when_it_is_shown_again(frame):
    frame.session.go("two")
    one, two = frame.pages._views["one"], frame.pages._views["two"]
    assert (one.layout.css_classes, two.layout.css_classes) == ([HIDDEN], [])
    frame.session.go("one")
    frame.session.go("two")
    assert frame.pages._views["two"] is two
    assert two.refreshed == 1
    assert frame.pages.main.objects == [one.layout, two.layout]
    assert (one.layout.css_classes, two.layout.css_classes) == ([HIDDEN], [])
    assert frame.navigation.current == "two"
    assert frame.browser.title == "Two · PlanWise"


def test_title_and_bar_say_scenario_and_edits(frame):
    assert (frame.tools.scenario, frame.tools.edits) == ("baseline", 0)
    frame.session.selection.scenario = "higher_cola"
    assert frame.browser.title == "One · higher_cola · PlanWise"
    assert frame.tools.scenario == "higher_cola"


def test_an_unknown_page_is_said_and_the_overview_is_shown(frame):
    frame.session.go('<img src="x">')
    assert frame.pages.shown == "one"
    assert frame.session.selection.page == ""
    assert "<img" in frame.session.notices[0].text  # shown as text by the bar


def test_a_page_that_cannot_be_made_says_so_and_the_others_live_on(frame, caplog, monkeypatch):
    monkeypatch.setattr(page_host.LOG, "propagate", True)
    frame.session.go("bad")
    html = frame.pages.main.objects[-1].objects[1].object
    assert "ValueError" in html
    reference = re.search("reference ([0-9a-f]{8}) of", html)[1]
    assert f"[{reference}] the page Bad: ValueError: cannot be made" in caplog.text
    assert "cannot be made" not in html  # a message may hold a figure; the log is for who runs the server
    frame.session.go("two")
    assert frame.pages.shown == "two"


def test_a_page_that_needs_a_census_waits_for_one(frame, settings, monkeypatch):
    needs = PageInfo("two", "Two", "icon", "Group", needs_census=True)
    monkeypatch.setitem(page_host.BY_KEY, "two", needs)
    frame.session.go("two")
    _, state = next(one for one in frame.pages.main.objects if not one.css_classes)
    assert "no census in use" in state[0].object
    assert state[1][0].label == "Go to Census"
    frame.refresh(always=True)
    assert "two" not in frame.pages._views
    generate_census(settings, employees=40)
    frame.refresh()
    shown = [one for one in frame.pages.main.objects if not one.css_classes]
    assert shown == [frame.pages._views["two"].layout]


def test_a_page_that_breaks_later_can_be_tried_again(frame):
    frame.session.selection.topic = "broken"
    frame.refresh(always=True)
    broken = frame.pages._views["one"]
    assert isinstance(broken, page_host.BrokenPage)
    frame.refresh(always=True)
    assert frame.pages._views["one"] is broken
    frame.session.selection.topic = ""
    frame.pages._retry(ui.pages.PageInfo("one", "One", "icon", "Group"))
    assert isinstance(frame.pages._views["one"], Page)


def test_what_was_raised_on_purpose_speaks_for_itself():
    from planwise.errors import InputError

    failure = record(InputError("The lever is locked.", remedy="Unlock it."), "here")
    assert (failure.what, failure.remedy) == ("The lever is locked.", "Unlock it.")


def test_a_callback_that_fails_without_a_page_is_only_logged():
    callback_failed(ValueError("x"))


def test_a_notice_leads_to_its_page(frame):
    frame.session.notify("Done.", link=("two", {"scenario": "x"}))
    frame.session.notify("Another.")
    done = next(notice for notice in frame.tools.notices if notice["text"] == "Done.")
    assert (done["link"], frame.tools.unread) == ("Open Two", 2)
    frame.tools._handle_msg({"follow": done["id"]})
    assert (frame.session.selection.page, frame.session.selection.scenario) == ("two", "x")
    frame.tools._handle_msg({"read": True})
    assert frame.tools.unread == 0


@pytest.mark.parametrize(
    "message",
    [{"go": "nowhere"}, {"follow": 99}, {"follow": "x"}, {"follow": -1}, "x", None, {}, {"go": ["one"]}],
)
def test_a_message_nobody_sends_does_nothing(frame, message):
    frame.tools._handle_msg(message)
    assert frame.pages.shown == "one"


def test_a_sign_in_that_is_over_takes_everything_off_the_page(services, pages, monkeypatch):
    checks = []
    monkeypatch.setattr(Session, "every", lambda self, _, callback, **how: checks.append((callback, how)))
    frame = Frame(Session(services, User("ada", "analyst")), Browser(search="?page=two"))
    closed = []
    monkeypatch.setattr(frames, "close_sockets", lambda document, after: closed.append(after))
    over = [""]
    frame.end_when(lambda: over[0])
    check, how = checks[-1]
    assert how == {"unseen": True}  # also for who never says that the page has arrived
    check()
    assert frame.browser.leave == ""
    over[0] = "idle"
    check()
    assert frame.browser.leave == "./logout?why=idle&next=%2F%3Fpage%3Dtwo"
    assert frame.pages.main.objects == []
    assert closed == [frames.LEAVE_SECONDS]
    over[0] = "ended"
    check()
    assert "why=idle" in frame.browser.leave
    # what a socket that is still open asks for is refused
    for page in ("one", "two"):
        frame._receive({"go": page})
        frame.refresh(always=True)
        assert frame.pages.main.objects == []
    session = frame.session
    assert not (session.can_edit or session.can_run or session.can_see_individual_pay)
    with pytest.raises(InputError, match="may not"):
        session.actions.jobs.cancel("a-job")


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


def test_components_share_the_text_of_a_stylesheet_and_link_only_others():
    sheets, link = panel_patches.SharedStylesheets(), object()
    for name in panel_patches.SHARED_FILES:
        sheets[f"static/extensions/panel/{name}?v=1"] = link
        assert "url(.." not in sheets[f"static/extensions/panel/{name}?v=1"].css.replace("'", "")
    sheets["static/extensions/other.css"] = link
    assert sheets["static/extensions/other.css"] is link
    assert ".pn-loading" in sheets["static/extensions/panel/css/loading.css?v=1"].css


def test_no_address_that_others_reach_is_served_without_a_sign_in(tmp_path):
    with pytest.raises(InputError, match="sign-in is off"):
        serve(address="0.0.0.0", browser=False, home=tmp_path)


def test_a_sign_in_without_users_is_not_served(tmp_path):
    with pytest.raises(InputError, match="no users"):
        serve(auth="basic", browser=False, home=tmp_path)


def test_a_certificate_needs_its_key(tmp_path):
    with pytest.raises(InputError, match="and its key"):
        serve(tls_certificate=tmp_path / "c.pem", browser=False, home=tmp_path)


def test_a_port_in_use_is_busy(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Busy, match=f"Port {port}"):
            serve(port=port, browser=False, home=tmp_path)
    require_free_port("127.0.0.1", port)


def test_the_command_line_does_not_import_panel():
    code = "import sys; from planwise.cli import main; sys.argv[1:] = ['serve', '--help']; main()"
    code = f"try:\n    {code}\nexcept SystemExit:\n    print('panel' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "--no-browser" in told
    assert "--auth" in told
    assert told.splitlines()[-1] == "False"


def test_every_page_is_imported_when_the_server_starts(monkeypatch):
    """The browser learns of a page's components from the first document of a session."""
    for page in PAGES:
        monkeypatch.delitem(sys.modules, page.module, raising=False)
    server._import_pages()
    assert [page.key for page in PAGES if not page_host._is_imported(page)] == []
    assert all(isinstance(page.load, type) for page in PAGES)
