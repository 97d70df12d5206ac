"""Each expectation of a gate has a table that it, and nothing else, objects to."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import gate_worlds as worlds
import numpy as np
import pandas as pd
import pytest

from expectations import gate, run_gate
from expectations.rules import Rule
from expectations.suites import SUITES
from expectations.thresholds import load_thresholds
from planwise.gate import GateCheck, GateResult

KPIS, SNAPSHOT, EVENTS = "fct_scenario_kpis", "fct_workforce_snapshot", "fct_yearly_events"
GROWTH, BUDGET, INCREASES, LEVELS, EQUITY = (
    "fct_compensation_growth",
    "fct_budget",
    "fct_increase_budget",
    "fct_level_summary",
    "fct_pay_equity",
)
SUPPRESSED = "equity_small_groups_suppressed"
Change = Callable[[pd.DataFrame], pd.DataFrame]


def put(column: str, value: object, row: int = 1) -> Change:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({column: object}) if isinstance(value, str) else frame
        frame.loc[row, column] = value
        return frame

    return change


def without(column: str) -> Change:
    return lambda frame: frame.drop(columns=column)


def skip_a_year(kpis: pd.DataFrame) -> pd.DataFrame:
    return kpis.assign(simulation_year=[2026, 2028])


def doubled_at_the_end(snapshot: pd.DataFrame, of_each: int = 1) -> pd.DataFrame:
    """Double the pay of the last year: everybody's, or of every second person."""
    last = snapshot.index[snapshot["simulation_year"] == 2027]
    snapshot.loc[last[::of_each], "base_pay"] *= 2
    return snapshot


def shifted_compa(share: float) -> Change:
    def change(snapshot: pd.DataFrame) -> pd.DataFrame:
        snapshot.loc[: round(share * len(snapshot)) - 1, "compa_ratio"] = 2.5
        return snapshot

    return change


