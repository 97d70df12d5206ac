"""The problem of a strategy: its question and space, the judgement of evaluations, how many it is worth."""

import math
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeVar

from optuna.samplers import BaseSampler

from planwise.census import Census
from planwise.equity.reasons import gap_reason
from planwise.errors import InputError
from planwise.parameters import EffectiveParameters
from planwise.parameters.validation import ABOVE_MARKET, BELOW_MARKET, INCREASE_TOLERANCE_RATE, MARKET
from planwise.risk.worlds import RateDraws, replicate_seeds
from planwise.study.chance import payroll_ratios, study_draws
from planwise.study.constraints import (
    ADJUSTED_GAP,
    CHANGE,
    GATE,
    INCREASE,
    LOCKED,
    MERIT_MONOTONE,
    MERIT_STEP,
    MERIT_STEP_MAX,
    OF_LEVERS_ALONE,
    PAYROLL,
    PAYROLL_RISK,
    Constraint,
    excess,
    highest_payroll,
    market_unmeasured,
    measured,
    require_market,
    share_over,
)
from planwise.study.lever_rules import LeverRule, merit_monotone, merit_step
from planwise.study.objectives import (
    COST,
    EQUITY,
    GAP_UNMEASURED,
    TARGETS,
    adjusted_gap_part,
    cost_part,
    equity_part,
    targets_part,
)
from planwise.study.space import Space, TunedLever, change_of, members, tuned_levers
from planwise.study.spec import TIE_MERIT, StudySpec
from planwise.study.trial import NOT_GATED, Evaluation, Kind, Proposal, Trial, TrialPurpose

# Of the objective beside squared tolerances: enough to prefer the smaller of two changes that both hit the
# target, too little to give up a tenth of a tolerance for it.
CHANGE_WEIGHT = 0.01
CONVERGED = "converged"
PP = 100.0  # a rate in percentage points
POLICY_HAIR = 5e-5  # a round value at the edge of policy is within it
AT_LIMIT = 1e-3  # in a constraint's own scale: a tenth of a per cent of payroll, a tenth of a point of a rate


