"""Every evaluation is a trial: counted once, stored, read back; what stops a study."""

import errno
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import optuna
import pytest
from study_worlds import BASE, World, growth

from planwise.engine.worker_warehouses import remove_dead_workers, worker_name
from planwise.errors import Busy, InputError, MachineError
from planwise.risk.worlds import replicate_seeds
from planwise.study import Hooks, optuna_storage, runner, study_name
from planwise.study.optuna_storage import cut_torn_line, load_study
from planwise.study.queries import list_studies, load_view
from planwise.study.reachability import BaselineBroken
from planwise.study.space import tuned_levers
from planwise.study.study_files import (
    check_not_running,
    hold_study,
    is_running,
    journal_file,
    read_result,
    state_of,
    study_folders,
    write_summary,
)
from planwise.study.trial import POST_ANALYSIS, finished_trials

TARGET = 0.05


def trials_of(world, name="s"):
    return finished_trials(load_study(world.settings, name))


def searched(world):
    """Trials without those of the post-analysis."""
    return [trial for trial in trials_of(world) if trial.purpose not in POST_ANALYSIS]


def test_tpe_is_the_same_by_seed_and_another_by_another(tmp_path):
    found = [
        World(tmp_path / str(run)).study(TARGET, strategy="tpe", trials=15, sampler_seed=seed).levers
        for run, seed in enumerate((1, 1, 2))
    ]
    assert found[0] == found[1] != found[2]


def test_tpe_draws_its_number_of_trials_or_stops_when_converged(world):
    assert world.study(TARGET, name="all", strategy="tpe", trials=12).real_plans == 12
    early = world.study(TARGET, name="early", strategy="tpe", trials=200, stop_when_converged=True)
    assert early.converged and early.stopped == "converged" and early.real_plans < 200


def test_equal_parameters_are_answered_from_the_first_and_counted_as_cache_hits(world):
    """The corrections of so small a gap round to nothing: the loop asks the same again, and no plan runs."""
    result = world.study(
        growth({}) + 2e-5, strategy="conservative", tune=("cola_rate",), tolerance=1e-6, max_iterations=20
    )
    again = [trial for trial in searched(world) if trial.answered_by is not None]
    hits = [trial for trial in trials_of(world) if trial.evaluation.cache_hit]
    assert not result.converged and len(again) > 10 and result.cache_hits == len(hits)
    assert all(trial.evaluation.cache_hit and trial.evaluation.models_run == 0 for trial in again)
    digests = [world.real.digest(levers) for levers in world.real.calls]
    assert len(digests) == len(set(digests)) == result.real_plans
    assert result.evaluations == len(trials_of(world)) and len(searched(world)) == 3 + 21


def test_a_trial_that_breaks_is_recorded_and_the_study_goes_on(tmp_path):
    world = World(tmp_path, breaks=lambda call: call == 3)
    result = world.study(TARGET, strategy="tpe", trials=10)
    (broken,) = [trial for trial in trials_of(world) if trial.state == "failed"]
    assert broken.error == "RuntimeError: the disk is full" and broken.evaluation is None
    assert result.trials_failed == 1 and result.real_plans == 10 and result.stopped == "trials"


def test_a_study_whose_every_trial_breaks_ends(tmp_path):
    result = World(tmp_path, breaks=lambda call: True).study(TARGET, strategy="tpe", trials=100)
    assert result.stopped == "failed: 10 trials in a row failed"
    assert not result.converged and result.trials_failed == 10
    assert result.kind == "preview"  # nothing verified, and it says so


def test_a_gated_trial_is_infeasible_data_not_a_failure(tmp_path):
    world = World(tmp_path, gated=lambda call: call % 2 == 0)
    result = world.study(TARGET, strategy="tpe", trials=10)
    states = [trial.state for trial in trials_of(world) if trial.kind == "real"]
    assert states.count("infeasible") == 5 and result.trials_failed == 0
    frozen = load_study(world.settings, "s").trials
    assert [t.constraints["gate"] for t in frozen if t.user_attrs["request"]["kind"] == "real"] == [0, 1] * 5
    assert result.feasible


