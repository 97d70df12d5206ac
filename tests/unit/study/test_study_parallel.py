"""Trials side by side: in the batch's order, each once, whatever becomes of a worker."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import psutil
import pytest
from study_worlds import COLA, FakeWorkers, ParallelWorld

from planwise import workers
from planwise.errors import InputError
from planwise.study import Hooks, TrialPool
from planwise.study.optuna_storage import load_study
from planwise.study.queries import list_studies
from planwise.study.study_files import read_result
from planwise.study.trial import finished_trials
from planwise.study.trial_pool import TrialRequest
from planwise.workers import RequestFailed, WorkerDied
from tests.waiting import wait_until

TARGET = 0.04
SLOW, LONG = 0.6, 60.0  # seconds
IMPORTED = ["benchmarks.analytic", "planwise.study.problem", "planwise.study.trial_pool"]


@pytest.fixture(autouse=True)
def _workers_have_imported(monkeypatch):
    """Workers are forked from a process that has imported what they need; a script's are not."""
    forked = multiprocessing.get_context("forkserver")
    forked.set_forkserver_preload(IMPORTED)
    monkeypatch.setattr(workers, "SPAWN", forked)


def running(world):
    return load_study(world.settings, "s").get_trials(states=(optuna.trial.TrialState.RUNNING,))


def test_trials_overlap_and_answers_come_in_the_order_of_the_batch(tmp_path, monkeypatch):
    world = ParallelWorld(tmp_path, {20: "begun-6-*", 30: "begun-3-*"})  # each waits for the other
    result, answers = world.listed(monkeypatch, 0.020, 0.021, 0.022, 0.030)
    assert [trial.levers[COLA] for trial in answers] == [0.020, 0.021, 0.022, 0.030]
    assert [trial.number for trial in answers] == [3, 4, 5, 6]  # after the frame
    first, *_, last = world.files("ended")
    assert float(first[2]) < float(last[3]) and float(last[2]) < float(first[3])
    assert {end[1] for end in world.files("ended")} == {"0", "1"}
    assert (result.stopped, result.real_plans, result.trials_failed) == ("trials", 4, 0)


def test_equal_parameters_in_flight_are_one_evaluation_and_one_cache_hit(tmp_path, monkeypatch):
    world = ParallelWorld(tmp_path, {20: SLOW})
    result, answers = world.listed(monkeypatch, 0.020, 0.020, 0.021)
    assert [trial.answered_by for trial in answers] == [None, answers[0].number, None]
    assert answers[1].evaluation.cache_hit and answers[1].evaluation.growth == answers[0].evaluation.growth
    assert len(world.files("ended")) == 2 == result.real_plans and result.cache_hits >= 1


def test_what_waits_for_an_equal_trial_that_breaks_is_evaluated_itself(tmp_path, monkeypatch):
    world = ParallelWorld(tmp_path, {20: "breaks"})
    _, answers = world.listed(monkeypatch, 0.020, 0.020, 0.021)
    assert [trial.error for trial in answers] == ["RuntimeError: the disk is full"] * 2 + [None]
    assert len(world.files("begun")) == 3


def test_a_worker_that_dies_is_a_failed_trial_and_is_replaced(tmp_path, monkeypatch):
    world = ParallelWorld(tmp_path, {20: "dies", 23: "gated"})
    result, answers = world.listed(monkeypatch, 0.020, 0.021, 0.022, 0.023)
    assert [trial.state for trial in answers] == ["failed", "complete", "complete", "infeasible"]
    assert answers[0].error == "worker died: SIGKILL"
    assert (result.trials_failed, result.real_plans, result.stopped) == (1, 4, "trials")


def test_a_sampler_draws_its_number_of_trials_and_learns_from_all_of_them(tmp_path):
    world = ParallelWorld(tmp_path)
    result = world.study(TARGET, strategy="tpe", trials=25)
    trials = finished_trials(load_study(world.settings, "s"))
    plans = [trial for trial in trials if trial.kind == "real"]
    assert [trial.number for trial in plans] == list(range(3, 3 + 25))
    assert len({trial.levers[COLA] for trial in plans}) == 25 == result.real_plans
    assert abs(result.gap_pp) < 0.3 and result.kind == "real"