@dataclass(frozen=True)
class Problem:
    """A question on a search space; `kind` is the kind of evaluation that decides.

    `rules` are the linear constraints on levers. `baseline` is the unchanged scenario, which scales the
    objectives; until it is known an evaluation is scaled by itself. `seed_ratios` are the highest payrolls
    of other worlds over the scenario's own, for payroll_risk; `draws` are the rates that differ between them.
    `own_seed` is the seed of the scenario, `market` the market's increase budget, by which policy is judged.
    """

    spec: StudySpec
    space: Space
    kind: Kind
    rules: tuple[LeverRule, ...] = ()
    own_seed: int = 0
    market: float | None = None
    baseline: Evaluation | None = None
    seed_ratios: tuple[float, ...] = ()
    draws: RateDraws | None = None

    @property
    def target(self) -> float:
        """The share to reach (`Target.goal`)."""
        return self.spec.goal.goal

    def reached(self, evaluation: Evaluation) -> float:
        """Return what an evaluation reaches of the target, as a share (`Target.share`)."""
        return self.spec.goal.share(evaluation.kpis)

    @property
    def policy(self) -> tuple[Constraint, ...]:
        """The limits of the increase budget within policy: near the market's."""
        if self.market is None:
            return ()
        lowest, highest = self.market - BELOW_MARKET[0][0], self.market + ABOVE_MARKET[0][0]
        return (
            Constraint(INCREASE, ">=", round(lowest - POLICY_HAIR, 6)),
            Constraint(INCREASE, "<=", round(highest + POLICY_HAIR, 6)),
        )

    def within_policy(self) -> "Problem":
        """Return the problem with recommended ranges as bounds and the increase budget near the market's."""
        own = {one.key: one for one in self.spec.limits}
        for one in self.policy:
            tighter = max if one.relation == ">=" else min
            bound = tighter(one.bound, own[one.key].bound) if one.key in own else one.bound
            own[one.key] = replace(one, limit=bound)
        return replace(
            self,
            spec=self.spec.with_limits(own.values()),
            space=tuple(lever.within_policy() for lever in self.space),
        )

    @property
    def has_no_budget(self) -> bool:
        """Whether its limits of the increase budget exclude each other."""
        own = {one.key: one.bound for one in self.spec.limits if one.name == INCREASE}
        return own.get("increase_min", -math.inf) > own.get("increase_max", math.inf)

    def is_within_policy(self, evaluation: Evaluation) -> bool:
        """Return whether levers and increase budgets are within policy."""
        levers = (
            lever.policy[0] <= value <= lever.policy[1] or lever.change(value) == 0
            for lever in self.space
            if (value := evaluation.levers.get(lever.name)) is not None
        )
        return all(levers) and all(
            excess(one, evaluation.kpis) <= INCREASE_TOLERANCE_RATE for one in self.policy
        )

    def is_round(self, levers: Mapping[str, float]) -> bool:
        """Return whether levers have round values, or those in force."""
        known = {lever.name: lever for lever in self.space}
        return all(
            one is None or one.change(value) == 0 or one.snapped(value) == value
            for name, value in levers.items()
            for one in (known.get(name),)
        )

    @property
    def replicate_seeds(self) -> tuple[int, ...]:
        """The seeds of the replicates, all other than the scenario's own; those an ensemble has."""
        return replicate_seeds(self.own_seed, self.spec.seeds + 1)[1:]

    def with_baseline(self, evaluation: Evaluation) -> "Problem":
        """Return the problem scaled by the unchanged scenario.

        Raises InputError, with the reason, when the adjusted gap or a market position is used and cannot be
        measured.
        """
        if uses_adjusted_gap(self.spec) and (why := _unmeasured(evaluation)):
            raise InputError(
                f"The adjusted gap cannot be measured: {why}.",
                remedy="Leave adjusted_gap out of the objectives and constraints, or choose a census and "
                "years in which groups can be compared.",
            )
        if (one := market_unmeasured(self.spec.limits, evaluation.kpis)) is not None:
            raise InputError(
                f"{one} cannot be measured: no job title of {one.group or 'the census'} is matched.",
                remedy="See what is for review: `planwise enrich queue market`; or limit another group.",
            )
        return replace(self, baseline=evaluation)

    def with_replicates(self, own: Evaluation, replicates: Iterable[Evaluation]) -> "Problem":
        """Return the problem with the payroll ratios of some levers in other worlds (`payroll_ratios`)."""
        return replace(self, seed_ratios=payroll_ratios(self.draws, own, tuple(replicates)))

    def gap(self, evaluation: Evaluation) -> float:
        """Return the target minus what is reached, in shares: positive when pay has to grow more."""
        return self.target - self.reached(evaluation)

    def gap_pp(self, evaluation: Evaluation | None) -> float | None:
        """Return the gap in percentage points (of an amount, per cent); None without a target."""
        return PP * self.gap(evaluation) if self.spec.seeks_target and evaluation is not None else None

    def on_target(self, evaluation: Evaluation) -> bool:
        """Return whether the target is met within the tolerance; true where none is sought."""
        return not self.spec.seeks_target or abs(self.gap(evaluation)) <= self.spec.tolerance

    def converged(self, evaluation: Evaluation) -> bool:
        """Return whether this answers the question: on target, feasible, and of the deciding kind."""
        return self.on_target(evaluation) and self.feasible(evaluation) and evaluation.kind == self.kind

    def change(self, levers: Mapping[str, float]) -> float:
        """Return the size of a change, in squared widths of the recommended ranges."""
        return change_of(self.space, levers)

    def part(self, name: str, evaluation: Evaluation) -> float:
        """Return one objective, scaled by the baseline: dimensionless, to minimise."""
        baseline = evaluation.kpis if self.baseline is None else self.baseline.kpis
        if name == COST:
            return cost_part(evaluation.kpis, baseline)
        if name == EQUITY:
            return equity_part(evaluation.kpis, baseline)
        if name == ADJUSTED_GAP:
            return adjusted_gap_part(evaluation.kpis, baseline)
        return targets_part(self.reached(evaluation), self.target, self.spec.tolerance)

    def parts(self, evaluation: Evaluation) -> dict[str, float]:
        """Return the scaled parts of the objective.

        By default the squared gap in tolerances, and the weighted change; else one for each objective,
        before weights.
        """
        if not self.spec.weights:
            change = CHANGE_WEIGHT * self.change(evaluation.levers)
            return {TARGETS: self.part(TARGETS, evaluation), "change": change}
        return {name: self.part(name, evaluation) for name, _ in self.spec.weights}

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each part in the score: as given, else 1."""
        if not self.spec.weights:
            return {TARGETS: 1.0, "change": 1.0}
        return {name: 1.0 if weight is None else weight for name, weight in self.spec.weights}

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of `values`."""
        return tuple(name for name, _ in self.spec.weights) if self.spec.multi_objective else ("score",)

    def values(self, evaluation: Evaluation) -> tuple[float, ...]:
        """Return the objective values to minimise: one, or one for each objective of a front."""
        if self.spec.multi_objective:
            return tuple(self.parts(evaluation).values())
        return (self.score(evaluation),)

    def score(self, evaluation: Evaluation) -> float:
        """Return one number to minimise: the weighted sum of the parts, of equal weights on a front."""
        parts, weights = self.parts(evaluation), self.weights
        return math.fsum(weights[name] * value for name, value in parts.items())

    def constraints(self, evaluation: Evaluation) -> dict[str, float]:
        """Return each constraint's value, the gate's included; up to 0 is feasible (`constraints.py`)."""
        values = {GATE: 0.0 if evaluation.feasible else 1.0, **self.lever_constraints(evaluation.levers)}
        limit = self._payroll_limit
        for one in self.spec.limits:
            if one.name not in OF_LEVERS_ALONE:
                values[one.key] = excess(one, evaluation.kpis, self.seed_ratios, limit)
        if uses_adjusted_gap(self.spec) and _unmeasured(evaluation):
            values.setdefault(ADJUSTED_GAP, GAP_UNMEASURED)
        return values

    def lever_constraints(self, levers: Mapping[str, float]) -> dict[str, float]:
        """Return the value of each constraint that levers alone decide, in the levers' unit."""
        values = {f"{LOCKED}.{name}": 0.0 for name in self.spec.locked}  # not tuned, so not changed
        for one in self.spec.limits:
            if one.name == MERIT_MONOTONE:
                values[one.key] = self._rule_value(MERIT_MONOTONE, levers)
            elif one.name == CHANGE:
                changes = [
                    lever.change(levers[lever.name]) for lever in self._of(one) if lever.name in levers
                ]
                values[one.key] = max(changes, default=0.0) - one.bound
        if any(rule.name == MERIT_STEP for rule in self.rules):
            values[MERIT_STEP] = self._rule_value(MERIT_STEP, levers)
        return {name: _rounded(value) for name, value in values.items()}

    def _rule_value(self, name: str, levers: Mapping[str, float]) -> float:
        return max((rule.value(levers) for rule in self.rules if rule.name == name), default=0.0)

    def feasible(self, evaluation: Evaluation) -> bool:
        """Return whether every constraint holds, the gate included."""
        return all(value <= 0 for value in self.constraints(evaluation).values())

    def settled(self, evaluation: Evaluation) -> str:
        """Return why a search ends on target: converged, or the violated constraints."""
        exceeded = [name for name, value in self.constraints(evaluation).items() if value > 0]
        if not exceeded:
            return CONVERGED
        if exceeded == [GATE]:
            return "on target, but the gate failed"
        return f"on target, but not within {', '.join(exceeded)}"

    def violation(self, evaluation: Evaluation) -> float:
        """Return the sum of all constraint violations; 0 when feasible."""
        return math.fsum(max(value, 0.0) for value in self.constraints(evaluation).values())

    def described(self, evaluation: Evaluation) -> list[dict[str, Any]]:
        """Return one object per constraint: name, text, actual and limit in its own unit, value, satisfied.

        payroll_risk's actual is the share of worlds over the limit; None where it was not measured. One that
        cannot be judged is not satisfied, and has the `reason`; the gate of a preview, which has none, is
        neither.
        """
        texts = {one.key: one for one in self.spec.limits}
        return [
            {
                "name": name,
                "text": str(texts.get(name, name)),
                "actual": self._actual(texts.get(name), evaluation, value),
                "limit": texts[name].limit if name in texts else None,
                "value": value,
                "satisfied": None if name == GATE and evaluation.gate_status == NOT_GATED else value <= 0,
                **({"reason": why} if name == ADJUSTED_GAP and (why := _unmeasured(evaluation)) else {}),
            }
            for name, value in self.constraints(evaluation).items()
        ]

    def binding(self, evaluation: Evaluation) -> list[str]:
        """Return the levers at a bound, and the constraints at their limit or beyond it.

        Where the target is met, a lever that did not move binds nothing.
        """
        met = self.spec.seeks_target and self.on_target(evaluation)
        levers = [
            key
            for lever in self.space
            for key in members(lever.name)
            for value in (lever.clamp(evaluation.levers.get(lever.name, lever.start)),)
            if value in (lever.low, lever.high) and not (met and lever.change(value) == 0)
        ]
        values = self.constraints(evaluation)
        return levers + [
            name
            for name, value in values.items()
            if value > -AT_LIMIT and name != GATE and not name.startswith(LOCKED)
        ]

    @property
    def _payroll_limit(self) -> float:
        payroll = self.spec.limit(PAYROLL)
        return math.inf if payroll is None else payroll.bound

    def _of(self, change: Constraint) -> list[TunedLever]:
        of = change.lever
        return [
            lever
            for lever in self.space
            if of is None or of in (lever.name, lever.lever, *members(lever.name))
        ]

    def share_over_payroll(self, evaluation: Evaluation) -> float:
        """Return the share of the worlds in which an evaluation's payroll is over the payroll limit."""
        payroll = highest_payroll(evaluation.kpis)
        return share_over([payroll * ratio for ratio in self.seed_ratios], self._payroll_limit)

    def _actual(self, one: Constraint | None, evaluation: Evaluation, value: float) -> float | None:
        if one is None or one.name in (MERIT_MONOTONE, MERIT_STEP):
            return None
        if one.name == CHANGE:
            return value + one.bound
        if one.name == PAYROLL_RISK:
            return self.share_over_payroll(evaluation) if self.seed_ratios else None
        return measured(one, evaluation.kpis)


