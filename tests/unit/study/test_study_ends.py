"""What ends a study, and what is said about one whose process is gone."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from planwise.engine.worker_warehouses import remove_dead_workers, worker_name
from planwise.errors import Busy
from planwise.risk.ensemble import replicate_seeds
from planwise.study import Hooks
from planwise.study.optuna_storage import cut_torn_line, load_study
from planwise.study.queries import list_studies, load_view
from planwise.study.study_files import (
    check_not_running,
    hold_study,
    is_running,
    journal_file,
    lock_file,
    state_of,
    study_folders,
    write_summary,
)
from planwise.study.trial import POST_ANALYSIS, finished_trials

TARGET = 0.05


def plans(world, name="s"):
    return [trial for trial in finished_trials(load_study(world.settings, name)) if trial.kind == "real"]


def test_a_study_without_a_better_trial_for_long_enough_ends(world):
    result = world.study(TARGET, strategy="random", trials=500, stagnation=12)
    gaps = [abs(trial.evaluation.growth - TARGET) for trial in plans(world)]
    assert result.stopped == "stagnation"
    tried = plans(world)
    best = min(
        range(len(tried)), key=lambda place: load_study(world.settings, "s").trials[tried[place].number].value
    )
    assert len(gaps) == best + 1 + 12  # twelve after the best, and no more


def test_a_resumed_study_that_stagnated_still_has(world):
    first = world.study(TARGET, strategy="random", trials=500, stagnation=5)
    again = world.study(TARGET, strategy="random", trials=500, stagnation=5, resume=True)
    assert again.stopped == "stagnation" and again.real_plans == first.real_plans
    further = world.study(TARGET, strategy="random", trials=500, stagnation=8, resume=True)
    assert further.real_plans > first.real_plans


def test_what_is_asked_about_the_answer_is_no_candidate_and_no_search(world):
    result = world.study(0.04, tune=("cola_rate",), seeds=3)
    trials = finished_trials(load_study(world.settings, "s"))
    after = [trial for trial in trials if trial.purpose in POST_ANALYSIS]
    assert {trial.seed for trial in after} == {None, *replicate_seeds(42, 4)[1:]}
    assert result.stopped == "converged"


def test_a_sampler_does_not_learn_from_what_is_asked_about_an_answer(world):
    """Else the twenty trials around the answer would make it look like the best region by far."""
    world.study(TARGET, strategy="tpe", trials=4, seeds=3)
    complete = [trial.number for trial in load_study(world.settings, "s").trials if trial.params]
    searched = [
        trial.number
        for trial in finished_trials(load_study(world.settings, "s"))
        if trial.purpose not in POST_ANALYSIS
    ]
    assert complete == searched


def test_an_objective_that_is_no_number_is_a_failed_trial(world, monkeypatch):
    from planwise.study.problem import Problem

    honest = Problem.values
    monkeypatch.setattr(
        Problem,
        "values",
        lambda self, e: (
            (math.nan,) if e.kind == "real" and "0" in str(e.fingerprint)[:3] else honest(self, e)
        ),
    )
    result = world.study(TARGET, strategy="random", trials=30)
    failed = [trial for trial in plans(world) if trial.state == "failed"]
    assert result.trials_failed == len(failed) > 0 and failed[0].error.startswith(
        "CheckFailed: The objective is nan"
    )


def test_one_process_at_a_time_runs_a_study_and_the_other_is_told_who(world):
    world.study(TARGET)
    with hold_study(world.settings, "s"):
        assert is_running(world.settings, "s")
        for refused in (
            lambda: world.study(TARGET, resume=True),
            lambda: check_not_running(world.settings, "s"),
        ):
            with pytest.raises(Busy, match=f"process {os.getpid()} .study s"):
                refused()
    assert not is_running(world.settings, "s")
    assert world.study(TARGET, resume=True).converged


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from study_worlds import World
from planwise.study import Hooks
world = World(Path({home!r}))
def kill(progress):
    if progress.real_plans == 3:
        os.kill(os.getpid(), signal.SIGKILL)
world.study(0.05, strategy="tpe", trials=8, hooks=Hooks(on_progress=kill))
"""


