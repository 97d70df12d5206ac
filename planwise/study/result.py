"""The result of a study: its answer, how it was found, and what follows from it."""

import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from typing import Any, Protocol, runtime_checkable

from planwise.engine.outcome import Kpis
from planwise.formatting import TERMINAL, counted
from planwise.parameters import EffectiveParameters, Risk
from planwise.parameters.catalogue import Unit, catalogue
from planwise.parameters.values import DECIMALS, parse_key
from planwise.risk.assessment import Assessment, assess
from planwise.risk.impact import CostImpact, PeopleImpact, cost_impact
from planwise.study import post_analysis
from planwise.study.alternatives import Alternative, answers_json
from planwise.study.chance import ChanceCheck, chance_check
from planwise.study.constraints import PAYROLL, PAYROLL_RISK
from planwise.study.pareto import answer_of, candidates, trade_offs
from planwise.study.post_analysis import (
    NotComputed,
    ParameterImpact,
    Robustness,
    Sensitivity,
    caveats,
    employee_impact,
)
from planwise.study.problem import Problem, evaluation_budget
from planwise.study.progress import TrialCounts
from planwise.study.reachability import INFEASIBLE, Reachability, with_baseline
from planwise.study.space import TunedLever, expanded, members
from planwise.study.spec import RISKY
from planwise.study.target import GROWTH
from planwise.study.trial import Evaluation, Kind, Trial

PACKAGES = ("planwise", "sqlmesh", "duckdb", "optuna", "scipy", "numpy")


