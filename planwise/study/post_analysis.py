"""Analyze a study's answer on previews: robustness, sensitivity, effect of each lever, pay of employees."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from planwise.masking import describe_error
from planwise.processes import raise_if_stopped
from planwise.risk.assessment import Spread, spread_of, wilson
from planwise.risk.finite_differences import Slope, slopes, stepped
from planwise.risk.impact import Parts, PeopleImpact, one_at_a_time, parameter_impact, parts_of, people_impact
from planwise.risk.sensitivity import Importance, importance
from planwise.study.chance import CHECKED_AT_ONCE, ChanceCheck, chance_check, check_proposals, drawn_by
from planwise.study.constraints import PAYROLL, highest_payroll, share_over
from planwise.study.pareto import candidates
from planwise.study.problem import Batch, Problem, Search
from planwise.study.space import Space
from planwise.study.trial import Evaluation, Proposal, Trial, TrialPurpose

CLOSED = "closed"


def check_chance(problem: Problem, best: Evaluation) -> Search:
    """Simulate an answer in the worlds of its check, as long as it has not clearly failed."""
    proposals, found = check_proposals(problem, best), list[Trial]()
    for place in range(0, len(proposals), CHECKED_AT_ONCE):
        found += yield proposals[place : place + CHECKED_AT_ONCE]
        check = chance_check(problem, best, found)
        if check is not None and check.has_clearly_failed:
            break
    return CLOSED


def analyze_answer(problem: Problem, best: Evaluation) -> Search:
    """Evaluate the proposals of the post-analysis; the answer itself does not change."""
    yield analysis_proposals(problem, best)
    return CLOSED


def analysis_proposals(problem: Problem, best: Evaluation) -> Batch:
    """Return the independent proposals about an answer, the cheap ones first."""
    here = answer_levers(problem.space, best)
    around = [here, *stepped(problem.space, here).values()]
    alone = one_at_a_time(changed_levers(problem.space, best))
    return (
        *(Proposal(levers, "preview", TrialPurpose.SENSITIVITY) for levers in around),
        *(Proposal(levers, "preview", TrialPurpose.ALONE) for levers in alone.values()),
        *(
            Proposal(dict(best.levers), "preview", TrialPurpose.ROBUSTNESS, seed=seed)
            for seed in problem.replicate_seeds
        ),
    )


def answer_levers(space: Space, best: Evaluation) -> dict[str, float]:
    """Return every tuned lever's value in the answer, else its starting value."""
    return {lever.name: best.levers.get(lever.name, lever.start) for lever in space}


def changed_levers(space: Space, best: Evaluation) -> dict[str, float]:
    """Return the tuned levers whose value in the answer differs from the scenario in any year."""
    return {
        lever.name: best.levers[lever.name]
        for lever in space
        if lever.name in best.levers and lever.change(best.levers[lever.name]) > 0
    }


NOT_COMPUTED = "not computed"
TARGET = "target"  # the figure of what is reached
NO_SEEDS = "no seeds were requested"


@dataclass(frozen=True)
class NotComputed:
    """A finding that was not computed, with the reason where there is one."""

    reason: str | None = None

    def __str__(self) -> str:
        return NOT_COMPUTED if self.reason is None else f"{NOT_COMPUTED}: {self.reason}"

    def as_json(self) -> str:
        """Return the text that results have instead of the finding."""
        return str(self)


