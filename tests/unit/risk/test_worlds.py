"""Worlds: rates as they may be, held against SciPy's distributions, and who decides what is not drawn."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from planwise.cli.ensemble import rates_in_words
from planwise.errors import InputError
from planwise.parameters import resolve
from planwise.risk.decisions import decided_by
from planwise.risk.worlds import (
    GROWTH_PRIOR,
    TURNOVER_PRIOR,
    Predictive,
    RateDraws,
    in_world,
    luck_alone,
    replicate_seeds,
    world_of,
    year_spread,
)

YEARS = (2026, 2027, 2028, 2029, 2030)
BASE = resolve(YEARS, scenario={})
MANY = range(4096)


def draws(**scenario):
    return RateDraws.of(resolve(YEARS, scenario=scenario))


def test_the_scenarios_own_seed_comes_first_and_more_seeds_keep_the_former():
    assert replicate_seeds(42, 1) == (42,)
    assert replicate_seeds(42, 20)[:5] == replicate_seeds(42, 5) == replicate_seeds(42, 500)[:5]
    assert len(set(replicate_seeds(42, 1000))) == 1000
    assert replicate_seeds(42, 3) != replicate_seeds(43, 3)


def test_derived_seeds_are_those_documented():
    """SHA-256 of "42:1" and "42:2" begin with 0x03ddf851 and 0xcdf56f97 (computed by sha256sum)."""
    assert replicate_seeds(42, 3) == (42, 0x03DDF851, 0xCDF56F97 % 2**31)


@pytest.mark.parametrize("count", [0, -1, 10_001])
def test_a_number_of_seeds_without_sense_is_rejected(count):
    with pytest.raises(InputError, match="outside 1 to"):
        replicate_seeds(42, count)


def test_a_world_is_found_by_its_seed():
    assert [world_of(42, seed) for seed in replicate_seeds(42, 300)] == list(range(300))
    assert world_of(42, 7) is None


@pytest.mark.parametrize(("known", "freedom", "factor"), [(0, 4, 2.0), (1, 4, 2.0), (2, 5, 1.5), (5, 8, 1.2)])
def test_a_new_year_is_student_t_with_four_degrees_more_than_the_years_give(known, freedom, factor):
    law = Predictive(0.1, known)
    at = np.array([0.001, 0.1, 0.5, 0.9, 0.999])
    expected = stats.t(freedom, scale=0.1 * np.sqrt(factor)).ppf(at)
    assert law.quantile(at) == pytest.approx(expected, rel=1e-9)


def test_the_prior_is_worth_four_years():
    """Two years .2 apart: squares .02; (4 x .012² + .02) / 5. One year, and none: the prior alone."""
    assert year_spread([0.1, -0.1], GROWTH_PRIOR) == pytest.approx(((4 * 0.012**2 + 0.02) / 5) ** 0.5)
    assert year_spread([0.3], GROWTH_PRIOR) == year_spread([], GROWTH_PRIOR) == pytest.approx(0.012)


def test_without_a_calibration_turnover_is_as_unsure_as_surveys_differ():
    """14 % x exp(± 1.5332 x .08 x √2), 1.5332 being P90 of Student's t with 4 degrees (from a table)."""
    (turnover, growth, *exits) = [one for one in draws(cola_rate=0.02).as_json() if one["drawn"]]
    by_department = next(one for one in exits if one["rate"] == "exits_vary_by_department")
    assert (by_department["p10"], by_department["p90"]) == pytest.approx((-0.14256, 0.16626), abs=1e-4)
    assert (turnover["p10"], turnover["p90"]) == pytest.approx((0.11770, 0.16652), abs=1e-5)
    assert (growth["p10"], growth["p90"]) == pytest.approx((0.03 - 0.02602, 0.03 + 0.02602), abs=1e-5)
    assert "no calibration" in turnover["why"]


