"""Jobs: in worker processes on a small census, and of commands; cancelled, killed, waiting."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from types import SimpleNamespace

import pytest

from flows.launch import run_use_case
from planwise.app import runner
from planwise.app import simulate as simulation
from planwise.app.job_process import parse_request, use_case_of
from planwise.app.plan import estimated
from planwise.app.requests import SimulateRequest, SweepRequest
from planwise.app.runner import InProcessRunner, record_job, require_not_stopped
from planwise.census import generate_census
from planwise.cli.ensemble import stoppable
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.governance.publications import load_publication
from planwise.jobs import JobKind, JobReader, JobWriter, State, folder_of, job_folders, new_job
from planwise.processes import Terminated, install_handlers
from planwise.settings import Settings
from planwise.storage import hold_lock
from planwise.study import OptimizeRequest
from tests.waiting import wait_until

PATIENCE_SECONDS = 120
SHORT = {"scenario": "baseline", "years": "2"}  # fewer models to run than the default's five


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    chosen = Settings(home=tmp_path_factory.mktemp("jobs"), jobs_at_once=1)
    generate_census(chosen, employees=300)
    return chosen


@pytest.fixture
def start(settings):
    """Start a job's process, as the dashboard does; none outlives the test."""
    begun = []

    def started(kind=JobKind.SIMULATE, at_once=1, **request):
        folder = new_job(
            settings, kind, request or {"scenario": "baseline"}, title=f"{kind} it", started_by="ana"
        )
        own = {"PLANWISE_HOME": str(settings.root), "PLANWISE_JOBS_AT_ONCE": str(at_once)}
        command = [sys.executable, "-m", "planwise.app.job_process", str(folder.path)]
        with folder.log.open("wb") as log:
            begun.append(
                subprocess.Popen(
                    command, env={**os.environ, **own}, stdout=log, stderr=log, start_new_session=True
                )
            )
        return folder, begun[-1]

    yield started
    for process in begun:
        process.kill()
        process.wait()


def wait(settings, folder, until):
    """Look at a job until something is so; return it as it is then."""
    reader, deadline = JobReader(settings), time.monotonic() + PATIENCE_SECONDS
    while not until(job := reader.get(folder.id)):
        assert time.monotonic() < deadline and not job.ended, (job, folder.log.read_text())
        time.sleep(0.05)
    return job


def wait_for_end(settings, folder):
    return wait(settings, folder, lambda job: job.ended)


def in_force(settings):
    return load_publication(settings, "baseline").fingerprint


