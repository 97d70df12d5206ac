"""Read the audit trail for one user, and write its papers."""

import tempfile
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd

from planwise.governance import Action, open_ledger
from planwise.governance.activity import sentence_of
from planwise.governance.chain import AuditEvent, canonical_json
from planwise.governance.roles import acting_as
from planwise.settings import Settings
from ui.values.audit import EVENTS_MAX, AuditFilter, AuditTrail, Verification
from ui.values.user import User

COLUMNS = ("sequence", "at", "actor", "role", "type", "scenario", "what", "details")


class AuditReader:
    """Reads the trail of one home; raises Forbidden unless the user's role may."""

    def __init__(self, settings: Settings, user: User) -> None:
        user.require(Action.AUDIT)
        self._settings, self._user = settings, user

    def trail(self, chosen: AuditFilter) -> AuditTrail:
        """Return the newest events that match."""
        with open_ledger(self._settings) as ledger:
            head, everything = ledger.events.head(), ledger.events.list()
        found = [event for event in everything if _matches(event, chosen)]
        rows = pd.DataFrame([_row(event) for event in found[:EVENTS_MAX]], columns=list(COLUMNS))
        return AuditTrail(
            rows=rows,
            total=len(found),
            head=str(head),
            kinds=tuple(sorted({str(event.type) for event in everything})),
            actors=tuple(sorted({event.actor for event in everything})),
            scenarios=tuple(sorted({event.scenario for event in everything if event.scenario})),
        )

    def verify(self, anchor: str) -> Verification:
        """Check the whole chain, and that it continues a head that was noted earlier."""
        with open_ledger(self._settings) as ledger:
            found = ledger.events.verify([anchor] if anchor else [])
        return Verification(found.ok, found.events, found.head, found.problem, found.first_broken)

    def report(self, chosen: AuditFilter, suffix: str) -> bytes:
        """Return the audit report of these events as a file; the type of event is not a part of it."""
        from planwise.app.papers import AuditReportRequest, report_audit

        with tempfile.TemporaryDirectory() as folder, self._acting():
            file = Path(folder) / f"audit_report{suffix}"
            request = AuditReportRequest(
                since=chosen.since,
                until=chosen.until,
                scenario=chosen.scenario or None,
                actor=chosen.actor or None,
                output=file,
            )
            report_audit(self._settings, request)
            return file.read_bytes()

    def export(self) -> bytes:
        """Return every event, as the program that verifies without PlanWise reads it."""
        from planwise.app.exports import record_export

        with tempfile.TemporaryDirectory() as folder, self._acting():
            file = Path(folder) / "audit_trail.jsonl"
            with open_ledger(self._settings) as ledger:
                head = ledger.events.export(file)
            record_export(self._settings, file, "audit trail", events=head.events)
            return file.read_bytes()

    def _acting(self) -> Any:
        return acting_as(self._user.name, self._user.role)


def _matches(event: AuditEvent, chosen: AuditFilter) -> bool:
    since = None if chosen.since is None else datetime.combine(chosen.since, time.min, UTC)
    until = None if chosen.until is None else datetime.combine(chosen.until, time.max, UTC)
    return (
        chosen.kind in ("", event.type)
        and chosen.actor in ("", event.actor)
        and chosen.scenario in ("", event.scenario)
        and (since is None or event.at >= since)
        and (until is None or event.at <= until)
    )


def _row(event: AuditEvent) -> dict[str, Any]:
    return {
        "sequence": event.sequence,
        "at": event.at,
        "actor": event.actor,
        "role": event.role,
        "type": str(event.type),
        "scenario": event.scenario or "",
        "what": sentence_of(event),
        "details": canonical_json(
            {
                "event": event.sequence,
                "subject": event.subject,
                **event.payload,
                "previous_hash": event.previous_hash,
                "hash": event.hash,
            }
        ),
    }