def problem_of(spec: StudySpec, base: EffectiveParameters, levels: tuple[int, ...], kind: Kind) -> Problem:
    """Return the problem that a question poses on a scenario's parameters and the levels of its census.

    Raises InputError for levers that cannot be tuned and constraints on levers that cannot be met.
    """
    space = tuned_levers(
        base,
        levels,
        spec.tune,
        by_year=spec.by_year,
        locked=spec.locked,
        limits=spec.limits,
        tie=spec.tie == TIE_MERIT,
        grid=spec.on_grid,
    )
    monotone, step = spec.limit(MERIT_MONOTONE) is not None, spec.limit(MERIT_STEP)
    rules = merit_monotone(base, levels, space) if monotone else ()
    if spec.tie != TIE_MERIT or step is not None:
        rules += merit_step(base, levels, space, MERIT_STEP_MAX if step is None else step.bound)
    market, draws = base.number_or_none(MARKET), study_draws(base)
    problem = Problem(spec, space, kind, rules, base.seed, market, draws=draws)
    return problem.within_policy() if spec.policy else problem


def require_groups(spec: StudySpec, census: Census) -> None:
    """Raise InputError for an adjusted gap without gender, and a market position without market or group."""
    require_market(spec.limits, census)
    if uses_adjusted_gap(spec) and not census.availability.get("gender", False):
        raise InputError(
            f"The adjusted gap cannot be measured: the census {census.name} has no gender.",
            remedy="Import a census with it, or leave adjusted_gap out.",
        )