def started_by_a_dashboard_that_dies(settings):
    code = """
import os, signal
from planwise.settings import Settings
from ui.jobs.actions import JobActions
from ui.values.user import User
request = {"scenario": "baseline", "years": "2"}
job = JobActions(Settings(), User("ana", "analyst")).start("simulate", request, title="t")
print(job.id, flush=True)
os.killpg(0, signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PLANWISE_HOME": str(settings.root)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert done.returncode == -signal.SIGKILL
    return folder_of(settings, done.stdout.strip())


def here(settings, kind, run=None, **request):
    """Carry a job out in this process, written down as a worker writes it; return it as it is read."""
    folder = new_job(settings, kind, request, title=f"{kind} it", started_by="ana")
    job = partial(use_case_of(kind)[1], settings, parse_request(kind, request))
    with contextlib.suppress(Exception):  # it is written down
        record_job(JobWriter(folder), run or InProcessRunner(lambda _: None), job)
    return JobReader(settings).get(folder.id)


def test_a_plan_a_run_and_a_plan_again(settings, start):
    first, _ = start(JobKind.PLAN, **SHORT)
    plan = wait_for_end(settings, first)
    assert plan.state is State.DONE, plan.error
    assert plan.result["models_to_run"] > 30 and plan.result["models_reused"] == 0
    assert (plan.result["models_seconds"], plan.result["in_force"]) == (None, False)
    folder = started_by_a_dashboard_that_dies(settings)
    job = wait_for_end(settings, folder)
    assert job.state is State.DONE, job.error
    assert job.result["fingerprint"] == in_force(settings) == plan.result["fingerprint"]
    assert len(job.result["kpis"]) == 2
    assert [step.name for step in job.steps] == [
        "resolve scenario", "hold warehouse", "plan scenario", "run models", "gate simulation",
        "publish result", "record run",
    ]  # fmt: skip
    assert {step.state for step in job.steps} == {"done"}
    assert any("models to run" in line for line in job.lines)
    assert len(job.tables["gate-simulation-baseline"].rows) == job.result["gate"]["evaluated"]
    again = here(settings, JobKind.PLAN, **SHORT).result
    assert (again["models_to_run"], again["in_force"]) == (0, True)


def test_a_run_that_is_to_stop_stops_and_the_result_in_force_stays(settings, start):
    before = in_force(settings)
    with open_ledger(settings) as ledger:
        runs = len(ledger.runs.list())
    folder, process = start(scenario="baseline", levers={"cola_rate": 0.031})
    wait(settings, folder, lambda job: any(step.name == "plan scenario" for step in job.steps))
    folder.request_cancel("ben")
    requested = time.monotonic()
    job = wait_for_end(settings, folder)
    assert time.monotonic() - requested < 10
    assert job.state is State.CANCELLED
    process.wait(20)
    assert in_force(settings) == before
    with open_ledger(settings) as ledger:
        assert len(ledger.runs.list()) == runs


def test_a_killed_run_is_interrupted_and_the_next_one_goes_on(settings, start):
    before = in_force(settings)
    folder, process = start(scenario="baseline", levers={"cola_rate": 0.032})
    wait(settings, folder, lambda job: any(step.name == "run models" for step in job.steps))
    process.send_signal(signal.SIGKILL)
    process.wait()
    job = wait_for_end(settings, folder)
    assert job.state is State.INTERRUPTED
    assert "killed" in job.error.what
    assert in_force(settings) == before
    done = here(settings, JobKind.SIMULATE, scenario="baseline", levers={"cola_rate": 0.032})
    assert done.state is State.DONE, done.error
    assert in_force(settings) == done.result["fingerprint"] != before


def test_a_second_job_waits_says_for_whom_and_can_be_cancelled_there(settings, start):
    ahead = new_job(settings, JobKind.OPTIMIZE, {}, title="Optimize lean", started_by="ben")
    with JobWriter(ahead).lock():
        folder, process = start()
        job = wait(settings, folder, lambda job: "before it" in job.message)
        assert job.state is State.WAITING
        assert "Optimize lean" in job.message
        folder.request_cancel("ana")
        assert wait_for_end(settings, folder).state is State.CANCELLED
        process.wait(20)


def test_a_plan_does_not_wait_and_names_the_holder_of_the_warehouse(settings):
    hurried = settings.model_copy(update={"lock_timeout_seconds": 0})
    with hold_lock(settings.warehouse_lock_file, "simulate lean", timeout_seconds=0):
        busy = here(hurried, JobKind.PLAN, scenario="baseline")
    assert (busy.state, busy.error.type) == (State.FAILED, "Busy")
    assert f"process {os.getpid()} (simulate lean)" in busy.error.what


def test_a_rejected_request_has_its_remedy(settings):
    job = here(settings, JobKind.SIMULATE, scenario="nowhere")
    assert (job.state, job.error.type) == (State.FAILED, "InputError")
    assert "nowhere" in job.error.what and job.error.remedy
    with pytest.raises(InputError, match="colour"):
        parse_request(JobKind.SIMULATE, {"scenario": "baseline", "colour": "red"})


def test_a_defect_is_a_failed_job_with_its_traceback(settings, monkeypatch):
    monkeypatch.setattr(simulation, "plan_scenario", lambda *_: 1 / 0)
    job = here(settings, JobKind.SIMULATE, scenario="baseline")
    assert (job.state, job.error.type) == (State.FAILED, "ZeroDivisionError")
    assert "ZeroDivisionError" in (settings.jobs_dir / job.id / "worker.log").read_text()


def test_a_gate_that_blocks_fails_the_job_with_its_table(settings, strict_gate):
    before = in_force(settings)
    job = here(settings, JobKind.SIMULATE, scenario="baseline", levers={"cola_rate": 0.04})
    assert (job.state, job.error.type) == (State.FAILED, "SimulationBlocked")
    assert job.result["published"] is False
    first = job.tables["gate-simulation-baseline"].rows[0]
    assert (first["expectation"], first["success"]) == ("growth_all_possible", False)
    assert first["sample"]
    assert in_force(settings) == before


class StopsAfter(InProcessRunner):
    """Asks its own job to stop after so many steps whose name begins so."""

    def __init__(self, settings, name, count):
        super().__init__(lambda _: None)
        self._settings, self._name, self._left = settings, name, count

    def __call__(self, step, /, *args, **kwargs):
        result = step(*args, **kwargs)
        self._left -= step.__name__.startswith(self._name)
        if self._left == 0:
            job_folders(self._settings)[0].request_cancel("ana")
        return result


def test_a_study_says_its_name_and_keeps_its_trials_when_it_is_stopped(settings):
    job = here(
        settings, JobKind.OPTIMIZE, StopsAfter(settings, "trial", 3),
        scenario="baseline", target_growth=0.05, strategy="tpe", trials=40, seeds=0, tune=("cola_rate",),
    )  # fmt: skip
    assert job.state is State.CANCELLED
    assert job.study.startswith("baseline_tpe")
    assert job.result["stopped"] == "cancelled" and not job.result["published"]
    (trials,) = [step for step in job.steps if step.name == "trial"]
    assert 3 <= trials.count < 10


def test_a_sweep_that_is_stopped_within_a_scenario_says_it_is_not_complete(settings):
    job = here(settings, JobKind.SWEEP, StopsAfter(settings, "plan_scenario", 1))
    assert job.state is State.CANCELLED
    assert (job.result["complete"], job.result["rows"]) == (False, [])


def test_an_estimate_is_of_runs_that_were_alike(settings):
    from dataclasses import dataclass

    @dataclass
    class Run:
        seconds: float
        models_run: int
        gate_status: str = "passed"
        people: int = 300

        @property
        def kpis(self):
            return [{"opening_headcount": self.people}]

    runs = [
        Run(1.0, 20),
        Run(2.0, 21),
        Run(9.0, 20, people=9000),
        Run(50.0, 100),
        Run(7.0, 20, "audit failed"),
    ]
    found = estimated(runs, (), models=20, employees=300)
    assert (found.models_seconds, found.whole_seconds, found.based_on) == (1.5, None, 2)
    assert estimated(runs, (), models=45, employees=300) is None


CANCEL_SECONDS = 20.0


@pytest.fixture
def own_settings(tmp_path):
    return Settings(home=tmp_path)


@pytest.fixture
def cancel_soon(own_settings):
    """Ask the newest job to stop as soon as it has begun a step, as the dashboard does."""

    def ask():
        reader, until = JobReader(own_settings), time.monotonic() + CANCEL_SECONDS
        while time.monotonic() < until:
            if (jobs := reader.list()) and jobs[0].steps:
                folder_of(own_settings, jobs[0].id).request_cancel("bob")
                return
            time.sleep(0.02)

    thread = threading.Thread(target=ask)
    yield thread.start
    thread.join()


def run_command(own_settings, job, request=None, kind=JobKind.SIMULATE):
    return run_use_case(
        own_settings, job=job, flow=None, request=request or SimulateRequest(), as_flow=False, kind=kind
    )


def result_of(**more):
    return SimpleNamespace(as_json=lambda: more)


def test_a_command_is_a_job_while_it_runs_and_afterwards(own_settings):
    seen = []

    def job(own_settings, request, run):
        run.log("half way")
        seen.append(JobReader(own_settings).list()[0])
        return result_of(gate="passed")

    run_command(own_settings, job, SimulateRequest(levers={"cola_rate": 0.03}))
    (ended,) = JobReader(own_settings).list()
    assert (seen[0].state, seen[0].message, ended.state) == (State.RUNNING, "half way", State.DONE)
    assert ended.request == {"scenario": "baseline", "levers": {"cola_rate": 0.03}}
    assert ended.how.startswith("a command on this machine (process ")
    assert (ended.title, bool(ended.started_by), ended.cancelled_by) == ("Simulate baseline", True, "")


def test_a_cancellation_request_ends_a_command_between_two_steps(own_settings, cancel_soon, capsys):
    def job(own_settings, request, run):
        def trial():
            time.sleep(0.05)

        until = time.monotonic() + CANCEL_SECONDS
        while not run.stopped() and time.monotonic() < until:
            run(trial)
        wait_until(lambda: "bob requested cancellation." in JobReader(own_settings).list()[0].lines)
        return result_of(stopped="cancelled")

    cancel_soon()
    run_command(own_settings, job, OptimizeRequest(), JobKind.OPTIMIZE)
    (ended,) = JobReader(own_settings).list()
    assert (ended.state, ended.cancelled_by) == (State.CANCELLED, "bob")
    assert "bob requested cancellation." in ended.lines
    assert "bob requested cancellation in the dashboard" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("shell", "end"), [(signal.default_int_handler, KeyboardInterrupt), (signal.SIG_IGN, Terminated)]
)
def test_a_step_that_takes_longer_is_interrupted(own_settings, cancel_soon, monkeypatch, shell, end):
    """As by Ctrl-C; a shell lets what it starts in the background ignore that, and then as by SIGTERM."""
    monkeypatch.setitem(runner.GRACE_SECONDS, JobKind.SIMULATE, 0.1)

    def job(own_settings, request, run):
        def run_models():
            time.sleep(CANCEL_SECONDS)

        run(run_models)

    cancel_soon()
    began = time.monotonic()
    before = signal.signal(signal.SIGINT, shell), signal.getsignal(signal.SIGTERM)
    try:
        install_handlers(signal.SIGTERM)
        with pytest.raises(end):
            run_command(own_settings, job)
    finally:
        install_handlers()  # what was request for is forgotten
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
    assert time.monotonic() - began < CANCEL_SECONDS / 2
    assert JobReader(own_settings).list()[0].state is State.CANCELLED


def test_a_rejected_request_leaves_no_job(own_settings):
    def job(own_settings, request, run):
        raise InputError("No such scenario.")

    with pytest.raises(InputError):
        run_command(own_settings, job)
    assert JobReader(own_settings).list() == ()


def test_a_stop_before_publishing_is_recorded_as_such(own_settings, cancel_soon):
    def job(own_settings, request, run):
        def gate():
            wait_until(run.stopped, CANCEL_SECONDS)

        run(gate)
        require_not_stopped(run, "publishing")

    cancel_soon()
    with pytest.raises(Exception, match="Stopped before publishing"):
        run_command(own_settings, job)
    assert JobReader(own_settings).list()[0].state is State.CANCELLED


@pytest.mark.parametrize(
    ("kind", "request_", "title"),
    [
        (JobKind.SIMULATE, SimulateRequest(scenario="lean"), "Simulate lean"),
        (JobKind.OPTIMIZE, OptimizeRequest(), "Study of baseline"),
        (JobKind.OPTIMIZE, OptimizeRequest(resume="s1"), "Resume study s1"),
        (JobKind.SWEEP, SweepRequest(), "Sweep all scenarios"),
        (JobKind.SWEEP, SweepRequest(scenarios=("a", "b")), "Sweep a, b"),
    ],
)
def test_titles_describe_the_request(kind, request_, title):
    request = {"scenario": "baseline", **request_.model_dump(mode="json", exclude_defaults=True)}
    assert runner.title_of(kind, request) == title


@pytest.fixture
def signals_forgotten():
    yield
    install_handlers()


def test_the_first_ctrl_c_requests_a_stop_and_the_second_interrupts(signals_forgotten):
    before = signal.getsignal(signal.SIGINT)
    with stoppable() as stop_requested:
        assert not stop_requested()
        signal.raise_signal(signal.SIGINT)
        assert stop_requested()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
