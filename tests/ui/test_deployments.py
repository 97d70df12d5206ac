"""Jobs as flow runs of a Prefect server: one of our own, which wants a token against forged requests, too."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from planwise.jobs import JobKind, JobReader, JobWriter, State, new_job
from planwise.jobs.folder import ROUTE
from planwise.prefect_server import Orchestrator
from ui.jobs import deployments
from ui.jobs import deployments as following
from ui.jobs.deployments import Deployments, Follower, PrefectAway, to_follow


class Prefect:
    """What the server knows, and what it was asked for."""

    def __init__(self):
        self.deployments = {"simulate/simulate": {"id": "d1", "work_pool_name": "planwise", "paused": False}}
        self.workers = [{"name": "w", "status": "ONLINE"}]
        self.runs, self.asked = {}, []

    def answer(self, method, path, content):
        self.asked.append((method, path, content))
        _, _, kind, *rest = path.split("/")
        if kind == "deployments" and rest[0] == "name":
            return self.deployments.get("/".join(rest[1:]))
        if kind == "deployments":
            self.runs["r1"] = {"id": "r1", "state_type": "SCHEDULED", "state_name": "Scheduled"}
            return self.runs["r1"]
        if kind == "work_pools":
            return self.workers
        if rest[1:] == ["set_state"]:
            self.runs[rest[0]] |= {"state_type": "CANCELLED", "state_name": "Cancelled"}
            return {"status": "ACCEPT"}
        return self.runs.get(rest[0])


@pytest.fixture
def prefect(monkeypatch):
    known = Prefect()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            length = int(self.headers.get("Content-Length", 0))
            content = json.loads(self.rfile.read(length)) if length else None
            if self.path.startswith("/api/csrf-token?client="):
                found = {"token": f"for {self.path.partition('=')[2]}"}
            elif self.command == "POST" and self.headers["Prefect-Csrf-Token"] != (
                f"for {self.headers['Prefect-Csrf-Client']}"
            ):
                found = None
            else:
                found = known.answer(self.command, self.path, content)
            body = json.dumps({"detail": "Not Found"} if found is None else found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pages = f"http://127.0.0.1:{server.server_port}"
    known.server = Orchestrator(f"{pages}/api", pages, {})
    monkeypatch.setattr(following, "orchestrator", lambda: known.server)
    yield known
    server.shutdown()
    server.server_close()


def routes(server, clock=lambda: 0.0):
    return Deployments(lambda: server, clock)


def job(settings):
    return new_job(settings, JobKind.SIMULATE, {"scenario": "lean"}, title="Simulate lean", started_by="ana")


@pytest.fixture
def started(settings, prefect):
    folder, there = job(settings), routes(prefect.server)
    there.start(folder, there.route(JobKind.SIMULATE))
    return folder


def test_without_a_server_work_is_done_here():
    assert (routes(None).route(JobKind.SIMULATE).by, routes(None).route(JobKind.SIMULATE).why) == (
        "process",
        "",
    )


def test_a_plan_is_worked_out_here_without_asking(prefect):
    assert routes(prefect.server).route(JobKind.PLAN).by == "process"
    assert prefect.asked == []


def test_a_deployment_that_a_worker_serves_is_used(prefect):
    route = routes(prefect.server).route(JobKind.SIMULATE)
    assert (route.by, route.how) == ("prefect", "the Prefect deployment simulate/simulate")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda p: p.deployments.clear(), "no deployment simulate/simulate"),
        (lambda p: p.deployments["simulate/simulate"].update(paused=True), "is paused"),
        (lambda p: p.workers.clear(), "No worker of the work pool planwise is online"),
        (lambda p: p.workers[0].update(status="OFFLINE"), "No worker of the work pool planwise is online"),
    ],
)
def test_what_is_not_served_is_done_here_and_said_why(prefect, change, why):
    change(prefect)
    route = routes(prefect.server).route(JobKind.SIMULATE)
    assert route.by == "process" and why in route.why


def test_a_server_that_is_away_is_named_and_not_asked_again_at_once(unused_port):
    pages = f"http://127.0.0.1:{unused_port}"
    now = [0.0]
    there = routes(Orchestrator(f"{pages}/api", pages, {}), lambda: now[0])
    first = there.route(JobKind.SIMULATE)
    assert first.by == "process" and f"{pages} does not answer" in first.why
    assert there.route(JobKind.SIMULATE) is first
    now[0] = 60.0
    assert there.route(JobKind.SIMULATE) is not first


@pytest.fixture
def unused_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_flow_run_is_asked_for_with_the_request_and_the_job(settings, prefect, started):
    content = next(content for _, path, content in prefect.asked if path.endswith("create_flow_run"))
    assert content["parameters"] == {"request": {"scenario": "lean"}}
    assert f"planwise-job:{started.id}" in content["tags"]
    found = JobReader(settings).get(started.id)
    assert (found.state, found.link) == (State.WAITING, f"{prefect.server.pages}/runs/flow-run/r1")
    assert found.how == "the Prefect deployment simulate/simulate"


def test_a_job_that_could_not_be_handed_over_has_failed(settings, prefect, monkeypatch):
    folder, there = job(settings), routes(prefect.server)
    route = there.route(JobKind.SIMULATE)
    monkeypatch.setattr(prefect, "answer", lambda *_: None)
    with pytest.raises(PrefectAway, match="404"):
        there.start(folder, route)
    assert JobReader(settings).get(folder.id).state is State.FAILED


def test_what_the_server_says_of_a_run_that_has_not_begun_is_shown(settings, prefect, started):
    prefect.runs["r1"] = {"state_type": "SCHEDULED", "state_name": "Late"}
    Follower().update(started)
    assert "(Late)" in JobReader(settings).get(started.id).message
    prefect.server = Orchestrator("http://127.0.0.1:9/api", "http://127.0.0.1:9", {})
    Follower().update(started)
    assert "does not answer" in JobReader(settings).get(started.id).message


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("COMPLETED", State.DONE),
        ("CANCELLED", State.CANCELLED),
        ("CRASHED", State.INTERRUPTED),
        ("FAILED", State.FAILED),
    ],
)
def test_a_run_that_ended_without_a_word_ends_the_job(settings, prefect, started, kind, state):
    prefect.runs["r1"] = {"state_type": kind, "state": {"message": "another home than this worker"}}
    assert to_follow(settings) == [started]
    Follower().update(started)
    found = JobReader(settings).get(started.id)
    assert found.state is state
    assert to_follow(settings) == []
    if state is State.FAILED:
        assert "another home than this worker" in found.error.what


def test_a_run_that_speaks_itself_has_the_last_word(settings, prefect, started):
    prefect.runs["r1"] = {"state_type": "COMPLETED"}
    writer = JobWriter(started)
    with writer.lock():
        writer.started()
        Follower().update(started)
        assert not started.has_ended
        writer.end(State.DONE, result={"published": True})
    assert JobReader(settings).get(started.id).result == {"published": True}


def test_a_run_that_is_gone_from_the_server_is_no_longer_waited_for(settings, prefect, started):
    prefect.runs.clear()
    Follower().update(started)
    assert "no longer has the flow run" in JobReader(settings).get(started.id).error.what


def test_a_cancel_reaches_the_server(settings, prefect, started):
    routes(prefect.server).cancel(started)
    assert prefect.runs["r1"]["state_type"] == "CANCELLED"
    here = job(settings)
    here.write(ROUTE, {"by": "process"})
    asked = len(prefect.asked)
    routes(prefect.server).cancel(here)
    assert len(prefect.asked) == asked


def test_the_tag_is_what_flows_look_for():
    from flows import tasks

    assert deployments.JOB_TAG == tasks.JOB_TAG
