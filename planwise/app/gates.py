"""Gates of the use-cases: evaluated by `expectations`, shown with the run."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from planwise.app.runner import Runner
from planwise.gate import GateResult


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


def show_gate(run: Runner, subject: str, gate: GateResult) -> None:
    """Publish a gate's findings with the run, failures first."""
    title = f"{gate.suite} gate of {subject}: {gate.status}, {gate.evaluated} expectations"
    run.table(f"gate-{gate.suite}-{key_of(subject)}", gate.as_table(), title)


def key_of(name: str) -> str:
    """Return a name in the form of an artifact key: lower case, digits, dashes."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in name.lower())
