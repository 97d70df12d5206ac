"""Expectations of each mart, including drift."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from expectations.rules import (
    Between,
    Columns,
    Frames,
    InSet,
    Null,
    RowCount,
    Rule,
    RuleBuilder,
    Table,
    Where,
    has,
    naming,
    native,
    negative,
    ratio,
    within,
)
from expectations.thresholds import Thresholds
from planwise.monitoring.drift import (
    ACTIVE,
    INDICES,
    ReleaseProfile,
    no_drift,
    population_stability_index,
)
from planwise.monitoring.drift import (
    COLUMNS as DRIFT_COLUMNS,
)

TABLE = "fct_scenario_kpis"
COUNTS = (
    "headcount", "opening_headcount", "hires", "terminations", "experienced_terminations",
    "new_hire_terminations", "reductions", "promotions", "promoted_below_range",
    "below_minimum", "above_maximum",
)  # fmt: skip
COLUMNS = (
    "simulation_year", *COUNTS, "mean_base_pay", "median_base_pay", "payroll", "prorated_payroll",
    "growth_all", "growth_continuing", "growth_prorated", "growth_compound",
    "bridge_exits", "bridge_cola", "bridge_drift", "bridge_merit", "bridge_promotion",
    "bridge_hires", "cola_cost", "drift_cost", "drift_rate", "merit_cost", "promotion_cost", "hire_cost",
    "exit_savings", "payroll_change",
    "total_cash", "employer_cost", "lump_sum_cost", "increase_rate", "increase_cost",
    "increase_cost_in_year",
    "increase_share_of_opening_payroll", "promotion_rate_of_payroll",
    "promotion_raise_mean", "promotion_raise_largest",
    "turnover_total", "turnover_voluntary", "turnover_first_year",
    "within_level_cv", "adjusted_gap_max", "adjusted_gap_reason", "median_gap", "median_gap_reason",
    "mean_compa_ratio", "market_people", "market_share", "mean_market_ratio", "mean_market_position",
    "market_reason", "raise_min", "raise_max",
    "termination_rate", "promotion_rate",
)  # fmt: skip

ABOVE_ZERO = Between(0, above_minimum=True)
LEVERS = "Check the levers and assumptions of that year: `planwise scenario show` names where each is from."
RELEASED = "Compare the scenario with the release in force; after a new census both differ by their people."
DEFECT = "This is a defect of the models, not of the parameters: report it with the scenario's fingerprint."


def prepare_kpis(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check: continuing staff, shares, missing values.

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
    """Declare the rules of every result; they are the gate of a trial."""
    ask, years = RuleBuilder(TABLE, DEFECT), limits["kpi_years"]
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
        ask("payroll_per_head_positive", "Pay per head is above zero.", ABOVE_ZERO, "payroll_per_head"),
        within_limits("termination_rate_possible", "termination_rate", DEFECT),
        within_limits("promotion_rate_possible", "promotion_rate", LEVERS, size="opening_headcount"),
        within_limits("raise_max_usual", "raise_max", LEVERS),
    )


def further_rules(limits: Thresholds) -> tuple[Rule, ...]:
    """Declare the further rules of a scenario to publish."""
    ranges = (
        ("mean_pay_usual", "mean_base_pay"),
        ("mean_compa_ratio_possible", "mean_compa_ratio"),
        ("mean_compa_ratio_usual", "mean_compa_ratio"),
        ("adjusted_gap_usual", "adjusted_gap_max"),
        ("below_minimum_share_usual", "below_minimum_share"),
        ("above_maximum_share_usual", "above_maximum_share"),
        ("within_level_cv_usual", "within_level_cv"),
    )
    return tuple(
        within(name, TABLE, column, limits[name], size="headcount", remedy=LEVERS) for name, column in ranges
    )


GROWTH, BUDGET, INCREASES, LEVELS, EQUITY = (
    "fct_compensation_growth",
    "fct_budget",
    "fct_increase_budget",
    "fct_level_summary",
    "fct_pay_equity",
)
COVERAGE = "year_coverage"
BASELINE_YEAR = 0
COSTS = (
    "increase_cost", "increase_cost_in_year", "opening_payroll", "cola_cost", "merit_cost", "lump_sum_cost",
    "promotion_cost", "hire_cost", "exit_savings",
)  # fmt: skip
RAISES = ["increase_cost", "promotion_cost"]
GROUP_COSTS = (
    "opening_payroll", "increase_cost", "increase_cost_in_year", "cola_cost", "merit_pool", "merit_cost",
    "lump_sum_cost", "promotion_cost", "headcount", "promotions", "promoted_below_range",
)  # fmt: skip
FIGURES = ("mean_base_pay", "raw_gap", "adjusted_gap")
LEVEL_COUNTS = ("headcount", "hires", "terminations", "promotions_in", "below_minimum", "above_maximum")
MART_COLUMNS = {
    GROWTH: (
        "simulation_year", "headcount", "mean_base_pay", "payroll", "prorated_payroll",
        "growth_all", "growth_continuing", "growth_prorated",
        "bridge_exits", "bridge_cola", "bridge_drift", "bridge_merit", "bridge_promotion", "bridge_hires",
    ),
    BUDGET: (
        "simulation_year", *COSTS, "drift_cost", "drift_rate", "payroll_change", "total_cash",
        "employer_cost", "increase_rate", "increase_share_of_opening_payroll", "promotion_rate_of_payroll",
    ),
    INCREASES: (
        "simulation_year", "attribute", "group", *GROUP_COSTS,
        "increase_rate", "increase_share_of_opening_payroll", "promotion_rate_of_payroll",
        "promotion_raise_mean", "promotion_raise_largest",
    ),
    LEVELS: (
        "simulation_year", "level_id", *LEVEL_COUNTS,
        "mean_base_pay", "median_base_pay", "cv", "mean_compa_ratio", "market_people", "mean_market_ratio",
        "mean_market_position",
    ),
    EQUITY: ("simulation_year", "attribute", "group", "headcount", *FIGURES, "adjusted_gap_reason"),
}  # fmt: skip


def prepare_marts(frames: Frames, kpis: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Prepare the summaries and derive which of them lacks which simulated year."""
    growth, budget, increases, levels, equity = (native(frames[name]) for name in MART_COLUMNS)
    if has(growth, "simulation_year", "headcount"):
        growth = growth.sort_values("simulation_year", ignore_index=True)
        growth["population"] = growth["headcount"].combine(growth["headcount"].shift(), min)
        if has(growth, "payroll"):
            growth["pay_per_head"] = ratio(growth["payroll"].fillna(0), growth["headcount"])
    budget["missing_values"] = naming(budget, ("simulation_year", *COSTS, "payroll_change"))
    budget["negative_costs"] = negative(budget, COSTS)
    budget = _raise_cost_share(budget, kpis)
    increases["missing_values"] = naming(increases, ("simulation_year", "attribute", *GROUP_COSTS))
    increases["negative_costs"] = negative(increases, GROUP_COSTS)
    levels["missing_values"] = naming(levels, ("simulation_year", "level_id", *LEVEL_COUNTS))
    levels["negative_counts"] = negative(levels, LEVEL_COUNTS)
    if has(equity, "headcount", *FIGURES):
        equity["shown_headcount"] = _shown_headcount(equity)
    return {
        GROWTH: growth,
        BUDGET: budget,
        INCREASES: increases,
        LEVELS: levels,
        EQUITY: equity,
        COVERAGE: _coverage({GROWTH: growth, BUDGET: budget}, kpis),
    }