def _unmeasured(evaluation: Evaluation) -> str | None:
    """Return why the adjusted gap of the last year cannot be measured; None where it can."""
    last = evaluation.kpis[-1]
    return gap_reason(last) if last["adjusted_gap_max"] is None else None


def uses_adjusted_gap(spec: StudySpec) -> bool:
    """Return whether adjusted_gap is an objective or a constraint."""
    objectives = any(name == ADJUSTED_GAP for name, _ in spec.weights)
    return objectives or spec.limit(ADJUSTED_GAP) is not None


def _rounded(value: float) -> float:
    """Return a lever's value at the levers' last decimal but three: what remains is a double's rounding."""
    return round(value, 9) + 0.0


Ended = TypeVar("Ended")
Batch = tuple[Proposal, ...]
Search = Generator[Batch, tuple[Trial, ...], str]
"""Yields batches (the proposals of one do not depend on each other), is sent their trials in the same order,
and returns the reason why it ended."""


def relabelled(
    search: Generator[Batch, tuple[Trial, ...], Ended], purposes: Mapping[TrialPurpose, TrialPurpose]
) -> Generator[Batch, tuple[Trial, ...], Ended]:
    """Run a search, whose proposals have other purposes."""
    answers: tuple[Trial, ...] | None = None
    while True:
        try:
            batch = next(search) if answers is None else search.send(answers)
        except StopIteration as end:
            ended: Ended = end.value
            return ended
        answers = yield tuple(replace(one, purpose=purposes.get(one.purpose, one.purpose)) for one in batch)