def test_a_cancel_reaches_workers_and_the_rest_is_run_once_when_resumed(tmp_path, monkeypatch):
    world = ParallelWorld(tmp_path, {20: LONG, 21: LONG})
    points = (0.025, 0.020, 0.021, 0.026)
    requested: list[float] = []

    def should_stop():
        if len(world.files("begun")) >= 3:
            requested.append(time.monotonic())
        return bool(requested)

    result, _ = world.listed(monkeypatch, *points, hooks=Hooks(should_stop=should_stop))
    assert time.monotonic() - requested[0] < 20
    assert (result.stopped, result.real_plans) == ("cancelled", 1)
    assert read_result(world.settings, "s")["stopped"] == "cancelled"
    assert len(running(world)) == 2
    assert not [pid for pid in world.pool.pids() if psutil.pid_exists(pid)]

    world.workers = FakeWorkers(world.folder)
    again, answers = world.listed(monkeypatch, *points, resume=True)
    assert [trial.levers[COLA] for trial in answers] == list(points)
    assert again.stopped == "trials" and again.real_plans == 4 and not running(world)
    ended = [int(file[0]) for file in world.files("ended")]
    assert ended == sorted(trial.number for trial in answers)


@pytest.mark.parametrize(
    ("signal_", "state"), [(KeyboardInterrupt, "cancelled"), (SystemExit, "interrupted")]
)
def test_an_interrupt_keeps_the_best_so_far_and_says_what_happened(tmp_path, monkeypatch, signal_, state):
    world = ParallelWorld(tmp_path, {20: LONG})

    def interrupt(progress):
        if progress.kind == "real":
            raise signal_

    with pytest.raises(signal_):
        world.listed(monkeypatch, 0.025, 0.020, hooks=Hooks(on_progress=interrupt))
    (listed,) = list_studies(world.settings)
    assert listed["state"] == state and read_result(world.settings, "s")["levers"][COLA] == 0.025
    assert not [pid for pid in world.pool.pids() if psutil.pid_exists(pid)]


def test_many_previews_are_shared_out_and_few_are_not(tmp_path, monkeypatch):
    from study_worlds import Listed

    from planwise.study import STRATEGIES

    world = ParallelWorld(tmp_path)
    for number, points in (("few", 5), ("many", 60)):
        values = tuple(round(0.03 + 0.0005 * place, 6) for place in range(points))
        monkeypatch.setitem(STRATEGIES, "tpe", Listed(values, kind="preview"))
        world.study(TARGET, number, strategy="tpe")
    assert len(world.preview.calls) < 3 + 5 + 3 + 10  # frames, the few, and the post-analyses
    assert len(world.files("ended")) == 60 and {file[1] for file in world.files("ended")} == {"0", "1"}


def test_a_pool_says_what_broke_and_which_worker_died(tmp_path):
    with TrialPool(FakeWorkers(tmp_path, {20: "breaks", 21: "dies"}), 1) as pool:
        with pytest.raises(RequestFailed, match="RuntimeError: the disk is full"):
            pool.evaluate(TrialRequest("real", {COLA: 0.020}, 1))
        (first,) = pool.pids()
        with pytest.raises(WorkerDied, match="SIGKILL"):
            pool.evaluate(TrialRequest("real", {COLA: 0.021}, 2))
        assert pool.evaluate(TrialRequest("real", {COLA: 0.022}, 3)).levers == {COLA: 0.022}
        assert pool.pids() != (first,)
    with pytest.raises(InputError, match="got 0"):
        TrialPool(FakeWorkers(tmp_path), 0)


ORPHANING = """
import sys, threading
sys.path[:0] = {paths!r}
from pathlib import Path
from study_worlds import COLA, FakeWorkers
from planwise.study import TrialPool
from planwise.study.trial_pool import TrialRequest
if __name__ == "__main__":
    pool = TrialPool(FakeWorkers(Path({folder!r}), {{20: {long}}}), 1)
    pool.evaluate(TrialRequest("real", {{COLA: 0.020}}, 1))
"""


def test_workers_die_with_their_study_however_it_dies(tmp_path):
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2]), os.getcwd()]
    script = tmp_path / "study.py"
    script.write_text(ORPHANING.format(paths=paths, folder=str(tmp_path), long=LONG))
    study = subprocess.Popen([sys.executable, str(script)])
    try:
        begun = wait_until(lambda: list(tmp_path.glob("begun-*")))
        worker = int(begun[0].name.split("-")[2])
    finally:
        study.send_signal(signal.SIGKILL)
        study.wait()
    wait_until(lambda: not psutil.pid_exists(worker))