def test_on_target_behind_a_failed_gate_is_not_converged(tmp_path):
    result = World(tmp_path, gated=lambda call: True).study(TARGET)
    assert not result.converged and not result.feasible and abs(result.gap_pp) < 0.1
    assert result.stopped == "on target, but the gate failed"
    gate = {"name": "gate", "text": "gate", "actual": None, "limit": None, "value": 1.0, "satisfied": False}
    assert result.constraints[0] == gate


def test_the_journal_has_everything_about_a_trial(world):
    world.study(TARGET, strategy="balanced")
    last = searched(world)[-1]
    frozen = load_study(world.settings, "s").trials[last.number]
    assert frozen.state == optuna.trial.TrialState.COMPLETE
    request, evaluation = frozen.user_attrs["request"], frozen.user_attrs["evaluation"]
    assert frozen.params["cola_rate"] == request["levers"]["cola_rate"]
    assert request.keys() == {"number", "kind", "purpose", "iteration", "levers", "digest"}
    found = {"fingerprint", "environment", "seconds", "gate", "models_run", "growth", "kpis", "cache_hit"}
    assert found <= evaluation.keys()
    again = world.real.evaluate(last.levers, number=last.number)
    assert last.evaluation == again  # as it was evaluated, to the last digit


def test_baseline_and_bounds_come_first_and_are_previews(world):
    world.study(TARGET, strategy="balanced")
    first = trials_of(world)[:3]
    assert [(trial.purpose, trial.kind) for trial in first] == [
        ("baseline", "preview"),
        ("lowest", "preview"),
        ("highest", "preview"),
    ]
    assert first[0].levers == {}


def test_progress_after_every_trial_and_a_call_around_every_real_one(world):
    seen, numbers = [], []

    def call(evaluate, number):
        numbers.append(number)
        return evaluate()

    result = world.study(TARGET, strategy="aggressive", hooks=Hooks(call=call, on_progress=seen.append))
    assert len(seen) == result.evaluations
    assert len(numbers) == result.real_plans == seen[-1].real_plans
    assert seen[-1].best_gap_pp == pytest.approx(result.gap_pp)
    assert seen[0].purpose == "baseline" and seen[0].reached == pytest.approx(growth({}))


def test_a_cancelled_study_keeps_its_best_so_far(world):
    result = world.study(
        TARGET, strategy="tpe", trials=50, hooks=Hooks(should_stop=lambda: len(world.real.calls) >= 4)
    )
    assert (result.stopped, result.real_plans) == ("cancelled", 4)
    assert result.kind == "real" and read_result(world.settings, "s")["stopped"] == "cancelled"


def test_the_state_is_never_ahead_of_the_result(world, monkeypatch):
    states, write = [], runner.write_result

    def noted(settings, name, result):
        states.append(load_study(settings, name).user_attrs["state"])
        return write(settings, name, result)

    monkeypatch.setattr(runner, "write_result", noted)
    world.study(TARGET)
    assert (
        states == ["running", "running"]
        and load_study(world.settings, "s").user_attrs["state"] == "converged"
    )


def test_a_timeout_ends_a_study(world):
    clock = iter(float(second) for second in range(10_000))
    result = world.study(
        TARGET, strategy="tpe", trials=500, timeout_seconds=30.0, hooks=Hooks(clock=lambda: next(clock))
    )
    assert result.stopped == "timeout" and 0 < result.real_plans < 30
    assert not {trial.purpose for trial in trials_of(world)} & POST_ANALYSIS, "no time is left for it"