@dataclass(frozen=True)
class Robustness:
    """The answer in other worlds than the scenario's own, in which it was found; `drawn` is what differs.

    `share_within_tolerance` (None without a target) has its 95 % interval by Wilson's score: twenty seeds
    cannot distinguish 90 % from 99 %. `reached` (in the target's unit) and `payroll` (the highest
    of any year) are spreads over worlds; `share_over_payroll` is the share of them over the payroll limit,
    None without one. `seeds` of the `seeds_asked` were evaluated, each the seed of a world.
    """

    seeds: int
    seeds_asked: int
    tolerance: float
    share_within_tolerance: float | None
    share_interval: Sequence[float] | None
    reached: Spread
    reached_by_seed: Sequence[float]
    payroll: Spread
    payroll_limit: float | None
    share_over_payroll: float | None
    drawn: str

    def as_json(self) -> dict[str, Any]:
        """Return the robustness as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Sensitivity:
    """The slope of the target by lever around the answer, and each lever's importance over all trials.

    A measure in currency is a share of its target. `kpi` is the measure's column.
    """

    by_lever: Mapping[str, Slope] | NotComputed
    importance: Importance
    kpi: str

    def as_json(self) -> dict[str, Any]:
        """Return the sensitivity as JSON values."""
        return {
            "kpi": self.kpi,
            "by_lever": self.by_lever.as_json()
            if isinstance(self.by_lever, NotComputed)
            else {name: slope.as_json() for name, slope in self.by_lever.items()},
            "importance": self.importance.as_json(),
        }


@dataclass(frozen=True)
class ParameterImpact:
    """What is reached of the target (a share), and growth and payroll of the last year, by changed lever."""

    figures: Mapping[str, Parts]

    def as_json(self) -> dict[str, Any]:
        """Return the impact as JSON values, by figure."""
        return {name: parts.as_json() for name, parts in self.figures.items()}


def robustness(
    problem: Problem, best: Evaluation, trials: Iterable[Trial], why_not: str
) -> Robustness | NotComputed:
    """Summarize the replicates of the answer."""
    requested = problem.spec.seeds
    if requested == 0:
        return NotComputed(NO_SEEDS)
    about = [
        trial for trial in trials if trial.purpose == TrialPurpose.ROBUSTNESS and trial.levers == best.levers
    ]
    by_seed = {trial.seed: trial.evaluation for trial in about if trial.evaluation is not None}
    found = [by_seed[seed] for seed in problem.replicate_seeds if seed in by_seed]
    if not found:
        return NotComputed(why_not)
    payrolls = [highest_payroll(one.kpis) for one in found]
    limit = problem.spec.limit(PAYROLL)
    within = sum(problem.on_target(one) for one in found)
    sought = problem.spec.seeks_target
    by_seed_reached = [problem.spec.goal.measure.of(one.kpis) for one in found]
    reached, payroll = spread_of(by_seed_reached), spread_of(payrolls)
    assert reached is not None and payroll is not None  # at least one replicate was evaluated
    return Robustness(
        seeds=len(found),
        seeds_asked=requested,
        tolerance=problem.spec.tolerance,
        share_within_tolerance=within / len(found) if sought else None,
        share_interval=wilson(within, len(found)) if sought else None,
        reached=reached,
        reached_by_seed=by_seed_reached,
        payroll=payroll,
        payroll_limit=None if limit is None else limit.bound,
        share_over_payroll=None if limit is None else share_over(payrolls, limit.bound),
        drawn=drawn_by(problem.draws),
    )


def sensitivity(
    problem: Problem, best: Evaluation, trials: Iterable[Trial], why_not: str
) -> Sensitivity | NotComputed:
    """Return how what is reached responds to each lever around the answer, and over all trials."""
    trials = tuple(trials)
    space, here = problem.space, answer_levers(problem.space, best)
    around = _by_levers(trials, TrialPurpose.SENSITIVITY)
    value = around.get(_key(here))
    reached = {
        name: problem.reached(found)
        for name, point in stepped(space, here).items()
        if (found := around.get(_key(point))) is not None
    }
    by_lever = None if value is None or not reached else slopes(space, here, problem.reached(value), reached)
    tried = [trial for trial in candidates(trials) if trial.evaluation is not None]
    if by_lever is None and not tried:
        return NotComputed(why_not)
    decided = importance(
        space,
        [trial.levers for trial in tried],
        [problem.reached(trial.evaluation) for trial in tried if trial.evaluation is not None],
        None if by_lever is None else {name: slope.per_width for name, slope in by_lever.items()},
    )
    kpi = problem.spec.goal.measure.column
    return Sensitivity(NotComputed(why_not) if by_lever is None else by_lever, decided, kpi)


def parameters(
    problem: Problem, baseline: Evaluation, best: Evaluation, trials: Iterable[Trial], why_not: str
) -> ParameterImpact | NotComputed:
    """Return the effect of each changed lever alone on the target, growth and payroll, and the remainder."""
    new = changed_levers(problem.space, best)
    known = _by_levers(trials, TrialPurpose.ALONE)
    alone = {name: known[key] for name, value in new.items() if (key := _key({name: value})) in known}
    if len(alone) < len(new):
        return NotComputed(why_not)
    figures = parameter_impact(baseline.kpis, best.kpis, {name: one.kpis for name, one in alone.items()})
    reached = {name: problem.reached(one) for name, one in alone.items()}
    sought = parts_of(problem.reached(baseline), problem.reached(best), reached)
    return ParameterImpact({TARGET: sought, **figures})


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


NO_PAY = "these previews have no pay by employee"
NOTHING_CHANGED = "nothing changed"


@runtime_checkable
class PayEvaluator(Protocol):
    """Previews with the pay of every employee."""

    def pay(self, levers: Mapping[str, float]) -> pd.DataFrame:
        """Return one row per employee and simulated year."""
        ...


def employee_impact(preview: object, best: Evaluation) -> PeopleImpact | NotComputed:
    """Simulate every employee's pay without and with the answer, and compare the last year."""
    if not best.levers:
        return NotComputed(NOTHING_CHANGED)
    if not isinstance(preview, PayEvaluator):
        return NotComputed(NO_PAY)
    try:
        before, after = (_last_year(preview.pay(levers)) for levers in ({}, best.levers))
    except Exception as error:  # must not lose the result of the study
        raise_if_stopped()
        return NotComputed(describe_error(error))
    return people_impact(before, after)


