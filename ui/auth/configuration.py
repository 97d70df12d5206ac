"""Settings of sign-in, and the allowed origins."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from planwise.console import valid_settings
from planwise.errors import InputError
from planwise.processes import is_loopback
from planwise.settings import Settings, SignInSettings
from ui.auth.users import ADD, FOLDER, Users, folder, read_private, secret_of
from ui.values.user import NO_ROLE, ROLES


def sign_in_settings(settings: Settings, auth: str | None = None) -> SignInSettings:
    """Return the sign-in settings of a home, with `auth` instead of PLANWISE_AUTH where it is given."""
    given: dict[str, Any] = {} if auth is None else {"auth": auth}
    return valid_settings(lambda: SignInSettings(home=settings.root, **given), "The sign-in settings")


def users_of(settings: Settings, sign_in: SignInSettings) -> Users:
    """Return the users; the file may not exist yet."""
    return Users((sign_in.users_file or settings.root / FOLDER / "users.json").expanduser())


def cookie_secret(settings: Settings, sign_in: SignInSettings) -> str:
    """Return the secret that signs cookies: PLANWISE_COOKIE_SECRET, else a file in the home."""
    if sign_in.cookie_secret is not None:
        return sign_in.cookie_secret.get_secret_value()
    return secret_of(folder(settings.root) / "cookie_secret")


def client_secret(sign_in: SignInSettings) -> str | None:
    """Return the client secret at the provider; None for a public client (PKCE protects it)."""
    if sign_in.oidc_client_secret is not None:
        return sign_in.oidc_client_secret.get_secret_value()
    if sign_in.oidc_client_secret_file is not None:
        return read_private(sign_in.oidc_client_secret_file.expanduser(), "The client secret").strip()
    return None


def require_usable(settings: Settings, sign_in: SignInSettings) -> None:
    """Raise InputError if no user could sign in."""
    if sign_in.auth == "basic" and not users_of(settings, sign_in).all():
        raise InputError(
            f"Sign-in is `basic`, and there are no users in {users_of(settings, sign_in).file}.",
            remedy=f"Add one: {ADD}",
        )
    if sign_in.auth == "oidc":
        _require_oidc(sign_in)


def require_secure(url: str, what: str) -> str:
    """Return a URL that tokens may be sent to: https, or this machine; raises InputError otherwise."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return url
    raise InputError(f"{what} {url!r} is not an https address.", remedy="Use the provider's https address.")


def _require_oidc(sign_in: SignInSettings) -> None:
    missing = [
        f"PLANWISE_{name.upper()}" for name in ("oidc_issuer", "oidc_client_id") if not getattr(sign_in, name)
    ]
    if missing:
        raise InputError(
            f"Sign-in is `oidc`, and {' and '.join(missing)} is not set.",
            remedy="Register the dashboard at the provider, and set the values it gives.",
        )
    require_secure(str(sign_in.oidc_issuer), "PLANWISE_OIDC_ISSUER")
    for role in sign_in.oidc_roles.values():
        if role not in ROLES:
            raise InputError(
                f"PLANWISE_OIDC_ROLES names the role {role!r}.", remedy=f"One of: {', '.join(ROLES)}."
            )
    if sign_in.oidc_default_role not in (*ROLES, NO_ROLE):
        raise InputError(
            f"PLANWISE_OIDC_DEFAULT_ROLE is {sign_in.oidc_default_role!r}.",
            remedy=f"One of: {', '.join((*ROLES, NO_ROLE))}.",
        )
    client_secret(sign_in)


DEFAULT_PORTS = {"http": 80, "https": 443}
THIS_MACHINE = ("127.0.0.0/8", "::1")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ALL_ADDRESSES = frozenset({"0.0.0.0", "::"})
PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")
EXAMPLE = "https://pay.example.org"


@dataclass(frozen=True)
class Origins:
    """`hosts` are `name` or `name:port` as a browser sends them; `public` is the first one allowed.

    `pages` are the origins of the dashboard's own pages: scheme, `://` and host. `proxies` are the networks
    whose forwarding headers are believed. Only `public` has the path under which a proxy shows the dashboard.
    """

    hosts: tuple[str, ...]
    public: str = ""
    tls: bool = False
    pages: frozenset[str] = frozenset()
    proxies: tuple[Network, ...] = ()

    @property
    def is_secure(self) -> bool:
        """Whether browsers use https, so that cookies must not be sent without it."""
        return self.tls or self.public.startswith("https://")

    def sender(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """Return who sent a request: `peer`, or whom trusted proxies name, the last of them first."""
        sender = peer
        for named in reversed(forwarded_for):
            if not self.trusts(sender) or _address(named) is None:
                break
            sender = named.strip()
        return sender

    def trusts(self, address: str) -> bool:
        """Return whether forwarding headers of this address are believed."""
        found = _address(address)
        return found is not None and any(found in network for network in self.proxies)

    def base(self, host: str) -> str:
        """Return the address that the provider redirects to; raises InputError for an unknown host."""
        if self.public:
            return self.public
        if host.lower() not in self.hosts:
            raise InputError(
                f"{host} is not an allowed address.", remedy=f"Start it with --allow-origin {EXAMPLE}"
            )
        return f"{'https' if self.tls else 'http'}://{host}"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found


def origins(
    address: str, port: int, allowed: Sequence[str] = (), *, tls: bool = False, proxies: Sequence[str] = ()
) -> Origins:
    """Return the origins of a server; raises InputError for an `allowed` one that is not an address.

    `allowed` are as in an address bar, e.g. of a reverse proxy: https://pay.example.org, or with the path
    that it strips from requests: https://intranet.example.org/pay
    """
    parsed = [_parse(text) for text in allowed]
    names = {"localhost", "127.0.0.1"} | ({address} - ALL_ADDRESSES)
    own = {f"{_bracketed(name)}:{port}" for name in names}
    if port == DEFAULT_PORTS["https" if tls else "http"]:
        own |= {_bracketed(name) for name in names}
    pages = {f"{'https' if tls else 'http'}://{host}" for host in own}
    pages |= {f"{scheme}://{host}" for scheme, host, _ in parsed}
    networks = tuple(map(_network, proxies or (THIS_MACHINE if allowed else ())))
    public = next((f"{scheme}://{host}{path}" for scheme, host, path in parsed), "")
    hosts = tuple(sorted(own | {host for _, host, _ in parsed}))
    return Origins(hosts, public, tls, frozenset(pages), networks)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise InputError(
            f"--proxy {text} is not an address or a network: {error}.", remedy="Write it like 10.0.0.7."
        ) from error


def _parse(text: str) -> tuple[str, str, str]:
    """Return scheme, host and path; raises InputError."""
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = -1
    extra = parts.query or parts.fragment or parts.username is not None
    if (
        parts.scheme not in DEFAULT_PORTS
        or not parts.hostname
        or port == -1
        or extra
        or not PATH.fullmatch(parts.path)
    ):
        raise InputError(f"--allow-origin {text} is not an origin.", remedy=f"Write it like {EXAMPLE}.")
    host = _bracketed(str(parts.hostname))
    default = port in (None, DEFAULT_PORTS[parts.scheme])
    return parts.scheme, host if default else f"{host}:{port}", parts.path.rstrip("/")


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name.lower()
