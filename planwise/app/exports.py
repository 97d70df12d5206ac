"""Record what leaves the home as a file: the one place, for commands, flows and pages."""

from hashlib import sha256
from pathlib import Path
from typing import Any

from planwise.governance import Action, EventType, open_ledger
from planwise.settings import Settings
from planwise.storage import digest


def record_export(
    settings: Settings, file: Path, what: str, *, scenario: str | None = None, **figures: Any
) -> None:
    """Record a written file as an EXPORT event; one that cannot be recorded is deleted."""
    try:
        payload = {"file": file.name, "bytes": file.stat().st_size, "sha256": digest(file), **figures}
        _record(settings, what, scenario, payload)
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def record_download(
    settings: Settings, content: bytes, what: str, *, name: str, scenario: str | None
) -> None:
    """Record what a browser is sent as a file; without the event it must not be sent."""
    payload = {"file": name, "bytes": len(content), "sha256": sha256(content).hexdigest()}
    _record(settings, what, scenario, payload)


def _record(settings: Settings, what: str, scenario: str | None, payload: dict[str, Any]) -> None:
    with open_ledger(settings) as ledger:
        ledger.events.record(EventType.EXPORT, scenario=scenario, subject=what, payload=payload)


def require_pay(settings: Settings) -> None:
    """Raise Forbidden unless the role allows to see the pay of single people."""
    with open_ledger(settings) as ledger:
        ledger.require(Action.SEE_PAY)