def _last_year(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy of the last year, so that the memory of the others is freed."""
    last: pd.DataFrame = frame[frame["simulation_year"] == frame["simulation_year"].max()].copy()
    return last


SHARE_TRUSTED = 0.5  # of seeds within the tolerance: below it most seeds miss the target
BEYOND_POLICY = (
    "No values within policy (recommended ranges, an increase budget near the market's) meet the question, "
    "so every value within the hard bounds was searched."
)


def caveats(
    problem: Problem,
    best: Evaluation,
    robustness: Robustness | NotComputed,
    changes: Mapping[str, Mapping[str, Any]],
    check: ChanceCheck | None = None,
) -> list[str]:
    """Return the caveats, each one sentence or two."""
    found = [] if problem.spec.policy or problem.spec.starts_within_policy else [BEYOND_POLICY]
    if isinstance(robustness, Robustness):
        found += _fragile(problem, robustness) if problem.on_target(best) else []
    if check is not None and not check.holds:
        found.append(f"The chance of a higher payroll is not kept. {check.text}")
    by_year = [name for name, change in changes.items() if "old_by_year" in change]
    if by_year:
        found.append(
            f"These levers differed by year and now have one value: {', '.join(by_year)}. "
            "--by-year tunes each year."
        )
    return found


def _fragile(problem: Problem, robustness: Robustness) -> list[str]:
    share, reached, target = robustness.share_within_tolerance, robustness.reached, problem.spec.goal
    if share is None or share >= SHARE_TRUSTED:
        return []
    near = target.gap_text(robustness.tolerance, 2).lstrip("+")
    p10, p90, mean = map(target.measure.text, (reached.p10, reached.p90, reached.mean))
    return [
        f"Only {round(share * robustness.seeds)} of {robustness.seeds} other draws of {robustness.drawn} are "
        f"within {near} of the target: the {target.measure.label} is {p10} to {p90} (P10 to P90, "
        f"mean {mean})."
    ]
