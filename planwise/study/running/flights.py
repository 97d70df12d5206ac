"""Trials that workers are evaluating: a thread waits for each, the study's own takes what has ended."""

import contextvars
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial

from planwise.study.running.progress import Call
from planwise.study.trial_pool import TrialPool, TrialRequest
from planwise.study.trials.evaluation import Evaluation, Kind
from planwise.study.trials.journal import Asked
from planwise.workers import PoolStopped


@dataclass
class Flight:
    """A trial that a worker is evaluating; `followers` are of equal parameters and wait for its answer.

    `place` is where its answer belongs in the batch.
    """

    place: int
    asked: Asked
    followers: list[tuple[int, Asked]] = field(default_factory=list)


class Flights:
    """What is under way on a pool; without a pool there is always room, because nothing ever is.

    `call` goes around every plan, in the thread that waits for it, with the context of whoever submits it: a
    flow run is found there.
    """

    def __init__(self, pool: TrialPool | None, call: Call) -> None:
        self._pool = pool
        self._call = call
        self._threads = None if pool is None else ThreadPoolExecutor(pool.size, "trial")
        self._flights: dict[Future[Evaluation], Flight] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def has_room(self) -> bool:
        """Say whether a worker is free."""
        return self._pool is None or len(self._flights) < self._pool.size

    def of(self, kind: Kind, digest: str) -> Flight | None:
        """Return the flight of the same parameters; None without one."""
        return next(
            (
                flight
                for flight in self._flights.values()
                if (flight.asked.proposal.kind, flight.asked.digest) == (kind, digest)
            ),
            None,
        )

    def submit(self, flight: Flight, number: int) -> None:
        """Hand a trial to the next free worker."""
        assert self._pool is not None and self._threads is not None
        pool, proposal = self._pool, flight.asked.proposal
        request = TrialRequest(proposal.kind, dict(flight.asked.levers), number, proposal.seed)
        future: Future[Evaluation]
        if request.kind == "preview":
            future = pool.submit(request)
        else:
            context = contextvars.copy_context()
            future = self._threads.submit(context.run, self._call, partial(pool.evaluate, request), number)
        self._flights[future] = flight

    def landed(self, seconds: float, *, wait_for_all: bool) -> list[tuple[Flight, Evaluation | Exception]]:
        """Wait some seconds for the first to end, or for all; take what has ended, in the batch's order."""
        wait(self._flights, timeout=seconds, return_when=ALL_COMPLETED if wait_for_all else FIRST_COMPLETED)
        ended = sorted(
            (future for future in self._flights if future.done()), key=lambda f: self._flights[f].place
        )
        found: list[tuple[Flight, Evaluation | Exception]] = []
        for future in ended:
            flight, error = self._flights.pop(future), future.exception()
            if error is None:
                found.append((flight, future.result()))
            elif isinstance(error, Exception) and not isinstance(error, PoolStopped):
                found.append((flight, error))
        return found

    def abandon(self) -> None:
        """Kill what is under way; the journal has it as running, and whoever resumes takes it up."""
        if self._pool is not None and self._flights:
            self._pool.stop()
            self._flights.clear()

    def close(self) -> None:
        """Wait for the threads; nothing is under way any more."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
