"""What a preview worker does while nobody asks it."""

import threading
from multiprocessing import Pipe

from ui.previewing import worker
from ui.previewing.messages import Answered

MADE = []


class Unprepared:
    """Stands for a Worker with two things to prepare."""

    def __init__(self, settings):
        self.left, self.asked_with_left = 2, []
        self.prepared = threading.Event()
        MADE.append(self)

    @property
    def can_prepare(self):
        return self.left > 0

    def prepare(self):
        self.left -= 1
        if not self.left:
            self.prepared.set()

    def answer(self, ask):
        self.asked_with_left.append(self.left)
        return Answered(ask, ())


def test_a_question_comes_before_preparing_and_idle_time_is_used(monkeypatch):
    monkeypatch.setattr(worker, "Worker", Unprepared)
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.05)
    ours, theirs = Pipe()
    ours.send("early")
    serving = threading.Thread(target=worker.work, args=(None, theirs))
    serving.start()
    assert ours.recv().answer == "early"
    (made,) = MADE
    assert made.prepared.wait(10)
    ours.send("late")
    assert ours.recv().answer == "late"
    ours.close()
    serving.join(10)
    assert not serving.is_alive()
    assert made.asked_with_left == [2, 0]
