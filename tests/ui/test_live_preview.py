"""Live simulation with real worker processes on a census of 300 people."""

import asyncio
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import Future
from dataclasses import replace

import psutil
import pytest

from planwise import workers
from planwise.census import generate_census, load_census
from planwise.engine.preview import Preview, PreviewOutcome
from planwise.engine.warehouse import open_warehouse
from planwise.errors import InputError
from planwise.governance import effective_parameters, open_ledger
from planwise.parameters import effective as resolution
from planwise.risk.impact import people_impact
from planwise.settings import Settings
from planwise.small_groups import small_groups
from planwise.workers import PoolStopped, RequestFailed, WorkerDied
from tests.waiting import wait_until
from ui.draft import Draft
from ui.live_preview import PreviewFailed, PreviewService, open_previews
from ui.live_preview import service as preview_service
from ui.live_preview.worker import (
    CENSUSES_KEPT,
    SUMMARIES_KEPT,
    KpisRequest,
    PreviewWorker,
    key_of,
    location_of,
    people_of,
)

pytestmark = pytest.mark.long

EMPLOYEES = 300
PLAIN = "plain"  # the baseline for two years: five take twice as long to render
PATIENCE = 240  # how busy the machine is must not decide


def home_with_a_scenario(folder):
    settings = Settings(home=folder)
    generate_census(settings, employees=EMPLOYEES)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create(PLAIN, {"years": 2})
        ledger.scenarios.create("generous", {"cola_rate": 0.05, "years": 1})
    return settings


def effective_of(home, scenario, changes):
    census = load_census(home)
    with open_ledger(home) as ledger:
        return census, effective_parameters(
            ledger, ledger.scenarios.get(scenario), census.first_year, changes
        )


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, PATIENCE))


