"""Every row of every mart, engine against an independent implementation in exact arithmetic."""

from datetime import date
from typing import Any

import pandas as pd
import pytest
from reference.compare import differences, simulate
from reference.rules import TENURE_BANDS
from worlds import effective_for, levels_frame, shared

from planwise.census import SyntheticOptions, default_levels
from planwise.census.synthetic import synthetic_rows
from planwise.parameters.calibrated_rates import store_rates

PERMUTED = {"merit_date": "02-15", "promotion_date": "06-30", "cola_date": "11-01"}
ONE_DAY = {"merit_date": "04-01", "promotion_date": "04-01", "cola_date": "04-01"}
MATRIX = {
    "merit_multiplier_quartile_below_range": 2.0,
    "merit_multiplier_quartile_1": 1.4,
    "merit_multiplier_quartile_2": 1.1,
    "merit_multiplier_quartile_3": 0.7,
    "merit_multiplier_quartile_4": 0.35,
    "merit_multiplier_quartile_above_range": 0.0,
}
SHARES = {f"new_hire_level_share_{level}": share for level, share in enumerate((0.5, 0.3, 0.1, 0.1, 0.0), 1)}
BY_YEAR = {
    "cola_rate@2027": 0.071,
    "merit_rate_level_3@2028": 0.0411,
    "headcount_growth@2027": -0.2,
    "headcount_growth@2028": 0.6,
    "termination_rate@2026": 0.333333,
    "market_movement@2027": -0.05,
    "range_adjustment@2028": 0.1,
    "hire_range_position": 0.97,
}
SKEWED = {
    "termination_rate": 0.8,
    "termination_multiplier_tenure_under_1": 20,
    "termination_multiplier_age_over_69": 19,
    "termination_multiplier_level_5": 0.01,
    "promotion_multiplier_tenure_1": 20,
    "promotion_probability_level_1": 0.19,
    "promotion_min_tenure_years": 0.25,
    "merit_min_tenure_years": 2.5,
}
CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "defaults": (1500, {}),
    "another seed": (500, {"seed": 7, "years": 3}),
    "merit before promotion before COLA": (500, {"years": 3, "seed": 3} | PERMUTED),
    "all raises on one day": (500, {"years": 3, "seed": 4} | ONE_DAY),
    "merit matrix, caps": (
        500,
        {
            "years": 3,
            "seed": 5,
            "individual_raise_max": 0.04,
            "range_maximum_cap": True,
            "range_adjustment": 0,
            "bonus_rate_level_2": 0.075,
            "employer_cost_rate_level_2": 0.223333,
            "employer_cost_rate_level_5": 0.31,
            "merit_groups": "department: Engineering=+0.5pp; Legal=x0.5",
            "awards": "location: Remote=7.1%; Headquarters=0",
            "cola_rate": 0.021,
        }
        | MATRIX,
    ),
    "levers and assumptions by year": (500, {"years": 4, "seed": 6} | BY_YEAR | SHARES),
    "skewed hazards, clipped": (500, {"years": 3, "seed": 8} | SKEWED),
    "turnover that answers to pay": (500, {"years": 4, "turnover_pay_elasticity": 3.0, "cola_rate": 0.08}),
    "exits that deviate from what is stated": (
        500,
        {
            "years": 3,
            "seed": 15,
            "exits_vary_by_tenure": 0.3,
            "exits_vary_by_level": 0.2,
            "exits_vary_by_department": 0.4,
        },
    ),
    "shrinking": (500, {"years": 3, "headcount_growth": -0.35, "new_hire_termination_rate": 0.9}),
}


@pytest.mark.parametrize("case", CASES)
def test_synthetic_census(case: str) -> None:
    employees, parameters = CASES[case]
    rows = synthetic_rows(employees, 42, SyntheticOptions())

    assert compare(rows, default_levels(), date(2025, 12, 31), parameters) == []


def test_calibrated_rates_of_departments_titles_and_one_departments_tenure() -> None:
    rows = synthetic_rows(500, 21, SyntheticOptions())
    large, title = rows.department.value_counts().index[0], rows.job_title.value_counts().index[0]
    found = [
        *(
            ("department", name, None, None, 0.5 + n / 4)
            for n, name in enumerate(sorted(set(rows.department)))
        ),
        ("job_title", title, None, None, 1.75),
        ("department_tenure", large, 0, 3, 2.125),
        ("department_tenure", large, 10, None, 0.333333),
    ]
    part = pd.DataFrame(found, columns=["dimension", "key", "lower_bound", "upper_bound", "multiplier"])
    stored = {"exit_multipliers": part.assign(heads=1, events=1)}
    key, _ = (store_rates(engine.settings, stored) for engine in (shared(), shared(literal=True)))
    years = {"years": 3, "seed": 13, "calibrated_rates": key, "termination_rate@2028": 0.2}

    assert compare(rows, default_levels(), date(2025, 12, 31), years) == []


