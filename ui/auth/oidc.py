"""OpenID Connect: the provider, and names and roles from its claims."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
import jwt

from planwise.errors import InputError, PlanWiseError
from planwise.settings import SignInSettings
from ui.auth.configuration import require_secure
from ui.values.user import NO_ROLE, ROLES

# A user with several roles gets the first of these.
STRONGEST_FIRST = ("admin", "approver", "analyst", "operator", "auditor")
EMAIL, EMAIL_VERIFIED = "email", "email_verified"
NAME_MAX = 200  # the ledger's width


class NotAdmitted(InputError):
    """The provider knows the user, but the dashboard does not admit them."""


@dataclass(frozen=True)
class Rules:
    """The claims with name and role, and the role of each value."""

    name_claim: str
    role_claim: str
    roles: Mapping[str, str]
    default_role: str

    @staticmethod
    def of(sign_in: SignInSettings) -> "Rules":
        """Return the rules of the settings; without a table of roles, a value is the name of a role."""
        roles = sign_in.oidc_roles or {role: role for role in ROLES}
        return Rules(sign_in.oidc_name_claim, sign_in.oidc_role_claim, roles, sign_in.oidc_default_role)

    def are_met_by(self, claims: Mapping[str, Any]) -> bool:
        """Return whether the claims have name and role, and whether an e-mail that is a name is verified."""
        needed = [self.name_claim, self.role_claim, *([EMAIL_VERIFIED] if self.name_claim == EMAIL else [])]
        return all(claim(claims, name) is not None for name in needed)


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """Return a claim by name, or by path into nested ones (`realm_access.roles`); None if it is missing."""
    if path in claims:  # such as https://example.org/roles
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def is_verified(claims: Mapping[str, Any]) -> bool:
    """Return whether the provider says that the e-mail is verified; some say so by a text."""
    return claims.get(EMAIL_VERIFIED) is True or claims.get(EMAIL_VERIFIED) == "true"


def name_of(claims: Mapping[str, Any], rules: Rules) -> str:
    """Return the user name; raises NotAdmitted without a usable name or with an unverified e-mail."""
    name = claim(claims, rules.name_claim)
    if not isinstance(name, str) or not name.strip() or len(name) > NAME_MAX or not name.isprintable():
        raise NotAdmitted(
            f"The provider did not send your user name (claim {rules.name_claim!r}).",
            remedy="An administrator can set another: PLANWISE_OIDC_NAME_CLAIM, PLANWISE_OIDC_SCOPES.",
        )
    if rules.name_claim == EMAIL and not is_verified(claims):
        raise NotAdmitted(f"{name} is not verified by the provider.", remedy="Verify it there first.")
    return name


def role_of(claims: Mapping[str, Any], rules: Rules) -> str:
    """Return the strongest role of the claim's values, else the default; raises NotAdmitted for `none`."""
    value = claim(claims, rules.role_claim)
    values = value if isinstance(value, list) else [value]
    roles = {rules.roles[value] for value in values if isinstance(value, str) and value in rules.roles}
    found = next((role for role in STRONGEST_FIRST if role in roles), rules.default_role)
    if found == NO_ROLE:
        raise NotAdmitted(
            "Your account has no role in this dashboard.",
            remedy="Ask the administrator of this dashboard for one. It is read from the claim "
            f"{rules.role_claim!r} of the provider, by PLANWISE_OIDC_ROLES.",
        )
    return found


DISCOVERY = "/.well-known/openid-configuration"
# Asymmetric only: with HS256 the public key would be the secret, and `none` is not a signature.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS = 60  # clocks differ
TIMEOUT_SECONDS = 10.0
FRESH_SECONDS = 3600.0
KEYS_AGAIN_SECONDS = 60.0  # at least, between two requests for keys that unknown key ids cause


class ProviderFailed(PlanWiseError):
    """The provider did not respond, or its response is not valid."""


