"""A pool of worker processes that evaluate trials side by side; a worker that dies is replaced."""

import contextlib
import multiprocessing
import pickle
import queue
import signal
import threading
from collections.abc import Iterator
from functools import partial
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType

from planwise.child import run_child
from planwise.errors import InputError
from planwise.study.parallel.messages import Broke, Job, PoolStopped, TrialBroke, WorkerDied
from planwise.study.parallel.worker import Factory, work
from planwise.study.trials.evaluation import Evaluation, Kind

WORKERS_MAX = 64  # each has a database and some 400 MB; more is a slip of the finger
CLOSE_SECONDS = 10.0  # for a worker to remove its database; then it is killed
SPAWN = multiprocessing.get_context("spawn")  # a fork would copy threads' locks and open databases


class TrialPool:
    """Evaluates jobs in worker processes, all started at the first job; `evaluate` is called from threads.

    `kind` is what a study with this pool decides on. The factory opens each worker's own evaluators.
    """

    def __init__(self, factory: Factory, workers: int, *, kind: Kind = "real") -> None:
        if not 1 <= workers <= WORKERS_MAX:
            raise InputError(
                f"{workers} workers are outside 1 to {WORKERS_MAX}.", remedy="One for each processor is most."
            )
        self.size = workers
        self.kind: Kind = kind
        self._factory = factory
        self._workers: dict[int, _Worker] = {}
        self._free: queue.LifoQueue[int] = queue.LifoQueue()  # the last one used is warm
        for index in reversed(range(workers)):
            self._free.put(index)
        self._stopped = threading.Event()
        self._starting = threading.Lock()
        self._begun = False

    def __enter__(self) -> "TrialPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.stop()

    def evaluate(self, job: Job) -> Evaluation:
        """Return the evaluation of a job by the next free worker; waits for one.

        Raises TrialBroke for what broke there, WorkerDied when the worker ended, PoolStopped after `stop`.
        """
        with self._slot() as index:
            if self._stopped.is_set():
                raise _stopped()
            worker = self._worker(index, job.kind)
            try:
                answer = worker.ask(job)
            except WorkerDied:
                worker.kill()
                self._workers.pop(index, None)
                if self._stopped.is_set():
                    raise _stopped() from None
                raise
        if isinstance(answer, Broke):
            raise TrialBroke(answer.error)
        return answer

    def pids(self) -> tuple[int, ...]:
        """Return the processes of the workers that were started."""
        return tuple(worker.pid for worker in list(self._workers.values()))

    def close(self) -> None:
        """Let every worker finish and remove what it made; kill those that take too long."""
        self._stopped.set()
        for worker in list(self._workers.values()):
            worker.close()
        self._workers.clear()

    def stop(self) -> None:
        """Kill every worker now; trials that are under way raise PoolStopped."""
        self._stopped.set()
        for worker in list(self._workers.values()):
            worker.kill()

    def _worker(self, index: int, kind: Kind) -> "_Worker":
        """Return the worker of a place, a new one for one that is gone; the first start is of them all."""
        with self._starting:
            for place in (index,) if self._begun else range(self.size):
                if place not in self._workers or not self._workers[place].alive:
                    self._workers[place] = _Worker(self._factory, place, kind)
            self._begun = True
            worker = self._workers[index]
        if self._stopped.is_set():
            self.stop()
        return worker

    @contextlib.contextmanager
    def _slot(self) -> Iterator[int]:
        index = self._free.get()
        try:
            yield index
        finally:
            self._free.put(index)


class _Worker:
    """One process and the line to it."""

    def __init__(self, factory: Factory, index: int, first: Kind) -> None:
        self._line, theirs = SPAWN.Pipe()
        self._process: BaseProcess = SPAWN.Process(
            target=run_child,
            args=(pickle.dumps(partial(work, factory, index, first)), theirs),
            name=f"trial worker {index}",
            daemon=True,
        )
        self._process.start()
        theirs.close()

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def ask(self, job: Job) -> Evaluation | Broke:
        try:
            self._line.send(job)
            self._wait(self._line)
            answer: Evaluation | Broke = self._line.recv()
        except (EOFError, OSError) as error:
            self._process.join(CLOSE_SECONDS)
            raise WorkerDied(_how(self._process.exitcode)) from error
        return answer

    def close(self) -> None:
        self._line.close()
        self._process.join(CLOSE_SECONDS)
        self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def _wait(self, line: Connection) -> None:
        """Wait for an answer or for the end of the process, whichever is first."""
        connection.wait([line, self._process.sentinel])
        if not line.poll():
            raise EOFError


def _how(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"worker died: {signal.Signals(-exit_code).name}"
    return f"worker died: exit status {exit_code}"


def _stopped() -> PoolStopped:
    return PoolStopped("The study ended before this trial did.", remedy="Resume it: the trial is run again.")
