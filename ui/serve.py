"""`planwise serve`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from planwise.cli.options import Home
from planwise.console import progress, settings_for
from planwise.dashboard_link import create_link
from planwise.errors import InputError
from planwise.processes import is_loopback, require_free_port
from planwise.settings import SignInSettings
from ui.auth.configuration import EXAMPLE, origins, require_usable, sign_in_settings

DEFAULT_PORT = 5006
JOURNAL = "JOURNAL_STREAM"  # set by systemd: others than the home's owner read its journal
PROXY = "A proxy whose forwarding headers are believed; this machine by default, with --allow-origin"
Proxy = Annotated[tuple[str, ...], Parameter(negative="", help=PROXY)]
Origin = Annotated[tuple[str, ...], Parameter(negative="", help=f"An address of a proxy, like {EXAMPLE}")]


def serve(
    *,
    port: int = DEFAULT_PORT,
    address: str = "127.0.0.1",
    auth: Literal["off", "basic", "oidc"] | None = None,
    allow_origin: Origin = (),
    proxy: Proxy = (),
    tls_certificate: Path | None = None,
    tls_key: Path | None = None,
    browser: bool = True,
    home: Home = None,
) -> None:
    """Serve the dashboard, until Ctrl-C.

    Parameters
    ----------
    port
        Port to listen on.
    address
        Address to listen on; one that others reach needs sign-in.
    auth
        How people sign in, instead of PLANWISE_AUTH: off (this machine only), basic (`planwise user`), oidc.
    tls_certificate
        Answer by https, with this certificate (PEM).
    tls_key
        The certificate's key (PEM).
    browser
        Open the page in a browser.

    """
    settings = settings_for(home)
    sign_in = sign_in_settings(settings, auth)
    require_guarded(address, allow_origin, sign_in)
    _require_tls(tls_certificate, tls_key)
    origins(address, port, allow_origin, proxies=proxy)
    require_usable(settings, sign_in)
    require_free_port(
        address,
        port,
        remedy=f"Stop what listens there, or choose another: `planwise serve --port {port + 1}`.",
    )
    from ui.server import Site  # Panel takes a second, so only once there is something to serve
    from ui.server import serve as run

    site = Site(address, port, allow_origin, proxy, tls_certificate, tls_key)
    link = create_link(settings.root, site.url, port) if sign_in.auth == "off" else None
    encrypted = site.origins.is_secure or is_loopback(address)
    journal = JOURNAL in os.environ
    _say(link.url if link and not journal else site.url, sign_in, settings.root, encrypted=encrypted)
    if link and journal:
        progress().print(
            f"The link is in auth/dashboard-{port}.html of the home; the journal is not given it."
        )
    run(settings, sign_in, site, link, browser=browser)


def require_guarded(address: str, allow_origin: Sequence[str], sign_in: SignInSettings) -> None:
    """Raise InputError when others could reach pay data without signing in."""
    if sign_in.auth != "off" or (is_loopback(address) and not allow_origin):
        return
    option = f"--address {address}" if not is_loopback(address) else f"--allow-origin {allow_origin[0]}"
    raise InputError(
        f"{option} lets others reach the dashboard, and sign-in is off.",
        remedy="Turn it on (--auth basic or oidc), or use 127.0.0.1 and an SSH tunnel.",
    )


def _require_tls(certificate: Path | None, key: Path | None) -> None:
    if (certificate is None) != (key is None):
        raise InputError(
            "TLS needs a certificate and its key.", remedy="--tls-certificate FILE --tls-key FILE"
        )
    for file in (certificate, key):
        if file is not None and not file.is_file():
            raise InputError(f"{file} is not a file.", remedy="Check --tls-certificate and --tls-key.")


def _say(where: str, sign_in: SignInSettings, root: Path, *, encrypted: bool) -> None:
    say = progress()
    off = sign_in.auth == "off"
    how = "sign-in off: only with this link" if off else f"sign-in: {sign_in.auth}"
    say.print(f"PlanWise at {where} on {root} ({how}; Ctrl-C stops it)", markup=False, soft_wrap=True)
    if not encrypted:
        say.print(
            "Passwords and pay data cross the network in the clear: use --tls-certificate and --tls-key, "
            f"or a proxy with https and --allow-origin {EXAMPLE}.",
            style="yellow",
        )
