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
from planwise.workers import PoolStopped, StartProcess, Worker, WorkerPool

WORKERS_MAX = 64  # each has a database and some 400 MB; more is a typing error

OpenEvaluator = Callable[[int, Kind], AbstractContextManager[Evaluator]]
"""Opens the evaluator of a kind in the process of the worker with this index; picklable."""


@dataclass(frozen=True)
class TrialRequest:
    """A request for one evaluation; `number` is that of the trial, `seed` that of a replicate."""

    kind: Kind
    levers: Mapping[str, float]
    number: int
    seed: int | None = None


class TrialPool(WorkerPool):
    """Evaluates trials in worker processes, which all start at the first trial.

    A study with this pool decides on evaluations of its `kind`.
    """

    def __init__(
        self,
        open_evaluator: OpenEvaluator,
        workers: int,
        *,
        kind: Kind = "real",
        start_process: StartProcess | None = None,
    ) -> None:
        if not 1 <= workers <= WORKERS_MAX:
            raise InputError(
                f"The number of workers must be 1 to {WORKERS_MAX} (got {workers}).",
                remedy="Use at most one for each processor.",
            )
        super().__init__(
            partial(TrialWorker, open_evaluator, kind),
            workers,
            name="trial worker",
            start_all=True,
            start_process=start_process,
        )
        self.kind: Kind = kind

    def evaluate(self, request: TrialRequest) -> Evaluation:
        """Return the evaluation by the next free worker; raises the errors of `submit`."""
        evaluation: Evaluation = self.submit(request).result()
        return evaluation


class TrialWorker(Worker):
    """Evaluates trials in a worker process; each evaluator is opened once."""

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
    """A trial that a worker is evaluating; `followers` have equal parameters and take its answer.

    `place` is the position of its proposal in the batch.
    """

    place: int
    trial: PendingTrial
    followers: list[tuple[int, PendingTrial]] = field(default_factory=list)


class RunningTrials:
    """The trials that run on a pool; without a pool there are none, and always room.

    `call` wraps every plan, in the thread that waits for it and with the context of the caller, so that a
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
        """Return whether a worker is free."""
        return self._pool is None or len(self._running) < self._pool.size

    def same_as(self, kind: Kind, digest: str) -> RunningTrial | None:
        """Return the running trial with the same parameters; None without one."""
        return next(
            (
                running
                for running in self._running.values()
                if (running.trial.proposal.kind, running.trial.digest) == (kind, digest)
            ),
            None,
        )

    def submit(self, running: RunningTrial, number: int) -> None:
        """Submit a trial to the next free worker."""
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
        """Wait for the first trial to finish, or for all; return the finished ones in the batch's order."""
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
        """Kill running trials; they stay running in the journal, and a resumed study evaluates them again."""
        if self._pool is not None and self._running:
            self._pool.stop()
            self._running.clear()

    def close(self) -> None:
        """End the threads."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
