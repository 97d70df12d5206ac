"""Let one user in by a link when sign-in is off: its token gives the cookie that everything needs."""

import hmac
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bokeh.server.auth_provider import AuthProvider
from tornado.web import RequestHandler

from planwise.dashboard_link import LOGIN, TOKEN, DashboardLink
from ui.auth.configuration import Origins
from ui.auth.handlers import HOME, SignInPage, from_here, own_page, render

COOKIE, ADMITTED = "planwise-link", "admitted"
LASTS_DAYS = 31
ELSEWHERE = ("cross-site", "same-site")  # what a browser says of a request that another site caused


class LinkSignIn(AuthProvider):
    """Bokeh's authentication hook: pages, websockets and downloads need the cookie that the link gives."""

    def __init__(self, link: DashboardLink, origins: Origins, port: int) -> None:
        self.link, self.origins = link, origins
        self.cookie = f"{COOKIE}-{port}"  # a browser sends a host's cookies to all its ports
        super().__init__()

    @property
    def endpoints(self) -> list[tuple[Any, ...]]:
        """The page that needs no cookie."""
        return [(LOGIN, LinkHandler, {"sign_in": self})]

    @property
    def get_user(self) -> Callable[[RequestHandler], str | None]:  # type: ignore[override]
        """A text for a request with the cookie, None for any other."""
        return self._identify

    @property
    def login_url(self) -> str:
        """The address that requests without the cookie are redirected to."""
        return LOGIN

    @property
    def logout_url(self) -> None:
        """None: there is no sign-out without a sign-in."""

    def _identify(self, handler: RequestHandler) -> str | None:
        admitted = handler.get_signed_cookie(self.cookie, max_age_days=LASTS_DAYS)
        return ADMITTED if admitted == ADMITTED.encode() else None


class LinkHandler(RequestHandler):
    """Exchanges the token of the link for the cookie; answers 403 without it."""

    def initialize(self, sign_in: LinkSignIn) -> None:
        """Take the server's configuration."""
        self.sign_in = sign_in

    def set_default_headers(self) -> None:
        """Keep the page out of caches."""
        self.set_header("Cache-Control", "no-store")

    def get(self) -> None:
        """Let the owner of the link in, or show how to open it."""
        onward = own_page(self.get_query_argument("next", HOME))
        token = self.get_query_argument(TOKEN, "")
        if hmac.compare_digest(token.encode(), self.sign_in.link.token.encode()):
            self.set_signed_cookie(
                self.sign_in.cookie,
                ADMITTED,
                expires_days=LASTS_DAYS,
                httponly=True,
                secure=self.sign_in.origins.is_secure,
                samesite="Strict",
            )
        elif self.sign_in.get_user(self) is None and not self._came_from_elsewhere():
            self._reject()
            return
        # A page, not a redirect: browsers keep a strict cookie back from redirects that another page began.
        self._show(SignInPage("Opening the dashboard …", onward=onward, link=onward, link_text="Open"))

    def _came_from_elsewhere(self) -> bool:
        """Whether a link on another site led here without the cookie, which the next request then has."""
        return self.request.headers.get("Sec-Fetch-Site", "") in ELSEWHERE

    def _reject(self) -> None:
        self.set_status(403)
        self._show(
            SignInPage(
                "Not admitted",
                "Sign-in is off: only the user who started this dashboard can open it, by its link.",
                "Copy the full link from the terminal of `planwise serve` or `planwise up`, or open the file "
                f"auth/{self.sign_in.link.file.name} in its home. For more users: --auth basic.",
                is_error=True,
            )
        )

    def _show(self, page: SignInPage) -> None:
        here = self.request.path
        found = replace(
            page,
            link=from_here(here, page.link) if page.link else "",
            onward=from_here(here, page.onward) if page.onward else "",
        )
        self.finish(render(found))
