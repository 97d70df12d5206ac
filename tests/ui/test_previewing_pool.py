"""The pool with processes that are made up: which question is asked when, and what becomes of a death."""

import threading
import time

import pytest

from planwise.errors import InputError
from planwise.settings import Settings
from ui.previewing.errors import PreviewFailed
from ui.previewing.jobs import Priority
from ui.previewing.messages import Answered, Broke, Place
from ui.previewing.pool import Pool
from ui.previewing.process import ProcessDied

HERE = Place("census", "a")
PATIENCE = 20


class FakeProcess:
    """Answers what it is asked; "wait" waits for the gate, "die" ends it, "bad" and "broke" are errors."""

    def __init__(self, world, index):
        self.world, self.index, self.alive, self.pid = world, index, True, 1000 + index
        world.started.append(index)

    def ask(self, ask):
        self.world.asked.append((ask, self.index))
        if ask in self.world.deadly and self.world.deadly[ask] > 0:
            self.world.deadly[ask] -= 1
            self.kill()
            raise ProcessDied("SIGKILL")
        if isinstance(ask, str) and ask.startswith("wait"):
            assert self.world.gate.wait(PATIENCE)
        if not self.alive:
            raise ProcessDied("SIGKILL")
        if ask == "bad":
            return Answered(Broke(InputError("cola_rate = 9 is too much.", remedy="Less.")), (HERE,))
        if ask == "broke":
            return Answered(Broke("ValueError: no"), (HERE,))
        return Answered(f"answer to {ask}", (HERE,))

    def kill(self):
        self.alive = False
        self.world.gate.set()


class World:
    def __init__(self):
        self.started, self.asked, self.gate, self.deadly = [], [], threading.Event(), {}

    def pool(self, workers=1):
        return Pool(Settings(), workers, lambda settings, index: FakeProcess(self, index))


@pytest.fixture
def world():
    return World()


def ask(pool, question, priority=Priority.KPIS):
    return pool.submit(question, key=question, place=HERE, priority=priority)


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_no_process_is_started_before_there_is_a_question(world):
    pool = world.pool(2)
    assert world.started == []
    assert ask(pool, "q").result(PATIENCE) == "answer to q"
    assert len(world.started) == 1
    pool.close()


def test_the_same_question_of_several_askers_is_computed_once(world):
    pool = world.pool()
    first = ask(pool, "wait")
    until(lambda: world.asked)
    others = [ask(pool, "wait") for _ in range(19)]
    world.gate.set()
    assert {future.result(PATIENCE) for future in (first, *others)} == {"answer to wait"}
    assert world.asked == [("wait", 0)]
    pool.close()


def test_a_dropped_question_is_never_asked(world):
    pool = world.pool()
    ask(pool, "wait")
    until(lambda: world.asked)
    dropped, kept = ask(pool, "dropped"), ask(pool, "kept")
    assert dropped.cancel()
    world.gate.set()
    assert kept.result(PATIENCE) == "answer to kept"
    assert [question for question, _ in world.asked] == ["wait", "kept"]
    pool.close()


def test_what_is_not_urgent_leaves_a_worker_free(world):
    pool = world.pool(2)
    slow = [ask(pool, f"wait {n}", Priority.BACKGROUND) for n in range(3)]
    until(lambda: world.asked)
    assert ask(pool, "kpis").result(PATIENCE) == "answer to kpis"
    assert len(world.asked) == 2
    world.gate.set()
    assert [future.result(PATIENCE) for future in slow] == [f"answer to wait {n}" for n in range(3)]
    pool.close()


def test_a_question_whose_worker_dies_is_asked_once_more(world):
    world.deadly["q"] = 1
    pool = world.pool()
    assert ask(pool, "q").result(PATIENCE) == "answer to q"
    assert world.asked == [("q", 0), ("q", 0)]
    assert (world.started, pool.restarts) == ([0, 0], 1)
    pool.close()


def test_a_question_that_kills_two_workers_is_an_error_with_a_remedy(world):
    world.deadly["q"] = 2
    pool = world.pool()
    with pytest.raises(PreviewFailed, match="ended twice") as raised:
        ask(pool, "q").result(PATIENCE)
    assert "PLANWISE_PREVIEW_WORKERS" in raised.value.remedy
    assert ask(pool, "another").result(PATIENCE) == "answer to another"
    pool.close()


def test_errors_cross_the_process_boundary_as_themselves(world):
    pool = world.pool()
    with pytest.raises(InputError, match="too much") as raised:
        ask(pool, "bad").result(PATIENCE)
    assert raised.value.remedy == "Less."
    with pytest.raises(PreviewFailed, match="ValueError: no"):
        ask(pool, "broke").result(PATIENCE)
    pool.close()


def test_a_process_that_cannot_start_is_told_and_the_next_question_tries_again(world):
    fails = [True]

    def start(settings, index):
        if fails.pop() if fails else False:
            raise OSError("no more processes")
        return FakeProcess(world, index)

    pool = Pool(Settings(), 1, start)
    with pytest.raises(PreviewFailed, match="no more processes"):
        ask(pool, "q").result(PATIENCE)
    assert ask(pool, "q").result(PATIENCE) == "answer to q"
    pool.close()


def test_closing_tells_whoever_waits_and_takes_no_time(world):
    pool = world.pool()
    running, waiting = ask(pool, "wait"), ask(pool, "later")
    until(lambda: world.asked)
    started = time.monotonic()
    pool.close()
    assert time.monotonic() - started < 5
    for future in (running, waiting, ask(pool, "after")):
        with pytest.raises(PreviewFailed, match="stopping"):
            future.result(PATIENCE)


def test_workers_are_made_ready_one_after_the_other(world):
    pool = world.pool(3)
    pool.warm("ready?", HERE)
    until(lambda: len(world.asked) == 3)
    assert world.asked == [("ready?", 0), ("ready?", 1), ("ready?", 2)]
    pool.close()