EDITS = (
    {"cola_rate": 0.04},
    {"merit_rate_level_2@2027": 0.06, "promotion_raise_level_1": 0.12},
    {"promotion_probability_level_1": 0.2},
    {"termination_rate": 0.2, "new_hire_salary_adjustment": 1.3},
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return home_with_a_scenario(tmp_path_factory.mktemp("previews") / "home")


@pytest.fixture(scope="module", autouse=True)
def _workers_have_imported():
    """Workers are forked from a process that has imported what they need; those of a server are not."""
    forked = multiprocessing.get_context("forkserver")
    forked.set_forkserver_preload(["planwise.engine.preview", "ui.live_preview.worker"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "SPAWN", forked)
        yield


@pytest.fixture(scope="module")
def preview(home):
    preview = Preview(home, load_census(home))
    yield preview
    preview.close()


@pytest.fixture(scope="module")
def service(home, preview):
    for scenario in (PLAIN, "generous"):  # rendered once: workers find the SQL
        preview.evaluate(effective_of(home, scenario, {})[1])
    service = open_previews(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preview_service, "BASELINE", PLAIN)
        service.prewarm()
        wait_until(service.pool.pids)
    yield service
    service.close()


def test_figures_are_those_of_preview_and_plan_to_the_last_bit(home, service, preview):
    previews = service.session()
    for scenario, changes in (*((PLAIN, edit) for edit in EDITS), ("generous", EDITS[0])):
        census, effective = effective_of(home, scenario, changes)
        found = run(previews.kpis(scenario, changes))
        assert found.kpis == preview.evaluate(effective).kpis
        assert (found.employees, found.from_cache) == (EMPLOYEES, False)
        assert found.waited_seconds >= found.seconds > 0
    with open_warehouse(home, "test") as warehouse:  # the last one
        planned = warehouse.plan("trial_preview", census, effective, kpis_only=True)
        assert planned.apply().kpis == found.kpis


def test_what_was_answered_is_told_to_come_from_the_cache_and_is_shared(home, service):
    changes = {"cola_rate": 0.0311}
    first = run(service.session().kpis(PLAIN, changes))
    again = run(service.session().kpis(PLAIN, changes))
    goal = run(service.session().kpis(PLAIN, {**changes, "target_growth": 0.05}))
    assert [answer.from_cache for answer in (first, again, goal)] == [False, True, True]
    assert first.kpis == again.kpis == goal.kpis
    assert first.key == again.key == goal.key


def test_bad_questions_raise_what_is_wrong_with_them(service):
    with pytest.raises(InputError, match="hard bounds"):
        run(service.session().kpis(PLAIN, {"cola_rate": 0.5}))
    with pytest.raises(InputError, match="Unknown scenario 'nowhere'"):
        run(service.session().impact("nowhere", {}))


def test_the_newest_question_of_a_session_is_answered(service):
    async def ask():
        previews = service.session()
        rates = [0.0401 + 0.0001 * number for number in range(30)]
        answers = await asyncio.gather(*(previews.kpis(PLAIN, {"cola_rate": rate}) for rate in rates))
        return answers, await previews.kpis(PLAIN, {"cola_rate": rates[-1]})

    answers, last = run(ask())
    assert answers[-1].kpis == last.kpis
    assert sum(answer is None for answer in answers) >= len(answers) - 3  # at most what had begun already


def test_different_purposes_of_a_session_do_not_replace_each_other(service):
    async def ask():
        previews = service.session()
        return await asyncio.gather(
            *(previews.kpis(PLAIN, {"cola_rate": 0.05}, purpose=name) for name in ("one", "two"))
        )

    assert all(run(ask()))


def test_twenty_sessions_at_once_are_all_answered_with_their_own_figures(home, service):
    rates = [0.021 + 0.0013 * number for number in range(20)]

    async def ask():
        return await asyncio.gather(*(service.session().kpis(PLAIN, {"cola_rate": rate}) for rate in rates))

    answers = run(ask())
    growths = [answer.kpis[-1]["growth_compound"] for answer in answers]
    assert growths == sorted(growths)
    assert len(set(growths)) == len(rates)


def test_the_event_loop_goes_on_while_workers_work(service):
    async def ask():
        ticks = 0
        question = asyncio.ensure_future(
            service.session().kpis(PLAIN, {"promotion_probability_level_2": 0.133, "termination_rate": 0.11})
        )
        while not question.done():
            await asyncio.sleep(0.002)
            ticks += 1
        return ticks, await question

    ticks, answer = run(ask())
    assert ticks >= 3
    assert not answer.from_cache


def test_impact_counts_people_and_sums_up_levels(home, service, preview):
    changes = {"merit_rate_level_1": 0.08, "merit_rate_level_3": 0.02}
    before, after = (effective_of(home, PLAIN, edits)[1] for edits in ({}, changes))
    old, new = preview.pay(before), preview.pay(after)
    impact = run(service.session().impact(PLAIN, changes))
    whole = people_impact(old, new)
    assert impact.year == whole.year == before.years[-1]
    assert (impact.everybody.winners, impact.everybody.losers) == (
        whole.everybody.winners,
        whole.everybody.losers,
    )
    assert impact.everybody.winners and impact.everybody.losers
    assert impact.everybody.median == whole.everybody.difference.median
    for group in impact.groups:
        if group.dimension == "level":
            expected = whole.by_level[int(group.member)]
            small = expected.compared < 10
            assert group.compared == (None if small else expected.compared)
            assert small or group.winners == expected.winners
    for dimension in ("department", "gender"):
        counts = [g.compared for g in impact.groups if g.dimension == dimension]
        assert counts
        assert sum(c for c in counts if c) <= whole.everybody.compared
    last = new[(new["simulation_year"] == impact.year) & new["is_active"]]
    hidden = small_groups(last.groupby("level_id").size().to_dict())
    for row in (row for row in impact.levels if row.simulation_year == impact.year):
        pay = last.loc[last["level_id"] == row.level_id, "base_pay"]
        assert row.headcount == len(pay)
        expected = None if row.level_id in hidden or pay.empty else pay.mean()
        assert row.mean_base_pay == (None if expected is None else pytest.approx(expected, rel=1e-12))
    assert {row.simulation_year for row in impact.levels} == set(before.years)


def test_an_impact_of_no_change_touches_nobody(service):
    impact = run(service.session().impact("generous", {}))
    assert (impact.everybody.winners, impact.everybody.losers, impact.everybody.median) == (0, 0, None)
    assert all(row.growth == row.growth_before for row in impact.levels)


def test_slopes_are_differences_of_growth(home, service):
    slopes = run(service.session().slopes(PLAIN, {}))
    assert len(slopes) == 15
    base = run(service.session().kpis(PLAIN, {})).kpis[-1]["growth_compound"]
    moved = run(service.session().kpis(PLAIN, {"cola_rate": 0.003})).kpis[-1]["growth_compound"]
    assert slopes["cola_rate"] == pytest.approx((moved - base) / 0.003, rel=0.02)  # pp of growth per pp


def test_a_killed_worker_is_replaced_and_its_question_answered(home):
    service = PreviewService(home, workers=1)  # of two killed at once, both may have had it
    try:
        run(service.session().kpis(PLAIN, {}))

        async def ask():
            question = asyncio.ensure_future(
                service.session().kpis(PLAIN, {"promotion_probability_level_3": 0.1234})
            )
            await asyncio.sleep(0.005)
            (pid,) = service.pool.pids()
            os.kill(pid, signal.SIGKILL)
            return pid, await question

        killed, answer = run(ask())
        assert len(answer.kpis) == 2
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
    assert {held for held, _ in worker.holds} == {people_of(censuses[0]), people_of(censuses[2])}
    assert len(worker.holds) == CENSUSES_KEPT
    assert [preview.closed for preview in made] == [False, True, False]
    monkeypatch.setattr("ui.live_preview.people.summarize", lambda pay, census: object())
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
    wait_until(lambda: not any(is_alive(pid) for pid in pids))


def is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
