"""OpenID Connect: provider, claims, handlers."""

import base64
import hashlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
import jwt

from planwise.errors import InputError, PlanWiseError
from planwise.settings import SignInSettings
from ui.auth.configuration import NO_ROLE, Origins, require_secure
from ui.auth.gate import Gate
from ui.auth.handlers import CALLBACK, HOME, LOGIN, SignInHandler, SignInPage, own_page
from ui.values.user import ROLES

# Who has several roles gets the first of these.
STRONGEST_FIRST = ("admin", "approver", "analyst", "operator", "auditor")
NAME_MAX = 200  # the ledger's width


class NotAdmitted(InputError):
    """The provider knows this person, and the dashboard does not let them in."""


@dataclass(frozen=True)
class Rules:
    """Which claims say the name and the role, and what the values mean."""

    name_claim: str
    role_claim: str
    roles: Mapping[str, str]
    default_role: str

    @staticmethod
    def of(sign_in: SignInSettings) -> "Rules":
        """Return the rules of the settings; without a table of roles, a value is a role's own name."""
        roles = sign_in.oidc_roles or {role: role for role in ROLES}
        return Rules(sign_in.oidc_name_claim, sign_in.oidc_role_claim, roles, sign_in.oidc_default_role)

    def are_answered_by(self, claims: Mapping[str, Any]) -> bool:
        """Whether the claims have both, so that nothing more need be asked."""
        return claim(claims, self.name_claim) is not None and claim(claims, self.role_claim) is not None


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """Return a claim by its name, or by a path into nested ones (`realm_access.roles`); None without it."""
    if path in claims:  # such as https://example.org/roles
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def name_of(claims: Mapping[str, Any], rules: Rules) -> str:
    """Return who it is; raises NotAdmitted without a usable name, or for an e-mail not verified."""
    name = claim(claims, rules.name_claim)
    if not isinstance(name, str) or not name.strip() or len(name) > NAME_MAX or not name.isprintable():
        raise NotAdmitted(
            f"The provider did not say who you are: no claim {rules.name_claim!r}.",
            remedy="An administrator can name another: PLANWISE_OIDC_NAME_CLAIM, PLANWISE_OIDC_SCOPES.",
        )
    if rules.name_claim == "email" and claims.get("email_verified") is False:
        raise NotAdmitted(f"{name} is not verified by the provider.", remedy="Verify it there first.")
    return name


def role_of(claims: Mapping[str, Any], rules: Rules) -> str:
    """Return the strongest role of the claim's values, else the default; raises NotAdmitted for `none`."""
    said = claim(claims, rules.role_claim)
    values = said if isinstance(said, list) else [said]
    roles = {rules.roles[value] for value in values if isinstance(value, str) and value in rules.roles}
    found = next((role for role in STRONGEST_FIRST if role in roles), rules.default_role)
    if found == NO_ROLE:
        raise NotAdmitted(
            "Your account has no role in this dashboard.",
            remedy=f"Ask an administrator to give it one (the claim {rules.role_claim!r} at the provider).",
        )
    return found


DISCOVERY = "/.well-known/openid-configuration"
# Asymmetric ones only: with HS256 the public key would be the secret, and `none` is nobody's signature.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS = 60  # clocks differ
TIMEOUT_SECONDS = 10.0
FRESH_SECONDS = 3600.0
KEYS_AGAIN_SECONDS = 60.0  # an unknown key makes us ask again, but not for everybody who makes one up


class ProviderFailed(PlanWiseError):
    """The provider did not answer, or its answer does not hold."""