def test_a_resumed_study_goes_on_without_losing_or_repeating_a_trial(world):
    world.study(TARGET, strategy="tpe", trials=6)
    before = trials_of(world)
    result = world.study(TARGET, strategy="tpe", trials=10, resume=True)
    assert trials_of(world)[: len(before)] == before
    assert result.real_plans == 10 == len(world.real.calls) and len(searched(world)) == 3 + 10


def test_a_resumed_loop_is_answered_from_its_journal_and_takes_further_steps(world):
    stopped = world.study(TARGET, strategy="balanced", max_iterations=2)
    whole = World(world.settings.home / "other").study(TARGET, strategy="balanced")
    result = world.study(TARGET, strategy="balanced", resume=True)
    assert stopped.iterations == 2
    assert (result.levers, result.real_plans, result.cache_hits) == (whole.levers, whole.real_plans, 0)


def test_a_trial_that_was_running_when_the_process_died_is_run_again(world):
    def killed(evaluate, number):
        if len(world.real.calls) == 4:
            raise SystemExit("kill -9")
        return evaluate()

    with pytest.raises(SystemExit):
        world.study(TARGET, strategy="tpe", trials=8, hooks=Hooks(call=killed))
    assert load_study(world.settings, "s").user_attrs["state"] == "interrupted"
    (running,) = load_study(world.settings, "s").get_trials(states=(optuna.trial.TrialState.RUNNING,))
    result = world.study(TARGET, strategy="tpe", trials=8, resume=True)
    again = trials_of(world)[running.number]
    assert world.real.calls[4] == again.levers == running.user_attrs["request"]["levers"]
    assert again.state == "complete" and result.trials_failed == 0
    assert len(world.real.calls) == 8 == result.real_plans and len(searched(world)) == 3 + 8


@pytest.mark.parametrize(
    "change", [{"target_growth": 0.04}, {"strategy": "balanced"}, {"tune": ("cola_rate",)}]
)
def test_a_study_cannot_be_resumed_with_another_question(world, change):
    world.study(TARGET)
    question = {"target_growth": TARGET, **change}
    with pytest.raises(InputError, match="has a different question"):
        world.study(question.pop("target_growth"), resume=True, **question)


def test_a_name_in_use_and_a_study_that_is_not_there_are_rejected(world):
    world.study(TARGET)
    with pytest.raises(InputError, match="already"):
        world.study(TARGET)
    with pytest.raises(InputError, match="no study"):
        world.study(TARGET, name="other", resume=True)


def test_a_scenario_that_cannot_be_evaluated_is_an_error(world):
    world.preview.breaks = lambda call: True
    with pytest.raises(BaselineBroken, match="the disk is full"):
        world.study(TARGET)


def test_a_scenario_with_bad_input_says_so_as_a_simulation_of_it_would(world, monkeypatch):
    wrong = InputError("cola_rate = 0.9 is too much.", remedy="Give at most 0.08.")
    monkeypatch.setattr(world.preview, "evaluate", Mock(side_effect=wrong))
    with pytest.raises(InputError) as raised:
        world.study(TARGET)
    assert raised.value is wrong and raised.value.exit_code == 2
    assert list_studies(world.settings)[0]["state"] == "failed: InputError"


