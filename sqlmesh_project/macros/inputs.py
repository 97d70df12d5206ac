"""Input of the project: the census by its content hash, parameters as rows of literals."""

import json

from sqlmesh import macro


@macro()
def census_table(evaluator, part):
    """Return the name of the loaded table that holds a census part (`census`, `levels`), keyed by content."""
    return f"raw.{part.name}_{evaluator.var('census_hash')}"


@macro()
def rates_table(evaluator, part):
    """Return the name of the loaded table of a part of the calibrated rates; empty without a calibration."""
    return f"raw.{part.name}_{evaluator.var('rates_key')}"


def _literal(value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float)):
        return repr(value)
    return str(value) if str(value).startswith("$") else "'" + str(value).replace("'", "''") + "'"


def _rows(rows: list[list], columns: list[str]) -> str:
    """Return a derived table of literals (`empty` keeps the columns when there are no rows)."""
    names = ", ".join(columns)
    if not rows:
        empty = ", ".join(f"NULL AS {c}" for c in columns)
        return f"(SELECT {names} FROM (SELECT {empty}) AS nothing WHERE 1 = 0)"
    values = ", ".join("(" + ", ".join(_literal(v) for v in row) + ")" for row in rows)
    return f"(SELECT {names} FROM (VALUES {values}) AS t({names}))"


@macro()
def hazard_multiplier_rows(evaluator):
    """Return hazard, dimension, lower and upper bound of a half-open band, and its multiplier."""
    rows = json.loads(evaluator.var("hazard_multipliers"))
    return _rows(rows, ["hazard", "dimension", "lower_bound", "upper_bound", "multiplier"])


@macro()
def merit_matrix_rows(evaluator):
    """Return one row per performance rating: its multiplier and the six of position in range."""
    columns = ["performance_rating", "performance_multiplier", "below_range"]
    columns += [f"quartile_{q}" for q in (1, 2, 3, 4)] + ["above_range"]
    rows = json.loads(evaluator.var("merit_matrix"))
    named = (zip(row, columns, strict=True) for row in rows)
    selects = ("SELECT " + ", ".join(f"{_literal(v)} AS {c}" for v, c in row) for row in named)
    return f"({' UNION ALL '.join(selects)})"  # rows of a VALUES could not read a preview's bindings


@macro()
def tenure_band_rows(evaluator):
    """Return the names of the bands of tenure."""
    return _rows([[name] for name, _ in json.loads(evaluator.var("tenure_bands"))], ["tenure_band"])


@macro()
def hire_level_share_rows(evaluator):
    """Return the configured share of hires by level; no rows when the observed profile is used."""
    rows = json.loads(evaluator.var("hire_level_shares"))
    if not rows and evaluator.var("engine") == "postgres":  # where a bare NULL is a text
        return "(SELECT CAST(NULL AS INT) AS level_id, CAST(NULL AS DOUBLE) AS share WHERE 1 = 0)"
    return _rows(rows, ["level_id", "share"])


@macro()
def cash_factor_rows(evaluator):
    """Return total cash and employer cost as multiples of base pay, by level."""
    return _rows(json.loads(evaluator.var("cash_factors")), ["cash_level", "cash_factor", "cost_factor"])


@macro()
def parameters_table(evaluator):
    """Return the name of the loaded table of the scenario's effective parameters, keyed by content."""
    return f"raw.parameters_{evaluator.var('parameters_key')}"
