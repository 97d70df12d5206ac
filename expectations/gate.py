"""Evaluate a suite and return the gate's result."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from expectations.rules import (
    KEYS,
    Between,
    Columns,
    InSet,
    NotMatching,
    Null,
    RowCount,
    Rule,
    Suite,
    Table,
    Unique,
)
from expectations.suites import SUITES
from expectations.thresholds import Thresholds, thresholds_in_force
from planwise.errors import InputError, PlanWiseError
from planwise.gate import SAMPLE_ROWS, GateCheck, GateResult, require
from planwise.masking import mask_values


def plain(value: Any) -> bool | int | float | str | None:
    """Return a JSON value: missing and not-a-number become None, infinities and everything unknown text."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64):
        value = value.item()
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime | np.datetime64):
        return pd.Timestamp(value).isoformat().removesuffix("T00:00:00")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, bool | int | str) else str(value)


_one_at_a_time = Lock()
NOT_EVALUATED = "not evaluated"
OFFENDING_ROWS = "partial_unexpected_index_list"
# Where Great Expectations quotes values of rows.
VALUES = frozenset(
    {"partial_unexpected_list", "partial_unexpected_counts", "unexpected_list", "unexpected_index_list",
     "unexpected_index_query"}
)  # fmt: skip


Validation = dict[str, Any]
"""Great Expectations' own result on one table or a part of it, as JSON."""


def evaluate(
    table: str, rows: Table, rules: list[Rule]
) -> tuple[dict[str, GateCheck], tuple[Validation, ...]]:
    """Evaluate the rules of one table on its frame, or on its parts in turn.

    Returns the checks by rule name, and the validations as they come. Raises PlanWiseError when Great
    Expectations evaluated another number of expectations than declared, which it does silently for duplicates
    and for classes it does not know.
    """
    checks: dict[str, GateCheck] = {}
    validations: list[Validation] = []
    for part in (rows,) if isinstance(rows, pd.DataFrame) else rows:
        found, validation = _evaluate_part(table, part, rules)
        checks = {r.name: _merged(r, checks[r.name], found[r.name]) for r in rules} if checks else found
        validations.append(validation)
    return checks, tuple(validations)


def _evaluate_part(
    table: str, frame: pd.DataFrame, rules: list[Rule]
) -> tuple[dict[str, GateCheck], Validation]:
    suite = _suite(table, rules)
    frame = _with_limited_columns(frame, rules)
    keys = [key for key in KEYS[table] if key in frame.columns]
    wanted: dict[str, Any] = {"result_format": "SUMMARY", "partial_unexpected_count": SAMPLE_ROWS}
    if keys:
        wanted["unexpected_index_column_names"] = keys
    with _one_at_a_time:
        batch = _batch_definition().get_batch({"dataframe": frame})
        validated = batch.validate(suite, result_format=wanted)
    found = validated.results
    by_name = {result.expectation_config.meta["rule"]: result for result in found}
    if len(by_name) != len(rules) or len(found) != len(rules):
        missing = sorted({rule.name for rule in rules} - by_name.keys())
        raise PlanWiseError(
            f"{len(found)} of {len(rules)} declared expectations on {table} were evaluated; "
            f"missing: {', '.join(missing)}.",
            remedy="Two rules are the same, or Great Expectations does not know one: correct the suite.",
        )
    checks = {rule.name: _check(rule, frame, by_name[rule.name]) for rule in rules}
    return checks, _without_values(validated.to_json_dict(), {rule.name: rule for rule in rules})


def _without_values(validation: Validation, rules: Mapping[str, Rule]) -> Validation:
    """Return a validation that names offending rows by their keys, and has no value and no traceback."""
    for result in validation["results"]:
        rule = rules[result["expectation_config"]["meta"]["rule"]]
        found = {name: value for name, value in result["result"].items() if name not in VALUES}
        if rows := found.pop(OFFENDING_ROWS, None):
            found[OFFENDING_ROWS] = [_keys(row, rule) for row in rows[:SAMPLE_ROWS]]
        result["result"] = found
        failure = _failure(result["exception_info"])
        result["exception_info"] = {"raised_exception": failure is not None, "exception_message": failure}
    return validation


def _keys(row: dict[str, Any] | int, rule: Rule) -> dict[str, Any]:
    """Return what identifies a row; without any key column there is only its number."""
    if isinstance(row, int):
        return {"row": row}
    return {key: plain(value) for key, value in row.items() if key != str(rule.checked_column())}


