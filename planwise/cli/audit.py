"""`planwise audit`: verify, read and export the audit trail."""

import shutil
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.table import Column, Table
from rich.text import Text

from planwise.app.exports import record_export
from planwise.app.papers import AuditReportRequest, report_audit
from planwise.cli.options import PARAMETERS, Home, Json
from planwise.console import PLAIN, emit_json, progress, results, settings_for
from planwise.errors import InputError
from planwise.formatting import TERMINAL, counted
from planwise.governance import Action, EventType, open_ledger, verifier
from planwise.governance.activity import sentence_of

app = App(name="audit", group_parameters=PARAMETERS, help="Verify, read and export the audit trail.")
BROKEN = 1
Day = Annotated[str | None, Parameter(help="Date as YYYY-MM-DD, UTC.")]


@app.command
def verify(
    *,
    anchor: Annotated[
        tuple[str, ...], Parameter(negative="", help="A head noted earlier, from a report or an export.")
    ] = (),
    json: Json = False,
    home: Home = None,
) -> int:
    """Check every event, the head and the triggers; exit with 1 and name the first broken link."""
    with open_ledger(settings_for(home)) as ledger:
        ledger.require(Action.AUDIT)
        found = ledger.events.verify(anchor)
    if json:
        emit_json(asdict(found))
    elif found.ok:
        results().print(
            f"The audit trail is whole: {counted(found.events, 'event')}, head {found.events}:{found.head}"
        )
    else:
        results().print(f"The audit trail is broken: {found.problem}.", markup=False, soft_wrap=True)
        progress().print(
            "Keep a copy of the ledger, compare it with the last export or backup, and find who could write.",
            soft_wrap=True,
        )
    return 0 if found.ok else BROKEN


@app.command
def log(
    *,
    type_: Annotated[EventType | None, Parameter(name="--type")] = None,
    scenario: str | None = None,
    actor: str | None = None,
    since: Day = None,
    until: Day = None,
    limit: int = 50,
    json: Json = False,
    home: Home = None,
) -> None:
    """List events, newest first.

    Parameters
    ----------
    type_
        Only events of this type.
    scenario
        Only events of this scenario.
    actor
        Only events of this person.
    limit
        At most so many.

    """
    with open_ledger(settings_for(home)) as ledger:
        ledger.require(Action.AUDIT)
        events = ledger.events.list(
            kind=type_,
            scenario=scenario,
            actor=actor,
            since=_moment(since, time.min),
            until=_moment(until, time.max),
            limit=limit,
        )
        head = ledger.events.head()
    if json:
        emit_json({"events": [event.as_json() for event in events], "head": str(head)})
        return
    table = Table("event", "time, UTC", "actor", "type", "scenario", "what", **PLAIN)
    for event in events:
        what = sentence_of(event)
        cells = (f"{event.at:%Y-%m-%d %H:%M:%S}", event.actor, str(event.type), event.scenario or "", what)
        table.add_row(str(event.sequence), *(Text(cell) for cell in cells))
    results().print(table if events else "No events.")
    progress().print(f"Head {head}", markup=False)


@app.command
def export(*, output: Path, json: Json = False, home: Home = None) -> None:
    """Write every event to a file, and beside it the program that verifies it without PlanWise.

    Parameters
    ----------
    output
        File to write, one JSON object a line.

    """
    settings = settings_for(home)
    with open_ledger(settings) as ledger:
        ledger.require(Action.AUDIT)
        head = ledger.events.export(output)
    record_export(settings, output, "audit trail", events=head.events)
    program = output.with_name("verify_ledger.py")
    shutil.copyfile(verifier.__file__, program)
    if json:
        emit_json({"output": output, "verifier": program, "events": head.events, "head": head.hash})
        return
    progress().print(
        f"Wrote {counted(head.events, 'event')} to {output}, head {head}.", markup=False, soft_wrap=True
    )
    progress().print(f"Verify it anywhere: python3 {program} {output}", markup=False, soft_wrap=True)


EVERYTHING = AuditReportRequest()  # the options' defaults


@app.command
def report(
    request: Annotated[AuditReportRequest, Parameter(name="*")] = EVERYTHING,
    *,
    json: Json = False,
    home: Home = None,
) -> int:
    """Report counts, studies, approvals and the rules kept; exit with 1 when the trail is broken."""
    found = report_audit(settings_for(home), request)
    if json:
        emit_json(found.as_json() | {"output": request.output})
        return 0 if found.verification.ok else BROKEN
    counts = Table("type", Column("events", justify="right"), **PLAIN)
    for name, number in found.by_type.items():
        counts.add_row(name, f"{number:,}")
    studies, cycle = found.studies, found.approvals.mean_cycle_seconds
    rate = "" if studies.completion_rate is None else f" ({TERMINAL.percent(studies.completion_rate)})"
    time_of = "" if cycle is None else f", on average {TERMINAL.seconds(cycle)} after the submission"
    results().print(counts)
    results().print(f"Studies: {studies.started} started, {studies.completed} completed{rate}.")
    results().print(f"Proposals approved: {found.approvals.approved}{time_of}.")
    for rule in found.rules:
        cases = counted(rule.cases, "case")
        results().print(Text(f"{'kept  ' if rule.kept else 'broken'} {rule.name} ({cases})"))
    results().print(
        f"The audit trail is {'whole' if found.verification.ok else 'broken'}: {found.compliance}."
    )
    if request.output is not None:
        progress().print(f"Report: {request.output}", markup=False, soft_wrap=True)
    return 0 if found.verification.ok else BROKEN


def _moment(day: str | None, at: time) -> datetime | None:
    if day is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), at, tzinfo=UTC)
    except ValueError as error:
        raise InputError(f"{day!r} is not a date.", remedy="Write it as YYYY-MM-DD.") from error
