"""The worker pool: which request goes to which worker and when, and what happens when a worker dies."""

import os
import signal
import threading
import time
from concurrent.futures import Future
from multiprocessing import Pipe

import pytest

from planwise import workers
from planwise.errors import InputError
from planwise.workers import (
    PoolStopped,
    Priority,
    QueuedRequest,
    Reply,
    RequestFailed,
    Worker,
    WorkerDied,
    WorkerPool,
    WorkerProcess,
    next_match,
)
from tests.waiting import wait_until

HERE, ELSEWHERE, OTHER = ("census", "a"), ("census", "b"), ("another", "a")
PATIENCE = 20


class FakeProcess:
    """Answers requests; "wait" waits for the gate, a deadly one ends it, "bad" and "broke" are errors."""

    def __init__(self, world, index):
        self.world, self.index, self.alive, self.pid = world, index, True, 1000 + index
        world.started.append(index)

    def ask(self, request):
        self.world.requests.append((request, self.index))
        if self.world.deadly.get(request, 0) > 0:
            self.world.deadly[request] -= 1
            self.kill()
            raise WorkerDied("worker died: SIGKILL")
        if request.startswith("wait"):
            assert self.world.gate.wait(PATIENCE)
        if not self.alive:
            raise WorkerDied("worker died: SIGKILL")
        if request == "bad":
            return Reply(error=InputError("cola_rate = 9 is too much.", remedy="Less."), holds=(HERE,))
        if request == "broke":
            return Reply(error="ValueError: no", holds=(HERE,))
        return Reply(f"answer to {request}", holds=(HERE,))

    def close(self):
        self.kill()

    def kill(self):
        self.alive = False
        self.world.gate.set()


class World:
    def __init__(self):
        self.started, self.requests, self.gate, self.deadly = [], [], threading.Event(), {}

    def pool(self, size=1, **options):
        options.setdefault("start_process", lambda open_worker, index: FakeProcess(self, index))
        return WorkerPool(Worker, size, attempts=2, **options)


@pytest.fixture
def world():
    return World()


def ask(pool, request, priority=Priority.URGENT):
    return pool.submit(request, key=request, location=HERE, priority=priority)


def queued(priority=Priority.URGENT, location=HERE, **more):
    return QueuedRequest(None, object(), location, priority, [Future()], **more)


def test_urgent_requests_go_before_normal_and_background_ones():
    normal, background, urgent = queued(Priority.NORMAL), queued(Priority.BACKGROUND), queued()
    assert next_match([normal, background, urgent], {0: ()}, only_urgent=False) == (urgent, 0)
    assert next_match([background, normal], {0: ()}, only_urgent=False) == (normal, 0)


def test_equally_urgent_requests_are_answered_in_order():
    first, second = queued(), queued()
    assert next_match([second, first], {0: ()}, only_urgent=False) == (first, 0)


def test_a_request_goes_to_the_worker_that_has_least_to_compute():
    idle = {0: (), 1: (OTHER,), 2: (ELSEWHERE,), 3: (OTHER, HERE)}

    def chosen(*indexes):
        return next_match([queued()], {index: idle[index] for index in indexes}, only_urgent=False)[1]

    assert (chosen(0, 1, 2, 3), chosen(0, 1, 2), chosen(0, 1)) == (3, 2, 0)


def test_requests_that_are_not_urgent_wait_for_a_free_worker_more():
    assert next_match([queued(Priority.NORMAL)], {0: ()}, only_urgent=True) is None
    urgent = queued()
    assert next_match([queued(Priority.NORMAL), urgent], {0: ()}, only_urgent=True) == (urgent, 0)


def test_a_request_for_one_worker_waits_for_it():
    pinned, free = queued(only_worker=1), queued()
    assert next_match([pinned, free], {0: ()}, only_urgent=False) == (free, 0)
    assert next_match([pinned, free], {0: (), 1: ()}, only_urgent=False) == (pinned, 1)


def test_no_process_is_started_before_there_is_a_request(world):
    pool = world.pool(2)
    assert world.started == []
    assert ask(pool, "q").result(PATIENCE) == "answer to q"
    assert len(world.started) == 1
    pool.stop()


def test_all_processes_can_start_with_the_first_request(world):
    pool = world.pool(3, start_all=True)
    assert ask(pool, "q").result(PATIENCE) == "answer to q"
    wait_until(lambda: sorted(world.started) == [0, 1, 2])
    pool.stop()


def test_a_request_made_several_times_is_computed_once(world):
    pool = world.pool()
    first = ask(pool, "wait")
    wait_until(lambda: world.requests)
    others = [ask(pool, "wait") for _ in range(19)]
    assert not others[0].cancel()  # a worker has it
    world.gate.set()
    assert {future.result(PATIENCE) for future in (first, *others)} == {"answer to wait"}
    assert world.requests == [("wait", 0)]
    pool.stop()


def test_requests_without_a_key_are_all_computed(world):
    pool = world.pool(2)
    assert [future.result(PATIENCE) for future in (pool.submit("q"), pool.submit("q"))] == ["answer to q"] * 2
    assert len(world.requests) == 2
    pool.stop()


def test_a_cancelled_request_is_never_sent(world):
    pool = world.pool()
    ask(pool, "wait")
    wait_until(lambda: world.requests)
    dropped, kept = ask(pool, "dropped"), ask(pool, "kept")
    assert dropped.cancel()
    world.gate.set()
    assert kept.result(PATIENCE) == "answer to kept"
    assert [request for request, _ in world.requests] == ["wait", "kept"]
    pool.stop()


