"""Sign-in and sign-out pages, their handlers, and the hook that lets only signed-in users in."""

import base64
import hashlib
import hmac
import json
import logging
import secrets
from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from bokeh.server.auth_provider import AuthProvider
from jinja2 import Environment, FileSystemLoader, Template
from tornado.web import HTTPError, RequestHandler

from planwise.errors import InputError, PlanWiseError
from ui.auth.configuration import Origins
from ui.auth.gate import IDENTITY, SECONDS_OF_DAY, Gate, Identity
from ui.auth.oidc import NotAdmitted, Provider, ProviderFailed, Rules, name_of, role_of
from ui.auth.users import LENGTH_MAX, NAME_MAX

ASSETS = Path(__file__).parent.parent / "assets"
LOGIN, LOGOUT, CALLBACK = "/login", "/logout", "/login/callback"
HOME = "/"


@dataclass(frozen=True)
class SignInPage:
    """One page: heading, message, and a form or a link; it goes `onward` by itself."""

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
    onward: str = ""


def render(page: SignInPage) -> str:
    """Return the page as HTML; every text is escaped."""
    return _template().render(page=page)


def own_page(address: str) -> str:
    """Return the page to open after signing in: the dashboard with the query of `address`, or its first page.

    Any other address gives the first page, so that the sign-in cannot redirect to another site.
    """
    if not address.startswith(HOME) or any(ord(letter) < 32 or letter == "\\" for letter in address):
        return HOME
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or parts.path != HOME or address.startswith("//"):
        return HOME
    return f"{HOME}?{parts.query}" if parts.query else HOME


def from_here(here: str, address: str) -> str:
    """Return the link from the page at `here` to an address of the dashboard, both from its root.

    The link is relative, because a proxy may serve the dashboard under a path.
    """
    return ("../" * (here.count("/") - 1) or "./") + address.removeprefix("/")


def login_to(address: str) -> str:
    """Return the address of the sign-in that returns to `address`."""
    page = own_page(address)
    return LOGIN if page == HOME else f"{LOGIN}?{urlencode({'next': page})}"


