"""The same steps as Prefect tasks, on a server; also of runs that a dashboard started."""

import json
import os
import pkgutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from prefect.blocks.notifications import SlackWebhook
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events import emit_event
from prefect.states import Cancelled, Cancelling, Pending

import flows
from planwise.app.requests import SimulateRequest, SweepRequest
from planwise.app.simulate import SimulationBlocked
from planwise.app.sweep_report import last_sweep
from planwise.cli.commands import run as planwise_cli
from planwise.errors import Busy, InputError
from planwise.governance import open_ledger
from planwise.governance.permissions import ALLOWED, Action, Forbidden, Role
from planwise.governance.publications import load_publication
from planwise.governance.roles import acting_as
from planwise.jobs import JobKind, JobReader, State, new_job
from planwise.prefect_server import configured_api
from planwise.study import OptimizeRequest
from planwise.study.optuna_storage import load_study
from planwise.study.study_files import read_result
from planwise.study.trial import finished_trials, unfinished
from tests.waiting import wait_until

pytestmark = pytest.mark.long

ROOT = Path(flows.__file__).parents[1]
SCHEDULE_SECONDS = 60
SHORT = SimulateRequest(years="2")  # fewer models to run than the default's five


@pytest.fixture
def home(settings, monkeypatch):
    monkeypatch.setenv("PLANWISE_HOME", str(settings.root))


@pytest.fixture
def client(server):
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        yield client


def _last_run(client):
    return client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)[0]


def test_the_flow_gives_what_the_job_gives_and_operators_see_it(
    home, settings, client, monkeypatch, tmp_path
):
    from flows.flows import simulate

    thresholds = tmp_path / "thresholds.yaml"
    thresholds.write_text("pay_drift_usual: {maximum: 0.001}\n", encoding="utf-8")
    monkeypatch.setenv("PLANWISE_GATE_THRESHOLDS", str(thresholds))
    monkeypatch.setenv("PLANWISE_DASHBOARD_URL", "http://127.0.0.1:5006")
    report = simulate(SHORT)
    assert report.orchestrated == "prefect"
    assert report.published
    run = _last_run(client)
    assert run.name == "simulate baseline"
    assert (run.state_type, run.state_name) == (StateType.COMPLETED, "Passed with warnings")
    assert run.state.message.startswith("baseline is published: average pay grows ")
    assert "\n- pay_drift_usual on pay_drift.psi: 2 of 2 rows" in run.state.message
    assert set(run.tags) == {"scenario:baseline", f"census:{report.census}"}
    job = JobReader(settings).list()[0]
    assert (job.state, job.how) == (State.DONE, "the Prefect flow run simulate baseline")
    tasks = {task.name for task in client.read_task_runs()}
    steps = (
        "resolve scenario",
        *(f"{step} baseline" for step in ("hold warehouse", "run models", "publish result")),
    )
    assert set(steps) <= tasks
    artifacts = {artifact.key: artifact for artifact in client.read_artifacts()}
    progress = artifacts.pop("models-baseline", None)  # only of a run that takes a moment
    assert progress is None or (progress.type, float(progress.data)) == ("progress", 100.0)
    assert {key: artifact.type for key, artifact in artifacts.items()} == {
        "gate-simulation-baseline": "table",
        "kpis-baseline": "table",
        "dashboard-baseline": "markdown",
        "published-baseline": "markdown",
        "performance": "markdown",
    }
    assert "(http://127.0.0.1:5006/?page=results&scenario=baseline)" in artifacts["dashboard-baseline"].data
    published = artifacts["published-baseline"]
    assert report.published.as_uri() in published.data and "Published files" in published.description


def test_trials_of_workers_are_tasks_of_the_flow_run(home, client):
    """Workers are waited for in threads, which have the flow run's context."""
    from flows.flows import optimize

    request = OptimizeRequest(
        target_growth=0.055,
        strategy="tpe",
        trials=3,
        workers=2,
        seeds=0,
        publish=False,
        tune=("cola_rate",),
        years="1",
    )
    report = optimize(request)
    assert (report.result.real_plans, report.result.trials_failed) == (3, 0)
    run = _last_run(client)
    assert (run.name, run.state_type, run.state_name) == (
        "optimize baseline",
        StateType.COMPLETED,
        "Not converged",
    )
    assert f"study:{report.result.study}" in run.tags
    own = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
    tasks = client.read_task_runs(flow_run_filter=own)
    assert sum(task.name.startswith("trial ") for task in tasks) == 3
    assert "progress" in {artifact.type for artifact in client.read_artifacts(flow_run_filter=own)}


