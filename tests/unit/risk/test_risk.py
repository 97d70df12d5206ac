"""Ensembles, sensitivity, impact and risk bands."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from planwise.errors import CheckFailed, InputError
from planwise.parameters import Risk, resolve
from planwise.risk.assessment import assess, spread_of
from planwise.risk.ensemble import Watch, run_ensemble, run_paired, spreads_json
from planwise.risk.finite_differences import linear_shares, slopes, stepped
from planwise.risk.impact import cost_impact, one_at_a_time, parameter_impact, people_impact
from planwise.risk.noise import difference_of, differences, policy_share
from planwise.risk.sensitivity import LINEAR, NONE, PED_ANOVA, importance, morris, sobol
from planwise.risk.worlds import LUCK, replicate_seeds

BASE = resolve((2026, 2027), scenario={})


def luck(seed):
    """Return a standard normal draw of the seed's own."""
    return float(np.random.default_rng(seed).standard_normal())


def simulate(effective):
    """Growth is COLA plus a luck that scenarios of equal seed share; there is no pay gap in 2026."""
    return [
        {
            "simulation_year": year,
            "growth": effective.value("cola_rate", year) + 0.01 * luck(effective.seed),
            "gap": None if year == 2026 else 0.1,
        }
        for year in effective.years
    ]


def test_percentiles_of_the_numbers_from_0_to_100():
    spread = spread_of(range(101))
    assert (spread.p10, spread.p50, spread.p90, spread.mean, spread.n) == (10, 50, 90, 50, 101)
    assert spread.sd == pytest.approx(np.sqrt(101 * 102 / 12))  # of 1..n: n(n+1)/12


def test_a_spread_of_what_is_missing_counts_what_is_there():
    assert spread_of([None, None]) is None
    assert spread_of([None, 3.0]).n == 1 and spread_of([None, 3.0]).sd is None


def test_an_ensemble_has_each_kpi_and_year():
    ensemble = run_ensemble(simulate, BASE, 5)
    growth = [0.01 * luck(seed) for seed in replicate_seeds(BASE.seed, 5)]
    assert ensemble.sample("growth", 2027) == pytest.approx(growth)
    spreads = spreads_json(ensemble.spreads())
    assert spreads["growth"]["2026"]["p50"] == pytest.approx(sorted(growth)[2])
    assert spreads["gap"]["2026"] is None and spreads["gap"]["2027"]["sd"] == 0


def test_the_first_run_is_the_scenario_itself():
    assert run_ensemble(simulate, BASE, 3, drawn=LUCK).runs[0] == simulate(BASE)


def test_progress_is_reported_and_a_stop_keeps_finished_runs():
    shown = []
    watch = Watch(on_step=shown.append, should_stop=lambda: len(shown) == 2)
    ensemble = run_ensemble(simulate, BASE, 5, watch)
    assert [step.done for step in shown] == [1, 2] and shown[0].total == 5
    assert ensemble.stopped and len(ensemble.runs) == len(ensemble.seeds) == 2


def test_stopped_before_anything_ended_is_an_error():
    with pytest.raises(CheckFailed, match="before the first draw"):
        run_ensemble(simulate, BASE, 5, Watch(should_stop=lambda: True))


def test_a_zero_change_scenario_differs_by_exactly_nothing():
    same = BASE.with_levers({"cola_rate": 0})
    found = differences(*run_paired(simulate, (same, BASE), 10))["growth"][2027]
    assert (found.mean, found.sd, found.low, found.high) == (0, 0, 0, 0)
    assert found.policy_share is None and found.policy_share_without_crn is None
    assert found.sd_without_crn > 0


def test_common_random_numbers_leave_policy_alone():
    more = BASE.with_levers({"cola_rate": 0.01})
    found = differences(*run_paired(simulate, (more, BASE), 10))["growth"][2027]
    assert found.mean == pytest.approx(0.01) and found.policy_share == pytest.approx(1)
    assert found.policy_share_without_crn < 0.6  # luck of sd .01 twice against a policy of .01


