"""Credentials and protection of the Prefect servers that PlanWise starts, and requests to any server.

Without them any page in the user's browser could create a deployment on the server, whose steps run commands.
"""

import secrets
import uuid
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import httpx

from planwise.errors import InputError
from planwise.settings import Settings
from planwise.storage import create_file

CREDENTIAL = "api_credential"  # in the folder of Prefect's database
USER, KEY_BYTES = "planwise", 32
UNSAFE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def prefect_home(settings: Settings) -> Path:
    """Return the folder of Prefect's database, so that a server started later shows earlier runs."""
    return settings.root / "prefect"


def api_credential(settings: Settings) -> str:
    """Return `user:password` of the servers started in this home, created on first use (mode 0600)."""
    file = prefect_home(settings) / CREDENTIAL
    if not file.exists():
        create_file(file, f"{USER}:{secrets.token_urlsafe(KEY_BYTES)}".encode())
    try:
        credential = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file} cannot be read: {error}.", remedy="Delete it; a new one is made."
        ) from error
    if not credential.startswith(f"{USER}:") or len(credential) < KEY_BYTES:
        raise InputError(f"{file} is damaged.", remedy="Delete it; a new one is made.")
    return credential


def protection(settings: Settings, *origins: str) -> dict[str, str]:
    """Return the settings of server and clients: a credential, no forged requests, no other origins."""
    credential = api_credential(settings)
    return {
        "PREFECT_SERVER_API_AUTH_STRING": credential,
        "PREFECT_API_AUTH_STRING": credential,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(origins) or "http://127.0.0.1",
    }


class PrefectAuth(httpx.Auth):
    """Sends the server's headers, and the token that a server with CSRF protection wants with a change."""

    requires_response_body = True

    def __init__(self, api: str, headers: Mapping[str, str]) -> None:
        self._tokens = f"{api.rstrip('/')}/csrf-token"
        self._headers = dict(headers)
        self._client = str(uuid.uuid4())

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Ask for a token before a change; a server without the protection gives none."""
        request.headers.update(self._headers)
        if request.method in UNSAFE_METHODS:
            token = httpx.Request("GET", self._tokens, params={"client": self._client}, headers=self._headers)
            answer = yield token
            if answer.status_code == httpx.codes.OK:
                found: Any = answer.json()
                request.headers["Prefect-Csrf-Token"] = found["token"]
                request.headers["Prefect-Csrf-Client"] = self._client
        yield request
