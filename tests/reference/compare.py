"""Engine against reference, row by row and column by column."""

from collections import Counter
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from reference import marts
from reference.simulate import Simulation
from worlds import Result, shared

from planwise.census import Census, market_file
from planwise.parameters import EffectiveParameters
from planwise.parameters.calibrated_rates import read_rates

GRAINS = {
    "fct_yearly_events": ["event_id"],
    "fct_workforce_snapshot": ["simulation_year", "employee_id"],
    "fct_compensation_growth": ["simulation_year"],
    "fct_budget": ["simulation_year"],
    "fct_increase_budget": ["simulation_year", "attribute", "group"],
    "fct_increase_bridge": ["simulation_year", "attribute", "group", "part"],
    "fct_increases": ["simulation_year", "employee_id"],
    "fct_level_summary": ["simulation_year", "level_id"],
    "fct_market_position": ["simulation_year", "attribute", "group"],
    "fct_pay_equity": ["simulation_year", "attribute", "group"],
    "fct_scenario_kpis": ["simulation_year"],
}
# Everything is equal to the last bit but for the order of floating-point operations, except:
TOLERANCE = {
    "compa_ratio": 5.1e-7,  # stored with 6 decimals
    "range_penetration": 5.1e-7,
    "compa_ratio_before": 5.1e-7,
    "compa_ratio_after": 7.5e-7,  # from a midpoint within a cent
    "mean_compa_ratio": 5.1e-7,
    "market_ratio": 5.1e-7,
    "market_ratio_before": 5.1e-7,
    "market_ratio_after": 5.1e-7,
    "mean_market_ratio": 5.1e-7,
    "market_position": 5.1e-5,  # stored with 4 decimals
    "mean_market_position": 5.1e-5,
    "cv": 1e-6,  # from squares with 12 decimals
    "within_level_cv": 1e-6,
    "growth_prorated": 1e-8,  # from FTE-years with 8 decimals
    "raw_gap": 1e-9,
    "adjusted_gap": 1e-7,  # from weights with 6 decimals
    "adjusted_gap_max": 1e-7,
}
CENT = 0.01
TOLERANCE |= {"increase_cost_in_year": 1e-6}
TIED = ("prorated_pay", "prorated_payroll", "growth_prorated")


def simulate(census: Census, effective: EffectiveParameters) -> Simulation:
    people = pd.read_parquet(census.census_file).astype(object)
    people = people.where(people.notna(), None)
    levels = pd.read_parquet(census.levels_file).to_dict("records")
    key, rates, donors = effective.value("calibrated_rates"), [], []
    if key is not None:
        parts = read_rates(shared().settings, key)
        part = parts["exit_multipliers"].astype(object)
        rates = part.where(part.notna(), None).to_dict("records")
        donors = list(parts["drift_donors"].itertuples(index=False, name=None))
    file = market_file(census)
    market = [] if file is None else pq.read_table(file).to_pylist()
    return Simulation(people.to_dict("records"), levels, census.as_of, effective, rates, donors, market)


def differences(engine: Result, simulation: Simulation) -> list[str]:
    """Return what differs, in words; empty when every mart agrees."""
    ties, expected = _expected(simulation)
    frames = {mart: _settled(mart, engine.frames[mart], expected[mart], ties) for mart in GRAINS}
    found = []
    for mart, grain in GRAINS.items():
        found += _differences(mart, grain, frames[mart], expected[mart])
    return found


@lru_cache(maxsize=2)
def _expected(simulation: Simulation) -> tuple[set[tuple[int, str]], dict[str, pd.DataFrame]]:
    return marts.binary_ties(simulation), marts.all_marts(simulation)


def _settled(
    mart: str, engine: pd.DataFrame, expected: pd.DataFrame, ties: set[tuple[int, str]]
) -> pd.DataFrame:
    """Return the engine's mart with provable ties of prorated pay, and their sums, as expected."""
    if not ties or "simulation_year" not in engine:
        return engine
    grain = GRAINS[mart]
    merged = engine.merge(
        expected[grain + [c for c in TIED if c in expected]], on=grain, how="left", suffixes=("", "_")
    )
    for column in (c for c in TIED if c in engine):
        if column == "prorated_pay":
            tied = [key in ties for key in zip(merged.simulation_year, merged.employee_id, strict=True)]
            allowed = np.where(tied, CENT, 0)
        else:  # growth over the year before: the ties of both years may have gone down
            by_year = Counter(year for year, _ in ties)
            years = sorted(expected.simulation_year)
            before = dict(zip(years, [0, *years], strict=False))
            allowed = np.array(
                [CENT * (by_year[y] + by_year[before.get(y, y)]) for y in merged.simulation_year]
            )
            if column == "growth_prorated":
                allowed = allowed / 1e4  # a cent over the prorated payroll of anybody paid at all in the year
        near = (merged[column] - merged[f"{column}_"]).abs() <= allowed + 1e-9
        merged[column] = merged[column].where(~near, merged[f"{column}_"])
    return merged[engine.columns]


def _differences(mart: str, grain: list[str], engine: pd.DataFrame, reference: pd.DataFrame) -> list[str]:
    if not len(reference) or not len(engine):
        return (
            []
            if len(reference) == len(engine)
            else [f"{mart}: {len(engine)} rows, expected {len(reference)}"]
        )
    a, b = (f.set_index(grain).sort_index() for f in (engine, reference))
    if not a.index.is_unique or not b.index.is_unique or list(a.index) != list(b.index):
        missing, extra = b.index.difference(a.index), a.index.difference(b.index)
        return [
            f"{mart}: {len(missing)} rows missing {list(missing[:3])}, {len(extra)} extra {list(extra[:3])}"
        ]
    if set(a.columns) != set(b.columns):
        return [f"{mart}: columns differ: {sorted(set(a.columns) ^ set(b.columns))}"]
    return [text for column in a.columns if (text := _column(mart, column, a[column], b[column]))]


def _column(mart: str, column: str, engine: pd.Series, reference: pd.Series) -> str | None:
    if pd.api.types.is_numeric_dtype(engine):
        x, y = engine.astype(float).to_numpy(), reference.astype(float).to_numpy()
        off = TOLERANCE.get(column, 1e-9) * (
            1 if column in TOLERANCE else np.maximum(1, np.abs(np.nan_to_num(y)))
        )
        bad = ~((np.abs(x - y) <= off) | (np.isnan(x) & np.isnan(y)))
    else:
        x, y = (np.array([_plain(v) for v in s], dtype=object) for s in (engine, reference))
        bad = np.array([p != q for p, q in zip(x, y, strict=True)])
    if not bad.any():
        return None
    first = int(np.argmax(bad))
    return f"{mart}.{column}: {bad.sum()} rows differ, first {engine.index[first]}: {x[first]} not {y[first]}"


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    return pd.Timestamp(value).date() if isinstance(value, pd.Timestamp | date | np.datetime64) else value
