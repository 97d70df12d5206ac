"""Responses of the server: security headers, and component files for signed-in users only."""

from typing import Any

from panel.io.resources import COMPONENT_PATH
from panel.io.server import AuthenticatedStaticFileHandler, ComponentResourceHandler
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import HTTPError, OutputTransform

# Bokeh evaluates templates and callbacks, and Panel imports its modules from blobs and writes styles inline;
# what is left still keeps every request, form and frame on this host.
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
    """Adds the headers to every answer of the server, whichever handler gives it."""

    def __init__(self, request: HTTPServerRequest) -> None:
        self._is_https = request.protocol == "https"

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add the headers before the first bytes leave."""
        for name, value in HEADERS.items():
            headers[name] = value
        if self._is_https:
            headers.add(*STRICT_TRANSPORT)
        return status_code, headers, chunk


PACKAGES = frozenset({"panel", "panel_material_ui", "ui"})


class ComponentFiles(ComponentResourceHandler, AuthenticatedStaticFileHandler):
    """In the place of Panel's own, which imports any module that an address names, for anybody."""

    def parse_url_path(self, path: str) -> str:
        """Return the file; raises HTTPError for a module of another package."""
        if path.partition("/")[0].partition(".")[0] not in PACKAGES:
            raise HTTPError(404)
        found: str = super().parse_url_path(path)
        return found


ROUTES: list[tuple[str, type[ComponentFiles], dict[str, Any]]] = [
    (f"/{COMPONENT_PATH}(.*)", ComponentFiles, {})
]
