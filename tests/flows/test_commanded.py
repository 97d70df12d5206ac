"""Commands as jobs: whoever looks at the home sees them, and may ask them to stop."""

import signal
import threading
import time
from types import SimpleNamespace

import pytest

from flows.launch import run_use_case
from planwise.app import job_recording
from planwise.app.requests import SimulateRequest, SweepRequest
from planwise.app.runner import require_not_stopped
from planwise.errors import InputError
from planwise.jobs import JobKind, JobReader, State, folder_of
from planwise.processes import Terminated, install_handlers
from planwise.settings import Settings
from planwise.study.spec import OptimizeRequest

PATIENCE_SECONDS = 20.0


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


@pytest.fixture
def wish(settings):
    """Ask the newest job to stop as soon as it has begun a step, as the dashboard does."""

    def ask():
        reader, until = JobReader(settings), time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            if (jobs := reader.list()) and jobs[0].steps:
                folder_of(settings, jobs[0].id).request_cancel("bob")
                return
            time.sleep(0.02)

    thread = threading.Thread(target=ask)
    yield thread.start
    thread.join()


def commanded_by(settings, job, request=None, kind=JobKind.SIMULATE):
    return run_use_case(
        settings, job=job, flow=None, request=request or SimulateRequest(), as_flow=False, kind=kind
    )


def report(**more):
    return SimpleNamespace(as_json=lambda: more)


def test_a_command_is_a_job_while_it_runs_and_afterwards(settings):
    seen = []

    def job(settings, request, run):
        run.log("half way")
        seen.append(JobReader(settings).list()[0])
        return report(gate="passed")

    commanded_by(settings, job, SimulateRequest(levers={"cola_rate": 0.03}))
    (ended,) = JobReader(settings).list()
    assert (seen[0].state, seen[0].message, ended.state) == (State.RUNNING, "half way", State.DONE)
    assert ended.request == {"scenario": "baseline", "levers": {"cola_rate": 0.03}}
    assert ended.how.startswith("a command on this machine (process ")
    assert (ended.title, bool(ended.started_by), ended.cancelled_by) == ("Simulate baseline", True, "")


def test_a_wish_of_the_dashboard_ends_it_between_two_steps(settings, wish, capsys):
    def job(settings, request, run):
        def trial():
            time.sleep(0.05)

        until = time.monotonic() + PATIENCE_SECONDS
        while not run.stopped() and time.monotonic() < until:
            run(trial)
        time.sleep(2 * job_recording.POLL_SECONDS)  # the listener says who it was
        return report(stopped="cancelled")

    wish()
    commanded_by(settings, job, OptimizeRequest(), JobKind.OPTIMIZE)
    (ended,) = JobReader(settings).list()
    assert (ended.state, ended.cancelled_by) == (State.CANCELLED, "bob")
    assert "bob requested cancellation." in ended.lines
    assert "bob requested cancellation in the dashboard" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("shell", "end"), [(signal.default_int_handler, KeyboardInterrupt), (signal.SIG_IGN, Terminated)]
)
def test_a_step_that_takes_longer_is_interrupted(settings, wish, monkeypatch, shell, end):
    """As by Ctrl-C; a shell lets what it starts in the background ignore that, and then as by SIGTERM."""
    monkeypatch.setitem(job_recording.GRACE_SECONDS, JobKind.SIMULATE, 0.1)

    def job(settings, request, run):
        def run_models():
            time.sleep(PATIENCE_SECONDS)

        run(run_models)

    wish()
    began = time.monotonic()
    before = signal.signal(signal.SIGINT, shell), signal.getsignal(signal.SIGTERM)
    try:
        install_handlers(signal.SIGTERM)
        with pytest.raises(end):
            commanded_by(settings, job)
    finally:
        install_handlers()  # what was asked for is forgotten
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
    assert time.monotonic() - began < PATIENCE_SECONDS / 2
    assert JobReader(settings).list()[0].state is State.CANCELLED


def test_what_was_refused_leaves_no_job(settings):
    def job(settings, request, run):
        raise InputError("No such scenario.")

    with pytest.raises(InputError):
        commanded_by(settings, job)
    assert JobReader(settings).list() == ()


def test_a_stop_before_it_published_is_told_as_such(settings, wish):
    def job(settings, request, run):
        def gate():
            time.sleep(0.5)

        run(gate)
        require_not_stopped(run, "publishing")

    wish()
    with pytest.raises(Exception, match="Stopped before publishing"):
        commanded_by(settings, job)
    assert JobReader(settings).list()[0].state is State.CANCELLED


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
def test_titles_say_what_was_asked(kind, request_, title):
    asked = {"scenario": "baseline", **request_.model_dump(mode="json", exclude_defaults=True)}
    assert job_recording.title_of(kind, asked) == title
