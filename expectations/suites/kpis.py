"""What is asked of the yearly KPIs, after a simulation and after a trial alike."""

import pandas as pd

from expectations.frames import has, naming, native, negative, ratio
from expectations.rules import Asker, Between, Columns, Null, RowCount, Rule, within
from expectations.thresholds import Thresholds

TABLE = "fct_scenario_kpis"
COUNTS = (
    "headcount", "opening_headcount", "hires", "terminations", "experienced_terminations",
    "new_hire_terminations", "reductions", "promotions", "below_minimum", "above_maximum",
)  # fmt: skip
COLUMNS = (
    "simulation_year", *COUNTS, "mean_base_pay", "median_base_pay", "payroll", "prorated_payroll",
    "growth_all", "growth_continuing", "growth_prorated", "growth_compound",
    "bridge_exits", "bridge_cola", "bridge_merit", "bridge_promotion", "bridge_hires",
    "cola_cost", "merit_cost", "promotion_cost", "hire_cost", "exit_savings", "payroll_change",
    "lump_sum_cost",
    "within_level_cv", "adjusted_gap_max", "mean_compa_ratio", "raise_min", "raise_max",
    "termination_rate", "promotion_rate",
)  # fmt: skip

ABOVE_ZERO = Between(0, above_minimum=True)
LEVERS = "Check the levers and assumptions of that year: `planwise scenario show` names where each is from."
DEFECT = "This is a defect of the models, not of the parameters: report it with the scenario's fingerprint."


def prepare_kpis(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules are asked on: who continued, shares of the staff, what is missing.

    `population` counts the people active at both year ends; `continuing_share` is theirs of the larger of the
    two headcounts.
    """
    kpis = native(frame)
    if has(kpis, "simulation_year"):
        kpis = kpis.sort_values("simulation_year", ignore_index=True)
        kpis["year_step"] = kpis["simulation_year"].diff()
    kpis["missing_figures"] = naming(kpis, (*COUNTS, "simulation_year", "payroll"))
    kpis["negative_figures"] = negative(kpis, (*COUNTS, "payroll"))
    if has(kpis, "opening_headcount", "headcount", "terminations", "new_hire_terminations"):
        kpis["population"] = kpis["opening_headcount"] - (
            kpis["terminations"] - kpis["new_hire_terminations"]
        )
        kpis["continuing_share"] = ratio(
            kpis["population"], kpis[["opening_headcount", "headcount"]].max(axis=1)
        )
    if has(kpis, "opening_headcount", "headcount", "growth_all"):
        employed = (kpis["opening_headcount"] > 0) & (kpis["headcount"] > 0)
        kpis["missing_growth"] = naming(
            kpis, ["growth_all"], kpis[["growth_all"]].isna() & employed.to_frame("growth_all")
        )
    for share, column in (
        ("payroll_per_head", "payroll"),
        ("below_minimum_share", "below_minimum"),
        ("above_maximum_share", "above_maximum"),
    ):
        if has(kpis, column, "headcount"):
            kpis[share] = ratio(kpis[column].fillna(0), kpis["headcount"])
    return kpis


def quick_rules(limits: Thresholds) -> tuple[Rule, ...]:
    """Declare what every result must satisfy to be used at all; the gate of one trial."""
    ask, years = Asker(TABLE, DEFECT), limits["kpi_years"]
    rows = RowCount(int(years.minimum or 0))

    def within_limits(name: str, column: str, remedy: str, size: str = "population") -> Rule:
        return within(name, TABLE, column, limits[name], remedy=remedy, size=size)

    return (
        ask("kpi_columns", "The KPI mart has its columns.", Columns(COLUMNS)),
        ask("kpi_years", years.description, rows, severity=years.severity),
        ask("kpi_years_contiguous", "Each year follows the one before.", Between(1, 1), "year_step"),
        ask("kpi_figures_known", "Counts and payroll are known.", Null(), "missing_figures"),
        ask("kpi_figures_not_negative", "Counts and payroll are not negative.", Null(), "negative_figures"),
        ask("growth_all_known", "Growth is known if there are people.", Null(), "missing_growth"),
        within_limits("growth_all_possible", "growth_all", LEVERS),
        within_limits("growth_all_usual", "growth_all", LEVERS),
        ask("payroll_per_head_positive", "Nobody works for nothing.", ABOVE_ZERO, "payroll_per_head"),
        within_limits("termination_rate_possible", "termination_rate", DEFECT),
        within_limits("promotion_rate_possible", "promotion_rate", LEVERS, size="opening_headcount"),
        within_limits("raise_max_usual", "raise_max", LEVERS),
    )


def further_rules(limits: Thresholds) -> tuple[Rule, ...]:
    """Declare what is asked in addition of a scenario that is to be published."""
    asked = (
        ("mean_pay_usual", "mean_base_pay"),
        ("mean_compa_ratio_possible", "mean_compa_ratio"),
        ("mean_compa_ratio_usual", "mean_compa_ratio"),
        ("adjusted_gap_usual", "adjusted_gap_max"),
        ("below_minimum_share_usual", "below_minimum_share"),
        ("above_maximum_share_usual", "above_maximum_share"),
        ("within_level_cv_usual", "within_level_cv"),
    )
    return tuple(
        within(name, TABLE, column, limits[name], size="headcount", remedy=LEVERS) for name, column in asked
    )
