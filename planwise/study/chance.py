"""The chance that payroll exceeds its limit, over rates and luck, and the check of an answer.

A study simulates the scenario, and `solve` its answer, in as many worlds as the study has seeds. By year, the
logarithm of a world's payroll over that of the scenario is regressed on what is drawn of its rates: the
headcount that growth leads to, and turnover. What is left is luck: Student's t, with its covariance between
years. Thousands of worlds follow from this model without a simulation (a control variate), so that the
payroll which a tenth of the worlds exceeds is not the second highest of twenty. The answer is then simulated
in worlds that no model has seen, and the share of them over the limit is reported with its interval.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from planwise.engine.outcome import Kpis
from planwise.risk.assessment import Spread, spread_of, wilson
from planwise.risk.decisions import RAISES, decided_by
from planwise.risk.worlds import (
    LUCK,
    RATES_AND_LUCK,
    Matrix,
    RateDraws,
    Vector,
    in_world,
    replicate_seeds,
    world_of,
)
from planwise.study.constraints import PAYROLL, PAYROLL_RISK, highest_payroll
from planwise.study.trial import Evaluation, Proposal, Trial, TrialPurpose

if TYPE_CHECKING:
    from planwise.parameters import EffectiveParameters
    from planwise.study.problem import Problem

MODELLED = 4096  # worlds that follow from a model: a share of a tenth to half a point
MODEL_STREAM = 1  # of other worlds than those that are simulated
WORLDS_MIN = 12  # fewer are taken as they are: the model has three coefficients
CHECKS = 100  # worlds in which an answer is checked: a share of a tenth to 6 points (95 %)
CHECKED_AT_ONCE = 25  # after each so many, a check that has clearly failed ends
CLEARLY = 1e-3  # the probability of as many over the limit, were the claim true
SMALLEST_PAYROLL = 1.0


def study_draws(base: "EffectiveParameters") -> RateDraws:
    """Return the rates that a study draws: its levers are what it decides, so raises are not drawn."""
    return RateDraws.of(base, decided_by(base) | {RAISES})


def in_replicate(effective: "EffectiveParameters", own: int, seed: int) -> "EffectiveParameters":
    """Return parameters in the world, of the study's seed `own`, that has a seed; others draw luck alone."""
    world = world_of(own, seed)
    if world is None:
        return effective.with_assumptions({"seed": seed})
    return in_world(effective, world, decided_by(effective) | {RAISES}, own)


def payroll_ratios(
    draws: RateDraws | None, own: Evaluation, replicates: Sequence[Evaluation]
) -> tuple[float, ...]:
    """Return highest payrolls of worlds over the highest of the scenario's own, the highest first.

    Those of the worlds that a model of the simulated ones leads to; of the simulated ones themselves where
    they are fewer than 12.
    """
    highest = highest_payroll(own.kpis)
    if draws is None or len(replicates) < WORLDS_MIN:
        return tuple(sorted((highest_payroll(one.kpis) / highest for one in replicates), reverse=True))
    worlds = [world for one in replicates if (world := world_of(draws.seed, one.seed or 0)) is not None]
    stated = _log_payrolls([own.kpis])
    found = _log_payrolls([one.kpis for one in replicates]) - stated
    known, new = draws.regressors(worlds), replace(draws, stream=MODEL_STREAM).regressors(range(MODELLED))
    years = [_regression(known[:, year], found[:, year], new[:, year]) for year in range(found.shape[1])]
    predicted, residuals, wider = (np.column_stack(parts) for parts in zip(*years, strict=True))
    freedom = len(worlds) - known.shape[2]
    generator = np.random.default_rng((draws.seed, MODEL_STREAM))
    luck = generator.standard_normal((MODELLED, len(worlds))) @ residuals
    luck /= np.sqrt(generator.chisquare(freedom, MODELLED))[
        :, None
    ]  # Student's t: their scale is estimated too
    paid = np.exp(stated + predicted + luck * wider).max(axis=1)
    return tuple(np.sort(paid / highest)[::-1].tolist())


def _log_payrolls(runs: Iterable[Kpis]) -> Matrix:
    paid = [[max(float(year["payroll"]), SMALLEST_PAYROLL) for year in kpis] for kpis in runs]
    return np.asarray(np.log(np.array(paid)), dtype=float)


def _regression(known: Matrix, found: Vector, new: Matrix) -> tuple[Vector, Vector, Vector]:
    """Return what a linear regression predicts, its residuals, and what its own error widens them by."""
    inverse = np.linalg.pinv(known.T @ known)
    slopes = inverse @ known.T @ found
    return new @ slopes, found - known @ slopes, np.sqrt(1 + ((new @ inverse) * new).sum(axis=1))


@dataclass(frozen=True)
class ChanceCheck:
    """An answer in `worlds` that it was not found by: the share of them over the payroll limit.

    `share_interval` is Wilson's, 95 %. The claim holds unless all of it is above the share `allowed`.
    """

    worlds: int
    over: int
    share: float
    share_interval: Sequence[float]
    allowed: float
    holds: bool
    payroll_limit: float
    payroll: Spread
    drawn: str

    def as_json(self) -> dict[str, Any]:
        """Return the check as JSON values."""
        return asdict(self)

    @property
    def has_clearly_failed(self) -> bool:
        """Whether so many are over that further worlds would not change it."""
        from scipy.special import bdtrc  # SciPy is slow to import

        return self.over > 0 and float(bdtrc(self.over - 1, self.worlds, self.allowed)) < CLEARLY

    @property
    def text(self) -> str:
        """The check in a sentence."""
        low, high = self.share_interval
        return (
            f"Simulated in {self.worlds} other draws of {self.drawn}, its payroll is over the limit in "
            f"{self.share:.0%} (95 %: {low:.0%} to {high:.0%}); {self.allowed:.0%} may be."
        )


def check_proposals(problem: "Problem", best: Evaluation) -> tuple[Proposal, ...]:
    """Return the proposals of the check: an answer in worlds that no model was made of."""
    count = problem.spec.seeds + 1
    return tuple(
        Proposal(dict(best.levers), "preview", TrialPurpose.CHECK, seed=seed)
        for seed in replicate_seeds(problem.own_seed, count + CHECKS)[count:]
    )


def chance_check(problem: "Problem", best: Evaluation, trials: Iterable[Trial]) -> ChanceCheck | None:
    """Return the check of an answer; None where no chance is limited or it was not simulated."""
    risk, limit = problem.spec.limit(PAYROLL_RISK), problem.spec.limit(PAYROLL)
    found = {
        trial.seed: highest_payroll(trial.evaluation.kpis)
        for trial in trials
        if trial.purpose == TrialPurpose.CHECK
        and trial.levers == best.levers
        and trial.evaluation is not None
    }
    payroll = spread_of(found.values())
    if risk is None or limit is None or payroll is None:
        return None
    over = sum(paid > limit.bound for paid in found.values())
    interval = wilson(over, len(found))
    return ChanceCheck(
        worlds=len(found),
        over=over,
        share=over / len(found),
        share_interval=interval,
        allowed=risk.bound,
        holds=interval[0] <= risk.bound,
        payroll_limit=limit.bound,
        payroll=payroll,
        drawn=drawn_by(problem.draws),
    )


def drawn_by(draws: RateDraws | None) -> str:
    """Return what differs between the worlds of a study."""
    return RATES_AND_LUCK if draws is not None and draws.anything else LUCK
