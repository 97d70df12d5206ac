"""What the trials about an answer say: robustness, sensitivity, what each lever does.

Each is an object of plain values, or a text that begins with "not computed" and says why.
"""

from collections.abc import Iterable, Mapping
from statistics import NormalDist
from typing import Any

from planwise.risk.assessment import Spread, spread_of
from planwise.risk.impact import parameter_impact
from planwise.risk.sensitivity import importance, slopes, stepped
from planwise.study.answer.best import candidates
from planwise.study.answer.closing import at, changed
from planwise.study.constraints import PAYROLL, highest_payroll, share_over
from planwise.study.problem import Problem
from planwise.study.trials.evaluation import GROWTH, Evaluation
from planwise.study.trials.trial import Trial, TrialPurpose

Found = dict[str, Any] | str
NOT_COMPUTED = "not computed"
NO_SEEDS = "no seeds were asked for"
CONFIDENCE = 0.95


def not_computed(why: str) -> str:
    """Return what stands where something was not computed."""
    return f"{NOT_COMPUTED}: {why}"


def robustness(problem: Problem, best: Evaluation, trials: Iterable[Trial], why_not: str) -> Found:
    """Return how the answer holds under other seeds than the scenario's own, by which it was found.

    `share_within_tolerance` (None where no target is sought) has its 95 % interval by Wilson's score: twenty
    seeds cannot tell 90 % from 99 %. `growth` and `payroll` (the highest of any year) are spreads over seeds;
    `share_over_payroll` is of seeds over the payroll limit, None without one. `seeds` is how many ended of
    `seeds_asked`.
    """
    asked = problem.spec.seeds
    if asked == 0:
        return not_computed(NO_SEEDS)
    about = [
        trial for trial in trials if trial.purpose == TrialPurpose.ROBUSTNESS and trial.levers == best.levers
    ]
    by_seed = {trial.seed: trial.evaluation for trial in about if trial.evaluation is not None}
    found = [by_seed[seed] for seed in problem.replicate_seeds if seed in by_seed]
    if not found:
        return not_computed(why_not)
    payrolls = [highest_payroll(one.kpis) for one in found]
    limit = problem.spec.limit(PAYROLL)
    within = sum(problem.on_target(one) for one in found)
    sought = problem.spec.seeks_target
    return {
        "seeds": len(found),
        "seeds_asked": asked,
        "tolerance": problem.spec.tolerance,
        "share_within_tolerance": within / len(found) if sought else None,
        "share_interval": wilson(within, len(found)) if sought else None,
        "growth": _json(spread_of(one.growth for one in found)),
        "growth_by_seed": [one.growth for one in found],
        "payroll": _json(spread_of(payrolls)),
        "payroll_limit": None if limit is None else limit.bound,
        "share_over_payroll": None if limit is None else share_over(payrolls, limit.bound),
    }


def wilson(successes: int, n: int) -> list[float]:
    """Return Wilson's 95 % score interval of a share (Wilson 1927, JASA 22)."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, scale = successes / n, 1 + z**2 / n
    middle = (share + z**2 / (2 * n)) / scale
    reach = z / scale * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return [max(0.0, middle - reach), min(1.0, middle + reach)]


def sensitivity(problem: Problem, best: Evaluation, trials: Iterable[Trial], why_not: str) -> Found:
    """Return what growth answers to around the answer, and over all that was tried."""
    told = tuple(trials)
    space, here = problem.space, at(problem.space, best)
    around = _by_levers(told, TrialPurpose.SENSITIVITY)
    value = around.get(_key(here))
    growth = {
        name: found.growth
        for name, point in stepped(space, here).items()
        if (found := around.get(_key(point))) is not None
    }
    by_lever = None if value is None or not growth else slopes(space, here, value.growth, growth)
    tried = [trial for trial in candidates(told) if trial.evaluation is not None]
    if by_lever is None and not tried:
        return not_computed(why_not)
    decided = importance(
        space,
        [trial.levers for trial in tried],
        [trial.evaluation.growth for trial in tried if trial.evaluation is not None],
        None if by_lever is None else {name: slope.per_width for name, slope in by_lever.items()},
    )
    return {
        "kpi": GROWTH,
        "by_lever": not_computed(why_not)
        if by_lever is None
        else {name: slope.as_json() for name, slope in by_lever.items()},
        "importance": decided.as_json(),
    }


def parameters(
    problem: Problem, baseline: Evaluation, best: Evaluation, trials: Iterable[Trial], why_not: str
) -> Found:
    """Return what each changed lever does alone to growth and payroll, and what only all do together."""
    new = changed(problem.space, best)
    known = _by_levers(trials, TrialPurpose.ALONE)
    alone = {name: known[key] for name, value in new.items() if (key := _key({name: value})) in known}
    if len(alone) < len(new):
        return not_computed(why_not)
    found = parameter_impact(baseline.kpis, best.kpis, {name: one.kpis for name, one in alone.items()})
    return {name: parts.as_json() for name, parts in found.items()}


def _by_levers(
    trials: Iterable[Trial], purpose: TrialPurpose
) -> dict[tuple[tuple[str, float], ...], Evaluation]:
    return {
        _key(trial.levers): trial.evaluation
        for trial in trials
        if trial.purpose == purpose and trial.evaluation is not None
    }


def _key(levers: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(levers.items()))


def _json(spread: Spread | None) -> dict[str, float | int | None] | None:
    return None if spread is None else spread.as_json()
