"""Frames as the suites expect them: money and dates in native types, and columns that rules are asked on."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd

# What identifies a row to the reader of a sample.
KEYS: dict[str, tuple[str, ...]] = {
    "census": ("employee_id",),
    "import": ("valid_share",),
    "optional": ("attribute",),
    "fct_scenario_kpis": ("simulation_year", "opening_headcount", "headcount"),
    "fct_workforce_snapshot": ("simulation_year", "employee_id"),
    "fct_yearly_events": ("event_id", "employee_id", "event_type", "simulation_year"),
    "fct_compensation_growth": ("simulation_year", "headcount"),
    "fct_budget": ("simulation_year",),
    "fct_level_summary": ("simulation_year", "level_id", "headcount"),
    "fct_pay_equity": ("simulation_year", "attribute", "group", "headcount"),
    "year_coverage": ("mart",),
    "pay_drift": ("simulation_year", "population"),
}


def native(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a shallow copy with a fresh index, Decimal as float and date as datetime64.

    DuckDB's own frames need nothing; frames read from Parquet hold Python objects. Other objects stay as they
    are, so that a rule that cannot be asked of them says so.
    """
    out = frame.reset_index(drop=True)
    for name in out.select_dtypes("object").columns:
        known = out[name].dropna()
        kinds = set(map(type, known))
        if kinds and kinds <= {Decimal, int, float}:
            out[name] = out[name].astype(float)
        elif kinds == {date}:
            out[name] = out[name].astype("datetime64[us]")
    return out


def naming(frame: pd.DataFrame, columns: Iterable[str], is_bad: pd.DataFrame | None = None) -> pd.Series:
    """Name, per row, the columns that are bad (null, unless a frame of flags says otherwise), or None."""
    present = [name for name in columns if name in frame.columns]
    flags = (frame[present].isna() if is_bad is None else is_bad[present]).fillna(False).to_numpy(dtype=bool)
    names = np.array(present, dtype=object)
    listed = [", ".join(names[row]) or None for row in flags] if flags.any() else [None] * len(frame)
    return pd.Series(listed, index=frame.index, dtype=object)


def negative(frame: pd.DataFrame, columns: Iterable[str]) -> pd.Series:
    """Name, per row, the columns below zero."""
    present = [name for name in columns if name in frame.columns]
    return naming(frame, present, frame[present] < 0)


def ratio(numerator: pd.Series, denominator: pd.Series) -> pd.Series:
    """Divide where the denominator is above zero; missing elsewhere."""
    base = denominator.astype(float)
    return numerator.astype(float) / base.where(base > 0)


def has(frame: pd.DataFrame, *columns: str) -> bool:
    """Whether all the columns are there; a rule on a column that cannot be derived says it is missing."""
    return set(columns) <= set(frame.columns)
