"""A certificate, and a proxy that shows a server by https under a path of its own, as nginx would."""

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HEAD_END = b"\r\n\r\n"
ANOTHER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def write_certificate(folder):
    """Write cert.pem and key.pem for this machine; return both."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
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
def proxy(port, upstream_port, path, certificate, key):
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
