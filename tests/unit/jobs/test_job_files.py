"""Jobs as files, and the Prefect server that runs them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from planwise.errors import Busy, InputError
from planwise.jobs import JobFailure, JobFolder, JobKind, JobReader, JobWriter, State, folder_of, new_job
from planwise.jobs.folder import CANCEL, EVENTS, OUTCOME, REQUEST, ROUTE
from planwise.jobs.reader import remove_old_jobs
from planwise.jobs.writer import jobs_ahead, wait_for_turn
from planwise.prefect_server import orchestrator
from planwise.settings import Settings
from tests.unit.jobs.job_worlds import NOW, ended, held_elsewhere, job


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", jobs_at_once=1, jobs_kept=3)


def fresh(settings, **more):
    """Ask for a job now, so that it has the patience of one that starts."""
    return new_job(
        settings, JobKind.SIMULATE, {"scenario": "x"}, title="Simulate x", started_by="ana", **more
    )


def test_a_new_job_waits_and_has_its_request(settings):
    folder = fresh(settings)
    found = JobReader(settings).get(folder.id)
    assert (found.kind, found.title, found.scenario, found.started_by) == (
        JobKind.SIMULATE, "Simulate x", "x", "ana",
    )  # fmt: skip
    assert (found.state, found.share, found.ended) == (State.WAITING, None, False)


def test_events_add_up_to_the_state_of_a_job(settings):
    folder = fresh(settings)
    writer, reader = JobWriter(folder), JobReader(settings)
    with writer.lock():
        assert reader.get(folder.id).state is State.WAITING
        writer.waiting("Waiting: 1 before it")
        assert reader.get(folder.id).message == "Waiting: 1 before it"
        writer.started()
        writer.step("resolve scenario", "running")
        writer.step("resolve scenario", "done", 0.5)
        writer.step("hold warehouse", "done", 0.1)
        writer.step("plan scenario", "done", 1.0)
        writer.step("run models", "running")
        writer.log("x on census c: 4 models to run, 8 reused.")
        writer.progress(0.5, "2 of 4 models have run")
        writer.table("gate-simulation-x", [{"expectation": "e", "success": True}], "Gate")
        found = reader.get(folder.id)
    assert (found.state, found.message) == (State.RUNNING, "2 of 4 models have run")
    assert found.share == pytest.approx(0.05 + 0.05 + 0.15 + 0.40 / 2)
    assert [(step.name, step.state) for step in found.steps][-1] == ("run models", "running")
    assert found.steps[0].seconds == 0.5
    assert found.lines == ("x on census c: 4 models to run, 8 reused.", "2 of 4 models have run")
    assert found.tables["gate-simulation-x"].rows == ({"expectation": "e", "success": True},)


def test_steps_of_one_name_are_counted(settings):
    folder = fresh(settings)
    writer = JobWriter(folder)
    with writer.lock():
        for number in (1, 2, 3):
            writer.step(f"trial {number}", "running")
            writer.step(f"trial {number}", "done", 0.5)
        (step,) = JobReader(settings).get(folder.id).steps
    assert (step.name, step.count, step.seconds, step.state) == ("trial", 3, 1.5, "done")


def test_a_waiting_message_ends_with_its_step(settings):
    folder = fresh(settings)
    writer, reader = JobWriter(folder), JobReader(settings)
    with writer.lock():
        writer.started()
        writer.step("hold warehouse", "running")
        writer.log("Waiting for the warehouse: held by process 7.")
        assert reader.get(folder.id).message == "Waiting for the warehouse: held by process 7."
        writer.step("hold warehouse", "done", 3.0)
        assert reader.get(folder.id).message == ""


def test_a_half_written_line_and_a_damaged_one_are_left_out(settings):
    folder = fresh(settings)
    reader = JobReader(settings)
    with (folder.path / EVENTS).open("ab") as file:
        file.write(b'{"type": "told", "message": "one"}\nnot json\n{"type": "told", "mess')
        file.flush()
        assert reader.get(folder.id).lines == ("one",)
        file.write(b'age": "two"}\n')
        file.flush()
        assert reader.get(folder.id).lines == ("one", "two")


def test_the_outcome_is_what_was_said_first(settings):
    folder = ended(settings, State.DONE, result={"scenario": "baseline", "published": True})
    JobWriter(folder).end(State.FAILED, error=JobFailure("late", "", "E"))
    found = JobReader(settings).get(folder.id)
    assert (found.state, found.share, found.error) == (State.DONE, 1.0, None)
    assert found.result == {"scenario": "baseline", "published": True}


def test_a_job_that_ends_while_it_is_read_is_not_shown_as_running_for_ever(settings, monkeypatch):
    folder, reader, read = fresh(settings), JobReader(settings), JobFolder.read

    def read_and_end(folder, name):
        content = read(folder, name)
        if name == OUTCOME and content is None:
            JobWriter(folder).end(State.DONE)
        return content

    monkeypatch.setattr(JobFolder, "read", read_and_end)
    with JobWriter(folder).lock():
        assert not reader.get(folder.id).ended
        assert reader.get(folder.id).state is State.DONE


def test_an_error_comes_with_its_remedy(settings):
    folder = ended(settings, State.FAILED, error=JobFailure("Unknown scenario 'x'", "make it", "InputError"))
    assert JobReader(settings).get(folder.id).error == JobFailure(
        "Unknown scenario 'x'", "make it", "InputError"
    )


def test_a_killed_process_is_interrupted_for_every_reader(settings):
    folder = fresh(settings)
    seen_before = JobReader(settings)
    process = held_elsewhere(folder)
    assert seen_before.get(folder.id).state is State.RUNNING
    version = seen_before.version()
    process.kill()
    process.communicate()
    assert seen_before.version() != version
    for reader in (seen_before, JobReader(settings)):
        found = reader.get(folder.id)
        assert found.state is State.INTERRUPTED
        assert "killed" in found.error.what and found.error.remedy


def test_a_process_that_was_killed_because_it_was_to_stop_is_cancelled(settings):
    folder = fresh(settings)
    process = held_elsewhere(folder)
    folder.request_cancel("ben")
    assert JobReader(settings).get(folder.id).cancelling
    process.kill()
    process.communicate()
    assert JobReader(settings).get(folder.id).state is State.CANCELLED
    assert json.loads((folder.path / CANCEL).read_text())["by"] == "ben"


def test_one_that_never_started_is_interrupted_after_a_while(settings):
    folder = job(settings)  # requested long ago
    assert JobReader(settings).get(folder.id).state is State.INTERRUPTED


def test_a_flow_run_waits_as_long_as_its_server_says(settings):
    folder = job(settings)
    folder.write(ROUTE, {"by": "prefect", "how": "h", "link": "http://p/run/1", "message": "Scheduled"})
    found = JobReader(settings).get(folder.id)
    assert (found.state, found.message, found.link) == (State.WAITING, "Scheduled", "http://p/run/1")


def test_two_cannot_hold_one_job(settings):
    folder = fresh(settings)
    with JobWriter(folder).lock(), pytest.raises(Busy), JobWriter(folder).lock():
        pass


@pytest.mark.parametrize("name", ["../secrets", "", "20261120T120000000-simulate-zzzzzz", "x" * 300])
def test_an_id_is_no_path(settings, name):
    with pytest.raises(InputError, match="no job"):
        folder_of(settings, name)


def test_damaged_files_are_left_out_of_the_list_and_named_when_read(settings):
    good, bad = fresh(settings), fresh(settings)
    (bad.path / REQUEST).write_text("{")
    reader = JobReader(settings)
    assert [found.id for found in reader.list()] == [good.id]
    with pytest.raises(InputError, match="cannot be read"):
        reader.get(bad.id)


def test_jobs_take_turns_in_the_order_of_their_requests(settings):
    now = datetime.now(UTC)
    second = fresh(settings, now=now)
    first = fresh(settings, now=now - timedelta(seconds=1))
    with JobWriter(first).lock():
        assert jobs_ahead(settings, first) == []
        assert jobs_ahead(settings, second) == ["Simulate x"]
        logged = []
        assert not wait_for_turn(settings, second, logged.append, lambda: bool(logged))
        assert logged == ["Waiting: 1 before it (Simulate x); 1 may run at once."]
    JobWriter(first).end(State.DONE)
    assert wait_for_turn(settings, second, logged.append, lambda: False)


def test_plans_and_flow_runs_do_not_count_in_the_queue(settings):
    new_job(settings, JobKind.PLAN, {}, title="Plan x", started_by="ana")
    fresh(settings).write(ROUTE, {"by": "prefect"})
    later = fresh(settings, now=datetime.now(UTC) + timedelta(seconds=1))
    assert jobs_ahead(settings, later) == []


def test_old_jobs_go_and_those_that_work_stay(settings):
    old = [ended(settings, State.DONE, seconds=number) for number in range(5)]
    working = fresh(settings)
    with JobWriter(working).lock():
        assert [path.name for path in remove_old_jobs(settings, dry_run=True)] == [old[1].id, old[0].id]
        assert len(JobReader(settings).list()) == 6
        remove_old_jobs(settings)
    left = {found.id for found in JobReader(settings).list()}
    assert left == {working.id, *(folder.id for folder in old[2:])}


def test_time_runs_until_the_end(settings):
    folder = job(settings)
    folder.write(
        OUTCOME, {"state": "done", "ended_at": "2026-11-20T12:00:07+00:00", "result": None, "error": None}
    )
    found = JobReader(settings).get(folder.id)
    assert found.started_at == NOW
    assert found.seconds(datetime(2027, 1, 1, tzinfo=UTC)) == 7.0


API = "http://127.0.0.1:4200/api"


def test_without_one_there_is_none(tmp_path):
    assert orchestrator({"PREFECT_HOME": str(tmp_path)}) is None


def test_pages_are_beside_the_api_unless_they_are_named(tmp_path):
    home = {"PREFECT_HOME": str(tmp_path), "PREFECT_API_URL": API}
    assert orchestrator(home).flow_run("r1") == "http://127.0.0.1:4200/runs/flow-run/r1"
    named = orchestrator({**home, "PREFECT_UI_URL": "https://prefect.example/"})
    assert named.flow_run("r1") == "https://prefect.example/runs/flow-run/r1"


@pytest.mark.parametrize(
    ("setting", "header"),
    [
        ({"PREFECT_API_KEY": "k"}, "Bearer k"),
        ({"PREFECT_API_AUTH_STRING": "ana:secret"}, "Basic YW5hOnNlY3JldA=="),
    ],
)
def test_what_the_server_asks_for_is_shown(tmp_path, setting, header):
    found = orchestrator({"PREFECT_HOME": str(tmp_path), "PREFECT_API_URL": API, **setting})
    assert found.headers == {"Authorization": header}


def test_a_profile_counts_where_the_environment_is_silent(tmp_path):
    (tmp_path / "profiles.toml").write_text(
        f'active = "team"\n[profiles.team]\nPREFECT_API_URL = "{API}"\nPREFECT_API_KEY = "k"\n'
    )
    found = orchestrator({"PREFECT_HOME": str(tmp_path)})
    assert (found.api, found.headers) == (API, {"Authorization": "Bearer k"})