@pytest.mark.parametrize("known", [0, 2, 9])
def test_drawn_turnover_and_growth_of_every_year_have_the_distribution(known):
    found = draws(calibration_years=known, spread_of_turnover=0.1, spread_of_headcount_growth=0.02)
    spread = (1 + 1 / max(known, 1)) ** 0.5
    law = stats.t(4 + max(known, 1) - 1)
    factors = np.log(found.turnover_factors(MANY))
    assert stats.kstest(factors / (0.1 * spread), law.cdf).statistic < 0.002  # evenly spread: 1/4096 apart
    shifts = (found.growths(MANY) - 0.03) / (0.02 * spread)
    inside = np.abs(shifts * 0.02 * spread + 0.03) < 0.3
    for year in range(len(YEARS)):
        assert stats.kstest(shifts[inside[:, year], year], law.cdf).statistic < 0.02
    scores = stats.norm.ppf(law.cdf(shifts))
    between = np.corrcoef(scores.T)[np.triu_indices(len(YEARS), 1)]
    assert between == pytest.approx(1 / (max(known, 1) + 1), abs=0.05)


@pytest.mark.parametrize("count", [8, 16, 32])
def test_few_worlds_cover_the_distribution(count):
    law = Predictive(TURNOVER_PRIOR, 0)
    factors = np.sort(np.log(draws().turnover_factors(range(count))))
    places = stats.t(law.freedom, scale=law.scale).cdf(factors) * count
    assert np.floor(places).tolist() == list(range(count))  # one in each of so many equal parts


def test_a_world_depends_on_seed_and_number_alone():
    one, same, other = draws(), draws(termination_rate=0.2), draws(seed=43)
    assert np.array_equal(one.turnover_factors(range(9)), same.turnover_factors(range(9)))
    assert one.turnover_factors((5,))[0] == one.turnover_factors(range(500))[5]
    assert not np.array_equal(one.turnover_factors(range(9)), other.turnover_factors(range(9)))
    assert in_world(BASE, 5).digest == in_world(BASE, 5).digest != in_world(BASE, 6).digest


def test_drawn_rates_stay_within_their_limits():
    wild = draws(spread_of_turnover=1, spread_of_headcount_growth=0.5, termination_rate=0.5)
    factors, growth = wild.turnover_factors(MANY), wild.growths(MANY)
    assert (factors.min(), factors.max()) == pytest.approx((1 / 3, 3))
    assert (growth.min(), growth.max()) == (-0.3, 0.3)
    drawn = [wild.assumptions(world)["termination_rate"] for world in range(64)]
    assert max(drawn) == 1 and min(drawn) == pytest.approx(0.5 / 3, abs=1e-6)
    assert draws(headcount_growth=0.6, estimated_headcount_growth=0.6).growths(MANY).max() <= 0.6
    raises = draws().levers(3)
    assert all(0 <= rate <= 0.1 for rate in raises.values())


def test_every_world_resolves_and_is_finite_with_one_year_of_training():
    plan = resolve(YEARS, scenario={"calibration_years": 1, "termination_rate": 0.4})
    for world in range(60):
        found = in_world(plan, world)
        rates = [found.number("termination_rate", year) for year in YEARS]
        rates += [found.number("headcount_growth", year) for year in YEARS]
        assert np.isfinite(rates).all() and max(rates) <= 1
    json.dumps(RateDraws.of(plan).as_json(), allow_nan=False)


def test_what_a_plan_decides_is_not_drawn():
    assert decided_by(BASE) == frozenset()
    stated = resolve(YEARS, scenario={"headcount_growth": 0.0, "merit_rate_level_2": 0.03})
    assert decided_by(stated) == {"headcount_growth", "raises"}
    world = in_world(stated, 3)
    assert world.number("headcount_growth", 2028) == 0 and world.number("merit_rate_level_1", 2028) == 0.033
    assert world.number("termination_rate") != stated.number("termination_rate")
    (_, growth, *_) = RateDraws.of(stated).as_json()
    assert growth == {
        "rate": "headcount_growth", "stated": 0.0, "drawn": False, "p10": None, "p90": None,
        "why": "the plan states it",
    }  # fmt: skip


def test_the_estimate_of_a_calibration_is_drawn_until_the_plan_states_another():
    estimated = {"headcount_growth": 0.01, "estimated_headcount_growth": 0.01, "calibration_years": 3}
    assert decided_by(resolve(YEARS, scenario=estimated)) == frozenset()
    assert decided_by(resolve(YEARS, scenario=estimated | {"headcount_growth@2027": 0.02})) == {
        "headcount_growth"
    }


