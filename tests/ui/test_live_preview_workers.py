"""What preview workers hold, and what becomes of them and of a server."""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from dataclasses import replace

import psutil
import pytest

from planwise.census import load_census
from planwise.engine.preview import PreviewOutcome
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.parameters import effective as resolution
from planwise.settings import Settings
from planwise.workers import PoolStopped, RequestFailed, WorkerDied
from tests.ui.live_preview_home import effective_of, home_with_a_scenario, run
from ui.draft import Draft
from ui.live_preview import PreviewFailed, PreviewService, open_previews
from ui.live_preview.worker import (
    CENSUSES_KEPT,
    SUMMARIES_KEPT,
    KpisRequest,
    PreviewWorker,
    key_of,
    location_of,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return home_with_a_scenario(tmp_path_factory.mktemp("previews") / "home")


def test_a_killed_worker_is_replaced_and_its_question_answered(home):
    service = PreviewService(home, workers=1)  # of two killed at once, both may have had it
    try:
        run(service.session().kpis("baseline", {}))

        async def ask():
            question = asyncio.ensure_future(
                service.session().kpis("baseline", {"promotion_probability_level_3": 0.1234})
            )
            await asyncio.sleep(0.005)
            (pid,) = service.pool.pids()
            os.kill(pid, signal.SIGKILL)
            return pid, await question

        killed, answer = run(ask())
        assert len(answer.kpis) == 5
        assert service.metrics.restarts == 1
        assert killed not in service.pool.pids()
    finally:
        service.close()


class FakePreview:
    def __init__(self, settings, census):
        self.census, self.closed = census, False

    def evaluate(self, effective):
        return PreviewOutcome([], 0.001, self.census.rows, True)

    def close(self):
        self.closed = True


def test_a_worker_keeps_two_censuses_and_few_summaries(home, monkeypatch):
    made = []
    monkeypatch.setattr(
        "planwise.engine.preview.Preview", lambda *args: made.append(FakePreview(*args)) or made[-1]
    )
    worker, census = PreviewWorker(home), load_census(home)
    _, effective = effective_of(home, "generous", {})
    censuses = [replace(census, content_hash=letter * 64) for letter in "abc"]
    for asked in (censuses[0], censuses[1], censuses[0], censuses[2]):
        worker.answer(KpisRequest(asked, effective))
        assert location_of(asked, effective) in worker.holds
    assert {held for held, _ in worker.holds} == {"a" * 64, "c" * 64}
    assert len(worker.holds) == CENSUSES_KEPT
    assert [preview.closed for preview in made] == [False, True, False]
    monkeypatch.setattr("ui.live_preview.people.summarised", lambda pay, census: object())
    monkeypatch.setattr(FakePreview, "pay", lambda self, effective: None, raising=False)
    for number in range(SUMMARIES_KEPT + 2):
        worker._summary(census, effective.with_levers({"cola_rate": 0.02 + 0.001 * number}))
    assert len(worker._summaries) == SUMMARIES_KEPT


def test_what_is_simulated_names_the_key_and_not_what_is_aimed_at(home):
    census, effective = effective_of(home, "baseline", {})
    _, aimed = effective_of(home, "baseline", {"target_growth": 0.05})
    _, other = effective_of(home, "baseline", {"cola_rate": 0.03})
    assert key_of(census, effective) == key_of(census, aimed) != key_of(census, other)


def test_the_number_of_workers_is_a_setting(home, monkeypatch):
    monkeypatch.setenv("PLANWISE_PREVIEW_WORKERS", "3")
    service = open_previews(Settings(home=home.home))
    assert (service.pool.size, service.pool.pids()) == (3, ())
    service.close()
    monkeypatch.setenv("PLANWISE_PREVIEW_WORKERS", "0")
    with pytest.raises(ValueError, match="preview_workers"):
        Settings(home=home.home)


def test_a_home_without_a_census_says_what_to_do(tmp_path):
    service = PreviewService(Settings(home=tmp_path / "empty"), workers=1)
    service.prewarm()
    with pytest.raises(InputError, match="No census is in use"):
        run(service.session().kpis("baseline", {}))
    assert service.pool.pids() == ()
    service.close()


def test_changes_are_resolved_on_definitions_read_anew(home):
    service = PreviewService(home, workers=1)
    with open_ledger(home) as ledger:
        ledger.scenarios.create("moving", {"cola_rate": 0.03})
        assert run(service.inputs("moving", {}))[1].value("cola_rate") == 0.03
        ledger.scenarios.set("moving", {"cola_rate": 0.04})
    assert run(service.inputs("moving", {}))[1].value("cola_rate") == 0.04
    service.close()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (WorkerDied("worker died: SIGKILL"), "ended twice.*SIGKILL"),
        (RequestFailed("ValueError: no"), "ValueError: no"),
        (PoolStopped("Stopped."), "stopping"),
    ],
)
def test_errors_of_the_pool_come_with_a_remedy(home, monkeypatch, error, text):
    service = PreviewService(home, workers=1)
    failed = Future()
    failed.set_exception(error)
    monkeypatch.setattr(service.pool, "submit", lambda request, **_: failed)
    with pytest.raises(PreviewFailed, match=text) as raised:
        run(service.session().kpis("baseline", {}))
    assert raised.value.remedy
    service.close()


def test_parameters_that_a_draft_resolved_are_not_resolved_again(home, monkeypatch):
    _, base = effective_of(home, "baseline", {})
    draft, service = Draft(lambda scenario: base), PreviewService(home, workers=1)
    worker, resolved, cells = PreviewWorker(home), [], resolution._cells

    def submit(request, **_):
        future = Future()
        future.set_result(worker.answer(pickle.loads(pickle.dumps(request))))
        return future

    monkeypatch.setattr(service.pool, "submit", submit)
    monkeypatch.setattr(resolution, "_cells", lambda *args: resolved.append(args) or cells(*args))
    previews = service.session()
    draft.set("cola_rate", 0.0412)
    found = run(previews.kpis(draft.scenario, draft.effective))
    impact = run(previews.impact(draft.scenario, draft.effective, base=draft.current))
    assert len(resolved) == 1
    assert run(previews.kpis("baseline", {"cola_rate": 0.0412})).kpis == found.kpis
    assert run(previews.impact("baseline", {"cola_rate": 0.0412})).everybody == impact.everybody
    worker.close()
    service.close()


def test_no_worker_outlives_a_server_that_is_killed(home):
    script = (
        "import asyncio, sys\n"
        "from planwise.settings import Settings\n"
        "from ui.live_preview import open_previews\n"
        "if __name__ == '__main__':\n"
        f"    service = open_previews(Settings(home={str(home.home)!r}))\n"
        "    asyncio.run(service.session().kpis('generous', {}))\n"
        "    print(*service.pool.pids(), flush=True)\n"
        "    sys.stdin.read()\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    pids = [int(pid) for pid in server.stdout.readline().split()]
    assert pids
    server.kill()
    server.wait()
    deadline = time.monotonic() + 20
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)