def _shown_headcount(equity: pd.DataFrame) -> pd.Series:
    """Return the headcount of groups that show any figure; missing for suppressed groups.

    A group that shows a figure but hides its headcount counts as empty, because its size
    cannot be checked.
    """
    shown = equity[list(FIGURES)].notna().any(axis=1)
    return equity["headcount"].astype(float).fillna(0).where(shown)


def _raise_cost_share(budget: pd.DataFrame, kpis: pd.DataFrame) -> pd.DataFrame:
    """Relate the cost of all raises to the opening payroll; the staff counts come from the KPIs."""
    needed = ["simulation_year", "population"]
    if not has(kpis, *needed) or not has(budget, "simulation_year", "opening_payroll", *RAISES):
        return budget
    joined = budget.merge(kpis[needed].drop_duplicates("simulation_year"), on="simulation_year", how="left")
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

    growth, budget, increases, levels = (
        RuleBuilder(mart, DEFECT) for mart in (GROWTH, BUDGET, INCREASES, LEVELS)
    )
    small = limits["equity_group_minimum"]
    shown = Between(small.minimum)
    columns = (
        RuleBuilder(name, DEFECT)(
            f"{name.removeprefix('fct_')}_columns", "The mart has its columns.", Columns(names)
        )
        for name, names in MART_COLUMNS.items()
    )
    return (
        *columns,
        RuleBuilder(COVERAGE, DEFECT)("years_complete", "No mart lacks a year.", Null(), "missing_years"),
        growth("growth_payroll_positive", "Pay per head is above zero.", ABOVE_ZERO, "pay_per_head"),
        usual("growth_continuing_usual", GROWTH, "growth_continuing", "population"),
        usual("growth_prorated_usual", GROWTH, "growth_prorated", "population"),
        budget("budget_values_known", "Every cost is known.", Null(), "missing_values"),
        budget("budget_costs_not_negative", "No cost is negative.", Null(), "negative_costs"),
        usual("raise_cost_share_usual", BUDGET, "raise_cost_share", "population"),
        increases("increase_values_known", "Every cost is known.", Null(), "missing_values"),
        increases("increase_costs_not_negative", "No cost is negative.", Null(), "negative_costs"),
        levels("level_counts_known", "Counts of levels are known.", Null(), "missing_values"),
        levels("level_counts_not_negative", "Counts are not negative.", Null(), "negative_counts"),
        usual("level_cv_usual", LEVELS, "cv"),
        usual("level_compa_ratio_usual", LEVELS, "mean_compa_ratio"),
        usual("equity_raw_gap_usual", EQUITY, "raw_gap"),
        usual("equity_adjusted_gap_usual", EQUITY, "adjusted_gap"),
        RuleBuilder(EQUITY, DEFECT)(
            "equity_small_groups_suppressed",
            small.description,
            shown,
            "shown_headcount",
            severity=small.severity,
        ),
    )