def test_raises_that_nobody_decided_move_merit_of_all_levels_alike():
    shift = RateDraws.of(BASE).raise_shifts(range(1024))
    assert shift.std() == pytest.approx(0.015, rel=0.02) and abs(shift.mean()) < 2e-4
    world = in_world(BASE, 1)
    moved = {world.number(f"merit_rate_level_{level}", 2027) - 0.033 for level in range(1, 6)}
    assert len({round(by, 9) for by in moved}) == 1 and moved != {0.0}


GROUPS = "department: Fire=0.03; Police=0.09"
KNOWN = {  # as a calibration of two years states them
    "cola_rate": 0.01, "estimated_cola_rate": 0.01, "awards": GROUPS, "estimated_awards": GROUPS,
    "past_cola_rate_1": 0.02, "past_awards_1": "department: Fire=0.06; Police=0.08",
    "past_cola_rate_2": 0.0, "past_awards_2": "department: Fire=0; Police=0.1",
    "calibrated_rates": "0123456789abcdef",
} | {f"{of}merit_rate_level_{level}": 0.0 for level in range(1, 6) for of in ("", "estimated_")}  # fmt: skip


def test_awards_are_those_of_a_past_year_together_or_others():
    """Two known years have two thirds of the worlds; a third is normal about 2.5 %, none below 0."""
    plan = resolve(YEARS, scenario=KNOWN)
    assert decided_by(plan) == frozenset()
    worlds = [in_world(plan, world) for world in range(150)]
    found = [(one.number("cola_rate", 2028), one.value("awards", 2028)) for one in worlds]
    known = [(0.02, "department: Fire=0.06; Police=0.08"), (0.0, "department: Fire=0; Police=0.1")]
    assert [found.count(one) / 150 for one in known] == pytest.approx([1 / 3, 1 / 3], abs=0.03)
    others = np.array([cola for cola, rates in found if (cola, rates) not in known])
    assert others.mean() == pytest.approx(0.025, abs=0.006) and others.min() >= 0 and others.std() < 0.02
    assert {one.number("merit_rate_level_2", 2028) for one in worlds} == {0}  # drift has what is above awards


def test_a_year_whose_awards_the_plan_states_is_not_drawn():
    plan = resolve(YEARS, scenario=KNOWN | {"awards@2027": "department: Police=0.05"})
    assert decided_by(plan) == {"raises@2027"}
    worlds = [in_world(plan, world) for world in range(9)]
    assert {one.value("awards", 2027) for one in worlds} == {"department: Police=0.05"}
    assert len({one.value("awards", 2028) for one in worlds}) > 2
    assert decided_by(resolve(YEARS, scenario=KNOWN | {"cola_rate": 0.03})) == {"raises"}


def test_drift_moves_by_year_and_level_and_exits_by_their_spreads():
    """.4 points for all and .3 a level: .5 together, and a correlation of .16 / .25 between levels."""
    found = RateDraws.of(resolve(YEARS, scenario=KNOWN)).drift_shifts(MANY)
    assert found.std() == pytest.approx(0.005, rel=0.03)
    assert np.corrcoef(found[:, 0, 0], found[:, 0, 4])[0, 1] == pytest.approx(0.64, abs=0.04)
    assert abs(np.corrcoef(found[:, 0, 0], found[:, 1, 0])[0, 1]) < 0.06
    world = in_world(resolve(YEARS, scenario=KNOWN), 3)
    assert world.number("drift_shift_level_2", 2027) == pytest.approx(found[3, 1, 1], abs=1e-6)
    assert (world.number("drift_varies_by_group"), world.number("exits_vary_by_level")) == (0.006, 0.08)
    assert in_world(BASE, 3).number("drift_varies_by_group") == 0  # nothing drifts


EXITS = ("exits_vary_by_department", "exits_vary_by_level", "exits_vary_by_tenure")


def test_a_deviation_that_is_stated_as_0_is_0_and_one_that_is_not_stated_is_usual():
    still = dict.fromkeys((*EXITS, "spread_of_turnover", "spread_of_headcount_growth"), 0.0)
    stated = draws(**still, cola_rate=0.02)
    world = in_world(resolve(YEARS, scenario=still | {"cola_rate": 0.02}), 5)
    assert [world.number(name) for name in EXITS] == [0, 0, 0]
    assert world.number("termination_rate") == BASE.number("termination_rate")
    assert {one["why"] for one in stated.as_json() if one["rate"] in EXITS} == {"the scenario states 0"}
    assert all(one["p10"] in (None, one["stated"]) for one in stated.as_json())
    half = in_world(resolve(YEARS, scenario={EXITS[0]: 0.05}), 5)
    assert [half.number(name) for name in EXITS] == [0.05, 0.08, 0.06]