def test_a_failing_gate_fails_the_run(home, client, strict_gate):
    from flows.flows import simulate

    with pytest.raises(SimulationBlocked):
        simulate(SHORT)
    run = _last_run(client)
    assert (run.state_type, run.state_name) == (StateType.FAILED, "Blocked by gate")
    assert "growth_all_possible on fct_scenario_kpis.growth_all: " in run.state.message
    (event,) = wait_until(lambda: _events(client, "planwise.gate.blocked"))
    assert event["resource"]["prefect.resource.id"] == "planwise.scenario.baseline"
    assert event["payload"]["suite"] == "simulation"
    assert f"prefect.flow-run.{run.id}" in {one["prefect.resource.id"] for one in event["related"]}


def _events(client, name):
    wanted = {"filter": {"event": {"name": [name]}}}
    return client._client.post("/events/filter", json=wanted).json()["events"]


def test_a_flow_run_reports_to_its_job(home, settings, client):
    from prefect import tags

    from flows.flows import simulate
    from flows.tasks import JOB_TAG

    folder = new_job(settings, JobKind.SIMULATE, {"scenario": "baseline"}, title="t", started_by="ana")
    with tags(f"{JOB_TAG}{folder.id}"):
        simulate(SHORT)
    job = JobReader(settings).get(folder.id)
    assert job.state is State.DONE
    assert job.result["orchestrated"] == "prefect"
    assert [step.name for step in job.steps][-1] == "record run"


def test_a_run_that_was_stopped_ends_as_cancelled(home, settings, client):
    from prefect import tags

    from flows.flows import simulate
    from flows.tasks import JOB_TAG

    folder = new_job(settings, JobKind.SIMULATE, {"scenario": "baseline"}, title="t", started_by="ana")
    folder.request_cancel("ana")
    with tags(f"{JOB_TAG}{folder.id}"):
        state = simulate(SimulateRequest(levers={"cola_rate": 0.03}), return_state=True)
    assert state.is_cancelled()
    assert JobReader(settings).get(folder.id).state is State.CANCELLED


CANCEL_SECONDS = 10


def _cancelled_by_the_api(client, flow, request, percent):
    """Run a flow, cancel it by the API at some per cent of progress; return its report and the seconds.

    The seconds are those of a machine on which no other process waits for a processor.
    """
    cancelled: list[float] = []

    def cancel():
        def progress():
            for run in client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1):
                own = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
                shares = [
                    float(artifact.data)
                    for artifact in client.read_artifacts(flow_run_filter=own)
                    if artifact.type == "progress" and not artifact.key.startswith("models-")
                ]
                if run.name.startswith(flow.name) and max(shares, default=0.0) >= percent:
                    return run
            return None

        run = wait_until(progress)
        cancelled.append(time.monotonic())
        client.set_flow_run_state(run.id, Cancelling(), force=True)

    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(cancel)
        state = flow(request, return_state=True)
        ended = time.monotonic()
        done.result()
    assert state.is_cancelled(), state
    waiting = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # processes for each processor
    return state.result(raise_on_failure=False), state.message, (ended - cancelled[0]) / waiting


def test_a_study_cancelled_by_the_api_stops_and_keeps_its_best(home, settings, client):
    from flows.flows import optimize

    request = OptimizeRequest(
        target_growth=0.055, strategy="tpe", trials=500, seeds=0, tune=("cola_rate",), years="1"
    )
    published = _published(settings)
    report, message, seconds = _cancelled_by_the_api(client, optimize, request, percent=0.5)
    assert seconds < CANCEL_SECONDS
    result = report.result
    assert (result.stopped, report.saved_as) == ("cancelled", None)
    assert f"`planwise optimize --resume {result.study}` continues it" in message
    kept = read_result(settings, result.study)
    assert kept["stopped"] == "cancelled" and kept["levers"] == result.levers and result.real_plans
    study = load_study(settings, result.study)
    assert not unfinished(study) and len(finished_trials(study)) == result.evaluations
    assert (_published(settings), _worker_files(settings)) == (published, [])


