"""What is asked of the yearly summaries: growth, budget, levels, equity, and that no year is missing."""

import pandas as pd

from expectations.frames import has, naming, native, negative, ratio
from expectations.rules import Asker, Between, Columns, Null, Rule, within
from expectations.suites.base import Frames
from expectations.suites.kpis import ABOVE_ZERO, DEFECT, LEVERS
from expectations.thresholds import Thresholds

GROWTH, BUDGET, LEVELS, EQUITY = (
    "fct_compensation_growth",
    "fct_budget",
    "fct_level_summary",
    "fct_pay_equity",
)
COVERAGE = "year_coverage"
BASELINE_YEAR = 0
COSTS = ("cola_cost", "merit_cost", "promotion_cost", "hire_cost", "exit_savings")
RAISES = ["cola_cost", "merit_cost", "promotion_cost"]
FIGURES = ("mean_base_pay", "raw_gap", "adjusted_gap")
LEVEL_COUNTS = ("headcount", "hires", "terminations", "promotions_in", "below_minimum", "above_maximum")
COLUMNS = {
    GROWTH: (
        "simulation_year", "headcount", "mean_base_pay", "payroll", "prorated_payroll",
        "growth_all", "growth_continuing", "growth_prorated",
        "bridge_exits", "bridge_cola", "bridge_merit", "bridge_promotion", "bridge_hires",
    ),
    BUDGET: ("simulation_year", *COSTS, "payroll_change"),
    LEVELS: (
        "simulation_year", "level_id", *LEVEL_COUNTS,
        "mean_base_pay", "median_base_pay", "cv", "mean_compa_ratio",
    ),
    EQUITY: ("simulation_year", "attribute", "group", "headcount", *FIGURES),
}  # fmt: skip


def prepare_marts(frames: Frames, kpis: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Prepare the summaries and derive which of them lacks which simulated year."""
    growth, budget, levels, equity = (native(frames[name]) for name in (GROWTH, BUDGET, LEVELS, EQUITY))
    if has(growth, "simulation_year", "headcount"):
        growth = growth.sort_values("simulation_year", ignore_index=True)
        growth["population"] = growth["headcount"].combine(growth["headcount"].shift(), min)
        if has(growth, "payroll"):
            growth["pay_per_head"] = ratio(growth["payroll"].fillna(0), growth["headcount"])
    budget["missing_values"] = naming(budget, COLUMNS[BUDGET])
    budget["negative_costs"] = negative(budget, COSTS)
    budget = _raise_cost_share(budget, kpis)
    levels["missing_values"] = naming(levels, ("simulation_year", "level_id", *LEVEL_COUNTS))
    levels["negative_counts"] = negative(levels, LEVEL_COUNTS)
    if has(equity, "headcount", *FIGURES):
        equity["shown_headcount"] = _shown_headcount(equity)
    return {
        GROWTH: growth,
        BUDGET: budget,
        LEVELS: levels,
        EQUITY: equity,
        COVERAGE: _coverage({GROWTH: growth, BUDGET: budget}, kpis),
    }


def _shown_headcount(equity: pd.DataFrame) -> pd.Series:
    """Return the headcount of groups that show any figure; missing for suppressed groups.

    A group that shows a figure but hides its headcount counts as empty: nobody could tell that it is
    big enough.
    """
    shown = equity[list(FIGURES)].notna().any(axis=1)
    return equity["headcount"].astype(float).fillna(0).where(shown)


def _raise_cost_share(budget: pd.DataFrame, kpis: pd.DataFrame) -> pd.DataFrame:
    """Relate the cost of all raises to the opening payroll; the staff counts come from the KPIs."""
    needed = ("simulation_year", "payroll", "payroll_change", "population")
    if not has(kpis, *needed) or not has(budget, "simulation_year", *RAISES):
        return budget
    opening = kpis[["simulation_year", "population"]].assign(
        opening_payroll=kpis["payroll"] - kpis["payroll_change"]
    )
    joined = budget.merge(opening.drop_duplicates("simulation_year"), on="simulation_year", how="left")
    return joined.assign(raise_cost_share=ratio(joined[RAISES].sum(axis=1), joined["opening_payroll"]))


def _coverage(marts: dict[str, pd.DataFrame], kpis: pd.DataFrame) -> pd.DataFrame:
    """One row per mart: the simulated years (and the baseline year, for growth) that it lacks, as text."""
    simulated = set(kpis["simulation_year"].dropna()) if has(kpis, "simulation_year") else set()
    expected = {GROWTH: simulated | {BASELINE_YEAR}, BUDGET: simulated}
    rows = []
    for name, frame in marts.items():
        years = set(frame["simulation_year"].dropna()) if has(frame, "simulation_year") else set()
        lacking = sorted(expected[name] - years)
        rows.append((name, ", ".join(f"{year:.0f}" for year in lacking) or None))
    return pd.DataFrame(rows, columns=["mart", "missing_years"])


def mart_rules(limits: Thresholds) -> tuple[Rule, ...]:
    """Declare the rules of the summaries."""

    def usual(name: str, table: str, column: str, size: str = "headcount") -> Rule:
        return within(name, table, column, limits[name], size=size, remedy=LEVERS)

    growth, budget, levels = (Asker(mart, DEFECT) for mart in (GROWTH, BUDGET, LEVELS))
    small = limits["equity_group_minimum"]
    shown = Between(small.minimum)
    columns = (
        Asker(name, DEFECT)(
            f"{name.removeprefix('fct_')}_columns", "The mart has its columns.", Columns(names)
        )
        for name, names in COLUMNS.items()
    )
    return (
        *columns,
        Asker(COVERAGE, DEFECT)("years_complete", "No mart lacks a year.", Null(), "missing_years"),
        growth("growth_payroll_positive", "Nobody works for nothing.", ABOVE_ZERO, "pay_per_head"),
        usual("growth_continuing_usual", GROWTH, "growth_continuing", "population"),
        usual("growth_prorated_usual", GROWTH, "growth_prorated", "population"),
        budget("budget_values_known", "Every cost is known.", Null(), "missing_values"),
        budget("budget_costs_not_negative", "No cost is negative.", Null(), "negative_costs"),
        usual("raise_cost_share_usual", BUDGET, "raise_cost_share", "population"),
        levels("level_counts_known", "Counts of levels are known.", Null(), "missing_values"),
        levels("level_counts_not_negative", "Counts are not negative.", Null(), "negative_counts"),
        usual("level_cv_usual", LEVELS, "cv"),
        usual("level_compa_ratio_usual", LEVELS, "mean_compa_ratio"),
        usual("equity_raw_gap_usual", EQUITY, "raw_gap"),
        usual("equity_adjusted_gap_usual", EQUITY, "adjusted_gap"),
        Asker(EQUITY, DEFECT)(
            "equity_small_groups_suppressed",
            small.description,
            shown,
            "shown_headcount",
            severity=small.severity,
        ),
    )
