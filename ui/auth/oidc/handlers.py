"""Send people to the provider, and take them back."""

import base64
import hashlib
import hmac
import json
import logging
import secrets
from typing import Any

from planwise.errors import InputError, PlanWiseError
from ui.auth.gate import Gate
from ui.auth.handlers import SignInHandler
from ui.auth.oidc.claims import NotAdmitted, Rules, name_of, role_of
from ui.auth.oidc.provider import Provider, ProviderFailed
from ui.auth.origins import Origins
from ui.auth.pages import CALLBACK, HOME, LOGIN, SignInPage, own_page

LOG = logging.getLogger("planwise.ui.auth")
UNDER_WAY_SECONDS = 600.0  # time to sign in at the provider
RANDOM_BYTES = 32


class OidcHandler(SignInHandler):
    """What both steps have: the provider, and a cookie that remembers the first step."""

    provider: Provider

    def initialize(self, gate: Gate, origins: Origins, cookie: str, provider: Provider) -> None:  # type: ignore[override]
        """Take what the server was made with."""
        super().initialize(gate, origins, cookie)
        self.provider = provider

    @property
    def under_way(self) -> str:
        """The cookie of a sign-in that has begun."""
        return f"{self.cookie}-under-way"

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to; it must be registered there."""
        return self.origins.base(self.request.host) + CALLBACK

    def fail(self, error: PlanWiseError) -> None:
        """Say why nobody was signed in, and how to go on."""
        LOG.warning("Sign-in failed from %s: %s", self.request.remote_ip, error.what)
        status = 403 if isinstance(error, NotAdmitted) else 502 if isinstance(error, ProviderFailed) else 400
        self.show(
            SignInPage(
                "Sign-in failed",
                error.what,
                error.remedy or "",
                is_error=True,
                link=LOGIN,
                link_text="Try again",
            ),
            status,
        )


class ProviderHandler(OidcHandler):
    """The first step: remember what we ask, and send the browser to the provider."""

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
        begun = {
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "next": own_page(self.get_query_argument("next", HOME)),
        }
        self.set_private_cookie(self.under_way, json.dumps(begun), seconds=UNDER_WAY_SECONDS)
        self.redirect(url)


class CallbackHandler(OidcHandler):
    """The second step: what came back must answer what this browser asked, and hold."""

    async def get(self) -> None:
        """Sign the person in, or say why not."""
        try:
            begun = self._begun()
            claims = await self._claims(begun)
            rules = Rules.of(self.gate.sign_in)
            name, role = name_of(claims, rules), role_of(claims, rules)
        except PlanWiseError as error:
            self.fail(error)
            return
        self.admit(name, role, begun["next"])

    def _begun(self) -> dict[str, str]:
        text = self.get_signed_cookie(self.under_way, max_age_days=UNDER_WAY_SECONDS / 86_400)
        self.clear_cookie(self.under_way)
        begun: dict[str, str] = json.loads(text) if text else {}
        state = self.get_query_argument("state", "")
        if not begun or not hmac.compare_digest(state.encode(), begun["state"].encode()):
            raise InputError(
                "This answer of the provider belongs to another sign-in, or came too late.",
                remedy="Try again in this window.",
            )
        if refused := self.get_query_argument("error", ""):
            told = self.get_query_argument("error_description", refused)
            raise NotAdmitted(f"The provider did not sign you in: {told[:300]}.", remedy="Try again.")
        return begun

    async def _claims(self, begun: dict[str, str]) -> dict[str, Any]:
        code = self.get_query_argument("code", "")
        tokens = await self.provider.tokens(code, self.redirect_uri, begun["verifier"])
        claims = await self.provider.claims(str(tokens.get("id_token", "")), begun["nonce"])
        if Rules.of(self.gate.sign_in).are_answered_by(claims):
            return claims
        further = await self.provider.userinfo(str(tokens.get("access_token", "")), claims["sub"])
        return further | claims  # what is signed wins