def versions() -> dict[str, str]:
    """Return the versions that figures depend on, Python's first."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


CUT_SHORT = frozenset({"cancelled", "timeout", "interrupted"})
OUT_OF_REACH = "the target is out of reach"
ENDED_EARLY = "the study ended before the analysis"
NO_CHANCE = "no chance is limited"
NOTHING_KEEPS = "no levers keep the limits, so there is no answer to check"
NOT_COMPUTED = NotComputed()


@dataclass(frozen=True)
class StudyResult:
    """The result of a study: the best evaluation, judged, and the effort; docs/studies.md, "Result".

    Rates are 0–1, names ending in `_pp` percentage points, money the census's currency per year. `reached` is
    in the unit of the target's measure; gaps of an amount are per cent of it; None without a target. A
    finding that was not computed is a `NotComputed` with the reason; in JSON the text "not computed: reason".
    """

    study: str
    scenario: str
    strategy: str
    target: Mapping[str, Any]
    tolerance: float
    converged: bool
    reachable: bool
    feasible: bool
    stopped: str
    kind: Kind
    reached: float | None
    baseline_reached: float | None
    growth: float
    baseline_growth: float
    gap_pp: float | None
    iterations: int
    evaluations: int
    real_plans: int
    cache_hits: int
    trials_failed: int
    seconds: float
    levers: Mapping[str, float]
    changes: Mapping[str, Mapping[str, Any]]
    kpis: Kpis
    constraints: list[dict[str, Any]]
    objective: Mapping[str, Any]
    binding: list[str]
    nearest: float | None
    nearest_growth: float | None
    environment: str | None
    fingerprint: str | None
    at_bounds: list[str] = field(default_factory=list)
    robustness: Robustness | NotComputed = NOT_COMPUTED
    chance: ChanceCheck | NotComputed = NOT_COMPUTED
    strategy_reason: str | None = None
    trial: int | None = None
    quality_score: float | None = None
    cost_impact: CostImpact | NotComputed = NOT_COMPUTED
    employee_impact: PeopleImpact | NotComputed = NOT_COMPUTED
    parameter_impact: ParameterImpact | NotComputed = NOT_COMPUTED
    risk: Assessment | NotComputed = NOT_COMPUTED
    sensitivity: Sensitivity | NotComputed = NOT_COMPUTED
    front: list[dict[str, Any]] = field(default_factory=list)
    picks: Mapping[str, Any] = field(default_factory=dict)
    advice: Mapping[str, Any] = field(default_factory=dict)
    within_policy: bool | None = None
    answers: list[dict[str, Any]] = field(default_factory=list)
    answer_seconds: float | None = None
    warnings: list[str] = field(default_factory=list)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def risk_level(self) -> str | None:
        """The risk that the levers add to that of the scenario; None where it was not judged."""
        return None if isinstance(self.risk, NotComputed) else self.risk.added.value

    @property
    def why_ask(self) -> str | None:
        """Why the result is not to be saved unasked; None where it is within policy and adds no high risk."""
        risk = None if isinstance(self.risk, NotComputed) else self.risk.added
        return why_ask(risk, within_policy=self.within_policy is not False)

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        findings = (
            *("robustness", "chance", "cost_impact", "employee_impact", "parameter_impact", "risk"),
            "sensitivity",
        )
        return {
            one.name: getattr(self, one.name).as_json() if one.name in findings else getattr(self, one.name)
            for one in fields(self)
        }


@runtime_checkable
class Reasoned(Protocol):
    """A strategy that explains its choice."""

    def reason(self, problem: Problem) -> str | None:
        """Return the reason; None without a choice."""
        ...


def study_result(
    name: str,
    scenario: str,
    problem: Problem,
    base: EffectiveParameters,
    reach: Reachability,
    trials: tuple[Trial, ...],
    *,
    stopped: str,
    seconds: float,
    strategy: object = None,
    preview: object = None,
    levels: tuple[int, ...] = (),
    answers: tuple[Alternative, ...] = (),
    answer_seconds: float | None = None,
) -> StudyResult:
    """Judge a study's trials, including its post-analysis.

    `strategy` explains its choice and `preview` evaluates every employee's pay, where they can.
    """
    problem = with_baseline(problem, trials) if problem.baseline is None else problem
    nearest = reach.nearest(problem)
    best = study_answer(problem, reach, trials)
    levers = expanded({lever.name: best.levers.get(lever.name, lever.start) for lever in problem.space})
    changes = _changes(problem.space, base, best)
    why_not = OUT_OF_REACH if nearest else stopped if stopped in CUT_SHORT else ENDED_EARLY
    robustness = post_analysis.robustness(problem, best, trials, why_not)
    limited, check = problem.spec.limit(PAYROLL_RISK) is not None, chance_check(problem, best, trials)
    kept = not limited or (check is not None and check.holds)
    converged = nearest is None and problem.converged(best) and kept
    counts = TrialCounts(name, trials)
    target = problem.spec.goal

    def reached(evaluation: Evaluation) -> float | None:
        return target.measure.of(evaluation.kpis) if problem.spec.seeks_target else None

    return StudyResult(
        study=name,
        scenario=scenario,
        strategy=problem.spec.chosen_strategy,
        strategy_reason=strategy.reason(problem) if isinstance(strategy, Reasoned) else None,
        target=target.as_json(),
        tolerance=problem.spec.tolerance,
        converged=converged,
        reachable=nearest is None,
        feasible=problem.feasible(best),
        stopped=stopped,
        kind=best.kind,
        reached=reached(best),
        baseline_reached=reached(reach.baseline),
        growth=best.growth,
        baseline_growth=reach.baseline.growth,
        gap_pp=problem.gap_pp(best),
        iterations=max((trial.iteration for trial in trials), default=0),
        evaluations=counts.evaluations,
        real_plans=counts.real_plans,
        cache_hits=counts.cache_hits,
        trials_failed=counts.failed,
        seconds=seconds,
        levers=levers,
        changes=changes,
        kpis=best.kpis,
        constraints=problem.described(best),
        objective={"value": problem.score(best), **problem.parts(best), "weights": problem.weights},
        binding=problem.binding(best),
        at_bounds=list(bounds_in_words(problem, best)),
        nearest=None if nearest is None else reached(nearest),
        nearest_growth=None if nearest is None else nearest.growth,
        environment=best.environment,
        fingerprint=best.fingerprint,
        trial=next((trial.number for trial in trials if trial.evaluation is best), None),
        quality_score=quality_score(problem, reach.baseline, best),
        cost_impact=cost_impact(reach.baseline.kpis, best.kpis),
        employee_impact=NotComputed(stopped) if stopped in CUT_SHORT else employee_impact(preview, best),
        parameter_impact=post_analysis.parameters(problem, reach.baseline, best, trials, why_not),
        risk=risk_of(problem, base, best),
        robustness=robustness,
        chance=check or NotComputed(_why_no_check(problem, stopped, why_not)),
        sensitivity=post_analysis.sensitivity(problem, best, trials, why_not),
        **trade_offs(problem, trials),
        advice=_advice(problem, trials, counts, converged=converged, reachable=nearest is None),
        within_policy=problem.is_within_policy(best),
        answers=answers_json(
            problem,
            base,
            levels,
            reach.baseline,
            [
                (one, risk_of(problem, base, one.evaluation, for_target=problem.on_target(one.evaluation)))
                for one in answers
            ],
        ),
        answer_seconds=answer_seconds,
        warnings=caveats(problem, best, robustness, changes, check),
        versions=versions(),
    )


def _why_no_check(problem: Problem, stopped: str, why_not: str) -> str:
    """Return why an answer's chance was not checked."""
    if problem.spec.limit(PAYROLL_RISK) is None:
        return NO_CHANCE
    return NOTHING_KEEPS if stopped.startswith(INFEASIBLE) else why_not


