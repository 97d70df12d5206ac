"""Sign-in and sign-out pages and their handlers."""

import logging
from asyncio import get_running_loop
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, Template
from tornado.web import HTTPError, RequestHandler

from ui.auth.configuration import Origins
from ui.auth.gate import SECONDS_OF_DAY, Gate

ASSETS = Path(__file__).parent.parent / "assets"
LOGIN, LOGOUT, CALLBACK = "/login", "/logout", "/login/callback"
HOME = "/"


@dataclass(frozen=True)
class SignInPage:
    """One page: heading, what to say, and a form or a link."""

    title: str
    message: str = ""
    remedy: str = ""
    is_error: bool = False
    form: bool = False
    name: str = ""
    next: str = HOME
    token: str = ""
    link: str = ""
    link_text: str = ""


def render(page: SignInPage) -> str:
    """Return the page as HTML; every text is escaped."""
    return _template().render(page=page)


def own_page(address: str) -> str:
    """Return where to go after signing in: the dashboard with the query of `address`, or its first page.

    Anything but our own page gives the first page, so that no link can lead people elsewhere through us.
    """
    if not address.startswith(HOME) or any(ord(letter) < 32 or letter == "\\" for letter in address):
        return HOME
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or parts.path != HOME or address.startswith("//"):
        return HOME
    return f"{HOME}?{parts.query}" if parts.query else HOME


def from_here(here: str, address: str) -> str:
    """Return an address of ours as the page at `here` must link to it, both from the root as we see it.

    Relative, because a proxy may show the dashboard under a path of its own.
    """
    return ("../" * (here.count("/") - 1) or "./") + address.removeprefix("/")


def login_to(address: str) -> str:
    """Return the address of the sign-in that comes back to `address`."""
    page = own_page(address)
    return LOGIN if page == HOME else f"{LOGIN}?{urlencode({'next': page})}"


@cache
def _template() -> Template:
    loader = Environment(
        loader=FileSystemLoader(ASSETS), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return loader.get_template("sign_in.html")


LOG = logging.getLogger("planwise.ui.auth")
WRONG = "The name or the password is not right."
HASHING = ThreadPoolExecutor(1, thread_name_prefix="password")  # a try takes 32 MiB: one at a time
WAITING_MAX = 16  # tries that may wait for it; more are refused at once


class SignInHandler(RequestHandler):
    """What all pages of signing in have: the gate, the origins, and a cookie that scripts cannot read."""

    gate: Gate
    origins: Origins
    cookie: str

    def initialize(self, gate: Gate, origins: Origins, cookie: str) -> None:
        """Take what the server was made with."""
        self.gate, self.origins, self.cookie = gate, origins, cookie

    def set_default_headers(self) -> None:
        """Keep these pages out of every cache."""
        self.set_header("Cache-Control", "no-store")

    def show(self, page: SignInPage, status: int = 200) -> None:
        """Answer with a page."""
        self.set_status(status)
        link = from_here(self.request.path, page.link) if page.link else ""
        self.finish(render(replace(page, link=link)))

    def go(self, address: str) -> None:
        """Send the browser to an address of ours."""
        self.redirect(from_here(self.request.path, address))

    def set_private_cookie(self, name: str, value: str, *, seconds: float) -> None:
        """Set a signed cookie that only our own pages send back, and no script reads."""
        self.set_signed_cookie(
            name,
            value,
            expires_days=seconds / SECONDS_OF_DAY,
            httponly=True,
            secure=self.origins.is_secure,
            samesite="Lax",
        )

    def admit(self, name: str, role: str, address: str) -> None:
        """Sign a person in, and go to the page that was asked for."""
        ticket = self.gate.issue(name, role)
        self.set_private_cookie(self.cookie, ticket.to_text(), seconds=self.gate.lasts_seconds)
        LOG.info("%s signed in from %s", name, self.request.remote_ip)
        self.go(own_page(address))

    def write_error(self, status_code: int, **details: Any) -> None:
        """Answer an error with a page that leads back, and no traceback."""
        self.show(
            SignInPage(
                "Sign-in failed",
                f"The request was not understood ({status_code}).",
                is_error=True,
                link=LOGIN,
                link_text="Try again",
            ),
            status_code,
        )


class PasswordHandler(SignInHandler):
    """The form, and what it sends; works without JavaScript."""

    waiting = 0

    def get(self) -> None:
        """Show the form."""
        self.show(self._form(self.get_query_argument("next", HOME)))

    async def post(self) -> None:
        """Compare name and password, on a thread: it takes long on purpose."""
        name, password = (
            self.get_body_argument("name", ""),
            self.get_body_argument("password", "", strip=False),
        )
        target, address = self.get_body_argument("next", HOME), str(self.request.remote_ip)
        try:
            self.check_xsrf_cookie()
        except HTTPError:
            self.show(self._form(target, name, "The form was too old.", "Please try once more."), 403)
            return
        wait = self.gate.limits.wait_seconds(name, address)
        if wait > 0 or PasswordHandler.waiting >= WAITING_MAX:
            self._refuse_for_now(target, name, max(1, ceil(wait)))
            return
        PasswordHandler.waiting += 1
        try:
            user = await get_running_loop().run_in_executor(HASHING, self.gate.users.check, name, password)
        finally:
            PasswordHandler.waiting -= 1
        if user is None:
            self.gate.limits.failed(name, address)
            LOG.warning("Sign-in refused for %.64r from %s", name, address)
            self.show(self._form(target, name, WRONG, "Check both, and whether Caps Lock is on."), 401)
            return
        self.gate.limits.succeeded(name, address)
        self.admit(user.name, "", target)

    def _refuse_for_now(self, target: str, name: str, seconds: int) -> None:
        self.set_header("Retry-After", str(seconds))
        says = f"Too many tries. The next one is looked at in {seconds} seconds."
        self.show(self._form(target, name, says, "An administrator can set another password."), 429)

    def _form(self, target: str, name: str = "", message: str = "", remedy: str = "") -> SignInPage:
        return SignInPage(
            "Sign in",
            message,
            remedy,
            is_error=bool(message),
            form=True,
            name=name[:64],
            next=own_page(target),
            token=self.xsrf_token.decode(),
        )


class SignOutHandler(SignInHandler):
    """End the sign-in: the cookie, and every page that was opened with it."""

    def get(self) -> None:
        """Sign out, and say why; a link on another site cannot do it."""
        if self.request.headers.get("Sec-Fetch-Site", "") in ("cross-site", "same-site"):
            self.go(HOME)
            return
        target = self.get_query_argument("next", HOME)
        said = self.gate.words(self.get_query_argument("why", ""))
        text = self.get_signed_cookie(self.cookie, max_age_days=self.gate.lasts_days)
        identity = self.gate.identify(text.decode()) if text else None
        if identity is not None:
            self.gate.presence.end(identity.ticket.id)
            LOG.info("%s signed out", identity.user.name)
        self.clear_cookie(self.cookie)
        self.show(SignInPage("Signed out", said, link=login_to(target), link_text="Sign in again"))
