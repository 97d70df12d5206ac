"""One pool of worker processes for studies and live previews: it queues requests and returns futures.

The most urgent request goes to the free worker that holds most of what it needs. Each worker process has a
thread here that talks to it, so that no event loop waits. A process that ends is replaced. This module is
the first thing that a worker process imports, so it imports little.
"""

import contextlib
import itertools
import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Protocol, Self

from planwise.errors import PlanWiseError, expected_error
from planwise.masking import describe_error, mask_tracebacks
from planwise.processes import collect_rarely

SPAWN = multiprocessing.get_context("spawn")  # a fork would copy threads' locks and open databases
# glibc keeps small blocks for reuse: a query allocates many, and a preview takes an eighth less time with it.
os.environ.setdefault("GLIBC_TUNABLES", "glibc.malloc.tcache_count=8000")  # read when a worker starts
CLOSE_SECONDS = 10.0  # for a worker to remove its database; then it is killed
IDLE_SECONDS = 1.0  # without a request, before a worker prepares for later ones
ORPHANED = 70  # exit status of a worker whose parent process has ended
LOG = logging.getLogger("planwise.workers")

Location = tuple[str, ...]
"""What a request needs, the most expensive part first: a census, then its simulated dynamics."""


class WorkerDied(PlanWiseError):
    """A worker process ended while it had a request: killed, out of memory, or over its time limit."""


class RequestFailed(PlanWiseError):
    """A request raised an unexpected error in its worker; `what` has its class and text."""


class PoolStopped(PlanWiseError):
    """The pool was stopped before the request was answered."""


class Priority(IntEnum):
    """The order of requests. Only urgent requests may use the last free worker of several."""

    URGENT = 0
    NORMAL = 1
    BACKGROUND = 2


class Worker:
    """Answers requests in a worker process; made, used and closed there."""

    @property
    def holds(self) -> tuple[Location, ...]:
        """The locations that it answers fastest."""
        return ()

    @property
    def can_prepare(self) -> bool:
        """Whether it has something to prepare for later requests."""
        return False

    def prepare(self) -> None:
        """Prepare one thing; called while there is no request."""

    def answer(self, request: Any) -> Any:
        """Return the answer to a request; what it raises is raised where the request was made."""
        raise NotImplementedError

    def close(self) -> None:
        """Release what it holds; called when the pool is closed, not when the process is killed."""


OpenWorker = Callable[[int], Worker]
"""Makes the worker with this index in its process; picklable."""


@dataclass(frozen=True)
class Reply:
    """A worker's answer or error, and the locations that it holds now."""

    answer: Any = None
    error: PlanWiseError | str | None = None
    holds: tuple[Location, ...] = ()


class Process(Protocol):
    """A worker process as the pool uses it."""

    @property
    def pid(self) -> int: ...  # noqa: D102

    @property
    def alive(self) -> bool: ...  # noqa: D102

    def ask(self, request: Any) -> Reply: ...  # noqa: D102

    def close(self) -> None: ...  # noqa: D102

    def kill(self) -> None: ...  # noqa: D102


StartProcess = Callable[[OpenWorker, int], Process]


