"""Which requests are answered: names, origins, forwarding headers, sizes, and a flood of attempts."""

import asyncio
import importlib
import sys
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from panel.io.server import AuthenticatedStaticFileHandler
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPInputError, HTTPServerRequest
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError

from planwise.errors import InputError
from planwise.settings import Settings, SignInSettings
from ui.auth import gate as gates
from ui.auth import users as passwords
from ui.auth.configuration import origins
from ui.auth.gate import Gate, Turns
from ui.auth.handlers import SignIn
from ui.server import BODY_BYTES, Site, _limits, _reached, believe_proxy, is_allowed

OWN = origins("127.0.0.1", 5006)
PUBLIC = ("https://pay.example.org",)
BEHIND = origins("127.0.0.1", 5006, PUBLIC)
SIX = origins("::1", 5006)


def request(headers=None, *, host="localhost:5006", peer="127.0.0.1"):
    context = SimpleNamespace(remote_ip=peer, protocol="http")
    found = HTTPHeaders({"Host": host, **(headers or {})})
    return HTTPServerRequest("GET", "/", headers=found, connection=SimpleNamespace(context=context))


@pytest.mark.parametrize(
    ("allowed", "host", "origin", "answered"),
    [
        (OWN, "localhost:5006", None, True),
        (OWN, "LocalHost:5006", "http://LOCALHOST:5006", True),
        (OWN, "127.0.0.1:5006", "http://127.0.0.1:5006", True),
        (SIX, "[::1]:5006", "http://[::1]:5006", True),
        (BEHIND, "pay.example.org", "https://pay.example.org", True),
        *((OWN, host, None, False) for host in (
            "", "localhost", "localhost:80", "localhost.:5006", "localhost:5006.", "127.0.0.1.nip.io:5006",
            "attacker.example:5006", "localhost:5006,attacker.example", "localhost:5006@attacker.example",
            "attacker.example/localhost:5006", "[::1]:5006", "0.0.0.0:5006", "2130706433:5006", "::1",
        )),
        (BEHIND, "pay.example.org.attacker.example", None, False),
        *((BEHIND, "pay.example.org", origin, False) for origin in (
            "", "null", "http://pay.example.org", "https://pay.example.org:8443", "https://pay.example.org.",
            "https://attacker.example", "https://u@pay.example.org", "ftp://pay.example.org",
            "pay.example.org", "https://pay.example.org/",
            "https://pay.example.org https://attacker.example",
        )),
    ],
)  # fmt: skip
def test_a_request_names_us_and_comes_from_our_own_page(allowed, host, origin, answered):
    headers = {} if origin is None else {"Origin": origin}
    try:
        found = is_allowed(request(headers, host=host), allowed)
    except HTTPInputError:  # Tornado answers 400
        found = False
    assert found is answered


LIES = {"X-Forwarded-For": "192.0.2.9", "X-Real-Ip": "192.0.2.9", "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("proxies", "allow", "peer", "headers", "sender", "scheme"),
    [
        ((), (), "127.0.0.1", LIES, "127.0.0.1", "http"),  # without --allow-origin there is no proxy
        ((), PUBLIC, "127.0.0.1", LIES, "192.0.2.9", "https"),
        ((), PUBLIC, "::1", LIES, "192.0.2.9", "https"),
        ((), PUBLIC, "10.0.0.8", LIES, "10.0.0.8", "http"),  # past the proxy
        (("10.0.0.7",), PUBLIC, "10.0.0.7", LIES, "192.0.2.9", "https"),
        (("10.0.0.7",), PUBLIC, "127.0.0.1", LIES, "127.0.0.1", "http"),
        (("10.0.0.0/24",), PUBLIC, "::ffff:10.0.0.7", LIES, "192.0.2.9", "https"),
        # what the browser claims stands before what the proxy has seen
        ((), PUBLIC, "127.0.0.1", {"X-Forwarded-For": "1.1.1.1, 192.0.2.9"}, "192.0.2.9", "http"),
        ((), PUBLIC, "127.0.0.1", {"X-Forwarded-For": "1.1.1.1, 127.0.0.1"}, "1.1.1.1", "http"),
        (
            (),
            PUBLIC,
            "127.0.0.1",
            {"X-Forwarded-For": "192.0.2.9", "X-Real-Ip": "1.1.1.1"},
            "192.0.2.9",
            "http",
        ),
        ((), PUBLIC, "127.0.0.1", {"X-Real-Ip": "192.0.2.9"}, "192.0.2.9", "http"),
        ((), PUBLIC, "127.0.0.1", {"X-Forwarded-For": "nobody, <b>"}, "127.0.0.1", "http"),
        ((), PUBLIC, "127.0.0.1", {"X-Forwarded-Proto": "https, gopher"}, "127.0.0.1", "http"),
    ],
)
def test_forwarding_headers_are_believed_of_a_configured_proxy(proxies, allow, peer, headers, sender, scheme):
    asked = request(headers, peer=peer)
    believe_proxy(asked, origins("127.0.0.1", 5006, allow, proxies=proxies))
    assert (asked.remote_ip, asked.protocol) == (sender, scheme)


