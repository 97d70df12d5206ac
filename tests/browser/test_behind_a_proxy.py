"""https for real: the server's own, and a proxy that shows it under a path of its own, as nginx would."""

import asyncio
import contextlib
import ipaddress
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import expect

from planwise.processes import find_free_port
from planwise.settings import Settings, SignInSettings
from tests.browser.dashboards import dashboard
from ui.auth.configuration import users_of

HEAD_END = b"\r\n\r\n"
ANOTHER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def write_certificate(folder):
    """Write cert.pem and key.pem for this machine; return both."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


@contextlib.contextmanager
def https_proxy(port, upstream_port, path, certificate, key):
    """Pass https on `port` under `path` on to the https server of this machine, without the path."""
    front = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    front.load_cert_chain(certificate, key)
    back = ssl.create_default_context(cafile=str(certificate))

    async def answer(reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(HEAD_END)).decode("latin-1")
            method, target, rest = head.split(" ", 2)
            if not target.startswith(f"{path}/"):
                writer.write(
                    b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\nConnection: close\r\n\r\nanother"
                )
                writer.close()
                return
            first, _, lines = rest.partition("\r\n")
            if "\r\nupgrade: websocket" not in f"\r\n{lines}".lower():  # one request a connection
                kept = [line for line in lines.split("\r\n") if not line.lower().startswith("connection:")]
                lines = "\r\n".join(["Connection: close", *kept])
            passed = f"{method} {target.removeprefix(path)} {first}\r\nX-Forwarded-Proto: https\r\n{lines}"
            there, sender = await asyncio.open_connection(
                "127.0.0.1", upstream_port, ssl=back, server_hostname="localhost"
            )
            sender.write(passed.encode("latin-1"))
            await asyncio.gather(_pump(reader, sender), _pump(there, writer))

    async def serve():
        server = await asyncio.start_server(answer, "127.0.0.1", port, ssl=front)
        async with server:
            ready.set()
            await over.wait()

    loop, ready = asyncio.new_event_loop(), threading.Event()
    over = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield f"https://localhost:{port}{path}"
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)


async def _pump(reader, writer):
    with contextlib.suppress(OSError, ssl.SSLError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


GOOD, PATH = "correct horse battery", "/hr/pay"


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    """The server's own address and the proxy's; the home is empty but for a user."""
    folder = tmp_path_factory.mktemp("tls")
    settings = Settings(home=folder / "home")
    users_of(settings, SignInSettings(auth="basic")).add(
        "ada", "analyst", GOOD, clock=lambda: datetime.now(UTC)
    )
    certificate, key = write_certificate(folder)
    own, front = find_free_port(), find_free_port()
    tls = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    public = ("--allow-origin", f"https://localhost:{front}{PATH}")
    with (
        dashboard(settings.root, "--auth", "basic", *tls, *public, port=own) as url,
        https_proxy(front, own, PATH, certificate, key) as behind,
    ):
        yield {"own": url, "behind": behind}


@pytest.mark.parametrize("which", ["own", "behind"])
def test_one_signs_in_works_and_signs_out_by_https(browser, addresses, which):
    url = addresses[which]
    context = browser.new_context(ignore_https_errors=True)
    page, sockets, problems = context.new_page(), [], []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.goto(f"{url}/?page=learn")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(GOOD)
    page.keyboard.press("Enter")
    page.locator("html[data-arrived]").wait_for()
    assert page.url.startswith(f"{url}/?page=learn")
    page.get_by_role("link", name="Run", exact=True).click()
    expect(page).to_have_url(f"{url}/?page=run")
    assert sockets and all(one.startswith(f"{url.replace('https', 'wss')}/ws") for one in sockets)
    kept = {one["name"].partition("-")[0]: one for one in context.cookies() if one["httpOnly"]}
    assert kept["planwise"]["secure"] and kept["planwise"]["sameSite"] == "Lax" and kept["_xsrf"]["secure"]
    page.get_by_role("button", name="Account: ada, analyst").click()
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("link", name="Sign in again").click()
    page.get_by_label("Name").wait_for()
    assert page.url.startswith(f"{url}/login")
    assert problems == []
    context.close()
