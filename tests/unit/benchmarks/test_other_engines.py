"""The simulation in NumPy, pandas and polars is that of the reference, which counts persons one by one."""

import builtins

import pandas as pd
import pytest
from reference import marts
from reference.compare import simulate
from worlds import effective_for

from benchmarks import other_engines, repeat, suites
from benchmarks.engine_rules import Rules
from benchmarks.other_engines import ENGINES, MONEY, WHOLE, check_equal
from planwise.census import generate_census
from planwise.errors import CheckFailed, InputError
from planwise.settings import Settings

CASES = {
    "defaults": {"years": 3},
    "merit before promotion before COLA, market away from ranges": {
        "years": 2,
        "merit_date": "02-15",
        "promotion_date": "06-30",
        "cola_date": "11-01",
        "market_movement": -0.05,
        "promotion_raise_max": None,
        "range_maximum_cap": False,
        "range_adjustment": None,
    },
    "shrinking, turnover that answers to pay": {
        "years": 3,
        "headcount_growth": -0.35,
        "new_hire_termination_rate": 0.9,
        "turnover_pay_elasticity": 3.0,
        "cola_rate": 0.08,
        "merit_min_tenure_years": 2.5,
    },
    "chances clipped, shares of levels set": {
        "years": 2,
        "termination_rate": 0.8,
        "termination_multiplier_tenure_under_1": 20,
        "promotion_probability_level_1": 0.19,
        **{f"new_hire_level_share_{n}": share for n, share in enumerate((0.5, 0.3, 0.1, 0.1, 0.0), 1)},
    },
}


@pytest.fixture(scope="module")
def census(tmp_path_factory):
    return generate_census(Settings(home=tmp_path_factory.mktemp("home")), employees=250, seed=3)


@pytest.fixture(scope="module", params=CASES)
def case(request, census):
    """A scenario, and the figures of its years by the reference."""
    effective = effective_for(census, CASES[request.param])
    simulated = simulate(census, effective)
    growth = marts.growth(simulated)
    rows = growth[growth.simulation_year > 0].to_dict("records")
    for row in rows:
        people = simulated.rows[row["simulation_year"]]
        row["hires"] = sum(p["is_hire"] for p in people)
        row["terminations"] = sum(p["termination_date"] is not None for p in people)
        row["promotions"] = sum(p["promotion_date"] is not None for p in people)
    return effective, rows


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_gives_the_figures_of_the_reference(case, census, engine):
    effective, expected = case
    found = ENGINES[engine](Rules(census, effective))
    check_equal(engine, found, expected)
    assert len(found) == len(expected) and all(row["terminations"] > 0 for row in found)


@pytest.mark.parametrize("figure", [*WHOLE, *MONEY])
def test_another_figure_is_found(figure):
    row = dict.fromkeys((*WHOLE, *MONEY), 1_000_000.0)
    check_equal("numpy", [row], [row | {"simulation_year": 2026}])
    with pytest.raises(CheckFailed, match=f"numpy has {figure} .* in 2026"):
        check_equal("numpy", [row | {figure: 1_000_001.0}], [row | {"simulation_year": 2026}])


def test_rules_that_the_engines_lack_are_refused(census):
    with pytest.raises(InputError, match="individual_raise_max"):
        Rules(census, effective_for(census, {"years": 1, "individual_raise_max": 0.04}))


def test_without_polars_the_remedy_is_named(monkeypatch):
    real = builtins.__import__

    def imported(name, *rest):
        if name == "polars":
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", imported)
    with pytest.raises(InputError, match="polars is not installed"):
        other_engines._polars()


def test_the_suite_measures_each_engine_beside_the_sql(monkeypatch, tmp_path, census):
    """The product's part is a stub here: its figures are those of the reference's equal, NumPy."""

    class Stub:
        def __init__(self, settings, census):
            self.census = census

        def evaluate(self, effective):
            rows = ENGINES["numpy"](Rules(self.census, effective))
            years = [{"simulation_year": year} for year in effective.years]
            self.kpis = [row | year for row, year in zip(rows, years, strict=True)]
            return self

        def seconds(self, effective, *, dynamics):
            return pd.DataFrame({"a": range(100_000)}).sample(frac=1, random_state=1).sort_values("a").a.sum()

        def close(self):
            self.census = None

    monkeypatch.setattr(repeat, "REFERENCE_ROWS", 2_000)
    monkeypatch.setattr(suites, "RawSql", Stub)
    monkeypatch.setattr(suites, "Preview", Stub)
    measured = suites.measure("engines", suites.Subject(60), 2, lambda text: None)
    figures = measured.metrics()
    assert {f"{name}_to_raw_sql_ratio" for name in ENGINES} < figures.keys()
    assert all(figures[f"{name}_cpu_to_reference"] > 0 for name in (*ENGINES, "preview_dynamics"))
    shown = suites.report({"60": figures})
    assert all(f"{name}_to_raw_sql_ratio" in shown for name in ENGINES)