def study_answer(problem: Problem, reach: Reachability, trials: Iterable[Trial]) -> Evaluation:
    """Return a study's one answer: the nearest to a target out of reach, else its best trial."""
    return reach.nearest(problem) or answer_of(problem, trials) or reach.baseline


def bounds_in_words(problem: Problem, best: Evaluation) -> Iterator[str]:
    """Yield a sentence on each lever whose bound binds: which one, and what the lever would do beyond it."""
    binding = problem.binding(best)
    short = problem.spec.seeks_target and not problem.on_target(best)
    upwards = problem.spec.seeks_target and problem.gap(best) > 0
    for lever in problem.space:
        keys = members(lever.name)
        if keys[0] not in binding:
            continue
        declared = catalogue().levers[parse_key(keys[0]).name]
        name = (
            f"{declared.label} ({keys[0]})" if len(keys) == 1 else f"Merit of {counted(len(keys), 'level')}"
        )
        value = lever.clamp(best.levers.get(lever.name, lever.start))
        written = TERMINAL.percent(value, 2) if declared.unit is Unit.RATE else TERMINAL.ratio(value, 2)
        highest = value == lever.high
        own = value == (lever.hard_high if highest else lever.hard_low)
        if lever.low == lever.high:
            where = f"cannot move from {written}"
        elif own:
            where = f"is at its {'upper' if highest else 'lower'} bound {written}"
        else:
            where = f"is at {written}, the {'highest' if highest else 'lowest'} value that the study allows"
        start = ", as in the scenario" if lever.change(value) == 0 and lever.low < lever.high else ""
        yield f"{name} {where}{start}{_beyond(lever, highest, upwards) if short else ''}."


def _beyond(lever: TunedLever, highest: bool, upwards: bool) -> str:
    """Return what a lever would do beyond its bound, for a target that is out of reach."""
    if lever.increasing == (highest == upwards):
        return f": {'more' if highest else 'less'} of it would come nearer to the target"
    return f": {'more' if highest else 'less'} of it would leave the limits' room to other levers"


def quality_score(problem: Problem, baseline: Evaluation, best: Evaluation) -> float | None:
    """Return the share of the baseline's gap that is closed, 0 to 1; 0 if infeasible.

    1 − |gap| / |baseline gap|. A scenario that was on target already has 1 when it stays there, else 0. None
    where no target is sought.
    """
    if not problem.spec.seeks_target:
        return None
    if not problem.feasible(best):
        return 0.0
    if problem.on_target(baseline):
        return float(problem.on_target(best))
    return min(max(1 - abs(problem.gap(best)) / abs(problem.gap(baseline)), 0.0), 1.0)


