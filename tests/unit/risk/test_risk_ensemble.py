"""Ensembles: seeds, percentiles, stopping; policy and noise told apart, against known answers."""

import numpy as np
import pytest

from planwise.errors import CheckFailed, InputError
from planwise.parameters import resolve
from planwise.risk.assessment import spread_of
from planwise.risk.ensemble import Watch, replicate_seeds, run_ensemble, run_paired, spreads_json, under_seed
from planwise.risk.noise import difference_of, differences, policy_share

BASE = resolve((2026, 2027), scenario={})


def luck(seed):
    """Return a standard normal draw of the seed's own."""
    return float(np.random.default_rng(seed).standard_normal())


def simulate(effective):
    """Growth is COLA plus a luck that scenarios of equal seed share; nobody has a pay gap in 2026."""
    return [
        {
            "simulation_year": year,
            "growth": effective.value("cola_rate", year) + 0.01 * luck(effective.seed),
            "gap": None if year == 2026 else 0.1,
        }
        for year in effective.years
    ]


def test_the_scenarios_own_seed_comes_first_and_more_seeds_keep_the_former():
    assert replicate_seeds(42, 1) == (42,)
    assert replicate_seeds(42, 20)[:5] == replicate_seeds(42, 5)
    assert len(set(replicate_seeds(42, 1000))) == 1000
    assert replicate_seeds(42, 3) != replicate_seeds(43, 3)


def test_derived_seeds_are_those_documented():
    """SHA-256 of "42:1" and "42:2" begin with 0x03ddf851 and 0xcdf56f97 (computed by sha256sum)."""
    assert replicate_seeds(42, 3) == (42, 0x03DDF851, 0xCDF56F97 % 2**31)


@pytest.mark.parametrize("count", [0, -1, 10_001])
def test_a_number_of_seeds_without_sense_is_refused(count):
    with pytest.raises(InputError, match="outside 1 to"):
        replicate_seeds(42, count)


def test_percentiles_of_the_numbers_from_0_to_100():
    spread = spread_of(range(101))
    assert (spread.p10, spread.p50, spread.p90, spread.mean, spread.n) == (10, 50, 90, 50, 101)
    assert spread.sd == pytest.approx(np.sqrt(101 * 102 / 12))  # of 1..n: n(n+1)/12


def test_a_spread_of_what_is_missing_counts_what_is_there():
    assert spread_of([None, None]) is None
    assert spread_of([None, 3.0]).n == 1 and spread_of([None, 3.0]).sd is None


def test_an_ensemble_has_each_kpi_and_year():
    ensemble = run_ensemble(simulate, BASE, 5)
    growth = [0.025 + 0.01 * luck(seed) for seed in replicate_seeds(BASE.seed, 5)]
    assert ensemble.sample("growth", 2027) == pytest.approx(growth)
    spreads = spreads_json(ensemble.spreads())
    assert spreads["growth"]["2026"]["p50"] == pytest.approx(sorted(growth)[2])
    assert spreads["gap"]["2026"] is None and spreads["gap"]["2027"]["sd"] == 0


def test_the_first_run_is_the_scenario_itself():
    assert under_seed(BASE, BASE.seed) is BASE
    assert run_ensemble(simulate, BASE, 3).runs[0] == simulate(BASE)


def test_progress_is_told_and_a_stop_keeps_what_there_is():
    told = []
    watch = Watch(on_step=told.append, should_stop=lambda: len(told) == 2)
    ensemble = run_ensemble(simulate, BASE, 5, watch)
    assert [step.done for step in told] == [1, 2] and told[0].total == 5
    assert ensemble.stopped and len(ensemble.runs) == len(ensemble.seeds) == 2


def test_stopped_before_anything_ended_is_an_error():
    with pytest.raises(CheckFailed, match="before the first seed"):
        run_ensemble(simulate, BASE, 5, Watch(should_stop=lambda: True))


def test_a_zero_change_scenario_differs_by_exactly_nothing():
    same = BASE.with_levers({"cola_rate": 0.025})
    found = differences(*run_paired(simulate, (same, BASE), 10))["growth"][2027]
    assert (found.mean, found.sd, found.low, found.high) == (0, 0, 0, 0)
    assert found.policy_share is None and found.policy_share_without_crn is None
    assert found.sd_without_crn > 0


def test_common_random_numbers_leave_policy_alone():
    more = BASE.with_levers({"cola_rate": 0.035})
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


def test_seeds_that_differ_are_no_pair_and_one_seed_tells_nothing():
    with pytest.raises(InputError, match="different seeds"):
        differences(run_ensemble(simulate, BASE, 3), run_ensemble(simulate, BASE, 2))
    with pytest.raises(InputError, match="two seeds"):
        differences(*run_paired(simulate, (BASE, BASE), 1))
