"""Gates of the use-cases: evaluated by `expectations`, stored in the ledger, shown with the run."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from planwise.app.runner import Runner
from planwise.gate import GateResult
from planwise.governance import open_ledger
from planwise.governance.publications import VALIDATIONS
from planwise.monitoring.gate_history import GateHistory, GateOf, StoredGate
from planwise.settings import Settings
from planwise.storage import write_json


def evaluate_gate(
    suite: str, frames: Mapping[str, pd.DataFrame | Iterable[pd.DataFrame]] | pd.DataFrame, **context: Any
) -> GateResult:
    """Evaluate a gate; the caller decides what follows from its result."""
    load_gate()
    from expectations import run_gate

    return run_gate(suite, frames, **context)


def load_gate() -> None:
    """Import the gates' dependencies, which takes seconds the first time."""
    import great_expectations.data_context.types.base

    logging.getLogger(great_expectations.data_context.types.base.__name__).setLevel(logging.WARNING)


def record_gate(
    settings: Settings,
    run: Runner,
    gate: GateResult,
    of: GateOf,
    subject: str,
    fingerprint: str = "",
    *,
    shown: bool = True,
) -> None:
    """Store a gate's result in the ledger, and publish its findings with the run, failures first."""
    with open_ledger(settings) as ledger:
        GateHistory(ledger.engine).record(gate, of, subject, fingerprint, at=ledger.clock(), by=ledger.actor)
    if not shown:
        return
    title = f"{gate.suite} gate of {subject}: {gate.status}, {gate.evaluated} expectations"
    run.table(f"gate-{gate.suite}-{key_of(subject)}", gate.as_table(), title)


def key_of(name: str) -> str:
    """Return a name in the form of an artifact key: lower case, digits, dashes."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in name.lower())


def write_validations(folder: Path, gate: GateResult) -> None:
    """Write Great Expectations' own result beside what the gate let pass."""
    write_json(folder / VALIDATIONS, gate.validations_json(), indent=1)


def list_gates(settings: Settings, *, limit: int | None = None) -> list[StoredGate]:
    """Return the results of gates that were recorded, newest first."""
    with open_ledger(settings) as ledger:
        return GateHistory(ledger.engine).list(limit=limit)


def prune_gates(settings: Settings, keep: int, *, dry_run: bool) -> int:
    """Delete all but the newest results of gates; return how many, or how many it would."""
    with open_ledger(settings) as ledger:
        return GateHistory(ledger.engine).prune(keep, dry_run=dry_run)