def test_a_known_share():
    """d = 1, 2, 3: mean 2, variance 1; policy² = 4 − 1/3 = 11/3; share = (11/3) / (14/3) = 11/14."""
    found = difference_of(np.array([2.0, 5.0, 4.0]), np.array([1.0, 3.0, 1.0]))
    assert (found.mean, found.sd, found.n) == (2, 1, 3)
    assert found.standard_error == pytest.approx(1 / np.sqrt(3))
    assert found.high - 2 == pytest.approx(4.302653 / np.sqrt(3), abs=1e-5)  # Student's t, 2 degrees
    assert found.policy_share == pytest.approx(11 / 14)
    apart = 7 / 3 + 4 / 3  # variances of 2, 5, 4 and of 1, 3, 1
    assert found.policy_share_without_crn == pytest.approx((11 / 3) / (11 / 3 + apart))
    assert found.noise_reduction == pytest.approx(apart)


def test_noise_alone_has_no_policy_in_it():
    assert policy_share(mean=0.125, variance=1.0, n=64, noise=1.0) == 0
    assert policy_share(mean=0.0, variance=0.0, n=2, noise=0.0) == 0


def test_the_interval_of_the_difference_covers_the_truth_as_often_as_it_says():
    """2,000 ensembles of 10 seeds, true difference .3: covered 95 % ± 3 standard deviations (.0049)."""
    rng = np.random.default_rng(5)
    common = rng.standard_normal((2000, 10))
    one, other = (common + shift + 0.5 * rng.standard_normal((2000, 10)) for shift in (0.3, 0.0))
    found = [difference_of(a, b) for a, b in zip(one, other, strict=True)]
    covered = np.mean([d.low <= 0.3 <= d.high for d in found])
    assert abs(covered - 0.95) < 3 * 0.0049
    assert np.mean([d.noise_reduction for d in found]) > 4  # (1 + .25) · 2 / .5 = 5 in variance


def test_the_jackknife_error_is_that_of_the_share():
    """Over 500 ensembles of 40 seeds the mean jackknife error is within a fifth of the shares' own spread."""
    rng = np.random.default_rng(6)
    found = [difference_of(1.0 + rng.standard_normal(40), np.zeros(40)) for _ in range(500)]
    spread = np.std([d.policy_share for d in found])
    assert np.mean([d.policy_share_standard_error for d in found]) == pytest.approx(spread, rel=0.2)
    assert np.mean([d.policy_share for d in found]) == pytest.approx(0.5, abs=0.02)


def test_differences_need_the_same_seeds_and_at_least_two():
    with pytest.raises(InputError, match="different seeds"):
        differences(run_ensemble(simulate, BASE, 3), run_ensemble(simulate, BASE, 2))
    with pytest.raises(InputError, match="two seeds"):
        differences(*run_paired(simulate, (BASE, BASE), 1))


@dataclass(frozen=True)
class Lever:
    name: str
    low: float = 0.0
    high: float = 1.0
    start: float = 0.4
    scale: float = 0.5
    dynamics: bool = False

    def clamp(self, value):
        return min(max(value, self.low), self.high)


SPACE = (Lever("a"), Lever("b", start=1.0), Lever("c", dynamics=True), Lever("d", low=0.4, high=0.4))


def plane(point):
    return 2 * point["a"] - 3 * point["b"] + 0.5 * point["c"] + 7


def test_steps_lead_inwards_and_a_lever_that_cannot_move_has_none():
    points = stepped(SPACE, {"c": 0.6})
    assert {name: point[name] for name, point in points.items()} == pytest.approx(
        {"a": 0.45, "b": 0.95, "c": 0.35}  # .1 widths; .5 widths for dynamics
    )
    assert points["a"]["c"] == 0.6


def test_slopes_of_a_plane_are_its_coefficients():
    at = {lever.name: lever.start for lever in SPACE}
    found = slopes(SPACE, at, plane(at), {n: plane(p) for n, p in stepped(SPACE, at).items()})
    assert [found[name].slope for name in "abc"] == pytest.approx([2, -3, 0.5])
    assert found["a"].per_pp == pytest.approx(0.02) and found["a"].per_width == pytest.approx(1)
    assert [found[n].share for n in "abc"] == pytest.approx([4 / 13.25, 9 / 13.25, 0.25 / 13.25])
    assert found["d"].slope is None and found["d"].share is None


def test_shares_of_nothing_are_nothing():
    assert linear_shares({"a": 0.0, "b": 0.0}) == {"a": 0, "b": 0}


RANGES = {"a": (0.0, 2.0), "b": (1.0, 2.0), "c": (0.0, 1.0)}