class Strategy(Protocol):
    """A search for levers; it holds no state between studies."""

    @property
    def name(self) -> str:
        """The name on the command line."""
        ...

    def sampler(self, problem: Problem, past_trials: int) -> BaseSampler | None:
        """Return the sampler that draws proposals without levers; None when there are no such proposals."""
        ...

    def propose(self, problem: Problem, baseline: Evaluation) -> Search:
        """Search for levers, given the preview of the unchanged scenario."""
        ...


ProblemClass = Literal["simple", "moderate", "complex"]

# A further objective needs a front instead of a point: by judgement as much more to find as with five more
# levers, so that two objectives on the default levers are a complex problem.
LEVERS_PER_FURTHER_OBJECTIVE = 5
SIMPLE_MAX = 5  # size up to which a problem is simple, or moderate; above it is complex
MODERATE_MAX = 12
EVALUATIONS: dict[ProblemClass, tuple[int, int, int]] = {
    "simple": (20, 50, 100),
    "moderate": (50, 100, 200),
    "complex": (100, 200, 500),
}  # minimum, recommended, maximum


@dataclass(frozen=True)
class Budget:
    """The recommended number of evaluations; seconds are wall time, None where not measured."""

    problem_class: ProblemClass
    size: int
    minimum: int
    recommended: int
    maximum: int
    seconds_per_evaluation: float | None = None

    @property
    def seconds(self) -> tuple[float, float, float] | None:
        """Return how long minimum, recommended and maximum take on one worker."""
        each = self.seconds_per_evaluation
        if each is None:
            return None
        return self.minimum * each, self.recommended * each, self.maximum * each

    def affordable(self, seconds: float) -> int | None:
        """Return how many evaluations fit into a time; None where not measured."""
        each = self.seconds_per_evaluation
        return int(seconds / each) if each else None


def problem_size(problem: Problem) -> int:
    """Return the size of a problem: its levers, its constraints, and five for each further objective."""
    objectives = len(problem.spec.weights) if problem.spec.multi_objective else 1
    further = max(objectives - 1, 0)
    constraints = len(problem.spec.limits)
    return len(problem.space) + constraints + LEVERS_PER_FURTHER_OBJECTIVE * further


def problem_class(size: int) -> ProblemClass:
    """Return the class of a size (of `problem_size`)."""
    if size <= SIMPLE_MAX:
        return "simple"
    return "moderate" if size <= MODERATE_MAX else "complex"


def evaluation_budget(problem: Problem, seconds_per_evaluation: float | None = None) -> Budget:
    """Return the recommended number of evaluations, and how long they take."""
    size = problem_size(problem)
    found = problem_class(size)
    return Budget(found, size, *EVALUATIONS[found], seconds_per_evaluation)
