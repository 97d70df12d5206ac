"""A flow run that a dashboard asked for, on a real server: it writes into the job's folder, or refuses."""

import pytest

from planwise.jobs import JobReader, Kind, State, new_job


@pytest.fixture
def home(settings, monkeypatch):
    monkeypatch.setenv("PLANWISE_HOME", str(settings.root))


def test_a_flow_run_tells_its_job_how_it_goes(home, settings, server):
    from prefect import tags

    from flows.parameters import SimulateRequest
    from flows.served import JOB_TAG
    from flows.simulate import simulate

    folder = new_job(settings, Kind.SIMULATE, {"scenario": "baseline"}, title="t", started_by="ana")
    with tags(f"{JOB_TAG}{folder.id}"):
        simulate(SimulateRequest())
    job = JobReader(settings).get(folder.id)
    assert job.state is State.DONE
    assert job.result["orchestrated"] == "prefect"
    assert [step.name for step in job.steps][-1] == "record run"


def test_a_run_that_was_stopped_ends_as_cancelled(home, settings, server):
    from prefect import tags

    from flows.parameters import SimulateRequest
    from flows.served import JOB_TAG
    from flows.simulate import simulate

    folder = new_job(settings, Kind.SIMULATE, {"scenario": "baseline"}, title="t", started_by="ana")
    folder.ask_to_stop("ana")
    with tags(f"{JOB_TAG}{folder.id}"):
        state = simulate(SimulateRequest(levers={"cola_rate": 0.03}), return_state=True)
    assert state.is_cancelled()
    assert JobReader(settings).get(folder.id).state is State.CANCELLED


def test_another_home_is_refused_before_anything_is_computed(settings, tmp_path):
    from flows.served import JOB_TAG, OtherHome, folder_of_run

    assert folder_of_run(settings, ["planwise"]) is None
    for name in ("20261120T120000000-simulate-abcdef", "../.."):
        with pytest.raises(OtherHome, match="another home than this worker"):
            folder_of_run(settings, [f"{JOB_TAG}{name}"])
