"""Stopping rules of a study: budgets, no improvement, convergence, cancellation."""

from planwise.study.pareto import best_of
from planwise.study.problem import Problem
from planwise.study.progress import Hooks
from planwise.study.trial import Trial

FAILURES_IN_A_ROW_MAX = 10  # after as many, the next one would fail too
CANCELLED, TIMEOUT, CONVERGED, STAGNATION = "cancelled", "timeout", "converged", "stagnation"


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
