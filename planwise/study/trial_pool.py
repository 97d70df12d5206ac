"""Worker processes that evaluate trials, and the trials that they are evaluating."""

import contextlib
import contextvars
from collections.abc import Callable, Mapping
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial

from planwise.errors import InputError
from planwise.study.journal import PendingTrial
from planwise.study.progress import Call
from planwise.study.trial import Evaluation, Evaluator, Kind
from planwise.workers import PoolStopped, Worker, WorkerPool

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


@dataclass
class RunningTrial:
    """A trial that a worker is evaluating; `followers` are of equal parameters and wait for its answer.

    `place` is where its answer belongs in the batch.
    """

    place: int
    trial: PendingTrial
    followers: list[tuple[int, PendingTrial]] = field(default_factory=list)


class RunningTrials:
    """What is under way on a pool; without a pool there is always room, because nothing ever is.

    `call` goes around every plan, in the thread that waits for it, with the context of whoever submits it: a
    flow run is found there.
    """

    def __init__(self, pool: TrialPool | None, call: Call) -> None:
        self._pool = pool
        self._call = call
        self._threads = None if pool is None else ThreadPoolExecutor(pool.size, "trial")
        self._running: dict[Future[Evaluation], RunningTrial] = {}

    def __len__(self) -> int:
        return len(self._running)

    def has_room(self) -> bool:
        """Say whether a worker is free."""
        return self._pool is None or len(self._running) < self._pool.size

    def same_as(self, kind: Kind, digest: str) -> RunningTrial | None:
        """Return the running trial of the same parameters; None without one."""
        return next(
            (
                running
                for running in self._running.values()
                if (running.trial.proposal.kind, running.trial.digest) == (kind, digest)
            ),
            None,
        )

    def submit(self, running: RunningTrial, number: int) -> None:
        """Hand a trial to the next free worker."""
        assert self._pool is not None and self._threads is not None
        pool, proposal = self._pool, running.trial.proposal
        request = TrialRequest(proposal.kind, dict(running.trial.levers), number, proposal.seed)
        future: Future[Evaluation]
        if request.kind == "preview":
            future = pool.submit(request)
        else:
            context = contextvars.copy_context()
            future = self._threads.submit(context.run, self._call, partial(pool.evaluate, request), number)
        self._running[future] = running

    def finished(
        self, seconds: float, *, wait_for_all: bool
    ) -> list[tuple[RunningTrial, Evaluation | Exception]]:
        """Wait some seconds for the first to end, or for all; take what has ended, in the batch's order."""
        wait(self._running, timeout=seconds, return_when=ALL_COMPLETED if wait_for_all else FIRST_COMPLETED)
        ended = sorted(
            (future for future in self._running if future.done()), key=lambda f: self._running[f].place
        )
        found: list[tuple[RunningTrial, Evaluation | Exception]] = []
        for future in ended:
            running, error = self._running.pop(future), future.exception()
            if error is None:
                found.append((running, future.result()))
            elif isinstance(error, Exception) and not isinstance(error, PoolStopped):
                found.append((running, error))
        return found

    def abandon(self) -> None:
        """Kill what is under way; the journal has it as running, and whoever resumes takes it up."""
        if self._pool is not None and self._running:
            self._pool.stop()
            self._running.clear()

    def close(self) -> None:
        """Wait for the threads; nothing is under way any more."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
