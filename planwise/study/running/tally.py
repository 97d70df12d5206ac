"""A study's counts as it goes, so that telling how far it is costs the same at the thousandth trial."""

from collections.abc import Iterable
from typing import Any

from planwise.study.problem import PP, Problem
from planwise.study.running.progress import Progress
from planwise.study.trials.trial import Trial


class Tally:
    """Counts trials: all, plans that were tried, evaluations for which no model ran, failures."""

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
        """Return how far the study is after its latest trial."""
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