@cache
def _template() -> Template:
    loader = Environment(
        loader=FileSystemLoader(ASSETS), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return loader.get_template("sign_in.html")


LOG = logging.getLogger("planwise.ui.auth")
WRONG = "The name or the password is wrong."
HASHING = ThreadPoolExecutor(1, thread_name_prefix="password")  # an attempt takes 32 MiB: one at a time


class SignInHandler(RequestHandler):
    """Base of the handlers: gate, origins, and the name of the cookie with the sign-in."""

    def initialize(self, sign_in: "SignIn") -> None:
        """Take the server's configuration."""
        self.gate, self.origins, self.cookie = sign_in.gate, sign_in.origins, sign_in.cookie
        self._provider = sign_in.provider

    def set_default_headers(self) -> None:
        """Keep the pages out of caches."""
        self.set_header("Cache-Control", "no-store")

    def show(self, page: SignInPage, status: int = 200) -> None:
        """Answer with a page."""
        self.set_status(status)
        link = from_here(self.request.path, page.link) if page.link else ""
        self.finish(render(replace(page, link=link)))

    def go(self, address: str) -> None:
        """Redirect to an address of the dashboard."""
        self.redirect(from_here(self.request.path, address))

    def set_private_cookie(self, name: str, value: str, *, seconds: float) -> None:
        """Set a signed cookie that other sites cannot send and scripts cannot read."""
        self.set_signed_cookie(
            name,
            value,
            expires_days=seconds / SECONDS_OF_DAY,
            httponly=True,
            secure=self.origins.is_secure,
            samesite="Lax",
        )

    def admit(self, name: str, role: str, address: str) -> None:
        """Sign a user in and redirect to the requested page."""
        ticket = self.gate.issue(name, role)
        self.set_private_cookie(self.cookie, ticket.to_text(), seconds=self.gate.lasts_seconds)
        LOG.info("%s signed in from %s", name, self.request.remote_ip)
        self.go(own_page(address))

    def write_error(self, status_code: int, **details: Any) -> None:
        """Answer an error with a page, without a traceback."""
        self.show_failure(f"The request is not valid ({status_code}).", status=status_code)

    def show_failure(self, message: str, remedy: str = "", *, status: int) -> None:
        """Answer with a page that leads back to the sign-in."""
        page = SignInPage("Sign-in failed", message, remedy, is_error=True, link=LOGIN, link_text="Try again")
        self.show(page, status)


class PasswordHandler(SignInHandler):
    """The form with name and password; it works without JavaScript."""

    def get(self) -> None:
        """Show the form."""
        self.show(self._form(self.get_query_argument("next", HOME)))

    async def post(self) -> None:
        """Check name and password, on a thread: hashing is slow by design."""
        name, password = (
            self.get_body_argument("name", ""),
            self.get_body_argument("password", "", strip=False),
        )
        target, address = self.get_body_argument("next", HOME), str(self.request.remote_ip)
        try:
            self.check_xsrf_cookie()
        except HTTPError:
            self.show(self._form(target, name, "The form has expired.", "Try again."), 403)
            return
        if len(name) > NAME_MAX or len(password) > LENGTH_MAX:  # no user's, and not worth keeping
            self._reject(target, name)
            return
        if not await self._turn(target, name, address):
            return
        try:
            user = await get_running_loop().run_in_executor(HASHING, self.gate.users.check, name, password)
        finally:
            self.gate.turns.done()
        if user is None:
            self.gate.limits.failed(name, address)
            LOG.warning("Sign-in rejected for %.64r from %s", name, address)
            self._reject(target, name)
            return
        self.gate.limits.succeeded(name, address)
        self.admit(user.name, "", target)

    async def _turn(self, target: str, name: str, address: str) -> bool:
        """Wait for a turn; return whether it came, which `turns.done` ends, else answer."""
        limits, turns = self.gate.limits, self.gate.turns
        came = limits.wait_seconds(name, address) == 0 and await turns.take(address)
        if came and limits.wait_seconds(name, address) > 0:  # it failed too often meanwhile
            turns.done()
            came = False
        if not came:
            self._reject_for_now(target, name, max(1, ceil(limits.wait_seconds(name, address))))
        return came

    def _reject(self, target: str, name: str) -> None:
        self.show(self._form(target, name, WRONG, "Check both, and whether Caps Lock is on."), 401)

    def _reject_for_now(self, target: str, name: str, seconds: int) -> None:
        self.set_header("Retry-After", str(seconds))
        message = f"Too many attempts. Try again in {seconds} seconds."
        self.show(self._form(target, name, message, "An administrator can set another password."), 429)

    def _form(self, target: str, name: str = "", message: str = "", remedy: str = "") -> SignInPage:
        return SignInPage(
            "Sign in",
            message,
            remedy,
            is_error=bool(message),
            form=True,
            name=name[:NAME_MAX],
            next=own_page(target),
            token=self.xsrf_token.decode(),
        )


class SignOutHandler(SignInHandler):
    """Sign out: remove the cookie and end every page opened with it."""

    def get(self) -> None:
        """Sign out and show the reason; a link on another site cannot do it."""
        if self.request.headers.get("Sec-Fetch-Site", "") in ("cross-site", "same-site"):
            self.go(HOME)
            return
        target = self.get_query_argument("next", HOME)
        reason = self.gate.reason_text(self.get_query_argument("why", ""))
        text = self.get_signed_cookie(self.cookie, max_age_days=self.gate.lasts_days)
        identity = self.gate.identify(text.decode()) if text else None
        if identity is not None:
            self.gate.presence.end(identity.ticket.id)
            LOG.info("%s signed out", identity.user.name)
        self.clear_cookie(self.cookie)
        self.show(SignInPage("Signed out", reason, link=login_to(target), link_text="Sign in again"))


REQUEST_SECONDS = 600.0  # time to sign in at the provider
RANDOM_BYTES = 32


class OidcHandler(SignInHandler):
    """Base of both steps: the provider, and a cookie with the request of the first step."""

    @property
    def provider(self) -> Provider:
        """The provider; a server without one does not have these handlers."""
        assert self._provider is not None
        return self._provider

    @property
    def request_cookie(self) -> str:
        """The name of the cookie with the request that was sent to the provider."""
        return f"{self.cookie}-under-way"

    @property
    def redirect_uri(self) -> str:
        """The address that the provider redirects to; it must be registered there."""
        return self.origins.base(self.request.host) + CALLBACK

    def fail(self, error: PlanWiseError) -> None:
        """Show why the sign-in failed."""
        LOG.warning("Sign-in failed from %s: %s", self.request.remote_ip, error.what)
        status = 403 if isinstance(error, NotAdmitted) else 502 if isinstance(error, ProviderFailed) else 400
        self.show_failure(error.what, error.remedy or "", status=status)


class ProviderHandler(OidcHandler):
    """The first step: keep the request in a cookie and redirect to the provider."""

    async def get(self) -> None:
        """Redirect to the provider."""
        state, nonce, verifier = (secrets.token_urlsafe(RANDOM_BYTES) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        try:
            url = await self.provider.authorization_url(
                self.redirect_uri, state=state, nonce=nonce, challenge=challenge
            )
        except PlanWiseError as error:
            self.fail(error)
            return
        sent = {
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "next": own_page(self.get_query_argument("next", HOME)),
        }
        self.set_private_cookie(self.request_cookie, json.dumps(sent), seconds=REQUEST_SECONDS)
        self.redirect(url)


class CallbackHandler(OidcHandler):
    """The second step: the response must belong to the request in the cookie and be valid."""

    async def get(self) -> None:
        """Sign the user in, or show why not."""
        try:
            sent = self._sent_request()
            claims = await self._claims(sent)
            rules = Rules.of(self.gate.sign_in)
            name, role = name_of(claims, rules), role_of(claims, rules)
        except PlanWiseError as error:
            self.fail(error)
            return
        self.admit(name, role, sent["next"])

    def _sent_request(self) -> dict[str, str]:
        text = self.get_signed_cookie(self.request_cookie, max_age_days=REQUEST_SECONDS / 86_400)
        self.clear_cookie(self.request_cookie)
        sent: dict[str, str] = json.loads(text) if text else {}
        state = self.get_query_argument("state", "")
        if not sent or not hmac.compare_digest(state.encode(), sent["state"].encode()):
            raise InputError(
                "The provider's response belongs to another sign-in, or came too late.",
                remedy="Try again in this window.",
            )
        if code := self.get_query_argument("error", ""):
            reason = self.get_query_argument("error_description", code)
            raise NotAdmitted(f"The provider did not sign you in: {reason[:300]}.", remedy="Try again.")
        return sent

    async def _claims(self, sent: dict[str, str]) -> dict[str, Any]:
        code = self.get_query_argument("code", "")
        tokens = await self.provider.tokens(code, self.redirect_uri, sent["verifier"])
        claims = await self.provider.claims(str(tokens.get("id_token", "")), sent["nonce"])
        if Rules.of(self.gate.sign_in).are_met_by(claims):
            return claims
        further = await self.provider.userinfo(str(tokens.get("access_token", "")), claims["sub"])
        return further | claims  # signed claims take precedence


COOKIE = "planwise"


class SignIn(AuthProvider):
    """Bokeh's authentication hook: pages, websockets and downloads need a cookie that the gate accepts."""

    def __init__(self, gate: Gate, origins: Origins, provider: Provider | None, port: int) -> None:
        self.gate, self.origins, self.provider = gate, origins, provider
        self.cookie = f"{COOKIE}-{port}"  # a browser sends a host's cookies to all its ports
        super().__init__()

    @property
    def endpoints(self) -> list[tuple[Any, ...]]:
        """The pages that need no sign-in."""
        handlers: dict[str, type[SignInHandler]] = {LOGOUT: SignOutHandler, LOGIN: PasswordHandler}
        if self.provider is not None:
            handlers |= {LOGIN: ProviderHandler, CALLBACK: CallbackHandler}
        return [(address, handler, {"sign_in": self}) for address, handler in handlers.items()]

    @property
    def get_user(self) -> Callable[[RequestHandler], Identity | None]:  # type: ignore[override]
        """The user of a request, from its cookie; the request carries the identity into its session."""
        return self._identify

    @property
    def login_url(self) -> str:
        """The address of the sign-in."""
        return LOGIN

    @property
    def logout_url(self) -> str:
        """The address of the sign-out."""
        return LOGOUT

    def _identify(self, handler: RequestHandler) -> Identity | None:
        text = handler.get_signed_cookie(self.cookie, max_age_days=self.gate.lasts_days)
        identity = self.gate.identify(text.decode()) if text else None
        if identity is not None:
            self.gate.presence.touch(identity.ticket.id)
            setattr(handler.request, IDENTITY, identity)
        return identity
