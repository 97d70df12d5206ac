"""The chance of exceeding a payroll: modelled worlds against simulated ones, and the check of an answer."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from study_worlds import BASE, LEVELS, YEARS, drive, exact, trial_of

from planwise.risk.worlds import RateDraws, replicate_seeds
from planwise.study.chance import (
    CHECKS,
    MODELLED,
    chance_check,
    check_proposals,
    in_replicate,
    payroll_ratios,
    study_draws,
)
from planwise.study.evaluators import effective_of
from planwise.study.post_analysis import check_chance
from planwise.study.problem import problem_of
from planwise.study.reachability import with_answer
from planwise.study.trial import Evaluation, Proposal, TrialPurpose

PAID, LUCK = 1e8, 0.004
GROWS = BASE.with_assumptions({"seed": 1})


def evaluation(payrolls, seed=None, levers=()):
    kpis = [
        {"simulation_year": year, "payroll": paid, "growth_compound": 0.03}
        for year, paid in zip(YEARS, payrolls, strict=True)
    ]
    return Evaluation(dict(levers), kpis, 0.03, "preview", seed=seed)


STATED = PAID * 1.03 ** np.arange(1, len(YEARS) + 1)


def payrolls(draws, worlds, rng):
    """Pay follows the headcount and, a little, turnover; luck is a walk over the years."""
    grown = np.cumsum(np.log1p(draws.growths(worlds)) - np.log1p(draws.growth), axis=1)
    left = np.log(draws.turnover_factors(worlds))[:, None]
    luck = np.cumsum(rng.normal(0, LUCK, grown.shape), axis=1)
    return STATED * np.exp(0.97 * grown - 0.02 * left + luck)


def modelled(seed, worlds=20):
    draws = study_draws(BASE.with_assumptions({"seed": seed, "estimated_headcount_growth": 0.03}))
    places = range(1, worlds + 1)
    found = payrolls(draws, places, np.random.default_rng((seed, 9)))
    seeds = replicate_seeds(seed, worlds + 1)[1:]
    replicates = [evaluation(paid, one) for paid, one in zip(found, seeds, strict=True)]
    return draws, payroll_ratios(draws, evaluation(STATED), replicates)


def test_study_worlds_state_no_growth_of_their_own():
    assert RateDraws.of(BASE).draws_growth and not study_draws(BASE).merits


def test_the_payroll_that_a_share_of_worlds_exceeds_is_exceeded_by_that_share():
    """Forty studies of twenty worlds each; without a model the second or fourth highest scatters more."""
    over, plain = {0.1: [], 0.2: []}, {0.1: [], 0.2: []}
    for seed in range(40):
        draws, ratios = modelled(seed)
        fresh = payrolls(draws, range(1000, 1512), np.random.default_rng((seed, 10))).max(axis=1)
        simulated = np.sort(payrolls(draws, range(1, 21), np.random.default_rng((seed, 9))).max(axis=1))
        for share, found in over.items():
            found.append(np.mean(fresh > STATED.max() * ratios[int(share * len(ratios))]))
            plain[share].append(np.mean(fresh > simulated[-int(share * 20)]))
    for share, found in over.items():
        assert np.mean(found) == pytest.approx(share, abs=0.012)
        assert np.std(found) < 0.7 * np.std(plain[share])


def test_ratios_are_the_highest_first_and_the_same_again():
    _, ratios = modelled(3)
    assert len(ratios) == MODELLED and list(ratios) == sorted(ratios, reverse=True)
    assert ratios == modelled(3)[1]


def test_few_worlds_are_taken_as_they_are():
    found = [evaluation(STATED * factor, seed) for factor, seed in ((1.1, 1), (0.9, 2))]
    assert payroll_ratios(study_draws(BASE), evaluation(STATED), found) == pytest.approx((1.1, 0.9))


def test_a_replicate_has_the_rates_and_the_luck_of_its_world():
    own, seed = BASE.seed, replicate_seeds(BASE.seed, 4)[3]
    found = effective_of(BASE, {"cola_rate": 0.01}, seed)
    assert found.seed == seed and found.number("cola_rate", 2026) == 0.01
    assert found.number("termination_rate") != BASE.number("termination_rate")
    assert effective_of(BASE, {}).digest == BASE.digest
    assert in_replicate(BASE, own, 5).number("termination_rate") == BASE.number(
        "termination_rate"
    )  # no world's seed


LIMITS = ("payroll<=120", "payroll_risk<=0.1")


def checked(over, levers=None):
    problem = problem_of(exact(target_growth=0.03, constraints=LIMITS), BASE, LEVELS, "preview")
    answer = evaluation([100.0] * len(YEARS), levers=levers or {"cola_rate": 0.02})
    trials = [
        trial_of(one, evaluation([130.0 if place < over else 110.0] * len(YEARS), one.seed, one.levers))
        for place, one in enumerate(check_proposals(problem, answer))
    ]
    return problem, answer, trials, chance_check(problem, answer, trials)


def test_a_check_is_in_worlds_that_the_study_has_not_seen():
    problem, _, trials, _ = checked(0)
    assert len(trials) == CHECKS and not {trial.seed for trial in trials} & {
        BASE.seed,
        *problem.replicate_seeds,
    }


@pytest.mark.parametrize(("over", "holds"), [(0, True), (10, True), (15, True), (16, False), (60, False)])
def test_a_claim_fails_where_the_whole_interval_is_above_it(over, holds):
    """Wilson: 15 in 100 begins at 9.3 %, 16 in 100 at 10.1 % (statsmodels: proportion_confint)."""
    _, _, _, check = checked(over)
    assert (check.over, check.share, check.allowed, check.payroll_limit) == (over, over / 100, 0.1, 120)
    assert check.holds == holds
    assert check.drawn == "rates and luck" and f"{over}%" in check.text


@pytest.mark.parametrize(("over", "worlds"), [(0, 100), (6, 100), (9, 25)])
def test_a_check_ends_where_it_has_clearly_failed(over, worlds):
    """Nine or more of 25 at 10 %: .00046 (SciPy's binomial); six or more: .033."""
    assert stats.binom.sf(8, 25, 0.1) < 1e-3 < stats.binom.sf(5, 25, 0.1)
    problem, answer, _, _ = checked(0)
    places = {seed: place for place, seed in enumerate(one.seed for one in check_proposals(problem, answer))}

    def simulated(one):
        paid = 130.0 if places[one.seed] < over else 110.0
        return trial_of(one, evaluation([paid] * len(YEARS), one.seed, one.levers))

    stopped, trials = drive(check_chance(problem, answer), simulated)
    assert stopped == "closed" and len(trials) == worlds
    assert chance_check(problem, answer, trials).over == over


def test_levers_that_were_not_checked_have_no_check():
    problem, _, trials, _ = checked(0)
    assert chance_check(problem, evaluation([1.0] * len(YEARS), levers={"cola_rate": 0.03}), trials) is None


def test_an_answers_own_worlds_replace_those_of_the_scenario():
    problem, answer, _, _ = checked(0)
    seeds = problem.replicate_seeds[:3]
    own = trial_of(Proposal(answer.levers, "preview", TrialPurpose.STEP), answer)
    found = [
        trial_of(
            Proposal(answer.levers, "preview", TrialPurpose.REPLICATE, 1, seed),
            evaluation([100.0 + place] * len(YEARS), seed, answer.levers),
        )
        for place, seed in enumerate(seeds)
    ]
    assert with_answer(problem, [own, *found]).seed_ratios == pytest.approx((1.02, 1.01, 1.0))
    assert with_answer(problem, [own]) == replace(problem)
