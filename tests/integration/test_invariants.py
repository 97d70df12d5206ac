"""Invariants 1-8, 13, 15 and 17: ten thousand synthetic employees, a real payroll, worlds at the edge."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from invariants import INVARIANTS, violations
from real_data import payroll
from worlds import effective_for, employee, levels_frame, shared

from planwise.census import default_levels, generate_census, import_census
from planwise.engine.warehouse import Warehouse
from planwise.parameters import catalogue

MAPPING = Path(__file__).parents[2] / "docs" / "mappings" / "baltimore.yaml"


@pytest.fixture(scope="module")
def ten_thousand():
    """A real plan, five years: its audits have passed, or it would have raised."""
    census = generate_census(shared().settings, employees=10_000)
    effective = effective_for(census, {"cola_rate": 0.02})
    warehouse = Warehouse(":memory:", shared().settings)
    warehouse.plan("invariants", census, effective).apply()
    yield warehouse.frames("invariants"), effective
    warehouse.close()


@pytest.mark.parametrize("invariant", INVARIANTS)
def test_ten_thousand_employees(ten_thousand, invariant):
    frames, effective = ten_thousand

    assert INVARIANTS[invariant](frames, effective) == []


def test_i13_ranges_rise_and_bands_have_neither_gap_nor_overlap(ten_thousand):
    """Ranges and bands as declared; the audits prove them as used."""
    levels = default_levels().sort_values("level_id")
    for end in ("minimum", "maximum"):
        assert levels[end].is_monotonic_increasing and levels[end].is_unique
    for dimension in ("tenure", "age"):
        bands = list(catalogue().bands[dimension].values())
        assert bands[0].start == 0 and bands[-1].end is None
        assert [band.end for band in bands[:-1]] == [band.start for band in bands[1:]]
    frames, _ = ten_thousand
    census = frames["fct_workforce_snapshot"].query("simulation_year == 0")
    assert census.range_penetration.between(0, 1, inclusive="left").all()


def test_every_kind_of_event_occurred(ten_thousand):
    """A world without promotions or cuts would prove little."""
    frames, _ = ten_thousand
    assert set(frames["fct_yearly_events"].event_reason) == {
        "growth", "voluntary", "new_hire", "promotion", "COLA", "MERIT",
    }  # fmt: skip


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("fiscal_year", "parameters"), [(2015, {}), (2012, {"headcount_growth": -0.2, "years": 3})]
)
def test_baltimore(fiscal_year: int, parameters: dict[str, Any]):
    file = payroll(f"baltimore_fy{fiscal_year}.csv.gz")
    imported = import_census(shared().settings, file, mapping=MAPPING, as_of=date(fiscal_year, 6, 30))
    effective = effective_for(imported.census, parameters)
    result = shared().run(imported.census, effective)

    assert result.broken == {}
    assert violations(result.frames, effective) == {}
    assert effective.years[0] == fiscal_year + 1
    assert len(result.pay_equity) == 0  # the payroll knows neither gender nor ethnicity


FEW = [
    employee(i, base_pay=45_000 + 9_000 * n, level_id=1 + (n > 1) + (n > 4), fte=0.5 + (n % 2) / 2)
    for n, i in enumerate("ABCDEFG")
]
ONE = [employee()]
ONE_LEVEL = levels_frame([(3, 40_000, 60_000)])
IN_LEVEL_3 = [person | {"level_id": 3} for person in FEW]
ALL_AT_ONCE = {"years": 10, "headcount_growth": 1, "termination_rate": 1, "new_hire_termination_rate": 0.9}
EDGES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], pd.DataFrame | None]] = {
    "one employee": (ONE, {}, None),
    "one employee, all leave": (ONE, {"termination_rate": 1}, None),
    "growth -100 %": (FEW, {"headcount_growth": -1, "years": 3}, None),
    "growth -100 % in the second of three years": (FEW, {"headcount_growth@2027": -1, "years": 3}, None),
    "growth -50 %": (FEW, {"headcount_growth": -0.5}, None),
    "growth 0": (FEW, {"headcount_growth": 0}, None),
    "growth +100 %": (FEW, {"headcount_growth": 1}, None),
    "turnover 0": (FEW, {"termination_rate": 0}, None),
    "turnover 1": (FEW, {"termination_rate": 1}, None),
    "one level": (IN_LEVEL_3, {}, ONE_LEVEL),
    "shrinking with turnover 1 and cuts": (FEW, {"headcount_growth": -0.3, "termination_rate": 0.2}, None),
    "everything at once": (IN_LEVEL_3[:1], ALL_AT_ONCE, ONE_LEVEL),
    **{f"{years} years": (FEW, {"years": years}, None) for years in (1, 2, 4, 10)},
}


@pytest.mark.parametrize("edge", EDGES)
def test_i17_worlds_at_the_edge(edge: str):
    rows, parameters, levels = EDGES[edge]
    census = shared().census(rows, levels)
    effective = effective_for(census, parameters)
    result = shared().run(census, effective)

    assert result.broken == {}
    assert violations(result.frames, effective) == {}
    assert len(result.scenario_kpis) == len(effective.years)
