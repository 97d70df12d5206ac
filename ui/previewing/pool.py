"""A pool of preview workers: the most urgent question goes to the free worker that has least to compute.

Each worker process has a thread of the server that talks to it, so that an event loop never waits. A process
that dies is started again and its question asked once more.
"""

import logging
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, InvalidStateError
from queue import SimpleQueue
from typing import Any

from planwise.errors import PlanWiseError
from planwise.settings import Settings
from ui.previewing.errors import PreviewFailed
from ui.previewing.jobs import Job, Priority, next_match
from ui.previewing.messages import Answered, Ask, Broke, Place
from ui.previewing.process import Process, ProcessDied

ATTEMPTS_MAX = 2
CLOSE_SECONDS = 5.0
LOG = logging.getLogger("planwise.ui.previewing")


class Pool:
    """Shared by all sessions of a server; every method may be called from any thread.

    `start_process` makes a worker's process from its index.
    """

    def __init__(
        self, settings: Settings, workers: int, start_process: Callable[[Settings, int], Process] = Process
    ) -> None:
        self.size = workers
        self.restarts = 0
        self._settings = settings
        self._start_process = start_process
        self._lock = threading.Lock()
        self._waiting: list[Job] = []
        self._running: dict[int, Job] = {}
        self._holds: dict[int, tuple[Place, ...]] = {index: () for index in range(workers)}
        self._boxes: list[SimpleQueue[Job | None]] = [SimpleQueue() for _ in range(workers)]
        self._processes: dict[int, Process] = {}
        self._stopped = False
        self._threads = [
            threading.Thread(target=self._serve, args=(index,), name=f"preview worker {index}", daemon=True)
            for index in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, ask: Ask, *, key: Hashable, place: Place, priority: Priority) -> "Future[Any]":
        """Ask; the same key asked again before the answer is there waits for the one answer."""
        future: Future[Any] = Future()
        with self._lock:
            if self._stopped:
                future.set_exception(_stopping())
                return future
            for job in (*self._waiting, *self._running.values()):
                if job.key == key:
                    job.join(future)
                    job.priority = min(job.priority, priority)
                    break
            else:
                self._waiting.append(Job(ask, key, place, priority, [future]))
            self._dispatch()
        return future

    def warm(self, ask: Ask, place: Place, *, first: int = 0) -> None:
        """Make workers ready for a question, one after the other: pages want the processor too."""
        if first >= self.size:
            return
        ready: Future[Any] = Future()
        ready.add_done_callback(lambda _: self.warm(ask, place, first=first + 1))
        with self._lock:
            if self._stopped:
                return
            job = Job(ask, ("warm", first), place, Priority.KPIS, [ready], only_worker=first)
            self._waiting.append(job)
            self._dispatch()

    def pids(self) -> tuple[int, ...]:
        """Return the worker processes that run."""
        with self._lock:
            return tuple(process.pid for process in self._processes.values())

    def close(self) -> None:
        """Kill the workers; whoever waits is told that the server is stopping."""
        with self._lock:
            self._stopped = True
            jobs = [*self._waiting, *self._running.values()]
            self._waiting.clear()
            processes = list(self._processes.values())
        for job in jobs:
            _tell(job, error=_stopping())
        for box in self._boxes:
            box.put(None)
        for process in processes:
            process.kill()
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)

    def _dispatch(self) -> None:
        """Hand waiting jobs to idle workers; the lock is held.

        What is not urgent leaves a worker free for what is, where there is more than one.
        """
        self._waiting = [job for job in self._waiting if job.wanted]
        while True:
            idle = {i: self._holds[i] for i in range(self.size) if i not in self._running}
            slow = sum(job.priority is not Priority.KPIS for job in self._running.values())
            found = next_match(self._waiting, idle, slow < max(1, self.size - 1)) if idle else None
            if found is None:
                return
            job, index = found
            self._waiting.remove(job)
            self._running[index] = job.started()
            self._boxes[index].put(job)

    def _serve(self, index: int) -> None:
        """Answer one worker's jobs, one after the other, until the pool closes."""
        while (job := self._boxes[index].get()) is not None:
            try:
                answered = self._ask(index, job)
            except ProcessDied as died:
                self._died(index, job, died)
                continue
            except Exception as error:  # a process that cannot start must not end the worker's thread
                LOG.exception("A preview worker cannot be asked")
                answered = Answered(Broke(f"{type(error).__name__}: {error}"), ())
            self._finished(index, answered)
            _answer(job, answered.answer)

    def _ask(self, index: int, job: Job) -> Answered:
        job.attempts += 1
        process = self._processes.get(index)
        if process is None or not process.alive:
            process = self._start_process(self._settings, index)
            with self._lock:
                self._processes[index] = process
                stopped = self._stopped
            if stopped:
                process.kill()
        return process.ask(job.ask)

    def _finished(self, index: int, answered: Answered) -> None:
        with self._lock:
            self._running.pop(index, None)
            self._holds[index] = answered.holds
            self._dispatch()

    def _died(self, index: int, job: Job, died: ProcessDied) -> None:
        """Ask once more what a dead worker was asked, or tell that it cannot be answered."""
        with self._lock:
            self._running.pop(index, None)
            self._processes.pop(index, None)
            self._holds[index] = ()
            again = not self._stopped and job.attempts < ATTEMPTS_MAX
            if not self._stopped:
                self.restarts += 1
                LOG.warning("A preview worker ended (%s); another is started", died)
            if again:
                self._waiting.insert(0, job)
            self._dispatch()
        if not again:
            _tell(job, error=_stopping() if self._stopped else _gave_up(died))


def _answer(job: Job, answer: Any) -> None:
    if isinstance(answer, Broke):
        error = answer.error
        _tell(job, error=error if isinstance(error, PlanWiseError) else _broke(error))
    else:
        _tell(job, answer=answer)


def _tell(job: Job, *, answer: Any = None, error: Exception | None = None) -> None:
    for waiter in list(job.waiters):
        try:
            if error is None:
                waiter.set_result(answer)
            else:
                waiter.set_exception(error)
        except InvalidStateError:  # the asker has gone
            continue


def _gave_up(died: ProcessDied) -> PreviewFailed:
    return PreviewFailed(
        f"The process that simulates what-ifs ended twice on this question ({died}).",
        remedy="Memory may be short: close other work or set PLANWISE_PREVIEW_WORKERS=1 and start the "
        "dashboard again. Save the scenario and run it to have its figures meanwhile.",
    )


def _broke(text: str) -> PreviewFailed:
    return PreviewFailed(
        f"The simulation broke: {text}.",
        remedy="Save the scenario and run it; the run's log has the details.",
    )


def _stopping() -> PreviewFailed:
    return PreviewFailed("The dashboard is stopping.", remedy="Start it again: `planwise serve`.")