def _changes(
    space: tuple[TunedLever, ...], base: EffectiveParameters, best: Evaluation
) -> dict[str, dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {}
    for lever in space:
        new = best.levers.get(lever.name, lever.start)
        years = base.years if lever.year is None else (lever.year,)
        for key in members(lever.name):
            by_year = {year: base.number(key.partition("@")[0], year) for year in years}
            if any(value != new for value in by_year.values()) and best.levers:
                old = round(sum(by_year.values()) / len(by_year), DECIMALS)
                change: dict[str, Any] = {"old": old, "new": new, "change": round(new - old, DECIMALS)}
                if len(set(by_year.values())) > 1:
                    change["old_by_year"] = by_year
                changes[key] = change
    return changes


def why_ask(risk: Risk | None, *, within_policy: bool) -> str | None:
    """Return why levers are not to be saved unasked, with the risk that they add; None where they may be."""
    if risk is not None and risk.value in RISKY:
        return f"the risk is {risk.value}"
    return None if within_policy else f"it is outside policy{'' if risk is None else f', risk {risk.value}'}"


def risk_of(
    problem: Problem, base: EffectiveParameters, found: Evaluation, *, for_target: bool = True
) -> Assessment:
    """Return the risk of levers; over the payroll limit of their study it is critical.

    The target's own risk is left out where not `for_target`: levers that miss it do not run it.
    """
    spec, limit = problem.spec, problem.spec.limit(PAYROLL)
    of_growth = for_target and spec.seeks_target and spec.goal.measure.name == GROWTH
    return assess(
        base.with_levers(expanded(found.levers)),
        found.kpis,
        target_growth=spec.goal.value if of_growth else None,
        payroll_budget=None if limit is None else limit.bound,
        start=base,
    )


def _advice(
    problem: Problem, trials: tuple[Trial, ...], counts: TrialCounts, *, converged: bool, reachable: bool
) -> dict[str, Any]:
    """Return the recommended number of evaluations, and a better strategy if there is one."""
    times = sorted(
        trial.evaluation.seconds
        for trial in candidates(trials)
        if trial.evaluation is not None and trial.kind == problem.kind and not trial.evaluation.cache_hit
    )
    budget = evaluation_budget(problem, times[len(times) // 2] if times else None)
    better = better_strategy(
        problem,
        converged=converged,
        reachable=reachable,
        real_plans=counts.real_plans,
        evaluations=len(candidates(trials)),
    )
    return {"budget": {**asdict(budget), "seconds": budget.seconds}, "strategy": better}


SOLVE_PLANS = 2  # maximum of `solve`
PLAN_STRATEGIES = "conservative", "balanced", "aggressive"


def better_strategy(
    problem: Problem, *, converged: bool, reachable: bool, real_plans: int, evaluations: int
) -> str | None:
    """Return a better strategy than the one used, and why; None when there is none.

    The facts are those of the study's result; `reachable` is whether the target is within the bounds.
    """
    spec = problem.spec
    if not reachable or spec.chosen_strategy == "solve" or spec.single_iteration:
        return None
    plain_target = spec.seeks_target and not spec.weights
    if plain_target and spec.chosen_strategy in PLAN_STRATEGIES:
        if not converged:
            return (
                f"{spec.chosen_strategy} did not meet the target in {real_plans} plans: "
                f"`solve` meets it in at most {SOLVE_PLANS}, with the least change."
            )
        if real_plans > SOLVE_PLANS:
            return (
                f"{spec.chosen_strategy} took {real_plans} plans: `solve` takes at most {SOLVE_PLANS}, "
                "and changes the levers least."
            )
        return None
    if plain_target and not converged:
        return (
            f"{spec.chosen_strategy} did not meet the target in {evaluations} evaluations: "
            f"`solve` meets it in at most {SOLVE_PLANS} plans, with the least change."
        )
    budget = evaluation_budget(problem)
    if spec.multi_objective and evaluations < budget.minimum:
        return (
            f"{evaluations} evaluations are few for a {budget.problem_class} problem with "
            f"{len(spec.weights)} objectives: give {budget.recommended} (`--trials`)."
        )
    return None