SNAPSHOT, EVENTS, DRIFT = "fct_workforce_snapshot", "fct_yearly_events", "pay_drift"
RELEASE_DRIFT = "release_drift"
STATUSES = (*ACTIVE, "experienced_termination", "new_hire_termination")
EVENT_TYPES = ("HIRE", "TERMINATION", "PROMOTION", "RAISE")
EVENT_REASONS = ("growth", "voluntary", "new_hire", "reduction", "promotion", "COLA", "DRIFT", "MERIT")
RATINGS = (1, 2, 3, 4, 5)
SNAPSHOT_REQUIRED = (
    "simulation_year", "employee_id", "employment_status", "level_id", "base_pay", "prorated_pay", "fte",
)  # fmt: skip
SNAPSHOT_COLUMNS = (
    *SNAPSHOT_REQUIRED, "job_title", "department", "gender", "hire_date", "termination_date", "age",
    "tenure_years", "performance_rating", "opening_base_pay", "market_reference", "market_ratio",
    "market_position", "market_reason", "compa_ratio",
    "range_penetration", "range_minimum", "range_maximum",
)  # fmt: skip
EVENT_REQUIRED = (
    "event_id",
    "employee_id",
    "simulation_year",
    "event_type",
    "event_reason",
    "effective_date",
)
EVENT_COLUMNS = (
    *EVENT_REQUIRED, "event_sequence", "level_id", "previous_level_id", "compensation_amount",
    "previous_compensation", "applied_rate", "probability", "draw",
)  # fmt: skip


def prepare_workforce(
    frames: Mapping[str, Table], kpis: pd.DataFrame, release: ReleaseProfile
) -> dict[str, Table]:
    """Prepare snapshot and events part by part, and the drift of active people's pay from year to year.

    The other drift is that of the same year in the release in force. Both are derived while the snapshot is
    read. `year_population` is the number of snapshot rows of the row's year.
    """
    pays: dict[int, npt.NDArray[np.float64]] | None = {}
    moved: list[dict[str, Any]] = []

    def snapshots() -> Iterator[pd.DataFrame]:
        nonlocal pays
        for part in _parts(frames[SNAPSHOT]):
            snapshot = native(part)
            snapshot["missing_values"] = naming(snapshot, SNAPSHOT_REQUIRED)
            if has(snapshot, "simulation_year"):
                years = snapshot.groupby("simulation_year")["simulation_year"]
                snapshot["year_population"] = years.transform("size")
            if pays is not None and has(snapshot, "simulation_year", "employment_status", "base_pay"):
                pays |= _active_pays(snapshot)
            else:
                pays = None
            if has(snapshot, *DRIFT_COLUMNS):
                moved.extend(release.drift(snapshot[snapshot["simulation_year"] > BASELINE_YEAR]))
            yield snapshot

    def events() -> Iterator[pd.DataFrame]:
        for part in _parts(frames[EVENTS]):
            event = native(part)
            event["missing_values"] = naming(event, EVENT_REQUIRED)
            if has(event, "simulation_year") and has(kpis, "simulation_year"):
                foreign = ~event["simulation_year"].isin(kpis["simulation_year"])
                event["foreign_year"] = event["simulation_year"].where(foreign)
            yield event

    def drift() -> Iterator[pd.DataFrame]:
        yield _pay_drift(pays)

    def release_drift() -> Iterator[pd.DataFrame]:
        columns = ["simulation_year", "population", *INDICES, "reason"]
        rows = moved or [{"population": 0, **no_drift(release.reason or "no one is employed")}]
        yield pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(INDICES, float))

    return {SNAPSHOT: snapshots(), EVENTS: events(), DRIFT: drift(), RELEASE_DRIFT: release_drift()}