# name: table, change, observed, and what else must object to the same value
CASES: dict[str, tuple[str, Change, object, set[str]]] = {
    "kpi_columns": (KPIS, without("growth_compound"), ["without growth_compound"], set()),
    "kpi_years_contiguous": (KPIS, skip_a_year, [2.0, 2.0], {"years_complete", "event_year_simulated"}),
    "kpi_figures_known": (KPIS, put("hires", np.nan), 1, set()),
    "kpi_figures_not_negative": (KPIS, put("hires", -1), 1, set()),
    "growth_all_known": (KPIS, put("growth_all", np.nan), 1, set()),
    "growth_all_possible": (KPIS, put("growth_all", 0.75), [0.03, 0.75], {"growth_all_usual"}),
    "growth_all_usual": (KPIS, put("growth_all", 0.16), [0.03, 0.16], set()),
    "payroll_per_head_positive": (KPIS, put("payroll", 0.0), [0.0, 82_400.0], set()),
    "termination_rate_possible": (KPIS, put("termination_rate", 1.01), [0.1, 1.01], set()),
    "promotion_rate_possible": (KPIS, put("promotion_rate", 0.36), [1 / 12, 0.36], set()),
    "raise_max_usual": (KPIS, put("raise_max", 0.61), [0.15, 0.61], set()),
    "mean_pay_usual": (KPIS, put("mean_base_pay", 999.0), [999.0, 82_400.0], set()),
    "mean_compa_ratio_possible": (KPIS, put("mean_compa_ratio", 3.1), [1.0, 3.1], {"mean_compa_ratio_usual"}),
    "mean_compa_ratio_usual": (KPIS, put("mean_compa_ratio", 0.7), [0.7, 1.0], set()),
    "adjusted_gap_usual": (KPIS, put("adjusted_gap_max", 0.3), [0.03, 0.3], set()),
    "below_minimum_share_usual": (KPIS, put("below_minimum", 300), [0.0, 0.3], set()),
    "above_maximum_share_usual": (KPIS, put("above_maximum", 400), [0.0, 0.4], set()),
    "within_level_cv_usual": (KPIS, put("within_level_cv", 1.1), [0.2, 1.1], set()),
    "snapshot_columns": (SNAPSHOT, without("range_penetration"), ["without range_penetration"], set()),
    "snapshot_values_known": (SNAPSHOT, put("employment_status", None), 1, set()),
    "employment_status_known": (SNAPSHOT, put("employment_status", "retired"), ["retired"], set()),
    "workforce_rating_known": (SNAPSHOT, put("performance_rating", 6), [6], set()),
    "workforce_fte_possible": (SNAPSHOT, put("fte", 1.5), [1.0, 1.5], set()),
    "workforce_pay_positive": (SNAPSHOT, put("base_pay", 0.0), 1, {"workforce_pay_usual"}),
    "workforce_pay_usual": (SNAPSHOT, put("base_pay", 60e6), 1, set()),
    "prorated_pay_possible": (SNAPSHOT, put("prorated_pay", -1.0), 1, set()),
    "workforce_level_possible": (SNAPSHOT, put("level_id", 6), [1, 6], set()),
    "workforce_age_usual": (SNAPSHOT, put("age", 12.0), [12.0, 40.0], set()),
    "workforce_tenure_usual": (SNAPSHOT, put("tenure_years", 95.0), [5.0, 95.0], set()),
    "compa_ratio_usual": (SNAPSHOT, shifted_compa(0.06), 0.94, set()),
    "event_columns": (EVENTS, without("event_sequence"), ["without event_sequence"], set()),
    "event_values_known": (EVENTS, put("effective_date", pd.NaT), 1, set()),
    "event_type_known": (EVENTS, put("event_type", "SABBATICAL"), ["SABBATICAL"], set()),
    "event_reason_known": (EVENTS, put("event_reason", "whim"), ["whim"], set()),
    "event_year_simulated": (EVENTS, put("simulation_year", 2031), 1, set()),
    "event_pay_positive": (EVENTS, put("compensation_amount", 0.0), 1, set()),
    "raise_rate_usual": (EVENTS, put("applied_rate", 0.7, row=60), 1, set()),
    "event_probability_possible": (EVENTS, put("probability", 1.2), [0.1, 1.2], set()),
    "event_draw_possible": (EVENTS, put("draw", -0.1), [-0.1, 0.05], set()),
    "compensation_growth_columns": (GROWTH, without("bridge_cola"), ["without bridge_cola"], set()),
    "budget_columns": (BUDGET, without("payroll_change"), ["without payroll_change"], set()),
    "level_summary_columns": (LEVELS, without("median_base_pay"), ["without median_base_pay"], set()),
    "pay_equity_columns": (EQUITY, without("mean_base_pay"), ["without mean_base_pay"], {SUPPRESSED}),
    "years_complete": (BUDGET, lambda f: f.iloc[:1], 1, set()),
    "growth_payroll_positive": (GROWTH, put("payroll", 0.0), [0.0, 84_872.0], set()),
    "growth_continuing_usual": (GROWTH, put("growth_continuing", 0.21), [0.06, 0.21], set()),
    "growth_prorated_usual": (GROWTH, put("growth_prorated", -0.11), [-0.11, 0.03], set()),
    "budget_values_known": (BUDGET, put("hire_cost", np.nan), 1, set()),
    "budget_costs_not_negative": (BUDGET, put("hire_cost", -1.0), 1, set()),
    "increase_budget_columns": (INCREASES, without("promotions"), ["without promotions"], set()),
    "increase_values_known": (INCREASES, put("merit_cost", np.nan), 1, set()),
    "increase_costs_not_negative": (INCREASES, put("merit_cost", -1.0), 1, set()),
    "raise_cost_share_usual": (BUDGET, put("increase_cost", 20_100_000.0), [0.0625, 0.25], set()),
    "level_counts_known": (LEVELS, put("hires", np.nan), 1, set()),
    "level_counts_not_negative": (LEVELS, put("hires", -1), 1, set()),
    "level_cv_usual": (LEVELS, put("cv", 1.5), [0.2, 1.5], set()),
    "level_compa_ratio_usual": (LEVELS, put("mean_compa_ratio", 0.4), 1, set()),
    "equity_raw_gap_usual": (EQUITY, put("raw_gap", 0.6), [0.04, 0.6], set()),
    "equity_adjusted_gap_usual": (EQUITY, put("adjusted_gap", -0.3), [-0.3, 0.02], set()),
    SUPPRESSED: (EQUITY, put("adjusted_gap", 0.01, row=2), [9.0, 541.0], set()),
}  # fmt: skip
RULES = SUITES["simulation"].declare(load_thresholds(), {})
ELSEWHERE = {"kpi_years", "pay_drift_usual", *(rule.name for rule in RULES if rule.table == "release_drift")}