def test_morris_of_a_plane_is_slope_times_range_without_any_scatter():
    found = morris(lambda p: 2 * p["a"] - 3 * p["b"], RANGES, 4, seed=1).by_lever
    assert [found[n]["mu"] for n in RANGES] == pytest.approx([4, -3, 0], abs=1e-9)
    assert [found[n]["mu_star"] for n in RANGES] == pytest.approx([4, 3, 0], abs=1e-9)
    assert [found[n]["sigma"] for n in RANGES] == pytest.approx([0, 0, 0], abs=1e-9)


def test_sobol_of_a_plane_is_its_share_of_squares():
    """Var = Σ (slope · range)² / 12: 16 and 9 of 25."""
    found = sobol(lambda p: 2 * p["a"] - 3 * p["b"], RANGES, 512, seed=1)
    assert found.evaluations == 512 * 5
    assert [found.by_lever[n]["first"] for n in RANGES] == pytest.approx([0.64, 0.36, 0], abs=0.01)
    assert [found.by_lever[n]["total"] for n in RANGES] == pytest.approx([0.64, 0.36, 0], abs=0.01)


def test_sobol_of_ishigami():
    """Ishigami and Homma (1990), a = 7, b = .1: S₁ .3139, .4424, 0; total .5576, .4424, .2437."""
    ranges = dict.fromkeys("xyz", (-math.pi, math.pi))

    def ishigami(p):
        return math.sin(p["x"]) + 7 * math.sin(p["y"]) ** 2 + 0.1 * p["z"] ** 4 * math.sin(p["x"])

    found = sobol(ishigami, ranges, 2048, seed=3).by_lever
    assert [found[n]["first"] for n in "xyz"] == pytest.approx([0.3139, 0.4424, 0], abs=0.03)
    assert [found[n]["total"] for n in "xyz"] == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.03)
    strong = morris(ishigami, ranges, 50, seed=3).by_lever
    assert strong["z"]["sigma"] > 1  # acts through x alone


def test_what_nothing_moves_has_no_indices():
    assert sobol(lambda p: 1.0, RANGES, 2, seed=1).by_lever["a"] == {
        "first": 0,
        "first_interval": 0,
        "total": 0,
        "total_interval": 0,
    }


def test_stopped_the_whole_samples_count():
    calls = []
    found = morris(
        lambda p: calls.append(p) or p["a"],
        RANGES,
        10,
        seed=1,
        watch=Watch(should_stop=lambda: len(calls) == 11),
    )
    assert (found.samples, found.requested, found.evaluations) == (2, 10, 8)  # of 4 evaluations each
    assert found.by_lever["a"]["mu"] == pytest.approx(2)
    with pytest.raises(CheckFailed, match="after 0 evaluations"):
        sobol(plane, RANGES, 4, seed=1, watch=Watch(should_stop=lambda: True))


def test_samples_that_do_not_make_an_analysis_are_rejected():
    with pytest.raises(InputError, match="1 Morris"):
        morris(plane, RANGES, 1, seed=1)
    with pytest.raises(InputError, match="48 Sobol"):
        sobol(plane, RANGES, 48, seed=1)


AB = (Lever("a"), Lever("b"))


def test_ped_anova_finds_the_lever_that_decides():
    points = [dict(zip("ab", row, strict=True)) for row in np.random.default_rng(1).random((200, 2))]
    found = importance(AB, points, [p["a"] for p in points], None)
    assert found.method == PED_ANOVA and found.reason is None and found.trials == 200
    assert found.shares["a"] > 0.8 and sum(found.shares.values()) == pytest.approx(1)


def test_ped_anova_gives_levers_without_effect_little():
    """Effects as in a real census: two large, five small, four none; 100 random trials."""
    effects = dict(zip("abcdefghijk", (1.16, 1.12, 0.32, 0.32, 0.27, 0.2, 0.19, 0, 0, 0, 0), strict=True))
    space = tuple(Lever(name) for name in effects)
    rows = np.random.default_rng(2).random((100, len(effects)))
    points = [dict(zip(effects, row, strict=True)) for row in rows]
    found = importance(space, points, [sum(effects[n] * p[n] for n in p) for p in points], None)
    assert found.method == PED_ANOVA and sum(found.shares[n] for n in "hijk") < 0.2
    assert found.shares["a"] + found.shares["b"] > 0.5


