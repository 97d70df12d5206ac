"""Under which names a browser reaches the dashboard: what a websocket and a redirect may name."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from planwise.errors import InputError

DEFAULT_PORTS = {"http": 80, "https": 443}
ALL_ADDRESSES = frozenset({"0.0.0.0", "::"})
PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")
EXAMPLE = "https://pay.example.org"


@dataclass(frozen=True)
class Origins:
    """`hosts` are `name` or `name:port` as a browser sends them; `public` is the first one allowed.

    Only `public` has the path under which a proxy shows the dashboard.
    """

    hosts: tuple[str, ...]
    public: str = ""
    tls: bool = False

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by https, so that cookies must never go another way."""
        return self.tls or self.public.startswith("https://")

    def base(self, host: str) -> str:
        """Return the address that the provider sends people back to; raises InputError for a foreign host."""
        if self.public:
            return self.public
        if host.lower() not in self.hosts:
            raise InputError(
                f"The dashboard is not known as {host}.", remedy=f"Start it with --allow-origin {EXAMPLE}"
            )
        return f"{'https' if self.tls else 'http'}://{host}"


def origins(address: str, port: int, allowed: Sequence[str] = (), *, tls: bool = False) -> Origins:
    """Return the origins of a server; raises InputError for an `allowed` one that is not an address.

    `allowed` are as in an address bar, e.g. of a reverse proxy: https://pay.example.org, or with the path
    that it takes off before it passes a request on: https://intranet.example.org/pay
    """
    parsed = [_parse(text) for text in allowed]
    names = {"localhost", "127.0.0.1"} | ({address} - ALL_ADDRESSES)
    own = {f"{_bracketed(name)}:{port}" for name in names}
    if port == DEFAULT_PORTS["https" if tls else "http"]:
        own |= {_bracketed(name) for name in names}
    public = next((f"{scheme}://{host}{path}" for scheme, host, path in parsed), "")
    return Origins(tuple(sorted(own | {host for _, host, _ in parsed})), public, tls)


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _parse(text: str) -> tuple[str, str, str]:
    """Return scheme, host and path; raises InputError."""
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = -1
    more = parts.query or parts.fragment or parts.username is not None
    if (
        parts.scheme not in DEFAULT_PORTS
        or not parts.hostname
        or port == -1
        or more
        or not PATH.fullmatch(parts.path)
    ):
        raise InputError(f"--allow-origin {text} is not an origin.", remedy=f"Like this: {EXAMPLE}")
    host = _bracketed(str(parts.hostname))
    default = port in (None, DEFAULT_PORTS[parts.scheme])
    return parts.scheme, host if default else f"{host}:{port}", parts.path.rstrip("/")


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name.lower()
