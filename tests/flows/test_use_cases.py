"""The simulation job: what runs, what is published, what the ledger says."""

import re

import pytest

from planwise.app import simulate as simulation
from planwise.app.requests import SimulateRequest
from planwise.app.simulate import SimulationBlocked, simulate
from planwise.engine.publishing import load_publication
from planwise.engine.warehouse import AuditFailed
from planwise.errors import InputError
from planwise.governance import open_ledger

BASELINE = SimulateRequest()


@pytest.fixture(scope="module")
def baseline(settings):
    from planwise.app.runner import InProcessRunner

    return simulate(settings, BASELINE, InProcessRunner(lambda message: None))


def _runs(settings):
    with open_ledger(settings) as ledger:
        return ledger.runs.list()


def _years(models, family):
    return {
        int(found[1]) for name in models if (found := re.fullmatch(rf"intermediate\.{family}_(\d+)", name))
    }


def test_the_first_result_is_published_and_recorded(settings, baseline):
    published = load_publication(settings, "baseline")
    assert baseline.published == published.folder
    assert len(published.frame("fct_scenario_kpis")) == 5
    recorded = _runs(settings)[-1]
    assert recorded.published
    assert recorded.fingerprint == published.fingerprint
    assert recorded.models_run == len(baseline.outcome.models_run) > 30


def test_equal_parameters_run_no_model(settings, baseline, run):
    again = simulate(settings, BASELINE, run)
    assert again.outcome.models_run == ()
    assert again.outcome.fingerprint == baseline.outcome.fingerprint
    assert any("0 models to run" in message for message in run.logged)


def test_a_late_merit_runs_only_late_pay_models(settings, baseline, run):
    late = simulate(settings, SimulateRequest(levers={"merit_rate_level_2@2029": 0.05}), run)
    models = late.outcome.models_run
    assert _years(models, "int_pay") == {2029, 2030}
    assert _years(models, "int_pay_basis") <= {2029, 2030}
    assert not _years(models, "int_workforce")
    assert late.kpis[:3] == baseline.kpis[:3]
    assert late.kpis[3]["payroll"] > baseline.kpis[3]["payroll"]
    assert late.as_json()["unsaved_changes"] == {"merit_rate_level_2@2029": 0.05}


def test_a_cola_runs_no_dynamics_model(settings, baseline, run):
    other = simulate(settings, SimulateRequest(levers={"cola_rate": 0.01}), run)
    models = other.outcome.models_run
    assert _years(models, "int_pay") == {2026, 2027, 2028, 2029, 2030}
    assert not [name for name in models if "workforce_2" in name or "hazard" in name]


def test_a_failing_gate_publishes_nothing_and_is_recorded(settings, baseline, run, strict_gate):
    in_force = load_publication(settings, "baseline").fingerprint
    with pytest.raises(SimulationBlocked, match="growth_all_possible") as blocked:
        simulate(settings, SimulateRequest(levers={"cola_rate": 0.04}), run)
    report = blocked.value.report.as_json()
    assert report["published"] is False
    assert report["gate"]["status"] == "failed"
    assert load_publication(settings, "baseline").fingerprint == in_force
    assert not (settings.published_dir / "baseline" / report["fingerprint"]).exists()
    last = _runs(settings)[0]
    assert (last.fingerprint, last.gate_status, last.published) == (report["fingerprint"], "failed", False)
    assert "publish_result" not in run.steps
    assert run.tables["gate-simulation-baseline"][0]["success"] is False


def test_a_broken_invariant_is_recorded(settings, baseline, run, monkeypatch):
    def run_models(planned):
        raise AuditFailed("headcount_balances: 1 row")

    monkeypatch.setattr(simulation, "run_models", run_models)
    before = load_publication(settings, "baseline").fingerprint
    with pytest.raises(AuditFailed):
        simulate(settings, BASELINE, run)
    assert _runs(settings)[0].gate_status == "audit failed"
    assert load_publication(settings, "baseline").fingerprint == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scenario": "nowhere"}, "Unknown scenario"),
        ({"census": "nowhere"}, "Unknown census"),
        ({"levers": {"cola_rte": 0.02}}, "cola_rte"),
        ({"levers": {"cola_rate": 0.5}}, "cola_rate"),
        ({"years": "2031-2033"}, "2031"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(settings, run, changes, message):
    with pytest.raises(InputError, match=message):
        simulate(settings, SimulateRequest(**changes), run)
    assert run.steps == ["resolve_scenario"]
