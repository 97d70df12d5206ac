"""What a study found."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from planwise.engine.outcome import Kpis
from planwise.parameters import EffectiveParameters
from planwise.study.evaluation import Evaluation, Kind
from planwise.study.problem import PP, Problem
from planwise.study.reach import BASELINE, Reach
from planwise.study.space import TunedLever
from planwise.study.trial import Trial

NOT_COMPUTED = "not computed"


@dataclass(frozen=True)
class StudyResult:
    """The answer to a question: the best evaluation, judged, and what it took.

    `gap_pp` is target minus growth in percentage points. `kind` says whether the levers, KPIs and gap are
    those of a plan or of a preview only. `evaluations` counts every trial, `real_plans` the plans that were
    tried, `cache_hits` the evaluations for which no model ran. `binding` names tuned levers at a hard bound;
    `nearest_growth` is the growth there when the target is out of reach, else None. `stopped` says why it
    ended.
    """

    study: str
    scenario: str
    strategy: str
    target_growth: float
    tolerance: float
    converged: bool
    reachable: bool
    feasible: bool
    stopped: str
    kind: Kind
    growth: float
    baseline_growth: float
    gap_pp: float
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
    objective: Mapping[str, float]
    binding: list[str]
    nearest_growth: float | None
    environment: str | None
    fingerprint: str | None
    robustness: str

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return asdict(self)


def study_result(
    name: str,
    scenario: str,
    problem: Problem,
    base: EffectiveParameters,
    reach: Reach,
    trials: tuple[Trial, ...],
    *,
    stopped: str,
    seconds: float,
) -> StudyResult:
    """Judge a study's trials: the best is the feasible one of the kind asked for with the smallest gap."""
    nearest = reach.nearest(problem)
    best = nearest or best_of(problem, trials) or reach.baseline
    levers = {lever.name: best.levers.get(lever.name, lever.start) for lever in problem.space}
    parts = problem.parts(best)
    return StudyResult(
        study=name,
        scenario=scenario,
        strategy=problem.question.strategy,
        target_growth=problem.question.target_growth,
        tolerance=problem.question.tolerance,
        converged=nearest is None and problem.converged(best),
        reachable=nearest is None,
        feasible=best.feasible,
        stopped=stopped,
        kind=best.kind,
        growth=best.growth,
        baseline_growth=reach.baseline.growth,
        gap_pp=PP * problem.gap(best),
        iterations=max(trial.iteration for trial in trials),
        evaluations=len(trials),
        real_plans=real_plans(trials),
        cache_hits=cache_hits(trials),
        trials_failed=failures(trials),
        seconds=seconds,
        levers=levers,
        changes=_changes(problem.space, base, best),
        kpis=best.kpis,
        constraints=[
            {"name": key, "value": value, "satisfied": value <= 0}
            for key, value in problem.constraints(best).items()
        ],
        objective={"value": sum(problem.values(best)), **parts},
        binding=[lever.name for lever in problem.space if levers[lever.name] in (lever.low, lever.high)],
        nearest_growth=None if nearest is None else nearest.growth,
        environment=best.environment,
        fingerprint=best.fingerprint,
        robustness=NOT_COMPUTED,
    )


def best_of(problem: Problem, trials: tuple[Trial, ...]) -> Evaluation | None:
    """Return the best evaluation: of the kind asked for, feasible, nearest to the target, least change.

    In that order, so that without any verified one the best preview is returned, as what it is. None when
    there is nothing but the baseline.
    """
    found = [t.evaluation for t in trials if t.evaluation is not None and t.purpose != BASELINE]

    def rank(evaluation: Evaluation) -> tuple[bool, bool, float, float]:
        asked = evaluation.kind == problem.kind
        gap = abs(problem.gap(evaluation))
        return (not asked, not evaluation.feasible, gap, problem.change(evaluation.levers))

    return min(found, key=rank, default=None)


def real_plans(trials: tuple[Trial, ...]) -> int:
    """Return how many plans were tried; what an equal trial answered was none."""
    return sum(trial.kind == "real" and trial.answered_by is None for trial in trials)


def cache_hits(trials: tuple[Trial, ...]) -> int:
    """Return for how many evaluations no model ran."""
    return sum(trial.evaluation is not None and trial.evaluation.cache_hit for trial in trials)


def failures(trials: tuple[Trial, ...]) -> int:
    """Return how many trials broke."""
    return sum(trial.state == "failed" for trial in trials)


def _changes(
    space: tuple[TunedLever, ...], base: EffectiveParameters, best: Evaluation
) -> dict[str, dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {}
    for lever in space:
        new = best.levers.get(lever.name, lever.start)
        by_year = {year: base.value(lever.name, year) for year in base.years}
        if any(value != new for value in by_year.values()) and best.levers:
            change: dict[str, Any] = {"old": lever.start, "new": new, "change": round(new - lever.start, 6)}
            if len(set(by_year.values())) > 1:
                change["old_by_year"] = by_year
            changes[lever.name] = change
    return changes