def test_a_killed_study_is_never_said_to_be_running(world):
    script = KILLED.format(tests=str(Path(__file__).parent), home=str(world.settings.home))
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    (listed,) = list_studies(world.settings)
    assert listed["state"] == "interrupted" == load_view(world.settings, "s").state
    before = plans(world)
    result = world.study(TARGET, strategy="tpe", trials=8, resume=True)
    assert plans(world)[: len(before)] == before and result.real_plans == 8
    assert list_studies(world.settings)[0]["state"] == "trials"


def test_a_study_says_running_while_it_runs_and_its_list_reads_no_journal(world):
    states = []
    world.study(
        TARGET,
        strategy="tpe",
        trials=3,
        hooks=Hooks(on_progress=lambda _: states.append(list_studies(world.settings)[0]["state"])),
    )
    assert set(states) == {"running"}
    journal_file(world.settings, "s").write_text("not a journal\n")
    (listed,) = list_studies(world.settings)
    assert (listed["state"], listed["converged"]) == ("trials", False) and listed["trials"] > 3


def test_a_state_that_is_not_running_is_as_noted(world):
    world.study(TARGET)
    assert state_of(world.settings, "s", "converged") == "converged"
    assert state_of(world.settings, "elsewhere", "running") == "running"  # another home's study


def test_a_line_that_a_killed_process_had_not_finished_is_cut_off(world):
    world.study(TARGET, strategy="balanced")
    journal = journal_file(world.settings, "s")
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":5,"worker_id":"x')
    cut_torn_line(journal)
    assert journal.read_bytes() == whole
    journal.write_bytes(whole + b'{"op_code":5')
    assert world.study(TARGET, strategy="balanced", resume=True).converged
    assert all(json.loads(line) for line in journal.read_text().splitlines())


def test_half_written_files_go_when_a_study_is_resumed(world):
    world.study(TARGET)
    part = world.settings.studies_dir / "s" / "result.part"
    part.write_text("{")
    world.study(TARGET, resume=True)
    assert not part.exists()


def test_a_folder_without_a_study_is_none(world):
    write_summary(world.settings, "begun", {"state": "running"})
    assert study_folders(world.settings) == () and list_studies(world.settings) == []


def test_files_of_dead_workers_go_and_those_of_living_ones_stay(world):
    from planwise.storage import hold_lock

    folder = world.settings.workers_dir
    folder.mkdir(parents=True)
    names = [worker_name("mine"), worker_name("mine", 0), worker_name("mine", 1), worker_name("other", 0)]
    for name in names:
        for suffix in ("lock", "duckdb", "duckdb.wal", "part"):
            (folder / f"{name}.{suffix}").touch()
    (folder / f"{names[0]}.duckdb.tmp").mkdir()
    would = remove_dead_workers(world.settings, dry_run=True)
    assert len(would) == 4 * 4 + 1 == len(list(folder.iterdir()))
    with hold_lock(folder / f"{names[1]}.lock", "live", timeout_seconds=0):
        removed = remove_dead_workers(world.settings, "mine")
        assert len(removed) == 2 * 4 + 1
    assert {file.name.split(".")[0] for file in folder.iterdir()} == {names[1], names[3]}
    remove_dead_workers(world.settings)
    assert list(folder.iterdir()) == []


def test_worker_names_fit_and_differ():
    long = "x" * 100
    names = {
        worker_name(long),
        worker_name(long + "y"),
        worker_name(long, 0),
        worker_name(long, 63),
        worker_name("x"),
    }
    assert len(names) == 5 and all(len(name) <= 64 for name in names)


def test_the_lock_names_nobody_once_it_is_let_go(world):
    world.study(TARGET)
    assert lock_file(world.settings, "s").read_text() == ""