def test_a_sweep_cancelled_by_the_api_stops_and_keeps_its_whole_rows(home, settings, client):
    from flows.flows import sweep

    grid = {"cola_rate": tuple(0.001 * step for step in range(1, 40))}
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("brief", {"years": 1})
    before = _published(settings)
    request = SweepRequest(scenarios=("brief",), grid=grid)
    done, message, seconds = _cancelled_by_the_api(client, sweep, request, percent=6.0)
    assert seconds < CANCEL_SECONDS
    assert message.startswith("Stopped before its end.")
    assert not done.complete and 1 <= len(done.rows) < 40
    assert all(row.fingerprint for row in done.rows)
    assert last_sweep(settings, done.asked) is None  # the next one is not compared with a part
    assert before.items() <= _published(settings).items()
    assert load_publication(settings, "brief").fingerprint == done.rows[0].fingerprint
    assert _worker_files(settings) == []


def _published(settings):
    return {file: file.stat().st_mtime for file in settings.published_dir.rglob("*.parquet")}


def _worker_files(settings):
    return sorted(file.name for file in settings.workers_dir.glob("*.duckdb"))


def test_a_flow_does_what_the_role_of_the_person_who_started_it_allows(home, settings, server):
    """Every flow in every role, as tasks of one run; what is allowed then fails on its input."""
    from prefect import flow

    from flows import flows
    from planwise.app.monitor import MonitorRequest
    from planwise.app.release import ReleaseRequest, RollbackRequest
    from planwise.app.requests import IngestRequest, MaintainRequest, SweepRequest

    nowhere = Path("nowhere.csv")
    cells = (
        (Action.RUN, flows.simulate, SimulateRequest(scenario="nope")),
        (Action.RUN, flows.optimize, OptimizeRequest(scenario="nope")),
        (Action.RUN, flows.sweep, SweepRequest(scenarios=("nope",))),
        (Action.EDIT, flows.ingest_census, IngestRequest(file=nowhere)),
        (Action.MAINTAIN, flows.maintain, MaintainRequest(dry_run=False)),
        (Action.RELEASE, flows.release, ReleaseRequest(proposal=99)),
        (Action.RELEASE, flows.rollback, RollbackRequest(checkpoint="nope")),
        (Action.MONITOR, flows.monitor, MonitorRequest(actuals=nowhere)),
    )

    def outcome(flow, request, role):
        with acting_as(f"one_{role}", role):
            state = flow.fn(request)
        return not isinstance(state.data, Forbidden)

    @flow(persist_result=False)
    def every_cell():
        return {
            (flow.name, role): outcome(flow, request, role) for _, flow, request in cells for role in Role
        }

    assert every_cell() == {
        (flow.name, role): role in ALLOWED[action] for action, flow, _ in cells for role in Role
    }
    jobs = [job for job in JobReader(settings).list() if job.kind is JobKind.RELEASE]
    assert [(job.started_by, job.state, job.error.type) for job in jobs] == [
        (f"one_{role}", "failed", "InputError" if role in ALLOWED[Action.RELEASE] else "Forbidden")
        for role in reversed(Role)
    ]


def test_a_release_that_a_dashboard_started_is_recorded_under_that_person(home, settings, client):
    from prefect import tags

    from flows.flows import release
    from flows.tasks import JOB_TAG
    from planwise.app.release import ReleaseRequest

    folder = new_job(settings, JobKind.RELEASE, {"proposal": 99}, title="t", started_by="ana", role="analyst")
    with tags(f"{JOB_TAG}{folder.id}"), pytest.raises(Forbidden, match=r"ana \(analyst\) may not release"):
        release(ReleaseRequest(proposal=99, apply=True))
    job = JobReader(settings).get(folder.id)
    assert (job.state, job.error.type, job.started_by) == (State.FAILED, "Forbidden", "ana")


def test_another_home_is_rejected_before_anything_is_computed(settings, tmp_path):
    from flows.tasks import JOB_TAG, DifferentHome, folder_of_run

    assert folder_of_run(settings, ["planwise"]) is None
    for name in ("20261120T120000000-simulate-abcdef", "../.."):
        with pytest.raises(DifferentHome, match="another home than this worker"):
            folder_of_run(settings, [f"{JOB_TAG}{name}"])


def test_only_faults_that_pass_are_retried():
    from prefect.states import Failed

    from flows.tasks import is_passing_fault

    def retried(error):
        return is_passing_fault(None, None, Failed(data=error))

    assert retried(Busy("held"))
    assert retried(OSError(5, "I/O error"))
    assert not retried(OSError(28, "No space left on device"))
    assert not retried(PermissionError(13, "denied"))
    assert not retried(InputError("no such scenario"))
    assert not retried(ValueError("a defect"))


