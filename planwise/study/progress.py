"""A running study: its progress and trial counts, the caller's hooks, and the rules that stop it."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from planwise.study.pareto import best_of
from planwise.study.problem import CONVERGED, Problem
from planwise.study.space import expanded
from planwise.study.spec import CANCELLED
from planwise.study.trial import Evaluation, Kind, Trial, TrialPurpose


@dataclass(frozen=True)
class Progress:
    """A study after its latest trial; `reached` is in the unit of the target.

    Gaps are in percentage points (of an amount, per cent), None before an evaluation and without a target.
    `best_*` describe the best trial so far of the kind that decides; counts are of the whole study.
    """

    study: str
    strategy: str
    trial: int
    purpose: TrialPurpose
    iteration: int
    kind: Kind
    state: str
    reached: float | None
    gap_pp: float | None
    best_gap_pp: float | None
    best_levers: Mapping[str, float] | None
    evaluations: int
    real_plans: int
    cache_hits: int
    failed: int
    seconds: float


Call = Callable[[Callable[[], Evaluation], int], Evaluation]
"""Runs the plan of the trial with this number; a caller may wrap it in a task."""


def _directly(evaluate: Callable[[], Evaluation], number: int) -> Evaluation:
    return evaluate()


def _ignore(news: Any) -> None:
    return None


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Hooks:
    """Functions of the caller; `on_answer` has the result before its evidence; clocks are passed in."""

    call: Call = _directly
    on_progress: Callable[[Progress], None] = _ignore
    on_answer: Callable[[Any], None] = _ignore
    should_stop: Callable[[], bool] = _never
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class TrialCounts:
    """Counts of trials: all, plans, evaluations for which no model ran, failures."""

    def __init__(self, study: str, trials: Iterable[Trial] = ()) -> None:
        self._study = study
        self.evaluations = self.real_plans = self.cache_hits = self.failed = 0
        for trial in trials:
            self.add(trial)

    def add(self, trial: Trial) -> None:
        """Count a finished trial."""
        self.evaluations += 1
        self.real_plans += trial.kind == "real" and trial.answered_by is None
        self.cache_hits += trial.evaluation is not None and trial.evaluation.cache_hit
        self.failed += trial.state == "failed"

    def progress(self, problem: Problem, trial: Trial, best: Trial | None, seconds: float) -> Progress:
        """Return the progress of the study after its latest trial."""
        evaluation = trial.evaluation
        leader = None if best is None or problem.spec.multi_objective else best.evaluation
        gap = problem.gap_pp(evaluation)
        return Progress(
            study=self._study,
            strategy=problem.spec.chosen_strategy,
            trial=trial.number,
            purpose=trial.purpose,
            iteration=trial.iteration,
            kind=trial.kind,
            state=trial.state,
            reached=None
            if evaluation is None or gap is None
            else problem.spec.goal.measure.of(evaluation.kpis),
            gap_pp=gap,
            best_gap_pp=problem.gap_pp(leader),
            best_levers=None if leader is None else expanded(leader.levers),
            evaluations=self.evaluations,
            real_plans=self.real_plans,
            cache_hits=self.cache_hits,
            failed=self.failed,
            seconds=seconds,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the counts."""
        return {
            "trials": self.evaluations,
            "real_plans": self.real_plans,
            "cache_hits": self.cache_hits,
            "trials_failed": self.failed,
        }


FAILURES_IN_A_ROW_MAX = 10  # after as many, the next one would fail too
TIMEOUT, STAGNATION = "timeout", "stagnation"


class StoppingRules:
    """Decide when a study stops, from its trials in the order in which they finish.

    Stagnation counts trials of the deciding kind since the best one so far, failed ones too; a replicate, or
    a preview in a study of plans, does not count.
    """

    def __init__(self, problem: Problem, hooks: Hooks) -> None:
        self.best: Trial | None = None
        self._problem = problem
        self._hooks = hooks
        self._started = hooks.clock()
        self._failed_in_a_row = 0
        self._without_better = 0
        self._converged = False
        self._searching = True

    @property
    def seconds(self) -> float:
        """Wall time since this process started to work on the study."""
        return self._hooks.clock() - self._started

    def restart(self, problem: Problem) -> None:
        """Start to count for a problem with its baseline; trials at the bounds do not count."""
        self._problem = problem
        self._without_better = 0

    def end_search(self) -> None:
        """End the search: the trials of the post-analysis do not improve the answer."""
        self._searching = False

    def record(self, trial: Trial, *, replayed: bool) -> None:
        """Record a finished trial; failures of an earlier process do not count here."""
        failed = trial.evaluation is None
        self._failed_in_a_row = self._failed_in_a_row + 1 if failed and not replayed else 0
        if trial.seed is not None:
            return
        better = self._better(trial)
        if trial.kind == self._problem.kind:
            self._without_better = 0 if better else self._without_better + 1
        if trial.evaluation is not None and self._problem.spec.stop_when_converged:
            self._converged = self._converged or self._problem.converged(trial.evaluation)

    def reason(self) -> str | None:
        """Return why no further trial may start; None while the study may continue."""
        spec = self._problem.spec
        if self._hooks.should_stop():
            return CANCELLED
        if spec.timeout_seconds is not None and self.seconds >= spec.timeout_seconds:
            return TIMEOUT
        if self._searching and self._converged:
            return CONVERGED
        if self._searching and spec.stagnation and self._without_better >= spec.stagnation:
            return STAGNATION
        if self._failed_in_a_row >= FAILURES_IN_A_ROW_MAX:
            return f"failed: {self._failed_in_a_row} trials in a row failed"
        return None

    def _better(self, trial: Trial) -> bool:
        if trial.evaluation is None:
            return False
        rivals = (trial,) if self.best is None else (self.best, trial)
        if best_of(self._problem, rivals) is not trial.evaluation:
            return False
        self.best = trial
        return True
