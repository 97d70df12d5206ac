"""Every evaluation is a trial: counted once, honestly, and read back."""

import optuna
import pytest
from study_worlds import BASE, LEVELS, World, growth

from planwise.errors import InputError
from planwise.study import Hooks, StudySpec, run_study, study_name
from planwise.study.optuna_storage import load_study
from planwise.study.queries import list_studies
from planwise.study.reachability import BaselineBroken
from planwise.study.space import tuned_levers
from planwise.study.study_files import read_result
from planwise.study.trial import POST_ANALYSIS, finished_trials

TARGET = 0.05


def trials_of(world, name="s"):
    return finished_trials(load_study(world.settings, name))


def searched(world):
    """Trials without those that were asked about the answer, once it was found."""
    return [trial for trial in trials_of(world) if trial.purpose not in POST_ANALYSIS]


def test_tpe_is_the_same_by_seed_and_another_by_another(tmp_path):
    found = [
        World(tmp_path / str(run)).study(TARGET, strategy="tpe", trials=15, sampler_seed=seed).levers
        for run, seed in enumerate((1, 1, 2))
    ]
    assert found[0] == found[1] != found[2]


def test_tpe_draws_as_many_trials_as_asked_or_stops_when_converged(world):
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
    assert result.constraints == [gate]


def test_the_journal_has_everything_about_a_trial(world):
    world.study(TARGET, strategy="balanced")
    last = searched(world)[-1]
    frozen = load_study(world.settings, "s").trials[last.number]
    assert frozen.state == optuna.trial.TrialState.COMPLETE
    request, evaluation = frozen.user_attrs["request"], frozen.user_attrs["evaluation"]
    assert frozen.params["cola_rate"] == request["levers"]["cola_rate"]
    assert request.keys() == {"kind", "purpose", "iteration", "levers", "digest"}
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
    assert seen[0].purpose == "baseline" and seen[0].growth == pytest.approx(growth({}))


def test_a_cancelled_study_keeps_its_best_so_far(world):
    result = world.study(
        TARGET, strategy="tpe", trials=50, hooks=Hooks(should_stop=lambda: len(world.real.calls) >= 4)
    )
    assert (result.stopped, result.real_plans) == ("cancelled", 4)
    assert result.kind == "real" and read_result(world.settings, "s")["stopped"] == "cancelled"


def test_a_timeout_ends_a_study(world):
    clock = iter(float(second) for second in range(10_000))
    result = world.study(
        TARGET, strategy="tpe", trials=500, timeout_seconds=30.0, hooks=Hooks(clock=lambda: next(clock))
    )
    assert result.stopped == "timeout" and 0 < result.real_plans < 30


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


def test_a_name_in_use_and_a_study_that_is_not_there_are_refused(world):
    world.study(TARGET)
    with pytest.raises(InputError, match="already"):
        world.study(TARGET)
    with pytest.raises(InputError, match="no study"):
        world.study(TARGET, name="other", resume=True)


def test_a_scenario_that_cannot_be_evaluated_is_an_error(world):
    world.preview.breaks = lambda call: True
    with pytest.raises(BaselineBroken, match="the disk is full"):
        world.study(TARGET)


def test_levels_that_the_census_does_not_have_are_not_tuned():
    names = {lever.name for lever in tuned_levers(BASE, (2, 3, 4))}
    assert names == {
        "cola_rate",
        "new_hire_salary_adjustment",
        *(f"merit_rate_level_{level}" for level in (2, 3, 4)),
        *(f"promotion_raise_level_{level}" for level in (2, 3)),
    }
    with pytest.raises(InputError, match="levels 2, 3, 4"):
        tuned_levers(BASE, (2, 3, 4), ("merit_rate_level_1",))


def test_an_unknown_lever_or_strategy_names_the_nearest(world):
    with pytest.raises(InputError, match="cola_rate"):
        world.study(TARGET, tune=("cola",))
    with pytest.raises(InputError, match="balanced"):
        world.study(TARGET, strategy="balance")


@pytest.mark.parametrize(
    "wrong",
    [
        {"target_growth": 3},
        {"tolerance": 0},
        {"max_iterations": 21},
        {"max_iterations": 0},
        {"trials": 0},
        {"timeout_seconds": 0},
        {"target_growth": float("nan")},
    ],
)
def test_a_question_outside_its_limits_is_refused(wrong):
    with pytest.raises(InputError):
        StudySpec(**{"target_growth": 0.03, **wrong})


def test_a_question_is_read_back_as_it_was_written():
    question = StudySpec(target_growth=0.03, strategy="tpe", tune=("cola_rate",), trials=5)
    assert StudySpec.from_json(question.as_json()) == question


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


def test_the_runner_needs_no_more_than_its_arguments(tmp_path):
    world = World(tmp_path)
    result = run_study(
        world.settings,
        StudySpec(target_growth=TARGET),
        name="plain",
        scenario="baseline",
        base=BASE,
        levels=LEVELS,
        preview=world.preview,
        real=world.real,
    )
    assert result.as_json()["study"] == "plain"