@dataclass(frozen=True)
class Endpoints:
    """What the provider's discovery document says."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    secret_in_body: bool


class Provider:
    """One provider; what it says about itself is kept for an hour."""

    def __init__(self, issuer: str, client_id: str, client_secret: str | None, scopes: str) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self.scopes = scopes
        self._secret = client_secret
        self._endpoints: tuple[float, Endpoints] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None

    async def authorization_url(self, redirect_uri: str, *, state: str, nonce: str, challenge: str) -> str:
        """Return where to send a browser; `challenge` is PKCE's S256."""
        endpoint = (await self._discovered()).authorization
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def tokens(self, code: str, redirect_uri: str, verifier: str) -> Mapping[str, Any]:
        """Return what the provider gives for a code: an ID token and an access token."""
        endpoints = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        login = None
        if self._secret is None:
            form["client_id"] = self.client_id
        elif endpoints.secret_in_body:
            form |= {"client_id": self.client_id, "client_secret": self._secret}
        else:
            # RFC 6749, 2.3.1: both are written as in a form before they are joined by a colon.
            login = httpx.BasicAuth(quote_plus(self.client_id), quote_plus(self._secret))
        return await self._ask("POST", endpoints.token, data=form, auth=login)

    async def claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """Return the claims of an ID token whose signature, issuer, audience, time and nonce hold."""
        try:
            key_id = jwt.get_unverified_header(id_token).get("kid")
            claims: dict[str, Any] = jwt.decode(
                id_token,
                await self._key(key_id),
                algorithms=ALGORITHMS,
                audience=self.client_id,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise _failed(f"its ID token does not hold ({error})") from error
        if claims.get("nonce") != nonce:
            raise _failed("its ID token is an answer to another request (nonce)")
        if claims.get("azp", self.client_id) != self.client_id:
            raise _failed("its ID token is for another application (azp)")
        return claims

    async def userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        """Return further claims about the same person; none when the provider has no such endpoint."""
        endpoint = (await self._discovered()).userinfo
        if endpoint is None:
            return {}
        said = await self._ask("GET", endpoint, headers={"Authorization": f"Bearer {access_token}"})
        if said.get("sub") != subject:
            raise _failed("what it says about you is about somebody else (sub)")
        return dict(said)

    async def _discovered(self) -> Endpoints:
        if self._endpoints is None or time.monotonic() - self._endpoints[0] > FRESH_SECONDS:
            said = await self._ask("GET", self.issuer.rstrip("/") + DISCOVERY)
            if said.get("issuer") != self.issuer:
                raise _failed(f"it calls itself {said.get('issuer')!r}, not {self.issuer!r} (issuer)")
            self._endpoints = (time.monotonic(), _endpoints(said))
        return self._endpoints[1]

    async def _key(self, key_id: str | None) -> Any:
        asked_at, known = self._keys or (float("-inf"), {})
        age = time.monotonic() - asked_at
        if age > FRESH_SECONDS or (key_id not in known and age > KEYS_AGAIN_SECONDS):
            said = await self._ask("GET", (await self._discovered()).keys)
            known = {str(key.key_id): key.key for key in jwt.PyJWKSet.from_dict(dict(said)).keys}
            self._keys = (time.monotonic(), known)
        if key_id is None and len(known) == 1:
            return next(iter(known.values()))
        if key_id not in known:
            raise _failed(f"its ID token is signed by a key it does not publish ({key_id!r})")
        return known[key_id]

    async def _ask(self, method: str, url: str, **request: Any) -> Mapping[str, Any]:
        headers = {"Accept": "application/json"} | request.pop("headers", {})
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                answer = await client.request(method, url, headers=headers, **request)
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _failed(f"{url} does not answer as it should ({type(error).__name__})") from error
        if not answer.is_success or not isinstance(said, Mapping):
            told = said.get("error", "") if isinstance(said, Mapping) else ""
            raise _failed(f"{url} answers {answer.status_code} {told}".rstrip())
        return said


def _endpoints(said: Mapping[str, Any]) -> Endpoints:
    def named(key: str) -> str:
        if not isinstance(said.get(key), str):
            raise _failed(f"its discovery document has no {key}")
        return require_secure(said[key], f"The provider's {key}")

    methods = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Endpoints(
        authorization=named("authorization_endpoint"),
        token=named("token_endpoint"),
        keys=named("jwks_uri"),
        userinfo=named("userinfo_endpoint") if said.get("userinfo_endpoint") else None,
        secret_in_body="client_secret_basic" not in methods,
    )


def _failed(why: str) -> ProviderFailed:
    return ProviderFailed(
        f"The sign-in provider cannot be used: {why}.",
        remedy="Try again; if it stays, an administrator compares PLANWISE_OIDC_* with the provider.",
    )


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
