"""Run a use-case in process or as a Prefect flow, with Prefect configured before it is imported."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from planwise.app.performance import run_measured
from planwise.app.runner import InProcessRunner, Runner, Stopped, run_as_job
from planwise.errors import InputError
from planwise.jobs import JobKind
from planwise.prefect_server import configured_api, prefect_home, protection
from planwise.settings import Settings

EPHEMERAL: Mapping[str, str] = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",  # 8–11 s on a quiet machine
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",  # it calls external hosts
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",  # the steps' own messages are enough
}
UNANSWERED = ("Failed to reach API", "Timed out while attempting to connect to ephemeral")


class ServerUnreachable(InputError):
    """The configured Prefect server does not answer."""


def prepare(settings: Settings) -> None:
    """Set what Prefect reads at import: its home and, without an API, an ephemeral server."""
    os.environ["PLANWISE_HOME"] = str(settings.root)
    if configured_api() is None:
        prefect_home(settings).mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("PREFECT_HOME", str(prefect_home(settings)))
        for name, value in {**EPHEMERAL, **protection(settings)}.items():
            os.environ.setdefault(name, value)


def run_use_case(
    settings: Settings,
    *,
    job: Callable[[Settings, Any, Runner], Any],
    flow: str,
    request: Any,
    as_flow: bool | None,
    kind: JobKind | None = None,
) -> Any:
    """Run a use-case in this process, or as its flow when requested or when a Prefect API is configured.

    With a `kind` it is recorded as a job, which a flow does by itself. `flow` is a name in `flows.flows`.
    Raises ServerUnreachable when the configured server does not answer.
    """
    url = configured_api()
    if not (url is not None if as_flow is None else as_flow):
        inner = InProcessRunner()
        if kind is None:
            return run_measured(settings, flow.replace("_", " "), request, job, inner)
        return run_as_job(settings, kind, request, job, inner)
    prepare(settings)
    with server_answers():
        state = getattr(import_module("flows.flows"), flow)(request=request, return_state=True)
    found = state.result(raise_on_failure=False) if state.data is not None else None
    if isinstance(found, BaseException):
        raise found
    if state.is_cancelled() and found is None:
        raise Stopped(state.message or "The flow run was cancelled.")
    return found


@contextlib.contextmanager
def server_answers() -> Iterator[None]:
    """Raise ServerUnreachable for Prefect's errors when no server answers."""
    from httpx import TransportError

    try:
        yield
    except (TransportError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(text in str(error) for text in UNANSWERED):
            raise
        where = configured_api() or "that this command starts"
        raise ServerUnreachable(
            f"The Prefect server {where} does not answer: {error}",
            remedy="Start it (`planwise up` starts one), correct PREFECT_API_URL, or use --no-flow.",
        ) from error
