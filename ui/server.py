"""The server: services of all sessions, sign-in, response headers, and the lifetime of sessions."""

import gc
import logging
import sys
import threading
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import panel as pn
from bokeh.server.tornado import BokehTornado
from panel.io.resources import COMPONENT_PATH
from panel.io.server import AuthenticatedStaticFileHandler, ComponentResourceHandler
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.ioloop import IOLoop
from tornado.web import ErrorHandler, HTTPError, OutputTransform, RequestHandler

from planwise.dashboard_link import DashboardLink
from planwise.settings import Settings, SignInSettings
from ui.app import NAVIGATION_COOKIE, THEME_COOKIE, ZONE_COOKIE, make_page
from ui.auth.configuration import Origins, client_secret, cookie_secret, origins
from ui.auth.gate import Gate
from ui.auth.handlers import SignIn
from ui.auth.link import LinkSignIn
from ui.auth.oidc import Provider
from ui.components.card import LIBRARY
from ui.live_preview import open_previews
from ui.pages import PAGES
from ui.session import Services
from ui.shell.frame import PRODUCT
from ui.store import Store

CHECK_MILLISECONDS = 15_000
UNUSED_MILLISECONDS = 30_000  # after the browser has disconnected; a reload creates a new session anyway
BODY_BYTES, HEADER_BYTES = 64 * 1024, 32 * 1024  # the only form is the sign-in's
MESSAGE_BYTES = 4 * 1024 * 1024  # of a web socket: what a page uploads is a file of levers
IDLE_SECONDS, BODY_SECONDS = 60.0, 15.0  # a sender slower than that is not waited for
OPEN_SECONDS = 0.5  # after the server has begun to listen
LOG = logging.getLogger("planwise.ui")
# Bokeh evaluates templates and callbacks; Panel imports its modules from blobs and writes styles inline. The
# policy still keeps every request, form and frame on this host.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' blob: data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STRICT_TRANSPORT = ("Strict-Transport-Security", "max-age=31536000")


class SafeHeaders(OutputTransform):
    """Adds the headers to every response of the server."""

    def __init__(self, request: HTTPServerRequest) -> None:
        self._is_https = request.protocol == "https"

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add the headers to the first chunk."""
        for name, value in HEADERS.items():
            headers[name] = value
        if self._is_https:
            headers.add(*STRICT_TRANSPORT)
        return status_code, headers, chunk


ORIGINS = "planwise_origins"  # the setting of the application


def is_allowed(request: HTTPServerRequest, allowed: Origins) -> bool:
    """Return whether a request names an allowed host, and comes from no page of another origin.

    A foreign name that resolves to this machine (DNS rebinding) is refused whatever the handler is.
    """
    origin = request.headers.get("Origin")
    return request.host.lower() in allowed.hosts and (origin is None or origin.lower() in allowed.pages)


def believe_proxy(request: HTTPServerRequest, allowed: Origins) -> None:
    """Take sender and scheme of a request from the headers of a trusted proxy, and from no others."""
    peer = str(request.remote_ip)
    if not allowed.trusts(peer):
        return
    chain = request.headers.get("X-Forwarded-For") or request.headers.get("X-Real-Ip", "")
    request.remote_ip = allowed.sender(peer, chain.split(","))
    scheme = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip()
    if scheme in ("http", "https"):
        request.protocol = scheme


def check_hosts() -> None:
    """Let applications with the setting ORIGINS answer 403 to all other names. Safe to call twice."""
    if getattr(BokehTornado.find_handler, "checks_hosts", False):
        return
    find_handler = BokehTornado.find_handler

    def checked(self: BokehTornado, request: HTTPServerRequest, **options: Any) -> Any:
        allowed = self.settings.get(ORIGINS)
        if allowed is not None:
            believe_proxy(request, allowed)
        if allowed is None or is_allowed(request, allowed):
            return find_handler(self, request, **options)
        return self.get_handler_delegate(request, ErrorHandler, {"status_code": 403})

    checked.checks_hosts = True  # type: ignore[attr-defined]
    BokehTornado.find_handler = checked  # type: ignore[method-assign, assignment]


PACKAGES = frozenset({"panel", "panel_material_ui", "ui"})


class ComponentFiles(ComponentResourceHandler, AuthenticatedStaticFileHandler):
    """Replaces Panel's own handler, which imports any module named in an address, without a sign-in."""

    def parse_url_path(self, path: str) -> str:
        """Return the file; raises HTTPError for a module of another package, and for one no page has."""
        module = path.partition("/")[0]
        if module.partition(".")[0] not in PACKAGES or module not in sys.modules:
            raise HTTPError(404)
        found: str = super().parse_url_path(path)
        return found


ROUTES: list[tuple[str, type[ComponentFiles], dict[str, Any]]] = [
    (f"/{COMPONENT_PATH}(.*)", ComponentFiles, {})
]


