"""The optimize job: found, verified, published; or refused, out of reach, blocked."""

import pytest

from planwise.app.optimize import optimize
from planwise.app.requests import SimulateRequest
from planwise.app.simulate import SimulationBlocked, simulate
from planwise.app.trial_workers import KEPT_ENVIRONMENTS, best_real_trials, keep_environments
from planwise.census import load_census
from planwise.engine.publishing import list_publications, load_publication
from planwise.engine.warehouse import open_warehouse
from planwise.errors import Busy, InputError
from planwise.governance import open_ledger
from planwise.parameters import resolve, simulated_years
from planwise.study.evaluators import trial_environment
from planwise.study.spec import OptimizeRequest
from planwise.study.study_files import hold_study

pytestmark = pytest.mark.long

TARGET = 0.055  # between what the small census reaches with the levers at their bounds


@pytest.fixture(scope="module")
def found(settings):
    from tests.flows.conftest import Recorder

    run = Recorder()
    return optimize(settings, OptimizeRequest(target_growth=TARGET, save_as="found"), run), run


def test_the_winner_is_on_target_and_published_as_its_scenario(settings, found):
    report, _ = found
    answer = report.as_json()
    assert answer["converged"] and answer["reachable"] and answer["kind"] == "real"
    assert abs(answer["gap_pp"]) <= 0.1
    assert answer["real_plans"] <= 3
    published = load_publication(settings, "found")
    assert str(published.folder) == answer["published"]
    assert published.manifest["kpis"][-1]["growth_compound"] == pytest.approx(TARGET, abs=0.001)
    with open_ledger(settings) as ledger:
        overrides = ledger.scenarios.get("found").overrides
    assert overrides == {name: change["new"] for name, change in answer["changes"].items()}


def test_every_real_trial_is_a_step_and_the_study_leaves_a_page(found):
    report, run = found
    assert sum(step.startswith("trial_") for step in run.steps) == report.result.real_plans
    assert "converged" in run.pages["study-baseline"]
    assert any("%  trial" in message for message in run.logged)


def test_its_own_warehouse_is_gone(settings, found):
    assert list(settings.workers_dir.iterdir()) == []


def test_simulating_what_was_found_runs_no_model(settings, found, run):
    again = simulate(settings, SimulateRequest(scenario="found"), run)
    assert again.outcome.models_run == ()
    assert again.outcome.fingerprint == found[0].simulation.outcome.fingerprint


def test_a_later_study_replaces_what_a_study_found(settings, found, run):
    report = optimize(settings, OptimizeRequest(target_growth=TARGET + 0.005, save_as="found"), run)
    assert load_publication(settings, "found").fingerprint == report.simulation.outcome.fingerprint


def test_a_scenario_that_a_person_made_is_never_replaced(settings, run):
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("mine", {"cola_rate": 0.02})
    with pytest.raises(InputError, match="mine"):
        optimize(settings, OptimizeRequest(target_growth=TARGET, save_as="mine"), run)
    assert not [step for step in run.steps if step.startswith("trial_")]


def test_an_unreachable_target_publishes_nothing(settings, run):
    before = [publication.scenario for publication in list_publications(settings)]
    report = optimize(settings, OptimizeRequest(target_growth=0.3, save_as="never"), run)
    answer = report.as_json()
    assert not answer["reachable"] and not answer["converged"]
    assert answer["nearest_growth"] < 0.3
    assert answer["binding"]
    assert answer["published"] is False
    assert [publication.scenario for publication in list_publications(settings)] == before


def test_a_blocked_winner_is_not_published(settings, run, strict_gate):
    request = OptimizeRequest(target_growth=TARGET, save_as="blocked", strategy="solve")
    try:
        report = optimize(settings, request, run)
    except SimulationBlocked:
        pass
    else:  # the trial gate found every plan infeasible first
        assert not report.result.feasible
    assert "blocked" not in [publication.scenario for publication in list_publications(settings)]


def test_resuming_with_another_question_is_refused(settings, found, run):
    study = found[0].result.study
    with pytest.raises(InputError, match="target_growth"):
        optimize(settings, OptimizeRequest(resume=study, target_growth=0.02), run)


def test_resuming_a_finished_study_plans_nothing_again(settings, found, run):
    study = found[0].result.study
    again = optimize(settings, OptimizeRequest(resume=study), run)
    assert again.result.levers == found[0].result.levers
    assert not [step for step in run.steps if step.startswith("trial_")]


def test_a_study_that_another_process_runs_is_busy(settings, found, run):
    study = found[0].result.study
    with hold_study(settings, study), pytest.raises(Busy, match=study):
        optimize(settings, OptimizeRequest(resume=study), run)


def test_the_best_plans_stay_as_environments_and_an_interrupted_runs_others_go(settings, found):
    study = found[0].result.study
    with open_warehouse(settings, "test") as warehouse:
        census = load_census(settings, None)
        base = resolve(simulated_years(5, census.first_year), scenario={})
        best = best_real_trials(settings, study)
        assert best[0].levers == found[0].result.levers and len(best) <= KEPT_ENVIRONMENTS
        warehouse.plan(trial_environment(study, 999), census, base, kpis_only=True).apply()
        kept = keep_environments(warehouse, census, base, study, best)
        own = {name for name in warehouse.environments() if name.startswith(f"trial_{study}_")}
    assert own == set(kept) == {trial_environment(study, trial.number) for trial in best}