def _merged(rule: Rule, one: GateCheck, other: GateCheck) -> GateCheck:
    """Return the check of two parts of a table; uniqueness and the number of rows need the whole table."""
    assert not isinstance(rule.check, Unique | RowCount), f"{rule.name} cannot be checked in parts"
    for part in (one, other):
        if str(part.observed).startswith(NOT_EVALUATED) or isinstance(rule.check, Columns):
            return part
    evaluated = (one.evaluated_rows or 0) + (other.evaluated_rows or 0)
    unexpected = (one.unexpected_rows or 0) + (other.unexpected_rows or 0)
    sample = (*one.sample, *other.sample)[:SAMPLE_ROWS]
    observed: Any = unexpected
    if rule.mostly < 1:
        observed = round(1 - unexpected / evaluated, 6) if evaluated else None
    elif isinstance(rule.check, Between) and rule.shows_range:
        ends = [end for part in (one, other) for end in part.observed or ()]
        observed = [min(ends), max(ends)] if ends else None
    elif isinstance(rule.check, InSet):
        observed = list(dict.fromkeys(row[str(rule.column)] for row in sample))
    return replace(
        one,
        success=unexpected == 0 or (evaluated - unexpected) / evaluated >= rule.mostly,
        observed=observed,
        evaluated_rows=evaluated,
        unexpected_rows=unexpected,
        sample=sample,
    )


def _with_limited_columns(frame: pd.DataFrame, rules: list[Rule]) -> pd.DataFrame:
    """Add a limited column for each rule with a condition (row conditions cost milliseconds each)."""
    limited = {str(rule.checked_column()): rule.limited(frame) for rule in rules if rule.where}
    return frame.assign(**{name: values for name, values in limited.items() if values is not None})


@lru_cache(maxsize=1)
def _batch_definition() -> Any:
    import great_expectations as gx

    context: Any = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")


def _suite(table: str, rules: list[Rule]) -> Any:
    import great_expectations as gx

    return gx.ExpectationSuite(name=table, expectations=[_expectation(rule) for rule in rules])


def _expectation(rule: Rule) -> Any:
    from great_expectations import expectations

    gxe: Any = expectations

    common: dict[str, Any] = {"severity": rule.severity, "meta": {"rule": rule.name}}
    column = {**common, "column": rule.checked_column(), "mostly": rule.mostly}
    match rule.check:
        case Between(minimum, maximum, above):
            return gxe.ExpectColumnValuesToBeBetween(
                min_value=minimum, max_value=maximum, strict_min=above, **column
            )
        case InSet(values):
            return gxe.ExpectColumnValuesToBeInSet(value_set=list(values), **column)
        case Null():
            return gxe.ExpectColumnValuesToBeNull(**column)
        case Unique():
            return gxe.ExpectColumnValuesToBeUnique(**column)
        case NotMatching(regex):
            return gxe.ExpectColumnValuesToNotMatchRegex(regex=regex, **column)
        case RowCount(minimum):
            return gxe.ExpectTableRowCountToBeBetween(min_value=minimum, **common)
        case Columns(names):
            return gxe.ExpectTableColumnsToMatchSet(column_set=list(names), exact_match=False, **common)


def _check(rule: Rule, frame: pd.DataFrame, found: Any) -> GateCheck:
    """Turn a result into a check; one that could not be evaluated counts as critical."""
    failure = _failure(found.exception_info)
    result = found.result
    offending = result.get(OFFENDING_ROWS) or []
    return GateCheck(
        expectation=rule.name,
        description=rule.description,
        table=rule.table,
        column=rule.column,
        severity="critical" if failure else rule.severity,
        success=bool(found.success),
        observed=failure or _observed(rule, frame, result),
        threshold=rule.threshold(),
        evaluated_rows=_evaluated(rule, result),
        unexpected_rows=result.get("unexpected_count"),
        sample=tuple(_sampled(row, rule) for row in offending[:SAMPLE_ROWS]),
        remedy=rule.remedy,
        reason=_reason(rule, frame),
    )


def _reason(rule: Rule, frame: pd.DataFrame) -> str:
    """Return why there was nothing to be judged: what the table says, or that no row meets the condition."""
    checked = rule.checked_column()
    if checked not in frame.columns or not len(frame) or frame[checked].notna().any():
        return ""
    if "reason" in frame.columns and (reasons := [reason for reason in frame["reason"].unique() if reason]):
        return ", ".join(reasons)
    return rule.unmet() if rule.where else ""


