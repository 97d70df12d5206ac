"""Small valid worlds for the gates: one census, and the marts of some years that grow by 3 %."""

from datetime import date

import numpy as np
import pandas as pd

AS_OF = date(2025, 12, 31)
CENSUS_CONTEXT = {
    "as_of": AS_OF,
    "known_levels": (1, 2, 3, 4, 5),
    "valid_share": 1.0,
    "valid_rows_min_share": 0.999,
}


def census(people: int = 20) -> pd.DataFrame:
    ids = range(people)
    return pd.DataFrame(
        {
            "employee_id": [f"E{i:05d}" for i in ids],
            "hire_date": pd.to_datetime([date(2015 + i % 10, 3, 1) for i in ids]),
            "base_pay": [50_000.0 + 1_000 * i for i in ids],
            "job_title": "Analyst",
            "department": "Finance",
            "level_id": [1 + i % 5 for i in ids],
            "birth_date": pd.to_datetime([date(1980 + i % 10, 6, 1) for i in ids]),
            "gender": ["F" if i % 2 else "M" for i in ids],
            "ethnicity": "unknown to the file",
            "performance_rating": 3,
            "fte": 1.0,
        }
    )


def kpis(headcounts: tuple[int, ...] = (1000, 1000, 1000), growth: float = 0.03) -> pd.DataFrame:
    """`headcounts` starts with the census; years without people have null means, as in the marts."""
    opening, closing = np.array(headcounts[:-1]), np.array(headcounts[1:])
    leavers = np.maximum(opening // 10, opening - closing)
    hires = closing - (opening - leavers)
    mean = 80_000.0 * (1 + growth) ** np.arange(1, len(headcounts))
    frame = pd.DataFrame(
        {
            "simulation_year": range(2026, 2026 + len(closing)),
            "headcount": closing,
            "opening_headcount": opening,
            "hires": hires,
            "terminations": leavers,
            "experienced_terminations": leavers,
            "new_hire_terminations": 0,
            "reductions": 0,
            "promotions": opening // 12,
            "mean_base_pay": mean,
            "median_base_pay": mean,
            "payroll": mean * closing,
            "prorated_payroll": mean * closing,
            "growth_all": growth,
            "growth_continuing": 0.06,
            "growth_prorated": growth,
            "growth_compound": growth,
            "cola_cost": 2_000.0 * opening,
            "drift_cost": 0.0 * opening,
            "drift_rate": 0.0 * opening,
            "merit_cost": 2_500.0 * opening,
            "promotion_cost": 500.0 * opening,
            "hire_cost": 70_000.0 * hires,
            "exit_savings": 80_000.0 * leavers,
            "lump_sum_cost": 0.0,
            "within_level_cv": 0.2,
            "adjusted_gap_max": 0.03,
            "adjusted_gap_reason": None,
            "median_gap": 0.05,
            "median_gap_reason": None,
            "mean_compa_ratio": 1.0,
            "market_people": 0,
            "market_share": 0.0,
            "mean_market_ratio": None,
            "mean_market_position": None,
            "market_reason": "no_survey",
            "below_minimum": 0,
            "above_maximum": 0,
            "raise_min": 0.025,
            "raise_max": 0.15,
            "termination_rate": leavers / np.maximum(opening, 1),
            "promotion_rate": 1 / 12,
            "promotion_raise_mean": 0.09,
            "promotion_raise_largest": 0.15,
            "promoted_below_range": 0,
        }
    )
    for kind in ("exits", "cola", "drift", "merit", "promotion", "hires"):
        frame[f"bridge_{kind}"] = growth / 6
    frame["payroll_change"] = frame["payroll"] - np.concatenate(
        [[80_000.0 * headcounts[0]], frame["payroll"][:-1]]
    )
    payroll_before = np.concatenate([[80_000.0 * headcounts[0]], frame["payroll"][:-1]])
    frame["opening_payroll"] = payroll_before
    frame["increase_cost"] = frame["cola_cost"] + frame["merit_cost"]
    frame["increase_cost_in_year"] = frame["cola_cost"] + frame["merit_cost"] / 2
    for name, cost in (
        ("increase_rate", "increase_cost"),
        ("increase_share_of_opening_payroll", "increase_cost"),
        ("promotion_rate_of_payroll", "promotion_cost"),
    ):
        frame[name] = frame[cost] / np.where(opening > 0, payroll_before, np.nan)
    frame["total_cash"] = frame["employer_cost"] = frame["payroll"]
    frame["turnover_total"] = 2 * leavers / np.maximum(opening + closing, 1)
    frame["turnover_voluntary"] = leavers / np.maximum(opening, 1)
    frame["turnover_first_year"] = 0.0
    means = [
        c
        for c in frame
        if c.startswith(("mean_", "median_", "growth_", "bridge_", "within_", "adjusted_gap_max", "raise_"))
    ]
    frame.loc[frame["headcount"] == 0, means] = np.nan
    frame.loc[frame["opening_headcount"] == 0, ["termination_rate", "promotion_rate", "growth_all"]] = np.nan
    return frame


def snapshot(headcounts: tuple[int, ...]) -> pd.DataFrame:
    years = [0, *range(2026, 2025 + len(headcounts))]
    rows = [(year, i) for year, people in zip(years, headcounts, strict=True) for i in range(people)]
    year, i = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    pay = (60_000.0 + 40_000.0 * (i % 100) / 100) * 1.03 ** np.maximum(year - 2025, 0)
    return pd.DataFrame(
        {
            "simulation_year": year,
            "employee_id": [f"E{k:05d}" for k in i],
            "employment_status": "continuous_active",
            "level_id": 1 + i % 5,
            "job_title": "Analyst",
            "department": "Finance",
            "gender": None,
            "hire_date": pd.Timestamp("2020-01-01"),
            "termination_date": pd.NaT,
            "age": 40.0,
            "tenure_years": 5.0,
            "fte": 1.0,
            "performance_rating": 3,
            "opening_base_pay": pay,
            "base_pay": pay,
            "prorated_pay": pay,
            "market_reference": pay,
            "market_ratio": None,
            "market_position": None,
            "market_reason": "no_survey",
            "compa_ratio": 1.0,
            "range_penetration": 0.5,
            "range_minimum": pay * 0.8,
            "range_maximum": pay * 1.2,
        }
    )


def events(years: list[int], people: int) -> pd.DataFrame:
    kinds = [
        ("HIRE", "growth"),
        ("TERMINATION", "voluntary"),
        ("PROMOTION", "promotion"),
        ("RAISE", "COLA"),
        ("RAISE", "MERIT"),
    ]
    rows = [
        {
            "event_id": f"{year}-{reason}-{i}",
            "employee_id": f"E{i:05d}",
            "simulation_year": year,
            "event_type": kind,
            "event_reason": reason,
            "effective_date": pd.Timestamp(year, 1, 1),
            "event_sequence": 1,
            "level_id": 1,
            "previous_level_id": 1,
            "compensation_amount": None if kind == "TERMINATION" else 80_000.0,
            "previous_compensation": 78_000.0,
            "applied_rate": 0.025,
            "probability": 0.1,
            "draw": 0.05,
        }
        for year in years
        for kind, reason in kinds
        for i in range(min(people, 20))
    ]
    return pd.DataFrame(rows).astype({"compensation_amount": float})


def marts(headcounts: tuple[int, ...] = (1000, 1000, 1000), growth: float = 0.03) -> dict[str, pd.DataFrame]:
    table = kpis(headcounts, growth)
    baseline = pd.DataFrame([{"simulation_year": 0, "headcount": headcounts[0], "mean_base_pay": 80_000.0}])
    yearly = ["simulation_year", "headcount", "mean_base_pay", "payroll", "prorated_payroll", "growth_all"]
    yearly += ["growth_continuing", "growth_prorated", *(c for c in table if c.startswith("bridge_"))]
    baseline["payroll"] = baseline["prorated_payroll"] = 80_000.0 * headcounts[0]
    raises = [
        "simulation_year", "opening_payroll", "increase_rate", "increase_cost", "increase_cost_in_year",
        "increase_share_of_opening_payroll", "cola_cost", "merit_cost", "lump_sum_cost", "promotion_cost",
        "promotion_rate_of_payroll",
    ]  # fmt: skip
    costs = [*raises, "drift_cost", "drift_rate", "hire_cost", "exit_savings", "total_cash", "employer_cost"]
    costs += ["payroll_change"]
    counts = {"headcount": table["opening_headcount"], "promotions": table["promotions"]}
    counts |= {"promotion_raise_mean": 0.09, "promotion_raise_largest": 0.15, "promoted_below_range": 0}
    counts["merit_pool"] = table["merit_cost"]
    everyone = table[raises].assign(attribute="all", group="all", **counts)
    years = list(table["simulation_year"])
    levels = [
        {
            "simulation_year": year, "level_id": level, "headcount": people // 5, "hires": 1,
            "terminations": 1, "promotions_in": 0, "mean_base_pay": 80_000.0, "median_base_pay": 80_000.0,
            "cv": 0.2,
            "mean_compa_ratio": 1.0, "below_minimum": 0, "above_maximum": 0,
            "market_people": 0, "mean_market_ratio": None, "mean_market_position": None,
        }
        for year, people in zip([0, *years], headcounts, strict=True) for level in (1, 2, 3, 4, 5)
    ]  # fmt: skip
    equity = [
        {
            "simulation_year": year, "attribute": "gender", "group": group, "headcount": people,
            "mean_base_pay": shown and 80_000.0, "raw_gap": shown and 0.04, "adjusted_gap": shown and 0.02,
            "adjusted_gap_reason": None,
        }
        for year in [0, *years]
        for group, people, shown in (("F", 450, True), ("M", 541, True), ("X", 9, None))
    ]  # fmt: skip
    return {
        "fct_scenario_kpis": table,
        "fct_workforce_snapshot": snapshot(headcounts),
        "fct_yearly_events": events(years, headcounts[0]),
        "fct_compensation_growth": pd.concat([baseline, table[yearly]], ignore_index=True),
        "fct_budget": table[costs].copy(),
        "fct_increase_budget": everyone[everyone["headcount"] > 0],
        "fct_level_summary": pd.DataFrame(levels),
        "fct_pay_equity": pd.DataFrame(equity).astype(
            {"mean_base_pay": float, "raw_gap": float, "adjusted_gap": float}
        ),
    }