def test_drift_of_groups_levels_and_years() -> None:
    """Donors of two departments and of everyone else: some cells have thirty, others are coarser."""
    rows = synthetic_rows(400, 33, SyntheticOptions())
    bands = [name for _, name in TENURE_BANDS]
    found = [
        (group, bands[n % len(bands)], 1 + n % 5, round(-0.031 + 0.0007 * ((n * 37) % 97), 6))
        for group, many in (("department: Engineering", 400), ("department: Sales", 40), ("", 900))
        for n in range(many)
    ]
    part = pd.DataFrame(found, columns=["award_group", "tenure_band", "level_id", "drift"])
    key, _ = (store_rates(one.settings, {"drift_donors": part}) for one in (shared(), shared(literal=True)))
    drifting = {
        "calibrated_rates": key,
        "awards@2027": "department: Engineering=0.031",
        "cola_rate": 0.013,
        "drift_shift_level_2": -0.0042,
        "drift_groups": "department: Sales=x1.37; Legal=-0.2pp",
        "drift_varies_by_group": 0.006,
        "cola_date": "05-01",
        "years": 3,
        "seed": 14,
    }
    assert compare(rows, default_levels(), date(2025, 12, 31), drifting) == []


def test_a_matched_market_survey_with_gaps_and_titles_without_wages() -> None:
    """A third of the titles has no match, the others lack a percentile in the middle, at an end, or none."""
    rows = synthetic_rows(500, 13, SyntheticOptions())
    market = []
    for n, title in enumerate(sorted(set(rows.job_title))):
        wages = {f"p{p}": 40_000.0 + 1_000 * n + 800.55 * p for p in (10, 25, 50, 75, 90)}
        missing = (("p25",), ("p10", "p90"), ())[n % 3 - 1]
        entry = {"name": title, "status": ("linked", "linked", "review")[n % 3], "matched_id": str(n)}
        market.append(entry | wages | dict.fromkeys(missing))
    market[0]["p50"] = None  # no wages
    parameters = {"years": 3, "seed": 14, "market_movement@2027": 0.051234, "cola_rate": 0.02}

    assert compare(rows, default_levels(), date(2025, 12, 31), parameters, market) == []


def test_census_with_some_facts_missing() -> None:
    """One birth date in three and one gender in four are unknown, ratings differ, every FTE there is."""
    rows = synthetic_rows(500, 9, SyntheticOptions())
    rows["birth_date"] = rows.birth_date.astype(object).where(rows.index % 3 != 0, None)
    rows["gender"] = rows.gender.where(rows.index % 4 != 0, None)
    rows["fte"] = [0.1 + (n % 10) / 10 for n in range(len(rows))]

    assert compare(rows, default_levels(), date(2025, 12, 31), {"years": 2, "seed": 12}) == []


def test_census_with_little_known_three_levels_in_mid_year_through_a_leap_year() -> None:
    rows = synthetic_rows(400, 11, SyntheticOptions(as_of=date(2022, 9, 14)))
    rows = rows[rows.level_id.between(1, 3)].assign(level_id=lambda f: f.level_id + 1)
    rows = rows.assign(birth_date=None, gender=None, performance_rating=3, fte=0.3333)
    levels = levels_frame(((2, 30_000.01, 71_000.33), (3, 71_000.33, 99_999.99), (4, 99_999.99, 150_000)))

    assert compare(rows, levels, date(2022, 9, 14), {"years": 4, "cola_rate": 0.033333}) == []


def compare(
    rows: pd.DataFrame,
    levels: pd.DataFrame,
    as_of: date,
    parameters: dict[str, Any],
    market: list[dict[str, Any]] | None = None,
) -> list[str]:
    engine = shared(literal=True)
    census = engine.census(rows, levels, as_of, market)
    effective = effective_for(census, parameters)
    result = engine.run(census, effective)
    assert result.broken == {}
    return differences(result, simulate(census, effective))
