"""What the server asks before it answers: the gate, as Bokeh's authentication hook."""

from collections.abc import Callable
from typing import Any

from bokeh.server.auth_provider import AuthProvider
from tornado.web import RequestHandler

from ui.auth.configuration import Origins
from ui.auth.gate import IDENTITY, Gate, Identity
from ui.auth.handlers import CALLBACK, LOGIN, LOGOUT, PasswordHandler, SignOutHandler
from ui.auth.oidc import CallbackHandler, Provider, ProviderHandler

COOKIE = "planwise"


class SignIn(AuthProvider):
    """Pages, websockets and downloads are for who holds a cookie that the gate knows."""

    def __init__(self, gate: Gate, origins: Origins, provider: Provider | None, port: int) -> None:
        self.gate = gate
        self.provider = provider
        self.cookie = f"{COOKIE}-{port}"  # a browser sends a host's cookies to all its ports
        self._made_with = {"gate": gate, "origins": origins, "cookie": self.cookie}
        super().__init__()

    @property
    def endpoints(self) -> list[tuple[Any, ...]]:
        """The pages that are open to everybody, each with what its handler is made with."""
        out = (LOGOUT, SignOutHandler, self._made_with)
        if self.provider is None:
            return [(LOGIN, PasswordHandler, self._made_with), out]
        known = self._made_with | {"provider": self.provider}
        return [(LOGIN, ProviderHandler, known), (CALLBACK, CallbackHandler, known), out]

    @property
    def get_user(self) -> Callable[[RequestHandler], Identity | None]:  # type: ignore[override]
        """Who made a request, from its cookie; who it is goes with the request into its session."""
        return self._identify

    @property
    def login_url(self) -> str:
        """Where to go to sign in."""
        return LOGIN

    @property
    def logout_url(self) -> str:
        """Where to go to sign out."""
        return LOGOUT

    def _identify(self, handler: RequestHandler) -> Identity | None:
        text = handler.get_signed_cookie(self.cookie, max_age_days=self.gate.lasts_days)
        identity = self.gate.identify(text.decode()) if text else None
        if identity is not None:
            self.gate.presence.touch(identity.ticket.id)
            setattr(handler.request, IDENTITY, identity)
        return identity