def test_the_server_itself_believes_no_headers():
    for allow in ((), PUBLIC):
        assert _reached(Site("127.0.0.1", 5006, allow))["use_xheaders"] is False
    with pytest.raises(InputError, match="--proxy x"):
        origins("127.0.0.1", 5006, PUBLIC, proxies=("x",))


SECRET = """
from pathlib import Path
print("imported by an address")

class Component:
    _css = ["secret.txt"]
    _resources = {"css": ["secret.txt"]}
"""


@pytest.mark.parametrize("module", ["elsewhere", "panel_elsewhere", "panel.command.compress"])
def test_an_address_imports_no_module_and_serves_no_file_of_another(tmp_path, monkeypatch, module):
    (tmp_path / f"{module}.py").write_text(SECRET)
    (tmp_path / "secret.txt").write_text("everybody's pay")
    monkeypatch.syspath_prepend(str(tmp_path))
    (handler,) = (found for _, found, _ in _limits()["extra_patterns"])  # comes before Panel's own
    assert issubclass(handler, AuthenticatedStaticFileHandler)
    before = set(sys.modules)
    for what in ("_css", "_resources/css"):
        with pytest.raises(HTTPError):
            handler.parse_url_path(handler.__new__(handler), f"{module}/Component/{what}/secret.txt")
    assert set(sys.modules) == before
    if "." not in module:  # nor when it is there already
        importlib.import_module(module)
        with pytest.raises(HTTPError):
            handler.parse_url_path(handler.__new__(handler), f"{module}/Component/_css/secret.txt")
        del sys.modules[module]


GOOD = "correct horse battery"
HASH_SECONDS = 0.05
ORDER = ("first", "second", "third", "fourth", "alone", "fifth")
TOKEN = f"2|00000000|{'ab' * 16}|1700000000"


@pytest.fixture
def sign_in(tmp_path, monkeypatch):
    """Run a coroutine function with the address of a sign-in served as the dashboard serves it."""
    monkeypatch.setattr(passwords, "COST", 2**4)
    gate = Gate(Settings(home=tmp_path), SignInSettings(auth="basic"))
    gate.users.add("ada", "analyst", GOOD, clock=lambda: datetime.now(UTC))
    check, checked = gate.users.check, []

    def slowly(name, password):
        checked.append(name)
        time.sleep(HASH_SECONDS)
        return check(name, password)

    monkeypatch.setattr(gate.users, "check", slowly)

    async def main(work):
        (socket,) = bind_sockets(0, "127.0.0.1")
        port = socket.getsockname()[1]
        made = SignIn(gate, origins("127.0.0.1", port), None, port)
        server = HTTPServer(
            Application(made.endpoints, cookie_secret=gate.secret), **_limits()["http_server_kwargs"]
        )
        server.add_socket(socket)
        try:
            return await work(f"http://127.0.0.1:{port}/login")
        finally:
            server.stop()

    return lambda work: asyncio.run(main(work)), checked


