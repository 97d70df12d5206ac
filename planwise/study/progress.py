"""Progress of a running study: the report after each trial, trial counts, and the caller's hooks."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from planwise.study.problem import PP, Problem
from planwise.study.trial import Evaluation, Kind, Trial, TrialPurpose


@dataclass(frozen=True)
class Progress:
    """A study after its latest trial; gaps are in percentage points, None before an evaluation.

    `best_*` describe the best trial so far of the kind that decides; counts are of the whole study.
    """

    study: str
    strategy: str
    trial: int
    purpose: TrialPurpose
    iteration: int
    kind: Kind
    state: str
    growth: float | None
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


def _ignore(progress: Progress) -> None:
    return None


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Hooks:
    """Functions of the caller: `should_stop` is called before each trial; the clocks are passed in."""

    call: Call = _directly
    on_progress: Callable[[Progress], None] = _ignore
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
        leader = None if best is None else best.evaluation
        return Progress(
            study=self._study,
            strategy=problem.spec.chosen_strategy,
            trial=trial.number,
            purpose=trial.purpose,
            iteration=trial.iteration,
            kind=trial.kind,
            state=trial.state,
            growth=None if evaluation is None else evaluation.growth,
            gap_pp=None if evaluation is None else PP * problem.gap(evaluation),
            best_gap_pp=None if leader is None else PP * problem.gap(leader),
            best_levers=None if leader is None else leader.levers,
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
