"""Cards of gates: how many expectations did not hold, gate by gate, and all of one gate."""

from collections.abc import Sequence
from html import escape
from typing import Any

import pandas as pd

from planwise.formatting import count, moment, shortened
from planwise.gate import text_of
from planwise.monitoring.gate_history import StoredCheck, StoredGate
from ui.components import html
from ui.components.card import GATE_TONES, Content, breakable
from ui.components.charts import BAD, GREY, NOTE_HEIGHT, TARGET, Series, bars, note
from ui.components.html import TableColumn

GATES_SHOWN = 24
NO_GATE = "No gate has run in this home yet."
SEVERITIES = (("critical", "Blocks", BAD), ("warning", "Warning", TARGET), ("info", "Information", GREY))
GATE_COLUMNS = (
    TableColumn("gate", "Gate"),
    TableColumn("at", "Time", moment, is_text=True, whole=True),
    TableColumn("suite", "Suite", is_text=True),
    TableColumn("of", "Of", is_text=True),
    TableColumn("subject", "Subject", is_text=True),
    TableColumn("status", "Status", lambda status: str(status).capitalize(), is_text=True),
    TableColumn("evaluated", "Evaluated", count),
    TableColumn("failed", "Not held", count),
    TableColumn("named", "Which", is_text=True),
)
CHECK_COLUMNS = (
    TableColumn("name", "Expectation", lambda name: breakable(str(name)), is_text=True),
    TableColumn("outcome", "Outcome", is_text=True),
    TableColumn("where", "Table and column", lambda where: breakable(str(where)), is_text=True),
    TableColumn("observed", "Observed", shortened, is_text=True),
    TableColumn("threshold", "Allowed", shortened, is_text=True),
    TableColumn("unexpected_rows", "Rows outside", count),
)
OUTCOMES = {"critical": "✕ failed, blocks", "warning": "! warning"}


def label_of(gate: StoredGate) -> str:
    """Return what a gate is called in the menu."""
    return f"#{gate.id} {gate.subject}, {gate.status}"


def history(gates: Sequence[StoredGate]) -> Content:
    """Return the gates with the number of expectations that did not hold, by severity."""
    rows = [
        {
            "gate": gate.id,
            "at": gate.at,
            "suite": gate.suite,
            "of": gate.of,
            "subject": gate.subject,
            "status": gate.status,
            "evaluated": gate.evaluated,
            "failed": len(gate.failed),
            "named": ", ".join(check.name for check in gate.failed),
        }
        for gate in gates
    ]
    frame = pd.DataFrame(rows, columns=[column.name for column in GATE_COLUMNS])
    last = list(gates[:GATES_SHOWN])[::-1]
    series = [
        Series(title, [_failed(gate, severity) for gate in last], [_hover(gate) for gate in last], color)
        for severity, title, color in SEVERITIES
    ]
    failed = any(gate.failed for gate in last)
    figure = note("Every expectation of every gate holds." if gates else NO_GATE, NOTE_HEIGHT)
    if failed:
        places = [f"#{gate.id}" for gate in last]
        figure = bars(places, series, y_format=",d", y_title="Expectations that did not hold", stacked=True)
    shown = f"the last {len(last)} of {len(gates)}" if len(gates) > len(last) else f"{len(gates)}"
    return Content(
        "Gate history",
        f"Expectations that did not hold by number of the gate, {shown} "
        f"{'gate' if len(gates) == 1 else 'gates'}",
        frame,
        GATE_COLUMNS,
        "gates.csv",
        figure,
    )


def _failed(gate: StoredGate, severity: str) -> int:
    return sum(check.severity == severity for check in gate.failed)


def _hover(gate: StoredGate) -> str:
    return f"{gate.suite} gate of {gate.subject}: {len(gate.failed)} of {gate.evaluated} did not hold"


def expectations(gate: StoredGate | None) -> Content:
    """Return the expectations of one gate, those that did not hold first."""
    checks = () if gate is None else sorted(gate.checks, key=lambda check: check.passed)
    frame = pd.DataFrame(
        [_check_row(check) for check in checks], columns=[*(c.name for c in CHECK_COLUMNS), "severity"]
    )
    if gate is None:
        text = f'<p class="quiet">{NO_GATE}</p>'
        return Content("Expectations", "Of one gate", frame, CHECK_COLUMNS, "gate.csv", table=text)
    held = gate.evaluated - len(gate.failed)
    chip = html.chip(gate.status.capitalize(), GATE_TONES[gate.status])
    facts = [moment(gate.at), f"by {gate.by}", f"{gate.of} {gate.subject}"]
    facts += [f"fingerprint {gate.fingerprint[:12]}"] if gate.fingerprint else []
    return Content(
        f"Expectations of gate #{gate.id}",
        f"{held} of {gate.evaluated} hold in the suite {gate.suite}; rows are counted, pay is not shown",
        frame,
        CHECK_COLUMNS,
        f"gate_{gate.id}.csv",
        lead=f'<p class="quiet">{chip} {escape(", ".join(facts))}</p>',
    )


def _check_row(check: StoredCheck) -> dict[str, Any]:
    passed = "✓ passed" if check.observed is not None or not check.reason else "– not known"
    return {
        "name": check.name,
        "outcome": passed if check.passed else OUTCOMES.get(check.severity, "noted"),
        "where": f"{check.table}.{check.column}".rstrip("."),
        "observed": text_of(check.observed, check.reason),
        "threshold": check.threshold,
        "unexpected_rows": check.unexpected_rows or 0,
        "severity": check.severity,
    }
