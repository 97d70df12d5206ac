"""The configured Prefect server, read without importing Prefect, which is slow."""

import base64
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

API_URL, API_KEY, AUTH_STRING, UI_URL = (
    "PREFECT_API_URL",
    "PREFECT_API_KEY",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_UI_URL",
)


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