async def post(url, name, password, **more):
    client = AsyncHTTPClient(force_instance=True)
    form = urlencode({"name": name, "password": password, "_xsrf": TOKEN, **more})
    try:
        answer = await client.fetch(
            url, method="POST", body=form, raise_error=False, follow_redirects=False, request_timeout=20,
            headers={"Cookie": f"_xsrf={TOKEN}"},
        )  # fmt: skip
    finally:
        client.close()
    return answer.code


@pytest.mark.parametrize(
    ("name", "password", "more"),
    [
        ("x" * 65, GOOD, {}),
        ("ada", "x" * 1025, {}),
        ("x" * 2 * BODY_BYTES, GOOD, {}),
        ("ada", GOOD, {"next": "x" * 2 * BODY_BYTES}),
    ],
)
def test_what_is_too_long_is_refused_before_it_is_hashed_or_kept(sign_in, name, password, more):
    run, checked = sign_in
    code = run(lambda url: post(url, name, password, **more))
    assert code in (400, 401, 413, 599) and checked == []


def test_a_body_is_refused_by_its_stated_length_and_headers_by_theirs(sign_in):
    run, _ = sign_in

    async def send(url, head):
        port = int(url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST /login HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n".encode())
        try:
            return await asyncio.wait_for(reader.read(100), 60)  # no byte of the body was sent
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    for head in (f"Content-Length: {100 * 2**20}", f"Cookie: {'a=b; ' * 20_000}"):
        assert run(lambda url, head=head: send(url, head))[:12] in (b"", b"HTTP/1.1 400")


def test_a_flood_of_attempts_does_not_stop_the_right_person(sign_in):
    run, checked = sign_in

    async def flood(url, number):
        count = 0
        while True:
            count += 1
            await post(url, f"nobody{number}-{count}", "wrong password")

    async def work(url):
        floods = [asyncio.create_task(flood(url, number)) for number in range(20)]
        while len(checked) < 25:  # each has failed, and tries again
            await asyncio.sleep(HASH_SECONDS)
        before = len(checked)
        code = await asyncio.wait_for(post(url, "ada", GOOD), 60)
        for task in floods:
            task.cancel()
        return code, checked.index("ada") - before

    code, overtaken_by = run(work)
    assert code == 302
    assert overtaken_by <= 21  # one check a connection, however busy the machine is


def test_addresses_take_turns_and_no_attempt_is_overtaken_at_its_own(monkeypatch):
    monkeypatch.setattr(gates, "WAITING_MAX", 4)

    async def work():
        turns, order = Turns(), []

        async def attempt(name, address):
            came = await turns.take(address)
            order.append((name, came))
            if came:
                await asyncio.sleep(0)
                turns.done()

        sent = [
            ("first", "a"),
            ("second", "a"),
            ("third", "a"),
            ("fourth", "a"),
            ("alone", "b"),
            ("fifth", "a"),
        ]
        await asyncio.gather(*(attempt(*one) for one in sent))
        assert not turns._busy and not turns._waiting
        return order

    order = asyncio.run(work())
    assert ("fifth", False) in order and len(order) == 6
    assert [name for name, came in order if came] == ["first", "second", "alone", "third", "fourth"]


def test_who_comes_just_before_the_next_attempt_of_a_flood_is_served():
    async def work():
        turns, served = Turns(), []

        async def attempt(name):
            await turns.take("a")
            served.append(name)

        waiting = [asyncio.create_task(attempt(name)) for name in ("flood", "right person", "flood")]
        for _ in range(10):  # the one that is answered sends again while the next is checked
            await asyncio.sleep(0)
            waiting.append(asyncio.create_task(attempt("flood")))
            await asyncio.sleep(0)
            turns.done()
        for task in waiting:
            task.cancel()
        return served

    assert asyncio.run(work()).index("right person") == 1
