"""Ask a provider: discovery, tokens, keys, further claims. What comes back is checked before it is used."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
import jwt

from planwise.errors import PlanWiseError
from ui.auth.configured import require_secure

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
