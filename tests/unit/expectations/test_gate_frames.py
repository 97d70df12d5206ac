"""Frames arrive from DuckDB or from Parquet; the gate gives the same answer on both."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import gate_worlds as worlds
import pandas as pd
import pytest

from expectations import run_gate
from expectations.rules import native

MONEY = ("pay", "payroll", "cost", "savings")
COUNTS = ("headcount", "hires", "terminations", "reductions", "promotions", "year", "level_id")


def typed(name: str, frame: pd.DataFrame) -> str:
    """Select the frame with the types of the marts: DECIMAL money, DATE days, BIGINT counts."""

    def column(name: str) -> str:
        if name.endswith("_date"):
            return f'"{name}"::DATE AS "{name}"'
        if name.endswith(MONEY):
            return f'"{name}"::DECIMAL(38,2) AS "{name}"'
        return f'"{name}"::BIGINT AS "{name}"' if name.endswith(COUNTS) else f'"{name}"'

    return f"SELECT {', '.join(map(column, frame.columns))} FROM {name}"


@pytest.mark.parametrize("headcounts", [(120, 120, 120), (1, 0, 0)])
@pytest.mark.parametrize("through", ["duckdb", "parquet"])
def test_the_engine_does_not_matter(headcounts: tuple[int, ...], through: str, tmp_path: Path) -> None:
    direct = worlds.marts(headcounts)
    direct["fct_scenario_kpis"].loc[0, "payroll"] = 0.0
    direct["fct_scenario_kpis"].loc[1, "hires"] = None
    arrived = {}
    with duckdb.connect() as connection:
        for name, frame in direct.items():
            connection.register(name, frame)
            relation = connection.sql(typed(name, frame))
            if through == "duckdb":
                arrived[name] = relation.df()
            else:
                relation.write_parquet(str(tmp_path / f"{name}.parquet"))
                arrived[name] = pd.read_parquet(tmp_path / f"{name}.parquet")

    expected, found = run_gate("simulation", direct), run_gate("simulation", arrived)

    failed = {check.expectation: check.observed for check in found.failed}
    assert failed == {check.expectation: check.observed for check in expected.failed}
    assert "kpi_figures_known" in failed
    assert ("payroll_per_head_positive" in failed) == (headcounts[1] > 0)


def test_decimals_and_dates_become_native_and_the_rest_stays() -> None:
    frame = pd.DataFrame(
        {
            "pay": [Decimal("1.25"), None],
            "day": [date(1925, 1, 2), None],
            "text": ["a", None],
            "mixed": [Decimal("1"), "one"],
            "none": [None, None],
        },
        index=[7, 9],
    )
    out = native(frame)
    assert list(out.index) == [0, 1]
    assert (out["pay"].dtype, out["pay"][0]) == (float, 1.25)
    assert out["day"][0] == pd.Timestamp(1925, 1, 2)
    assert out["day"].isna().tolist() == [False, True]
    assert out[["text", "mixed", "none"]].equals(frame[["text", "mixed", "none"]].reset_index(drop=True))