def test_too_few_distinct_trials_give_linear_shares_and_say_so():
    points = [{"a": 0.1, "b": 0.2}] * 300
    found = importance(AB, points, [1.0] * 300, {"a": 3.0, "b": 4.0})
    assert found.method == LINEAR and found.trials == 1
    assert (
        found.reason
        == "1 distinct trials; PED-ANOVA needs 100 for 2 levers: shares of (slope × width)² instead"
    )
    assert found.shares == pytest.approx({"a": 9 / 25, "b": 16 / 25})


def test_without_slopes_either_there_is_no_importance():
    found = importance(AB, [], [], None)
    assert found.method == NONE and found.shares == {} and "no slopes" in found.reason


def frame(**pay):
    """Return a pay frame of two years; a name is person_level, a leading minus says not active."""
    rows = []
    for key, amount in pay.items():
        person, level = key.split("_")
        for year, factor in ((2026, 0.5), (2027, 1)):
            rows.append((person, year, int(level), amount > 0, False, abs(amount) * factor))
    columns = ["employee_id", "simulation_year", "level_id", "is_active", "is_hire", "base_pay"]
    return pd.DataFrame(rows, columns=columns)


BEFORE = frame(a_1=100.0, b_1=200.0, c_2=400.0, d_2=500.0, e_1=-90.0, f_2=50.0)
AFTER = frame(a_1=110.0, b_1=190.0, c_3=420.0, d_2=500.001, e_1=90.0, g_1=60.0)


def test_people_who_are_active_in_both_are_compared_in_the_last_year():
    found = people_impact(BEFORE, AFTER)
    assert (found.year, found.only_before, found.only_after) == (2027, 1, 2)  # f; e and g
    whole = found.everybody
    assert (whole.compared, whole.differ, whole.share) == (4, 3, 0.75)  # d: less than half a cent
    assert (whole.winners, whole.losers, whole.total) == (2, 1, 20.0)  # +10, −10, +20
    assert (whole.difference.low, whole.difference.median, whole.difference.high) == (-10, 10, 20)
    assert whole.difference.p10 == pytest.approx(-6) and whole.difference.p90 == pytest.approx(18)
    assert whole.difference_rate.low == pytest.approx(-0.05) and whole.difference_rate.high == 0.10
    assert whole.difference_rate.median == pytest.approx(0.05) and whole.difference.mean == 20 / 3


def test_people_by_level_are_by_the_level_they_had():
    levels = people_impact(BEFORE, AFTER).by_level
    assert sorted(levels) == [1, 2]
    assert (levels[1].compared, levels[1].winners, levels[1].losers) == (2, 1, 1)
    assert (levels[2].compared, levels[2].differ, levels[2].difference.median) == (2, 1, 20)


def test_equal_pay_has_no_impact():
    found = people_impact(BEFORE, BEFORE)
    assert (found.everybody.differ, found.everybody.difference, found.only_after) == (0, None, 0)
    shown = found.as_json()
    assert shown["share"] == 0 and shown["by_level"][0]["level_id"] == 1


def test_people_impact_of_an_empty_workforce():
    empty = BEFORE[BEFORE["is_active"] & False]
    none = people_impact(BEFORE, empty.assign(simulation_year=2027))
    assert none.everybody.compared == 0 and none.everybody.share == 0


def year(number, payroll, change):
    return {"simulation_year": number, "payroll": payroll, "payroll_change": change}


def test_cost_by_year_and_over_the_horizon():
    before = [year(2026, 100.0, 10.0), year(2027, 120.0, 20.0)]
    found = cost_impact(before, [year(2026, 105.0, 15.0), year(2027, 129.0, 24.0)])
    assert found.as_json()["years"][1] == {
        "simulation_year": 2027,
        "payroll": {"before": 120, "after": 129, "difference": 9, "difference_rate": 0.075},
        "payroll_change": {"before": 20, "after": 24, "difference": 4, "difference_rate": 0.2},
    }
    assert found.horizon.payroll.difference == 14
    assert found.horizon.payroll_change.difference_rate == pytest.approx(9 / 30)
    assert found.highest_payroll.difference == 9


def test_a_rate_of_nothing_is_none_and_of_a_shrinking_payroll_keeps_its_sign():
    found = cost_impact([year(2026, 100.0, 0.0)], [year(2026, 90.0, -10.0)]).years[2026]
    assert found.payroll_change.difference_rate is None
    shrinking = cost_impact([year(2026, 100.0, -10.0)], [year(2026, 90.0, -20.0)]).years[2026]
    assert shrinking.payroll_change.difference_rate == -1  # twice the fall