def test_a_full_disk_ends_a_study_that_is_resumed_without_loss(world, monkeypatch):
    options = {"strategy": "random", "trials": 6, "seeds": 0}
    plan = world.real.evaluate

    def fill_up(levers, **more):
        if len(world.real.calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device", "/home/workers/x.duckdb")
        return plan(levers, **more)

    monkeypatch.setattr(world.real, "evaluate", fill_up)
    with pytest.raises(MachineError) as raised:
        world.study(TARGET, **options)
    assert "/home/workers/x.duckdb cannot be used: No space left" in raised.value.what
    assert "Free space" in raised.value.remedy and raised.value.exit_code == 2
    before = trials_of(world)
    monkeypatch.setattr(world.real, "evaluate", plan)
    again = world.study(TARGET, resume=True, **options)
    assert (again.stopped, again.real_plans, again.trials_failed) == ("trials", 6, 0)
    assert trials_of(world)[: len(before)] == before


def test_levels_that_the_census_does_not_have_are_not_tuned():
    names = {lever.name for lever in tuned_levers(BASE, (2, 3, 4))}
    assert names == {
        "cola_rate",
        *(f"merit_rate_level_{level}" for level in (2, 3, 4)),
    }
    with pytest.raises(InputError, match="levels 2, 3, 4"):
        tuned_levers(BASE, (2, 3, 4), ("merit_rate_level_1",))


def test_an_unknown_lever_or_strategy_names_the_nearest(world):
    with pytest.raises(InputError, match="cola_rate"):
        world.study(TARGET, tune=("cola",))
    with pytest.raises(InputError, match="balanced"):
        world.study(TARGET, strategy="balance")


def test_names_and_storage(tmp_path):
    from datetime import UTC, datetime

    moment = datetime(2026, 11, 20, 10, 57, 13, 123456, tzinfo=UTC)
    assert study_name("baseline", "differential-evolution", moment) == (
        "baseline_differential_evolution_20261120_105713_123"
    )
    world = World(tmp_path)
    with pytest.raises(InputError, match="not a study name"):
        world.study(TARGET, name="../x")


def test_a_database_holds_studies_as_the_journal_does(tmp_path):
    world = World(tmp_path)
    world.settings = world.settings.model_copy(update={"study_storage_url": f"sqlite:///{tmp_path}/s.sqlite"})
    result = world.study(TARGET, strategy="aggressive")
    assert result.converged and len(trials_of(world)) == result.evaluations
    assert not (world.settings.studies_dir / "s" / "journal.log").exists()
    (listed,) = list_studies(world.settings)
    assert (listed["study"], listed["state"], listed["trials"]) == ("s", "converged", result.evaluations)


def plans(world):
    return [trial for trial in trials_of(world) if trial.kind == "real"]


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


def test_trials_of_the_post_analysis_are_no_candidates(world):
    result = world.study(0.04, tune=("cola_rate",), seeds=3)
    after = [trial for trial in trials_of(world) if trial.purpose in POST_ANALYSIS]
    assert {trial.seed for trial in after} == {None, *replicate_seeds(42, 4)[1:]}
    assert result.stopped == "converged"


def test_a_sampler_does_not_learn_from_the_post_analysis(world):
    """Else the twenty trials around the answer would make it look like the best region by far."""
    world.study(TARGET, strategy="tpe", trials=4, seeds=3)
    complete = [trial.number for trial in load_study(world.settings, "s").trials if trial.params]
    assert complete == [trial.number for trial in searched(world)]


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


def test_one_process_at_a_time_runs_a_study_and_is_named_to_others(world):
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
sys.path[:0] = [{tests!r}, {tests!r} + "/../.."]
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


def values(storage):
    study = optuna.create_study(study_name="s", storage=storage)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    return [trial.value for trial in study.trials]


def test_a_version_that_was_not_tested_uses_optunas_own_writer_and_warns(tmp_path, monkeypatch):
    tested = optuna_storage.FileStorage(tmp_path / "tested")
    with optuna_storage.grouped(tested):
        written = values(tested)
    monkeypatch.setattr(optuna, "__version__", "99.0.0")
    with pytest.warns(UserWarning, match=r"Optuna 99.0.0 was not tested"):
        other = optuna_storage.FileStorage(tmp_path / "tested")
    assert not isinstance(other.file, optuna_storage.SyncedJournalFile)
    study = optuna.load_study(study_name="s", storage=other)
    assert [trial.value for trial in study.trials] == written
    with optuna_storage.grouped(other):
        study.set_user_attr("note", 1)
    assert optuna.load_study(study_name="s", storage=tested).user_attrs == {"note": 1}