def test_only_deviations_of_0_leave_nothing_to_draw():
    nothing = replace(draws(**dict.fromkeys(EXITS, 0.0)).without(), deviations=((EXITS[0], 0.0),))
    assert not nothing.anything and replace(nothing, deviations=((EXITS[0], 0.01),)).anything


def test_where_no_pay_drifts_no_drift_is_listed():
    known = RateDraws.of(resolve(YEARS, scenario=KNOWN))
    assert {one["rate"] for one in known.as_json()} - {
        one["rate"] for one in known.without_drift().as_json()
    } == {"drift_varies_by_group"}


def test_a_rate_by_year_is_moved_in_every_year():
    plan = resolve(YEARS, scenario={"termination_rate": 0.1, "termination_rate@2028": 0.2})
    world = in_world(plan, 2)
    factor = RateDraws.of(plan).turnover_factors((2,))[0]
    rates = [world.number("termination_rate", year) for year in YEARS]
    assert rates == pytest.approx([factor * (0.2 if year == 2028 else 0.1) for year in YEARS], abs=1e-6)


def test_luck_alone_changes_the_seed_and_nothing_else():
    off = BASE.with_assumptions({"draw_rates": False})
    assert luck_alone(BASE, 0) is BASE
    assert luck_alone(BASE, 3).overrides() == {"seed": replicate_seeds(42, 4)[3]}
    assert in_world(off, 3).digest == luck_alone(off, 3).digest
    assert not RateDraws.of(off).anything and {one["why"] for one in RateDraws.of(off).as_json()} == {
        "luck alone"
    }


def test_compared_plans_share_seed_and_deviations():
    other = BASE.with_assumptions({"seed": 7, "termination_rate": 0.28})
    one, two = in_world(BASE, 4, (), 42), in_world(other, 4, (), 42)
    assert one.seed == two.seed == replicate_seeds(42, 5)[4]
    assert two.number("termination_rate") == pytest.approx(2 * one.number("termination_rate"), abs=2e-6)


@pytest.mark.parametrize("known", [1, 2, 4])
def test_four_in_five_new_years_are_between_p10_and_p90(known):
    """4,000 employers, each with a spread of the prior's own distribution and so many years seen."""
    rng = np.random.default_rng(known)
    spreads = 0.08 * np.sqrt(4 / rng.chisquare(4, 4000))
    seen, new = spreads[:, None] * rng.standard_normal((4000, known)), spreads * rng.standard_normal(4000)
    reach = [Predictive(year_spread(one, TURNOVER_PRIOR), known).quantile(0.9) for one in seen]
    inside = np.mean(np.abs(new - seen.mean(axis=1)) <= np.array(reach))
    assert inside == pytest.approx(0.8, abs=0.02)  # three standard deviations of 4,000


def test_levels_with_one_reason_share_a_sentence():
    def rate(name, stated, why, ends=(None, None)):
        low, high = ends
        return {"rate": name, "stated": stated, "drawn": low is not None, "p10": low, "p90": high, "why": why}

    merits = [rate(f"merit_rate_level_{n}", 0.033, "not set", (0.01, 0.05)) for n in (1, 2)]
    turnover, growth = (
        rate("termination_rate", 0.14, "no years", (0.12, 0.17)),
        rate("growth", 0.02, "stated"),
    )
    assert rates_in_words([turnover, growth, *merits]) == [
        "termination_rate: 14.0% is stated, drawn 12.0% to 17.0% (P10 to P90); no years.",
        "growth: 2.0%, not drawn; stated.",
        "merit_rate of 2 levels: 3.3% is stated, drawn 1.0% to 5.0% (P10 to P90); not set.",
    ]
    (apart,) = rates_in_words([merits[0], rate("merit_rate_level_2", 0.04, "not set", (0.02, 0.06))])
    assert apart.startswith("merit_rate by level: L1 3.3% is stated") and apart.count("not set") == 1
    assert rates_in_words(merits[:1])[0].startswith("merit_rate_level_1: 3.3%")