def _sampled(row: dict[str, Any] | int, rule: Rule) -> dict[str, Any]:
    """Put the keys first and the offending value, where it may be shown, last: as the declared column."""
    if isinstance(row, int) or not rule.shows_values:
        return _keys(row, rule)
    return {**_keys(row, rule), str(rule.column): plain(row[str(rule.checked_column())])}


def _evaluated(rule: Rule, result: dict[str, Any]) -> int | None:
    """Count the rows that were judged: those with a value, unless missing values are what is checked."""
    rows: int | None = result.get("element_count")
    return (
        rows if rows is None or isinstance(rule.check, Null) else rows - int(result.get("missing_count", 0))
    )


def _failure(information: Mapping[str, Any] | None) -> str | None:
    """Return why an expectation could not be evaluated, its figures masked; None when it was."""
    information = information or {}
    entries = [information] if "raised_exception" in information else list(information.values())
    messages = [entry["exception_message"] for entry in entries if entry.get("raised_exception")]
    return f"{NOT_EVALUATED}: {mask_values(messages[0])}" if messages else None


def _observed(rule: Rule, frame: pd.DataFrame, result: dict[str, Any]) -> Any:
    if isinstance(rule.check, RowCount):
        return len(frame)
    if isinstance(rule.check, Columns):
        return [f"without {name}" for name in rule.check.names if name not in frame.columns]
    if rule.mostly < 1:
        rows, missing = result["element_count"], result.get("missing_count", 0)
        return round(1 - result["unexpected_count"] / (rows - missing), 6) if rows > missing else None
    if isinstance(rule.check, Between) and rule.shows_range:
        values = frame[rule.checked_column()].dropna()
        return [plain(values.min()), plain(values.max())] if len(values) else None
    if isinstance(rule.check, InSet):
        return [plain(value) for value in dict.fromkeys(result["partial_unexpected_list"])]
    return result["unexpected_count"]


__all__ = ["require", "run_gate"]


def run_gate(
    suite_name: str,
    frames: Mapping[str, Table] | pd.DataFrame,
    *,
    thresholds: Thresholds | None = None,
    **context: Any,
) -> GateResult:
    """Evaluate every expectation of a suite; the caller decides with `require` whether to go on.

    `frames` are the suite's tables by name, or the only one; those with a row per person may come in parts of
    whole years, so that only one is in memory. `context` is the suite's further input:
    census needs as_of, known_levels, valid_share and valid_rows_min_share; simulation may have the `release`
    in force (a ReleaseProfile), against which drift is measured; trial needs nothing.
    Thresholds are those in force (PLANWISE_GATE_THRESHOLDS) unless given. The frames are not changed.
    Raises InputError for an unknown suite, a missing table or a wrong context, and PlanWiseError when the
    number of evaluated expectations differs from the declared one.
    """
    suite = _load_suite(suite_name)
    tables = _tables(suite, frames)
    _require_context(suite, context)
    started = perf_counter()
    rules = suite.declare(thresholds or thresholds_in_force(), context)
    prepared = suite.prepare(tables, **context)
    checks: dict[str, GateCheck] = {}
    validations: list[Validation] = []
    for table in dict.fromkeys(rule.table for rule in rules):
        found, of_table = evaluate(table, prepared[table], [rule for rule in rules if rule.table == table])
        checks |= found
        validations.extend(of_table)
    ordered = tuple(checks[rule.name] for rule in rules)
    result = GateResult(suite=suite.name, results=ordered, seconds=0.0, validations=tuple(validations))
    if result.evaluated != len(rules):
        raise PlanWiseError(
            f"The {suite.name} gate evaluated {result.evaluated} of {len(rules)} declared expectations.",
            remedy="Correct the suite; a result with expectations left out must not be used.",
        )
    return replace(result, seconds=round(perf_counter() - started, 6))


def _load_suite(name: str) -> Suite:
    if name not in SUITES:
        raise InputError(f"Unknown gate {name!r}.", remedy=f"Gates: {', '.join(SUITES)}.")
    return SUITES[name]


def _tables(suite: Suite, frames: Mapping[str, Table] | pd.DataFrame) -> dict[str, Table]:
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
    if set(context) - set(suite.optional) != set(suite.context):
        needs = ", ".join(suite.context) or "nothing besides its tables"
        raise InputError(
            f"The {suite.name} gate was given {', '.join(sorted(context)) or 'no context'}.",
            remedy=f"It needs {needs}.",
        )