def _parts(table: Table) -> Iterable[pd.DataFrame]:
    return (table,) if isinstance(table, pd.DataFrame) else table


def _active_pays(snapshot: pd.DataFrame) -> dict[int, npt.NDArray[np.float64]]:
    active = snapshot[snapshot["employment_status"].isin(ACTIVE)]
    grouped: Any = active.groupby("simulation_year")["base_pay"]
    return {int(year): group.to_numpy(dtype=float) for year, group in grouped}


def _pay_drift(pays: Mapping[int, npt.NDArray[np.float64]] | None) -> pd.DataFrame:
    """One row per simulated year after the first: psi, and the smaller of the two headcounts.

    Pay is compared as a multiple of its year's median: a raise that everybody gets is no drift.
    Without the pay of every part there is no psi, and its rule says so.
    """
    columns = ["simulation_year", "population", "psi"]
    if pays is None:
        return pd.DataFrame(columns=columns[:2])
    rows = [
        (
            now,
            min(len(pays[before]), len(pays[now])),
            population_stability_index(_to_median(pays[before]), _to_median(pays[now])),
        )
        for before, now in pairwise(sorted(pays))
    ]
    return pd.DataFrame(rows, columns=columns).astype({"psi": float})


def _to_median(pays: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return pays / np.median(pays) if len(pays) else pays


def workforce_rules(limits: Thresholds) -> tuple[Rule, ...]:
    """Declare the rules of the snapshot, its drift and the events."""

    def usual(name: str, table: str, column: str, remedy: str = LEVERS, size: str = "population") -> Rule:
        return within(name, table, column, limits[name], remedy=remedy, size=size)

    snapshot, events = RuleBuilder(SNAPSHOT, DEFECT), RuleBuilder(EVENTS, DEFECT)
    raised = Where("event_type", values=("RAISE", "PROMOTION"))
    raises = limits["raise_rate_usual"]
    return (
        snapshot("snapshot_columns", "The snapshot has its columns.", Columns(SNAPSHOT_COLUMNS)),
        snapshot("snapshot_values_known", "Every needed value is there.", Null(), "missing_values"),
        snapshot("employment_status_known", "Statuses are the four.", InSet(STATUSES), "employment_status"),
        snapshot("workforce_rating_known", "Ratings are 1 to 5.", InSet(RATINGS), "performance_rating"),
        snapshot("workforce_fte_possible", "FTE is above 0 and at most 1.", Between(0, 1, True), "fte"),
        snapshot("workforce_pay_positive", "Pay is above zero.", ABOVE_ZERO, "base_pay"),
        snapshot("prorated_pay_possible", "Prorated pay is not negative.", Between(0), "prorated_pay"),
        usual("workforce_level_possible", SNAPSHOT, "level_id", DEFECT),
        usual("workforce_pay_usual", SNAPSHOT, "base_pay"),
        usual("workforce_age_usual", SNAPSHOT, "age"),
        usual("workforce_tenure_usual", SNAPSHOT, "tenure_years"),
        usual("compa_ratio_usual", SNAPSHOT, "compa_ratio", size="year_population"),
        usual("pay_drift_usual", DRIFT, "psi"),
        *release_rules(limits),
        events("event_columns", "The event log has its columns.", Columns(EVENT_COLUMNS)),
        events("event_values_known", "Every needed value is there.", Null(), "missing_values"),
        events("event_type_known", "Event types are the four.", InSet(EVENT_TYPES), "event_type"),
        events("event_reason_known", "Reasons are the seven.", InSet(EVENT_REASONS), "event_reason"),
        events("event_year_simulated", "Events lie in simulated years.", Null(), "foreign_year"),
        events("event_pay_positive", "Pay after an event is above zero.", ABOVE_ZERO, "compensation_amount"),
        within("raise_rate_usual", EVENTS, "applied_rate", raises, remedy=LEVERS, only=raised),
        usual("event_probability_possible", EVENTS, "probability", DEFECT),
        usual("event_draw_possible", EVENTS, "draw", DEFECT),
    )


def release_rules(limits: Thresholds) -> tuple[Rule, ...]:
    """Declare the rules of the drift against the release: a moderate and a major shift, of each index."""
    return tuple(
        within(f"release_{index.removesuffix('_psi').removesuffix('_id')}_{shift}", RELEASE_DRIFT, index,
               limits[f"release_{shift}"], remedy=RELEASED)
        for index in INDICES
        for shift in ("moderate_drift", "major_drift")
    )  # fmt: skip
