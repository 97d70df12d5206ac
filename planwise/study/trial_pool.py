"""Evaluate trials side by side in worker processes, each with evaluators of its own."""

import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial

from planwise.errors import InputError
from planwise.study.trials.evaluation import Evaluation, Evaluator, Kind
from planwise.workers import Worker, WorkerPool

WORKERS_MAX = 64  # each has a database and some 400 MB; more is a slip of the finger

OpenEvaluator = Callable[[int, Kind], AbstractContextManager[Evaluator]]
"""Opens the evaluator of a kind for the worker with this index, in its process; picklable."""


@dataclass(frozen=True)
class TrialRequest:
    """One evaluation; `number` is the trial's, `seed` a replicate's."""

    kind: Kind
    levers: Mapping[str, float]
    number: int
    seed: int | None = None


class TrialPool(WorkerPool):
    """Evaluates trials in worker processes, all started at the first trial.

    `kind` is what a study with this pool decides on.
    """

    def __init__(self, open_evaluator: OpenEvaluator, workers: int, *, kind: Kind = "real") -> None:
        if not 1 <= workers <= WORKERS_MAX:
            raise InputError(
                f"The number of workers must be 1 to {WORKERS_MAX} (got {workers}).",
                remedy="Use at most one for each processor.",
            )
        super().__init__(
            partial(TrialWorker, open_evaluator, kind), workers, name="trial worker", start_all=True
        )
        self.kind: Kind = kind

    def evaluate(self, request: TrialRequest) -> Evaluation:
        """Return the evaluation by the next free worker; raises what `submit` says."""
        evaluation: Evaluation = self.submit(request).result()
        return evaluation


class TrialWorker(Worker):
    """Evaluates trials in its process; an evaluator is opened once and kept."""

    def __init__(self, open_evaluator: OpenEvaluator, first: Kind, index: int) -> None:
        self._open_evaluator = open_evaluator
        self._index = index
        self._stack = ExitStack()
        self._evaluators: dict[Kind, Evaluator] = {}
        with contextlib.suppress(Exception):  # the first trial tries again and reports the error
            self._evaluator(first)

    def answer(self, request: TrialRequest) -> Evaluation:
        """Evaluate a trial."""
        evaluator = self._evaluator(request.kind)
        return evaluator.evaluate(request.levers, number=request.number, seed=request.seed)

    def close(self) -> None:
        """Close the evaluators, and with them the worker's database."""
        self._stack.close()

    def _evaluator(self, kind: Kind) -> Evaluator:
        if kind not in self._evaluators:
            opened = self._open_evaluator(self._index, kind)
            self._evaluators[kind] = self._stack.enter_context(opened)
        return self._evaluators[kind]