@dataclass(frozen=True)
class Site:
    """Where the dashboard listens and how browsers reach it; both TLS files are given or none."""

    address: str
    port: int
    allow_origin: Sequence[str] = ()
    proxies: Sequence[str] = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    @property
    def origins(self) -> Origins:
        """The allowed origins; raises InputError for one that is not an origin."""
        tls = self.tls_certificate is not None
        return origins(self.address, self.port, self.allow_origin, tls=tls, proxies=self.proxies)

    @property
    def url(self) -> str:
        """The dashboard's address on this machine."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'https' if self.tls_certificate else 'http'}://{host}:{self.port}"


def serve(
    settings: Settings, sign_in: SignInSettings, site: Site, link: DashboardLink | None, *, browser: bool
) -> None:
    """Serve the dashboard until it is stopped; `link` is the one way in where sign-in is off."""
    _log_to_stderr()
    check_hosts()
    gate = None if sign_in.auth == "off" else Gate(settings, sign_in)
    previews = open_previews(settings)
    previews.prewarm()
    services = Services(settings, Store(settings), previews)
    threading.Thread(target=_import_pages, name="import-pages", daemon=True).start()
    if link is not None and browser:  # by the file: every account sees the arguments of a browser's process
        IOLoop.current().call_later(OPEN_SECONDS, _open_in_browser, link)
    try:
        pn.serve(
            {"/": lambda: make_page(services, gate)},
            title=PRODUCT,
            address=site.address,
            port=site.port,
            show=browser and link is None,
            verbose=False,
            location=False,  # the frame keeps the address: Panel's own does not follow "back"
            static_dirs=LIBRARY,
            **_limits(),
            **_reached(site),
            **(_guarded(gate, sign_in, site) if link is None else _linked(settings, sign_in, site, link)),
        )
    finally:
        if link is not None:
            link.file.unlink(missing_ok=True)
        previews.close()
        services.threads.shutdown(wait=False, cancel_futures=True)
        gc.freeze()  # else collecting Panel's objects at exit takes seconds


def _limits() -> dict[str, Any]:
    return {
        "check_unused_sessions": CHECK_MILLISECONDS,
        "unused_session_lifetime": UNUSED_MILLISECONDS,
        # The page can read the parts of the request in its session token: never include the sign-in.
        "include_cookies": [THEME_COOKIE, NAVIGATION_COOKIE, ZONE_COOKIE],
        "include_headers": ["Host", "User-Agent"],
        "transforms": [SafeHeaders],
        "extra_patterns": ROUTES,
        "websocket_max_message_size": MESSAGE_BYTES,
        "http_server_kwargs": {
            "max_body_size": BODY_BYTES,
            "max_header_size": HEADER_BYTES,
            "max_buffer_size": 2 * MESSAGE_BYTES,
            "idle_connection_timeout": IDLE_SECONDS,
            "body_timeout": BODY_SECONDS,
        },
        "log_function": _log_failure,
    }


def _reached(site: Site) -> dict[str, Any]:
    tls = {"ssl_certfile": str(site.tls_certificate), "ssl_keyfile": str(site.tls_key)}
    return {
        ORIGINS: site.origins,
        # Bokeh cannot name an IPv6 address; the check of every request's host and origin covers sockets, too.
        "websocket_origin": ["*"] if any("[" in h for h in site.origins.hosts) else list(site.origins.hosts),
        "use_xheaders": False,  # `believe_proxy` asks who sent them
        **(tls if site.tls_certificate else {}),
    }


def _guarded(gate: Gate | None, sign_in: SignInSettings, site: Site) -> dict[str, Any]:
    assert gate is not None  # without one there is a link
    provider = None
    if sign_in.auth == "oidc":
        provider = Provider(
            str(sign_in.oidc_issuer),
            str(sign_in.oidc_client_id),
            client_secret(sign_in),
            sign_in.oidc_scopes,
        )
    cookies = {"httponly": True, "samesite": "Lax", "secure": site.origins.is_secure}
    return {
        "auth_provider": SignIn(gate, site.origins, provider, site.port),
        "cookie_secret": gate.secret,
        "xsrf_cookie_kwargs": cookies,
        "sign_sessions": True,
        "secret_key": gate.secret.encode(),
    }


def _linked(settings: Settings, sign_in: SignInSettings, site: Site, link: DashboardLink) -> dict[str, Any]:
    secret = cookie_secret(settings, sign_in)
    return {
        "auth_provider": LinkSignIn(link, site.origins, site.port),
        "cookie_secret": secret,
        "sign_sessions": True,
        "secret_key": secret.encode(),
    }


def _open_in_browser(link: DashboardLink) -> None:
    threading.Thread(target=webbrowser.open, args=(link.file.as_uri(),), daemon=True).start()


def _log_failure(handler: RequestHandler) -> None:
    """Log a failed request without its query, which may have the token of the link or names."""
    if handler.get_status() >= 400:
        request = handler.request
        LOG.warning("%s %s: %d for %s", request.method, request.path, handler.get_status(), request.remote_ip)


def _import_pages() -> None:
    """Import the pages' modules for their first visit; an error is shown on the page itself."""
    for page in PAGES:
        try:
            import_module(page.module)
        except Exception:
            LOG.warning("The page %s cannot be imported", page.title, exc_info=True)


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name in ("planwise.ui", "planwise.jobs"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
