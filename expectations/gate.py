"""Run a suite on frames and say what it found."""

from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any

import pandas as pd

from expectations.engine import evaluate
from expectations.suites import SUITES, Suite
from expectations.thresholds import Thresholds, thresholds_in_force
from planwise.errors import InputError, PlanWiseError
from planwise.gate import GateCheck, GateResult, require

__all__ = ["require", "run_gate"]


def run_gate(
    suite_name: str,
    frames: Mapping[str, pd.DataFrame] | pd.DataFrame,
    *,
    thresholds: Thresholds | None = None,
    **context: Any,
) -> GateResult:
    """Evaluate every expectation of a suite; the caller decides with `require` whether to go on.

    `frames` are the suite's tables by name, or the only one. `context` is what the suite asks for besides:
    census needs as_of, known_levels, valid_share and valid_rows_min_share; simulation and trial need nothing.
    Thresholds are those in force (PLANWISE_GATE_THRESHOLDS) unless given. The frames are not changed.
    Raises InputError for an unknown suite, a missing table or a wrong context, and PlanWiseError when the
    number of evaluated expectations differs from the declared one.
    """
    suite = _suite(suite_name)
    tables = _tables(suite, frames)
    _require_context(suite, context)
    started = perf_counter()
    rules = suite.declare(thresholds or thresholds_in_force(), context)
    prepared = suite.prepare(tables, **context)
    checks: dict[str, GateCheck] = {}
    for table in dict.fromkeys(rule.table for rule in rules):
        checks |= evaluate(table, prepared[table], [rule for rule in rules if rule.table == table])
    result = GateResult(suite=suite.name, results=tuple(checks[rule.name] for rule in rules), seconds=0.0)
    if result.evaluated != len(rules):
        raise PlanWiseError(
            f"The {suite.name} gate evaluated {result.evaluated} of {len(rules)} declared expectations.",
            remedy="Correct the suite; a result with expectations left out must not be used.",
        )
    return replace(result, seconds=round(perf_counter() - started, 6))


def _suite(name: str) -> Suite:
    if name not in SUITES:
        raise InputError(f"There is no gate {name!r}.", remedy=f"The gates are: {', '.join(SUITES)}.")
    return SUITES[name]


def _tables(suite: Suite, frames: Mapping[str, pd.DataFrame] | pd.DataFrame) -> dict[str, pd.DataFrame]:
    if isinstance(frames, pd.DataFrame):
        if len(suite.tables) != 1:
            raise InputError(
                f"The {suite.name} gate was given one frame without a name.",
                remedy=f"Pass {', '.join(suite.tables)} by name.",
            )
        return {suite.tables[0]: frames}
    missing = [name for name in suite.tables if name not in frames]
    if missing:
        raise InputError(
            f"The {suite.name} gate was not given {', '.join(missing)}.",
            remedy=f"Pass {', '.join(suite.tables)}.",
        )
    return {name: frames[name] for name in suite.tables}


def _require_context(suite: Suite, context: Mapping[str, Any]) -> None:
    if set(context) != set(suite.context):
        needs = ", ".join(suite.context) or "nothing besides its tables"
        raise InputError(
            f"The {suite.name} gate was given {', '.join(sorted(context)) or 'no context'}.",
            remedy=f"It needs {needs}.",
        )