@pytest.fixture(scope="module", autouse=True)
def _a_table_is_asked_once() -> Iterator[None]:
    """Worlds differ in one table; what the others were found to be is remembered, as seconds add up."""
    ask, found = gate._evaluate_part, {}

    def remembered(table: str, frame: pd.DataFrame, rules: list[Rule]) -> tuple[dict[str, GateCheck], Any]:
        content = pd.util.hash_pandas_object(frame).to_numpy().tobytes()
        key = (table, content, str(frame.dtypes.to_dict()), str(rules))
        if key not in found:
            found[key] = ask(table, frame, rules)
        return found[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "_evaluate_part", remembered)
        yield


@pytest.mark.parametrize("name", CASES)
def test_it_alone_objects(name: str) -> None:
    table, change, observed, others = CASES[name]
    marts = worlds.marts()
    marts[table] = change(marts[table])

    failed = {check.expectation: check for check in run_gate("simulation", marts).failed}

    assert set(failed) == {name} | others
    check = failed[name]
    assert check.observed == (pytest.approx(observed) if _is_range(observed) else observed)
    if not name.endswith("_columns"):
        (rule,) = [rule for rule in RULES if rule.name == name]
        assert 1 <= len(check.sample) <= 5
        assert (check.column in check.sample[0]) is rule.shows_values


def _is_range(observed: object) -> bool:
    return isinstance(observed, list) and all(isinstance(value, float) for value in observed)


def test_every_declared_expectation_has_a_case() -> None:
    assert {rule.name for rule in RULES} == set(CASES) | ELSEWHERE
    assert len(RULES) == len(CASES) + len(ELSEWHERE)


def test_pay_drift_compares_each_year_with_the_one_before_whatever_everybody_gets() -> None:
    marts = worlds.marts()
    assert (
        run_gate("simulation", {**marts, SNAPSHOT: doubled_at_the_end(marts[SNAPSHOT].copy())}).failed == ()
    )
    marts[SNAPSHOT] = doubled_at_the_end(marts[SNAPSHOT], of_each=2)

    (check,) = run_gate("simulation", marts).failed

    assert (check.expectation, check.severity) == ("pay_drift_usual", "warning")
    assert [row["simulation_year"] for row in check.sample] == [2027]
    assert check.observed[1] > 1 > 0.25 > check.observed[0]


def test_no_simulated_year_at_all() -> None:
    marts = worlds.marts()
    empty = {name: frame.iloc[:0] for name, frame in marts.items()}

    result = run_gate("simulation", empty)

    failed = {check.expectation: check.observed for check in result.failed}
    assert failed == {"kpi_years": 0, "years_complete": 1}
    assert result.blocks


@pytest.mark.parametrize(
    "headcounts",
    [
        pytest.param((1, 1, 1), id="one employee"),
        pytest.param((1, 1), id="one employee, one year"),
        pytest.param((1, 0), id="the only employee leaves"),
        pytest.param((60, 0, 0, 0), id="no employees in later years"),
        pytest.param((1000, 0, 0), id="growth of -100 %"),
        pytest.param((1000, 2000, 4000), id="growth of 100 %"),
        pytest.param((99, 99), id="a small staff"),
    ],
)
@pytest.mark.parametrize("growth", [-0.9, 0.0, 3.0])
def test_edge_worlds_are_not_blocked(headcounts: tuple[int, ...], growth: float) -> None:
    if min(headcounts) >= 100:
        growth = 0.0
    marts = worlds.marts(headcounts, growth)
    marts[LEVELS] = marts[LEVELS].query("level_id == 1")
    result = run_gate("simulation", marts)
    assert [check.summary() for check in result.failed if check.severity == "critical"] == []
    assert result.evaluated == len(CASES) + len(ELSEWHERE)


def test_a_staff_replaced_within_the_year_may_change_its_mean_by_any_amount() -> None:
    kpis = worlds.kpis((1000, 1000), growth=-0.4)
    assert {check.expectation for check in run_gate("trial", kpis).failed} == {
        "growth_all_possible",
        "growth_all_usual",
    }

    replaced = kpis.assign(terminations=1000, experienced_terminations=1000, hires=1000, termination_rate=1.0)
    assert run_gate("trial", replaced).status == "passed"


def test_growth_is_checked_from_a_hundred_people_on() -> None:
    assert run_gate("trial", worlds.kpis((111, 111), growth=0.75)).blocks  # 11 of 111 leave: 100 continue
    assert not run_gate("trial", worlds.kpis((110, 110), growth=0.75)).blocks  # 99 continue