@dataclass(frozen=True)
class Endpoints:
    """The provider's endpoints, from its discovery document."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    secret_in_body: bool


class Provider:
    """One provider; its endpoints and keys are kept for an hour."""

    def __init__(self, issuer: str, client_id: str, client_secret: str | None, scopes: str) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self.scopes = scopes
        self._secret = client_secret
        self._endpoints: tuple[float, Endpoints] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None

    async def authorization_url(self, redirect_uri: str, *, state: str, nonce: str, challenge: str) -> str:
        """Return the address to redirect a browser to; `challenge` is PKCE's S256."""
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
        """Exchange a code for an ID token and an access token."""
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
            # RFC 6749, 2.3.1: both are form-encoded before they are joined by a colon.
            login = httpx.BasicAuth(quote_plus(self.client_id), quote_plus(self._secret))
        return await self._request("POST", endpoints.token, data=form, auth=login)

    async def claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """Return the claims of an ID token; checks signature, issuer, audience, time and nonce."""
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
            raise _failed(f"its ID token is not valid ({error})") from error
        if claims.get("nonce") != nonce:
            raise _failed("its ID token belongs to another request (nonce)")
        if claims.get("azp", self.client_id) != self.client_id:
            raise _failed("its ID token is for another application (azp)")
        return claims

    async def userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        """Return further claims about the same user; none if the provider has no such endpoint."""
        endpoint = (await self._discovered()).userinfo
        if endpoint is None:
            return {}
        further = await self._request("GET", endpoint, headers={"Authorization": f"Bearer {access_token}"})
        if further.get("sub") != subject:
            raise _failed("its user information is about another user (sub)")
        return dict(further)

    async def _discovered(self) -> Endpoints:
        if self._endpoints is None or time.monotonic() - self._endpoints[0] > FRESH_SECONDS:
            document = await self._request("GET", self.issuer.rstrip("/") + DISCOVERY)
            if document.get("issuer") != self.issuer:
                raise _failed(f"its issuer is {document.get('issuer')!r}, not {self.issuer!r}")
            self._endpoints = (time.monotonic(), _endpoints(document))
        return self._endpoints[1]

    async def _key(self, key_id: str | None) -> Any:
        read_at, known = self._keys or (float("-inf"), {})
        age = time.monotonic() - read_at
        if age > FRESH_SECONDS or (key_id not in known and age > KEYS_AGAIN_SECONDS):
            published = await self._request("GET", (await self._discovered()).keys)
            known = {str(key.key_id): key.key for key in jwt.PyJWKSet.from_dict(dict(published)).keys}
            self._keys = (time.monotonic(), known)
        if key_id is None and len(known) == 1:
            return next(iter(known.values()))
        if key_id not in known:
            raise _failed(f"its ID token is signed with an unpublished key ({key_id!r})")
        return known[key_id]

    async def _request(self, method: str, url: str, **request: Any) -> Mapping[str, Any]:
        headers = {"Accept": "application/json"} | request.pop("headers", {})
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                response = await client.request(method, url, headers=headers, **request)
            content = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _failed(f"{url} does not respond as expected ({type(error).__name__})") from error
        if not response.is_success or not isinstance(content, Mapping):
            reason = content.get("error", "") if isinstance(content, Mapping) else ""
            raise _failed(f"{url} responds {response.status_code} {reason}".rstrip())
        return content


def _endpoints(document: Mapping[str, Any]) -> Endpoints:
    def named(key: str) -> str:
        if not isinstance(document.get(key), str):
            raise _failed(f"its discovery document has no {key}")
        return require_secure(document[key], f"The provider's {key}")

    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Endpoints(
        authorization=named("authorization_endpoint"),
        token=named("token_endpoint"),
        keys=named("jwks_uri"),
        userinfo=named("userinfo_endpoint") if document.get("userinfo_endpoint") else None,
        secret_in_body="client_secret_basic" not in methods,
    )


def _failed(why: str) -> ProviderFailed:
    return ProviderFailed(
        f"The sign-in provider cannot be used: {why}.",
        remedy="Try again; if it still fails, an administrator must check the PLANWISE_OIDC_* settings.",
    )
