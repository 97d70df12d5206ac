"""The Prefect server in use: the configured one, and how those that PlanWise starts are protected.

Read without importing Prefect, which is slow. Without the protection any page in the user's browser could
create a deployment on the server, whose steps run commands.
"""

import base64
import os
import secrets
import tomllib
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from planwise.errors import InputError
from planwise.settings import Settings
from planwise.storage import create_file

API_URL, API_KEY, AUTH_STRING, UI_URL = (
    "PREFECT_API_URL",
    "PREFECT_API_KEY",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_UI_URL",
)
CREDENTIAL = "api_credential"  # in the folder of Prefect's database
USER, KEY_BYTES = "planwise", 32
UNSAFE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Orchestrator:
    """A Prefect server: its API, its pages, and the headers of every request."""

    api: str
    pages: str
    headers: Mapping[str, str]

    def flow_run(self, run: str) -> str:
        """Return the page of a flow run."""
        return f"{self.pages}/runs/flow-run/{run}"


def configured_api(environment: Mapping[str, str] | None = None) -> str | None:
    """Return the Prefect API configured by the environment or the active profile, None without one."""
    found = orchestrator(environment)
    return None if found is None else found.api


def orchestrator(environment: Mapping[str, str] | None = None) -> Orchestrator | None:
    """Return the server configured by the environment or the active profile, None without one."""
    env = os.environ if environment is None else environment
    profile = _active_profile(env)

    def setting(name: str) -> str | None:
        return env.get(name) or profile.get(name) or None

    api = setting(API_URL)
    if api is None:
        return None
    headers = {}
    if key := setting(API_KEY):
        headers["Authorization"] = f"Bearer {key}"
    elif auth := setting(AUTH_STRING):
        headers |= credential_headers(auth)
    pages = setting(UI_URL) or api.rstrip("/").removesuffix("/api")
    return Orchestrator(str(api), str(pages).rstrip("/"), headers)


def credential_headers(credential: str) -> dict[str, str]:
    """Return the headers that sign in with `user:password`."""
    return {"Authorization": f"Basic {base64.b64encode(credential.encode()).decode()}"}


def _active_profile(env: Mapping[str, str]) -> Mapping[str, Any]:
    home = Path(env.get("PREFECT_HOME") or Path.home() / ".prefect").expanduser()
    file = Path(env.get("PREFECT_PROFILES_PATH") or home / "profiles.toml").expanduser()
    try:
        profiles = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    active = env.get("PREFECT_PROFILE") or profiles.get("active")
    found = profiles.get("profiles", {}).get(active, {})
    return found if isinstance(found, dict) else {}


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