def census_gate(frame: pd.DataFrame, **context: object) -> GateResult:
    return run_gate("census", frame, **{**worlds.CENSUS_CONTEXT, **context})


CENSUS_CASES: dict[str, tuple[Change, object, set[str]]] = {
    "census_columns": (lambda f: f.drop(columns="department"), ["without department"], set()),
    "required_values_known": (put("job_title", None), 1, set()),
    "employee_id_unique": (put("employee_id", "E00004"), 2, set()),
    "employee_id_not_reserved": (put("employee_id", "NEW-2026-1"), 1, set()),
    "base_pay_positive": (put("base_pay", 0.0), 1, {"census_pay_usual"}),
    "census_pay_usual": (put("base_pay", 25.5), 1, set()),
    "hired_by_census_date": (put("hire_date", pd.Timestamp(2026, 1, 2)), [-2, 3958], set()),
    "census_tenure_usual": (put("hire_date", pd.Timestamp(1925, 12, 31)), [1.83, 100.0], set()),
    "census_age_usual": (put("birth_date", pd.Timestamp(2013, 12, 31)), [12.0, 45.58], set()),
    "level_known": (put("level_id", 7), [7], set()),
    "rating_known": (put("performance_rating", 0), [0], set()),
    "fte_possible": (put("fte", 0.0), [0.0, 1.0], set()),
    "census_optional_known": (lambda f: f.drop(columns="ethnicity"), [0.0, 1.0], set()),
}


@pytest.mark.parametrize("name", CENSUS_CASES)
def test_an_expectation_of_the_census_gate_alone_objects(name: str) -> None:
    change, observed, others = CENSUS_CASES[name]

    failed = {check.expectation: check for check in census_gate(change(worlds.census())).failed}

    assert set(failed) == {name} | others
    numbers = isinstance(observed, list) and all(isinstance(value, float) for value in observed)
    assert failed[name].observed == (pytest.approx(observed, abs=0.01) if numbers else observed)


def test_a_valid_census_passes_whatever_types_its_columns_have() -> None:
    census = worlds.census()
    assert census_gate(census).status == "passed"
    from decimal import Decimal

    objects = census.assign(
        base_pay=[Decimal(f"{pay:.2f}") for pay in census["base_pay"]],
        fte=[Decimal("1.0000")] * len(census),
        hire_date=[day.date() for day in census["hire_date"]],
        birth_date=[None, *(day.date() for day in census["birth_date"][1:])],
    )
    assert census_gate(objects).status == "passed"
    broken = objects.assign(base_pay=[Decimal("-1.00"), *objects["base_pay"][1:]])
    assert census_gate(broken).failed[0].sample == ({"employee_id": "E00000"},)


def test_every_census_expectation_has_a_case() -> None:
    declared = {rule.name for rule in SUITES["census"].declare(load_thresholds(), worlds.CENSUS_CONTEXT)}
    assert declared == set(CENSUS_CASES) | {"valid_rows_share", "census_rows"}


def test_too_few_valid_rows_block() -> None:
    result = census_gate(worlds.census(), valid_share=0.9985)
    (check,) = result.failed
    assert (check.expectation, check.observed, check.severity) == (
        "valid_rows_share",
        [0.9985, 0.9985],
        "critical",
    )
    assert result.blocks
    assert census_gate(worlds.census(), valid_share=0.9985, valid_rows_min_share=0.99).status == "passed"


def test_an_empty_census_blocks() -> None:
    (check,) = census_gate(worlds.census().iloc[:0]).failed
    assert (check.expectation, check.observed) == ("census_rows", 0)


def test_missing_optional_columns_are_information_only() -> None:
    result = census_gate(worlds.census().drop(columns=["birth_date", "gender", "ethnicity"]))
    (check,) = result.failed
    assert check.severity == "info"
    assert [row["attribute"] for row in check.sample] == ["birth_date", "gender", "ethnicity"]
    assert result.status == "passed"


def test_one_employee_on_one_level_hired_on_the_census_date() -> None:
    census = worlds.census(1).assign(hire_date=pd.Timestamp(worlds.AS_OF))
    assert census_gate(census, known_levels=(1,)).status == "passed"
    assert (
        census_gate(census, known_levels=(1,), as_of=date(2025, 12, 30)).failed[0].expectation
        == "hired_by_census_date"
    )