class WorkerProcess:
    """A worker process and the connection to it. It ends with its parent, however that ends."""

    def __init__(
        self,
        open_worker: OpenWorker,
        index: int,
        *,
        name: str = "worker",
        timeout_seconds: float | None = None,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._closing = threading.Lock()  # the pool and the thread that waits for a reply may both close
        self._connection, theirs = SPAWN.Pipe()
        self._process: BaseProcess = SPAWN.Process(
            target=_run, args=(pickle.dumps(partial(open_worker, index)), theirs), name=name, daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid or 0

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.is_alive()

    def ask(self, request: Any) -> Reply:
        """Send a request and wait for the reply; raises WorkerDied, and then the process has ended."""
        timed_out = False
        try:
            self._connection.send(request)
            ready = connection.wait([self._connection, self._process.sentinel], self._timeout_seconds)
            timed_out = not ready
            if not self._connection.poll():
                raise EOFError
            reply: Reply = self._connection.recv()
        except (EOFError, OSError) as error:
            self._process.join(0 if timed_out else CLOSE_SECONDS)
            code = self._process.exitcode
            self.kill()
            raise WorkerDied(f"worker died: {self._reason(code, timed_out=timed_out)}") from error
        return reply

    def close(self) -> None:
        """Let the worker close what it holds; kill it when that takes too long."""
        self._disconnect()
        self._process.join(CLOSE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.join()
        self._disconnect()

    def _disconnect(self) -> None:
        with self._closing:
            self._connection.close()

    def _reason(self, exit_code: int | None, *, timed_out: bool) -> str:
        if timed_out:
            return f"no answer within {self._timeout_seconds:.0f} s"
        killed = exit_code is not None and exit_code < 0
        return signal.Signals(-exit_code).name if killed else f"exit status {exit_code}"  # type: ignore[operator]


@dataclass
class QueuedRequest:
    """A request and the futures that wait for its answer."""

    request: Any
    key: Hashable
    location: Location = ()
    priority: Priority = Priority.URGENT
    waiters: list["Future[Any]"] = field(default_factory=list)
    only_worker: int | None = None
    attempts: int = 0
    has_started: bool = False
    order: int = field(default_factory=itertools.count().__next__)

    @property
    def needed(self) -> bool:
        """Whether a future still waits for the answer."""
        return any(not waiter.done() for waiter in self.waiters)

    def start(self) -> None:
        """Mark the request as sent to a worker: it can no longer be cancelled."""
        for waiter in self.waiters:
            if not waiter.running():
                waiter.set_running_or_notify_cancel()
        self.has_started = True

    def join(self, waiter: "Future[Any]") -> None:
        """Add a future that waits for the same answer."""
        self.waiters.append(waiter)
        if self.has_started:
            waiter.set_running_or_notify_cancel()

    def finish(self, answer: Any = None, error: Exception | None = None) -> None:
        """Give the answer or the error to every future that waits."""
        for waiter in list(self.waiters):
            with contextlib.suppress(InvalidStateError):  # it was cancelled
                if error is None:
                    waiter.set_result(answer)
                else:
                    waiter.set_exception(error)


class WorkerPool:
    """Requests to some worker processes; every method may be called from any thread.

    A process starts with its first request, or with `start_all` all of them with the pool's first request.
    A request whose worker dies is sent again until it has had `attempts`, then raises WorkerDied.
    """

    def __init__(
        self,
        open_worker: OpenWorker,
        size: int,
        *,
        name: str = "worker",
        attempts: int = 1,
        timeout_seconds: float | None = None,
        start_all: bool = False,
        start_process: StartProcess | None = None,
    ) -> None:
        self.size = size
        self.restarts = 0
        self._open_worker = open_worker
        self._attempts = attempts
        self._start_all = start_all
        self._start_process = start_process or partial(
            WorkerProcess, name=name, timeout_seconds=timeout_seconds
        )
        self._lock = threading.Lock()
        self._waiting: list[QueuedRequest] = []
        self._running: dict[int, QueuedRequest] = {}
        self._holds: dict[int, tuple[Location, ...]] = {index: () for index in range(size)}
        self._inboxes: list[SimpleQueue[QueuedRequest | _Start | None]] = [SimpleQueue() for _ in range(size)]
        self._processes: dict[int, Process] = {}
        self._stopped = False
        self._threads = [
            threading.Thread(target=self._serve, args=(index,), name=f"{name} {index}", daemon=True)
            for index in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.stop()

    def submit(
        self,
        request: Any,
        *,
        key: Hashable = None,
        location: Location = (),
        priority: Priority = Priority.URGENT,
    ) -> "Future[Any]":
        """Queue a request. A request with the key of one not answered yet waits for that answer.

        Cancelling the future drops a request that no worker has begun. The future raises WorkerDied,
        RequestFailed, PoolStopped, or the PlanWiseError that the worker raised.
        """
        future: Future[Any] = Future()
        with self._lock:
            if self._stopped:
                future.set_exception(_stopped())
                return future
            same = (q for q in (*self._waiting, *self._running.values()) if key is not None and q.key == key)
            if queued := next(same, None):
                queued.join(future)
                queued.priority = min(queued.priority, priority)
            else:
                self._waiting.append(QueuedRequest(request, key, location, priority, [future]))
            if self._start_all:
                self._start_all = False
                for inbox in self._inboxes:
                    inbox.put(_Start())
            self._dispatch()
        return future

    def warm(self, request: Any, location: Location, *, first: int = 0) -> None:
        """Send a request to every worker, one after the other, and drop the answers."""
        if first >= self.size:
            return
        ready: Future[Any] = Future()
        ready.add_done_callback(lambda _: self.warm(request, location, first=first + 1))
        with self._lock:
            if self._stopped:
                return
            self._waiting.append(
                QueuedRequest(request, ("warm", first), location, waiters=[ready], only_worker=first)
            )
            self._dispatch()

    def pids(self) -> tuple[int, ...]:
        """Return the worker processes that have been started."""
        with self._lock:
            return tuple(process.pid for process in self._processes.values())

    def close(self) -> None:
        """Let every worker close what it holds; kill those that take too long."""
        self._end(lambda process: process.close())

    def stop(self) -> None:
        """Kill every worker now; requests that are not answered raise PoolStopped."""
        self._end(lambda process: process.kill())

    def _end(self, end: Callable[[Process], None]) -> None:
        with self._lock:
            self._stopped = True
            unanswered = [*self._waiting, *self._running.values()]
            self._waiting.clear()
            processes = list(self._processes.values())
        for queued in unanswered:
            queued.finish(error=_stopped())
        for inbox in self._inboxes:
            inbox.put(None)
        for process in processes:
            end(process)
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)

    def _dispatch(self) -> None:
        """Send waiting requests to idle workers; the lock is held."""
        self._waiting = [queued for queued in self._waiting if queued.needed]
        while True:
            idle = {index: self._holds[index] for index in range(self.size) if index not in self._running}
            slow = sum(queued.priority is not Priority.URGENT for queued in self._running.values())
            found = next_match(self._waiting, idle, only_urgent=slow >= max(1, self.size - 1))
            if found is None:
                return
            queued, index = found
            self._waiting.remove(queued)
            self._running[index] = queued
            queued.start()
            self._inboxes[index].put(queued)

    def _serve(self, index: int) -> None:
        """Have one worker answer its requests, one after the other, until the pool ends."""
        while (queued := self._inboxes[index].get()) is not None:
            if isinstance(queued, _Start):
                with contextlib.suppress(Exception):  # its first request tries again and reports the error
                    self._process(index)
                continue
            queued.attempts += 1
            try:
                reply = self._process(index).ask(queued.request)
            except WorkerDied as died:
                self._died(index, queued, died)
                continue
            except Exception as error:  # a process that cannot start must not end this thread
                LOG.exception("A worker process cannot be used")
                reply = Reply(error=expected_error(error) or describe_error(error))
            with self._lock:
                self._running.pop(index, None)
                self._holds[index] = reply.holds
                self._dispatch()
            queued.finish(reply.answer, RequestFailed(it) if isinstance(it := reply.error, str) else it)

    def _process(self, index: int) -> Process:
        """Return the process of a worker, a new one when there is none that runs."""
        process = self._processes.get(index)
        if process is None or not process.alive:
            replaces = process is not None  # one that ended between two requests
            process = self._start_process(self._open_worker, index)
            if replaces:
                LOG.warning("A worker process had ended; it is replaced")
            with self._lock:
                self.restarts += replaces
                self._processes[index] = process
                stopped = self._stopped
            if stopped:
                process.kill()
        return process

    def _died(self, index: int, queued: QueuedRequest, died: WorkerDied) -> None:
        """Send the request of a dead worker again, or report the death."""
        with self._lock:
            stopped = self._stopped
            self._running.pop(index, None)
            self._holds[index] = ()
            again = not stopped and queued.attempts < self._attempts
            if not stopped:
                self._processes.pop(index, None)
                self.restarts += 1
                LOG.warning("A worker process ended (%s); it is replaced", died.what)
            if again:
                self._waiting.insert(0, queued)
            self._dispatch()
        if not again:
            queued.finish(error=_stopped() if stopped else died)


def next_match(
    waiting: Sequence[QueuedRequest], idle: Mapping[int, Sequence[Location]], *, only_urgent: bool
) -> tuple[QueuedRequest, int] | None:
    """Return the request to send now and its worker: the most urgent, where least must be computed.

    `idle` are the idle workers with the locations that they hold.
    """
    for queued in sorted(waiting, key=lambda queued: (queued.priority, queued.order)):
        if queued.priority is not Priority.URGENT and only_urgent:
            return None
        able = [index for index in idle if queued.only_worker in (None, index)]
        if able:
            return queued, max(able, key=lambda index: (_held(idle[index], queued.location), -index))
    return None


def _held(holds: Sequence[Location], location: Location) -> int:
    """Return how many parts of a location a worker holds, from the first on."""

    def common(held: Location) -> int:
        same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(held, location, strict=False))
        return sum(1 for _ in same)

    return max(map(common, holds), default=0)


@dataclass(frozen=True)
class _Start:
    """Makes a worker's thread start its process."""


def _stopped() -> PoolStopped:
    return PoolStopped("The workers were stopped before they answered.", remedy="Start the work again.")


def _run(make: bytes, requests: Connection) -> None:
    """Run a worker: leave stdout and Ctrl-C to the parent, then unpickle and make it, which imports much."""
    mask_tracebacks()
    collect_rarely()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    os.dup2(sys.stderr.fileno(), 1)  # stdout is the parent's own, for one JSON object
    threading.Thread(target=_end_with_parent, name="parent watch", daemon=True).start()
    serve(pickle.loads(make)(), requests)


def serve(worker: Worker, requests: Connection) -> None:
    """Answer requests until the other end is closed; prepare for later ones while there are none."""
    with contextlib.closing(worker):
        while True:
            try:
                while worker.can_prepare and not requests.poll(IDLE_SECONDS):
                    worker.prepare()
                request = requests.recv()
            except EOFError:
                return
            requests.send(answer_request(worker, request))


def answer_request(worker: Worker, request: Any) -> Reply:
    """Return a worker's answer or error."""
    try:
        answer = worker.answer(request)
    except Exception as error:  # reported with the request; the worker goes on
        return Reply(error=expected_error(error) or describe_error(error), holds=worker.holds)
    return Reply(answer, holds=worker.holds)


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # started by multiprocessing
    connection.wait([parent.sentinel])
    os._exit(ORPHANED)