def test_requests_that_are_not_urgent_leave_a_worker_free(world):
    pool = world.pool(2)
    slow = [ask(pool, f"wait {n}", Priority.BACKGROUND) for n in range(3)]
    wait_until(lambda: world.requests)
    assert ask(pool, "kpis").result(PATIENCE) == "answer to kpis"
    assert len(world.requests) == 2
    world.gate.set()
    assert [future.result(PATIENCE) for future in slow] == [f"answer to wait {n}" for n in range(3)]
    pool.stop()


def test_a_request_whose_worker_dies_is_sent_once_more(world):
    world.deadly["q"] = 1
    pool = world.pool()
    assert ask(pool, "q").result(PATIENCE) == "answer to q"
    assert world.requests == [("q", 0), ("q", 0)]
    assert (world.started, pool.restarts) == ([0, 0], 1)
    pool.stop()


def test_a_process_that_ended_between_two_requests_is_replaced_and_counted(world):
    made = []
    pool = world.pool(start_process=lambda *_: made.append(FakeProcess(world, 0)) or made[-1])
    ask(pool, "q").result(PATIENCE)
    made[0].alive = False
    assert ask(pool, "another").result(PATIENCE) == "answer to another"
    assert (len(made), pool.restarts) == (2, 1)
    pool.stop()


def test_a_request_that_kills_two_workers_reports_the_death(world):
    world.deadly["q"] = 2
    pool = world.pool()
    with pytest.raises(WorkerDied, match="SIGKILL"):
        ask(pool, "q").result(PATIENCE)
    assert ask(pool, "another").result(PATIENCE) == "answer to another"
    pool.stop()


def test_errors_cross_the_process_boundary_with_class_and_remedy(world):
    pool = world.pool()
    with pytest.raises(InputError, match="too much") as raised:
        ask(pool, "bad").result(PATIENCE)
    assert raised.value.remedy == "Less."
    with pytest.raises(RequestFailed, match="ValueError: no"):
        ask(pool, "broke").result(PATIENCE)
    pool.stop()


def test_a_process_that_cannot_start_is_reported_and_the_next_request_tries_again(world):
    fails = [True]

    def start(open_worker, index):
        if fails.pop() if fails else False:
            raise OSError("no more processes")
        return FakeProcess(world, index)

    pool = world.pool(start_process=start)
    with pytest.raises(RequestFailed, match="no more processes"):
        ask(pool, "q").result(PATIENCE)
    assert ask(pool, "q").result(PATIENCE) == "answer to q"
    pool.stop()


def test_stopping_is_quick_and_reported_to_every_request(world):
    pool = world.pool()
    running, waiting = ask(pool, "wait"), ask(pool, "later")
    wait_until(lambda: world.requests)
    started = time.monotonic()
    pool.stop()
    assert time.monotonic() - started < 5
    for future in (running, waiting, ask(pool, "after")):
        with pytest.raises(PoolStopped):
            future.result(PATIENCE)


def test_workers_are_warmed_one_after_the_other(world):
    pool = world.pool(3)
    pool.warm("ready?", HERE)
    wait_until(lambda: len(world.requests) == 3)
    assert world.requests == [("ready?", 0), ("ready?", 1), ("ready?", 2)]
    pool.stop()


class Preparing(Worker):
    """A worker with two things to prepare."""

    def __init__(self):
        self.left, self.left_at_requests = 2, []
        self.prepared, self.closed = threading.Event(), False

    @property
    def can_prepare(self):
        return self.left > 0

    def prepare(self):
        self.left -= 1
        if not self.left:
            self.prepared.set()

    def answer(self, request):
        self.left_at_requests.append(self.left)
        return request

    def close(self):
        self.closed = True


def test_a_request_comes_before_preparing_and_idle_time_is_used(monkeypatch):
    monkeypatch.setattr(workers, "IDLE_SECONDS", 0.05)
    worker = Preparing()
    ours, theirs = Pipe()
    ours.send("early")
    serving = threading.Thread(target=workers.serve, args=(worker, theirs))
    serving.start()
    assert ours.recv().answer == "early"
    assert worker.prepared.wait(10)
    ours.send("late")
    assert ours.recv().answer == "late"
    ours.close()
    serving.join(10)
    assert not serving.is_alive() and worker.closed
    assert worker.left_at_requests == [2, 0]


class Obedient(Worker):
    """Follows its requests in its process; leaves a file when it is closed."""

    def __init__(self, index):
        self.index = index

    def answer(self, request):
        if request == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if request == "sleep":
            time.sleep(600)
        self.file = request
        return os.getpid()

    def close(self):
        self.file.write_text("closed")


def test_a_process_answers_and_is_closed_or_reports_how_it_ended(tmp_path):
    process = WorkerProcess(Obedient, 0)
    assert process.ask(tmp_path / "file").answer == process.pid != os.getpid()
    process.close()
    assert (tmp_path / "file").read_text() == "closed" and not process.alive

    process = WorkerProcess(Obedient, 0)
    with pytest.raises(WorkerDied, match="worker died: SIGKILL"):
        process.ask("die")

    process = WorkerProcess(Obedient, 0, timeout_seconds=0.5)
    with pytest.raises(WorkerDied, match="no answer within"):
        process.ask("sleep")
    assert not process.alive