def test_deployments_share_one_slot_and_the_nightly_ones_get_scheduled_runs(
    server, client, tmp_path, monkeypatch
):
    monkeypatch.setenv("PREFECT_API_URL", server)
    assert planwise_cli(["deploy", "--home", str(tmp_path)]) == 0
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    deployed = {deployment.name: deployment for deployment in client.read_deployments()}
    assert deployed.keys() == {one["name"] for one in declared}
    slots = {name: one.global_concurrency_limit for name, one in deployed.items()}
    writers = {one["name"] for one in declared if "warehouse" in one["tags"]}
    assert {name for name, slot in slots.items() if slot and slot.name == "planwise-warehouse"} == writers
    runs = [client.create_flow_run_from_deployment(deployed[name].id) for name in ("simulate", "optimize")]
    first, second = (client.set_flow_run_state(run.id, Pending()).state.name for run in runs)
    assert (first, second) == ("Pending", "AwaitingConcurrencySlot")
    for run in runs:
        client.set_flow_run_state(run.id, Cancelled(), force=True)
    sweep = client.read_deployment_by_name("sweep/nightly-sweep")
    assert [str(schedule.schedule.timezone) for schedule in sweep.schedules] == ["America/New_York"]
    assert len(wait_until(lambda: _scheduled(client, sweep.id), SCHEDULE_SECONDS)) > 1


def test_automations_are_installed_once_fire_and_notify_by_a_block(server, client, monkeypatch, capsys):
    def automations(*tokens):
        code = planwise_cli(["automations", *tokens, "--json"])
        return code, json.loads(capsys.readouterr().out)

    monkeypatch.setenv("PREFECT_API_URL", server)
    shipped = yaml.safe_load((ROOT / "flows" / "automations.yaml").read_text(encoding="utf-8"))
    names = sorted(f"PlanWise: {one['name']}" for one in shipped)
    for _ in range(2):  # the second run changes nothing
        code, answer = automations("install")
        assert code == 0
        assert [one["name"] for one in answer["automations"]] == names
        assert {tuple(one["actions"]) for one in answer["automations"]} == {("do-nothing",)}
    event = {"prefect.resource.id": "planwise.scenario.x"}
    emit_event("planwise.gate.blocked", event, payload={"message": "m"})
    fired = wait_until(lambda: _events(client, "prefect.automation.triggered"), SCHEDULE_SECONDS)
    assert fired[0]["resource"]["prefect.resource.name"] == "PlanWise: gate blocked"
    SlackWebhook(url="https://hooks.slack.com/services/1/2/3").save("hr")
    _, answer = automations("install", "--notify", "slack-webhook/hr")
    assert {tuple(one["actions"]) for one in answer["automations"]} == {("send-notification",)}
    code, answer = automations("install", "--notify", "slack-webhook/other")
    assert (code, answer["error"]["what"]) == (2, "The Prefect server has no block 'slack-webhook/other'.")
    assert automations("uninstall") == (0, {"automations": []})


def _scheduled(client, deployment_id):
    from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter

    return client.read_flow_runs(
        deployment_filter=DeploymentFilter(id={"any_": [deployment_id]}),
        flow_run_filter=FlowRunFilter(state={"type": {"any_": ["SCHEDULED"]}}),
    )


def test_no_module_of_flows_hides_a_library():
    """Prefect puts an entry point's folder on the path: `flows/requests.py` would be everybody's."""
    own = {module.name for module in pkgutil.iter_modules([str(ROOT / "flows")])}
    ours = (ROOT, ROOT / "flows")  # which a flow of an earlier test may have put there
    elsewhere = {
        module.name
        for module in pkgutil.iter_modules([p for p in sys.path if Path(p or ".").resolve() not in ours])
    }
    assert not own & (elsewhere | sys.stdlib_module_names)


def test_the_configured_api_is_the_environments_or_the_active_profiles(tmp_path):
    profiles = tmp_path / "profiles.toml"
    profiles.write_text(
        'active = "local"\n[profiles.local]\nPREFECT_API_URL = "http://127.0.0.1:4200/api"\n[profiles.other]\n',
        encoding="utf-8",
    )
    home = {"PREFECT_HOME": str(tmp_path)}
    assert configured_api(home) == "http://127.0.0.1:4200/api"
    assert configured_api({**home, "PREFECT_PROFILE": "other"}) is None
    assert configured_api({**home, "PREFECT_API_URL": "http://server/api"}) == "http://server/api"
    assert configured_api({"PREFECT_HOME": str(tmp_path / "nowhere")}) is None