def kpis(levers):
    """Growth a + b + 2ab: what both do together beyond their sum is the product."""
    a, b = levers.get("a", 0.0), levers.get("b", 0.0)
    return [{"growth_compound": a + b + 2 * a * b, "payroll": 1000 * (1 + a)}]


def test_parameter_impact_is_each_lever_alone_and_the_interaction():
    changed = {"a": 0.1, "b": 0.2}
    alone = {name: kpis(levers) for name, levers in one_at_a_time(changed).items()}
    found = parameter_impact(kpis({}), kpis(changed), alone)
    growth, payroll = found["growth_compound"], found["payroll"]
    assert growth.alone == {"a": 0.1, "b": 0.2} and growth.remainder == pytest.approx(0.04)
    assert payroll.alone == pytest.approx({"a": 100, "b": 0}) and payroll.remainder == pytest.approx(0)
    assert sum(growth.alone.values()) + growth.remainder == pytest.approx(growth.total, abs=1e-15)


def test_unchanged_levers_have_no_impact():
    found = parameter_impact(kpis({}), kpis({}), {})
    assert found["growth_compound"].total == found["growth_compound"].remainder == 0


YEARS = (2026, 2027)
TWO_YEARS = resolve(YEARS, scenario={})
KPIS = [{"simulation_year": year, "payroll": pay} for year, pay in ((2026, 100.0), (2027, 130.0))]


def test_what_is_as_recommended_is_ok():
    found = assess(TWO_YEARS, KPIS, target_growth=0.03, payroll_budget=200)
    assert found.level is Risk.OK and found.findings == () and found.target == "is moderate"
    assert found.levers["cola_rate"] is Risk.OK


def test_findings_are_worst_first_and_the_worst_is_the_level():
    levers = TWO_YEARS.with_levers({"cola_rate": 0.025, "merit_rate_level_2": 0.0325})
    found = assess(levers, KPIS, target_growth=0.05, payroll_budget=120)
    shown = [(f.risk, f.parameter) for f in found.findings]
    assert (
        shown[0] == (Risk.CRITICAL, "payroll_budget")
        and "10 over the budget of 120" in found.findings[0].message
    )
    assert [risk.rank for risk, _ in shown] == sorted((risk.rank for risk, _ in shown), reverse=True)
    assert (Risk.HIGH, "market_budget") in shown and (Risk.MEDIUM, "target_growth") in shown
    assert found.level is Risk.CRITICAL and found.target == "is aggressive"


def test_a_lever_has_its_worst_year_and_each_where_they_differ():
    levers = TWO_YEARS.with_levers({"promotion_raise_level_1@2027": 0.3})
    found = assess(levers, KPIS, target_growth=None, payroll_budget=None).levers
    assert found["promotion_raise_level_1"] is found["promotion_raise_level_1@2027"] is Risk.CRITICAL
    assert found["promotion_raise_level_1@2026"] is Risk.OK and "merit_rate_level_1@2026" not in found


def test_what_the_start_has_already_is_not_added():
    """A calibrated rate of promotion is the employer's own, and no choice of a study."""
    start = TWO_YEARS.with_levers({"promotion_probability_level_1": 0.001})
    dear = {"cola_rate": 0.03, "promotion_raise_level_1": 0.15}
    kept, changed = (
        assess(levers, KPIS, target_growth=None, payroll_budget=None, start=start)
        for levers in (start, start.with_levers(dear))
    )
    assert (kept.level, kept.added) == (Risk.CRITICAL, Risk.OK)
    assert (changed.level, changed.added) == (Risk.CRITICAL, Risk.HIGH)
    alone = assess(start, KPIS, target_growth=None, payroll_budget=None)
    assert alone.added is alone.level is Risk.CRITICAL


def test_without_a_target_the_budget_still_counts():
    found = assess(TWO_YEARS, KPIS, target_growth=None, payroll_budget=120)
    assert found.target is None and found.level is Risk.CRITICAL
    assert assess(TWO_YEARS, KPIS, target_growth=None, payroll_budget=130).level is Risk.OK


def test_the_json_form_is_plain():
    shown = assess(
        TWO_YEARS.with_levers({"cola_rate": 0.025}), KPIS, target_growth=0.03, payroll_budget=None
    ).as_json()
    assert shown["level"] == "HIGH" and shown["findings"][0]["year"] is None
    assert type(shown["levers"]["cola_rate"]) is str
