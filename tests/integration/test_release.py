"""Release and rollback: no model runs, marts equal row for row, old or new after every interruption."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import postgresql
import pytest
from test_virtual_updates import differences, move_clock

from planwise.app import release as use_cases
from planwise.app.checkpoints import list_checkpoints
from planwise.app.gates import list_gates
from planwise.app.maintain import maintain
from planwise.app.proposals import ProposeRequest, decide, list_proposals, propose
from planwise.app.release import ReleaseRequest, RollbackRequest, RolloutRequest
from planwise.app.requests import MaintainRequest, SimulateRequest
from planwise.app.runner import InProcessRunner
from planwise.app.simulate import simulate
from planwise.census import generate_census
from planwise.cli.commands import run as run_command
from planwise.engine.warehouse import MARTS, Warehouse, open_warehouse
from planwise.errors import Busy, InputError
from planwise.formatting import in_currency, money_short
from planwise.governance import EventType, open_ledger
from planwise.governance import ledger as ledger_module
from planwise.governance.activity import sentence_of
from planwise.governance.permissions import Forbidden
from planwise.governance.proposals import Decision
from planwise.governance.publications import PROD, VALIDATIONS, fingerprint_in_force, load_publication
from planwise.governance.roles import acting_as
from planwise.jobs import JobReader
from planwise.parameters import catalogue
from planwise.release import switch
from planwise.release.releases import Releases
from planwise.release.switch import SwitchFailed
from planwise.settings import Settings

SILENT = InProcessRunner(lambda message: None)
SCENARIOS = {"first": {"cola_rate": 0.04, "years": 1}, "second": {"cola_rate": 0.05, "years": 1}}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A home with a baseline and two scenarios, simulated."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), lock_timeout_seconds=0.2)
    generate_census(settings, employees=300)
    simulate(settings, SimulateRequest(years="1"), SILENT)
    with open_ledger(settings) as ledger:
        for name, overrides in SCENARIOS.items():
            ledger.scenarios.create(name, overrides)
    for name in SCENARIOS:
        simulate(settings, SimulateRequest(scenario=name), SILENT)
    return settings


@pytest.fixture
def home(simulated, tmp_path):
    """A copy of it."""
    shutil.copytree(simulated.root, tmp_path / "home")
    return Settings(home=tmp_path / "home", lock_timeout_seconds=0.2)


def approved(settings, scenario):
    """Return the number of an approved proposal of a scenario."""
    with acting_as("ann"):
        found = propose(settings, ProposeRequest(scenario=scenario))
    for approver in ("bob", "eva")[: found.approvals_needed]:
        with acting_as(approver):
            found = decide(settings, found.id, Decision.APPROVED)
    assert found.status == "approved"
    return found.id


def released(settings, number):
    return use_cases.release(settings, ReleaseRequest(proposal=number, apply=True), SILENT)


def rolled_back(settings, checkpoint):
    return use_cases.rollback(settings, RollbackRequest(checkpoint=checkpoint, apply=True), SILENT)


@contextmanager
def warehouse_of(settings):
    with open_warehouse(settings, "test") as warehouse:
        warehouse.open_state()
        yield warehouse


def in_force(settings):
    """Return what is in force, in each place: levers, published result, rows of prod, the ledger's word."""
    with open_ledger(settings) as ledger:
        levers, releases = ledger.dynamic_levers.current(), Releases(ledger)
        release = releases.in_force()
        unfinished = releases.unfinished()
    with warehouse_of(settings) as warehouse:
        shown = warehouse.environment_fingerprint(PROD) if warehouse.is_whole(PROD) else None
    current = settings.published_dir / PROD / "current"
    published = current.read_text() if current.exists() else None
    said = None if release is None else (release.scenario, release.fingerprint)
    return levers, published, shown, said, unfinished is None


def check_equal(settings, environment):
    """The published files of prod, prod and the environment have the same rows."""
    result = load_publication(settings, PROD)
    with warehouse_of(settings) as warehouse:
        assert differences(warehouse, PROD, environment) == {}
        for mart in MARTS:
            shown, file = warehouse.table(PROD, mart), f"read_parquet('{result.file(mart)}')"
            for left, right in ((shown, file), (file, shown)):
                query = f"SELECT count(*) FROM (SELECT * FROM {left} EXCEPT ALL SELECT * FROM {right})"
                assert warehouse.cursor().execute(query).fetchone() == (0,)


def days_later(monkeypatch, days):
    """Move the ledger's clock, and SQLMesh's."""
    now = datetime.now(UTC) + timedelta(days=days)
    monkeypatch.setattr(ledger_module, "utc_now", lambda: now)
    move_clock(monkeypatch, days)
    return now


def check_gates(home, scenario, *, drift):
    """The candidate's gate is in the ledger and beside the manifest, with why its drift is not known."""
    (stored, *_) = [
        one for one in list_gates(home) if (one.of, one.subject) == ("release candidate", scenario)
    ]
    manifest = load_publication(home, "prod").manifest
    assert stored.fingerprint == manifest["fingerprint"] and stored.status == manifest["gate"]["status"]
    assert len(stored.checks) == stored.evaluated == len(manifest["gate"]["results"])
    drifts = {check.name: check for check in stored.checks if check.table == "release_drift"}
    pay = drifts["release_pay_major_drift"]
    assert (pay.reason, pay.severity, pay.threshold) == (
        drift,
        "warning",
        "at most 0.25 where population is at least 500",
    )
    file = home.published_dir / "prod" / stored.fingerprint / VALIDATIONS
    assert file.stat().st_mode & 0o777 == 0o600
    validated = json.loads(file.read_text())["validations"]
    assert sum(len(one["results"]) for one in validated) >= stored.evaluated


def test_releases_and_rollbacks_with_weeks_between(home, monkeypatch):
    number, other = approved(home, "first"), approved(home, "second")
    base = fingerprint_in_force(home, "baseline")
    dry = use_cases.release(home, ReleaseRequest(proposal=number), SILENT).as_json()
    assert (dry["status"], dry["models_run"], dry["checkpoint"]) == ("dry run", 0, "checkpoint_1")
    assert dry["levers"] == [{"lever": "cola_rate", "before": None, "after": 0.04}]
    assert in_force(home) == ({}, None, None, None, True)
    assert list_checkpoints(home) == ((), "")

    report = released(home, number).as_json()
    first = fingerprint_in_force(home, "first")
    assert (report["status"], report["models_run"], report["fingerprint"]) == ("released", 0, first)
    assert report["gate"]["status"].startswith("passed")
    check_gates(home, "first", drift="nothing was released yet")
    assert in_force(home) == ({"cola_rate": 0.04}, first, first, ("first", first), True)
    check_equal(home, "scenario_first")
    with open_ledger(home) as ledger:
        assert ledger.proposals.get(number).status == "released"
        events = [
            event.payload["action"] for event in ledger.events.list(kind=EventType.IMPLEMENTATION_EVENT)
        ]
        assert events == ["COMPLETION", "CHECKPOINT", "ROLLOUT_START"]
    assert released(home, number).as_json()["status"] == "in force already"

    second = fingerprint_in_force(home, "second")
    with monkeypatch.context() as moved:
        days_later(moved, 31)
        with pytest.raises(InputError, match=f"Proposal {other} is expired: not released within 30 days"):
            released(home, other)
        (expired,) = [one for one in list_proposals(home) if one.status == "expired"]
        assert expired.id == other and in_force(home)[0] == {"cola_rate": 0.04}
    other = approved(home, "second")
    released_at = days_later(monkeypatch, 29)
    released(home, other)
    assert in_force(home) == ({"cola_rate": 0.05}, second, second, ("second", second), True)
    check_equal(home, "scenario_second")
    check_gates(home, "second", drift="no row where population is at least 500")
    back_at = days_later(monkeypatch, 29 + 60)
    with open_ledger(home) as ledger:
        for name in SCENARIOS:
            ledger.scenarios.delete(name)
    report = maintain(home, MaintainRequest(dry_run=False), SILENT)
    assert set(report.environments) == {"scenario_first", "scenario_second"}

    found, _ = list_checkpoints(home)
    assert [(one.name, one.scenario, one.fingerprint) for one in found] == [
        ("checkpoint_2", "first", first),
        ("checkpoint_1", "baseline", base),
    ]
    before = datetime.now(UTC) - timedelta(minutes=5)
    assert found[0].released_at > before and found[1].released_at is None
    back = rolled_back(home, "checkpoint_2")
    assert back.as_json()["models_run"] == 0
    assert (back.change.released_before, back.change.ended_at) == (released_at, back_at)
    assert in_force(home) == ({"cola_rate": 0.04}, first, first, ("first", first), True)
    check_equal(home, "checkpoint_2")
    rolled_back(home, "checkpoint_1")
    assert in_force(home) == ({}, base, base, ("baseline", base), True)
    check_equal(home, "checkpoint_1")
    rolled_back(home, "checkpoint_3")  # what the first rollback took back
    assert in_force(home) == ({"cola_rate": 0.05}, second, second, ("second", second), True)
    check_equal(home, "checkpoint_3")

    def listed(dry_run, keep):
        done = maintain(home, MaintainRequest(dry_run=dry_run, keep_checkpoints=keep), SILENT)
        gone = [one["checkpoint"] for one in done.checkpoints if one["removed"]]
        assert set(gone) <= set(done.environments)
        return [(one["checkpoint"], one["days"]) for one in done.checkpoints], gone

    ages = [("checkpoint_5", 0), ("checkpoint_4", 0), ("checkpoint_3", 0), ("checkpoint_2", 60)]
    days_later(monkeypatch, 29 + 60)
    assert listed(True, None) == ([*ages, ("checkpoint_1", 89)], [])
    # The newest, 5, keeps the baseline, so the last release is in 4; 1 is the baseline before any release.
    assert listed(True, 1)[1] == listed(False, 1)[1] == ["checkpoint_3", "checkpoint_2"]
    assert listed(False, None)[1] == []
    with pytest.raises(InputError, match="Unknown checkpoint 'checkpoint_2'"):
        rolled_back(home, "checkpoint_2")
    with open_ledger(home) as ledger:
        assert [one.name for one in Releases(ledger).checkpoints()] == [
            "checkpoint_5", "checkpoint_4", "checkpoint_1",
        ]  # fmt: skip
        found = ledger.events.list(kind=EventType.IMPLEMENTATION_EVENT, limit=2)
        assert {event.payload["action"] for event in found} == {"CHECKPOINT_REMOVED"}
        assert "which maintenance removed" in sentence_of(found[0])
        assert ledger.events.verify().ok
    for name, scenario in (("checkpoint_4", "first"), ("checkpoint_1", "baseline")):
        assert rolled_back(home, name).change.scenario == scenario
        check_equal(home, name)


class Killed(BaseException):
    """Ends the process, so that nothing after it happens."""


class Death:
    """Kills, or interrupts, after the n-th of the calls that change something."""

    def __init__(self, monkeypatch, at, calls, how):
        self.at, self.how, self.passed = at, how, 0
        for owner, name in {*calls, *UNDOING}:
            counts = (owner, name) in calls
            monkeypatch.setattr(owner, name, self.around(getattr(owner, name), counts=counts))

    def around(self, function, *, counts):
        def call(*arguments, **options):
            if self.how is Killed and self.passed >= self.at:
                raise Killed  # the dead undo nothing
            result = function(*arguments, **options)
            self.passed += counts
            if counts and self.passed == self.at:
                raise self.how
            return result

        return call


SHARED = [(Warehouse, "show"), (Releases, "commit"), (switch, "put_in_force")]
UNDOING = [(Warehouse, "drop"), (Releases, "fail"), (Releases, "ended")]
CALLS = {  # a rollback makes the same ones as a release
    "release": [*SHARED, (switch, "store_copy"), *((Releases, name) for name in ("start", "ended"))],
    "rollback": SHARED,
    "interrupted": [(switch.Switch, "_verify"), (Releases, "commit")],
}
COUNTS = {"release": (8, 4), "rollback": (2, 3), "interrupted": (1, 2)}  # of the old and the new state


class NothingFailed:
    """A gate's result."""

    blocks, status, failed = False, "passed", ()

    def validations_json(self):
        return {}

    def as_json(self):
        return {"suite": "simulation", "status": "passed", "evaluated": 1, "results": [], "failed": []}


@pytest.fixture(scope="module")
def two_released(simulated, tmp_path_factory):
    """A home where the first scenario is released and the second is approved."""
    folder = tmp_path_factory.mktemp("released") / "home"
    shutil.copytree(simulated.root, folder)
    settings = Settings(home=folder, lock_timeout_seconds=0.2)
    released(settings, approved(settings, "first"))
    return settings, approved(settings, "second")


@pytest.mark.parametrize("kind", CALLS)
def test_killed_at_every_step_it_is_the_old_or_the_new_state(two_released, monkeypatch, kind):
    """The gate is left out: it changes nothing. The same home goes on after each death.

    After Ctrl-C, in a rollback, no other command is needed.
    """
    settings, number = two_released
    how = KeyboardInterrupt if kind == "interrupted" else Killed
    monkeypatch.setattr(use_cases, "gate_simulation", lambda *_: NothingFailed())
    monkeypatch.setattr(use_cases, "record_gate", lambda *_: None)
    first, second, base = (fingerprint_in_force(settings, name) for name in ("first", "second", "baseline"))
    old = ({"cola_rate": 0.04}, first, first, ("first", first), True)
    new = ({"cola_rate": 0.05}, second, second, ("second", second), True)
    if kind != "release":
        new = ({}, base, base, ("baseline", base), True)
    outcomes, ended = [], False
    while not ended:
        with monkeypatch.context() as patched:
            Death(patched, len(outcomes) + 1, CALLS[kind], how)
            try:
                if kind == "release":
                    released(settings, number)
                else:
                    rolled_back(settings, "checkpoint_1")
                ended = True
            except (Killed, KeyboardInterrupt):
                pass
        checkpoints, recovered = list_checkpoints(settings)
        found = in_force(settings)
        assert found in (old, new), outcomes
        word = "" if ended else "finished" if found == new else "undone"
        if how is KeyboardInterrupt:
            assert not recovered, outcomes  # it was undone or finished at once
        elif not recovered:  # killed after the last step, or not at all
            assert found == new
        else:
            assert word in recovered, outcomes
        outcomes.append(found == new)
        if found == new and not ended:
            rolled_back(settings, checkpoints[0].name)
            assert in_force(settings) == old
            number = approved(settings, "second") if kind == "release" else number
    assert found == new
    assert outcomes == sorted(outcomes)  # old until the one commit, new after it
    assert (outcomes.count(False), outcomes.count(True)) == COUNTS[kind]
    rolled_back(settings, checkpoints[0].name)
    assert in_force(settings) == old
    checkpoints, _ = list_checkpoints(settings)
    with open_ledger(settings) as ledger:
        assert ledger.events.verify().ok
    with warehouse_of(settings) as warehouse:
        kept = {one.name for one in checkpoints}
        assert {name for name in warehouse.environments() if name.startswith("checkpoint_")} == kept


def test_a_process_killed_in_the_middle_and_two_at_once(home):
    """SIGKILL while the first release has the warehouse; meanwhile another is refused as busy."""
    number = approved(home, "first")
    code = (
        "import sys, time; from pathlib import Path; from planwise.settings import Settings; "
        "from planwise.app import release; from planwise.app.runner import InProcessRunner; "
        "from planwise.release.releases import Releases, ReleaseStep; ended = Releases.ended\n"
        "def slow(self, one, step):\n"
        "    found = ended(self, one, step)\n"
        "    if step is ReleaseStep.SHOWN: print('shown', flush=True); time.sleep(60)\n"
        "    return found\n"
        "Releases.ended = slow; settings = Settings(home=Path(sys.argv[1]))\n"
        "request = release.ReleaseRequest(proposal=int(sys.argv[2]), apply=True)\n"
        "release.release(settings, request, InProcessRunner(lambda message: None))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(home.root), str(number)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "shown\n"
        with pytest.raises(Busy, match="release proposal"):
            released(home, number)
        assert list_checkpoints(home) == ((), "")  # reading does not wait
        os.kill(process.pid, signal.SIGKILL)
    first = fingerprint_in_force(home, "first")
    report = released(home, number)
    assert "undone" in report.recovered
    assert in_force(home) == ({"cola_rate": 0.04}, first, first, ("first", first), True)
    check_equal(home, "scenario_first")


def test_what_cannot_be_released_changes_nothing(home, monkeypatch):
    number = approved(home, "first")
    with open_ledger(home, actor="root") as ledger:
        ledger.roles.give("root", "admin", lambda *_: None)
        for name, role in (("eve", "analyst"), ("ann", "analyst"), ("bob", "approver"), ("eva", "approver")):
            ledger.roles.give(name, role, lambda *_: None)
    with acting_as("eve"), pytest.raises(Forbidden):
        released(home, number)
    with acting_as("root"):
        with pytest.raises(InputError, match="There is no proposal 99"):
            released(home, 99)
        with pytest.raises(InputError, match="Unknown checkpoint"):
            rolled_back(home, "checkpoint_1")
        simulate(home, SimulateRequest(scenario="first", levers={"cola_rate": 0.06}), SILENT)
        with pytest.raises(InputError, match=f"Proposal {number} is voided: the published result is another"):
            released(home, number)
        simulate(home, SimulateRequest(scenario="first"), SILENT)
        number = approved(home, "first")
        with warehouse_of(home) as warehouse:
            warehouse.show("scenario_first", "scenario_second")
        with pytest.raises(InputError, match="scenario_first is not what was approved"):
            released(home, number)
        with warehouse_of(home) as warehouse:
            warehouse.drop("scenario_first")
        simulate(home, SimulateRequest(scenario="first"), SILENT)
        with monkeypatch.context() as patched:
            patched.setattr(Warehouse, "checksums", lambda self, name: {mart: name for mart in MARTS})
            with pytest.raises(SwitchFailed, match="differs") as refused:
                released(home, number)
        assert "baseline" in refused.value.remedy and "still in force" in refused.value.remedy
        levers, published, _, said, finished = in_force(home)
        assert (levers, published, said, finished) == ({}, None, None, True)
        assert released(home, number).as_json()["models_run"] == 0


def test_commands_release_and_roll_back(home, capsys):
    number = approved(home, "first")

    def planwise(*tokens):
        assert run_command([*tokens, "--as", "olga", "--home", str(home.root), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    dry = planwise("release", str(number))
    assert (dry["status"], dry["applied"], dry["models_run"]) == ("dry run", False, 0)
    done = planwise("release", str(number), "--apply")
    assert (done["status"], done["applied"], done["proposal"]) == ("released", True, number)
    files = home.published_dir / PROD / done["fingerprint"]
    (files / "fct_budget.parquet").write_bytes(b"damaged")
    again = planwise("release", str(number), "--apply")  # nothing but the damaged file is written
    assert (again["status"], again["applied"], again["release"]) == (
        "in force already", False, done["release"],
    )  # fmt: skip
    assert run_command(["release", str(number), "--apply", "--as", "olga", "--home", str(home.root)]) == 0
    said = capsys.readouterr().out
    assert "in force already; nothing was changed" in said and "Released" not in said
    assert load_publication(home, PROD).file("fct_budget").read_bytes() != b"damaged"
    (listed,) = planwise("checkpoints")["checkpoints"]
    assert set(listed) == {"checkpoint", "scenario", "fingerprint", "released_at"}
    assert planwise("rollback", listed["checkpoint"])["status"] == "dry run"
    back = planwise("rollback", listed["checkpoint"], "--apply")
    assert (back["status"], back["models_run"], back["scenario"]) == ("rolled back", 0, "baseline")
    assert planwise("checkpoints")["checkpoints"][0]["scenario"] == "first"
    with open_ledger(home) as ledger:
        events = ledger.events.list(kind=EventType.IMPLEMENTATION_EVENT)
    assert {event.actor for event in events} == {"olga"}
    jobs = [job for job in JobReader(home).list() if job.kind in ("release", "rollback")]
    assert [(job.title, job.started_by, job.state) for job in jobs] == [
        ("Roll back to checkpoint_1", "olga", "done"),
        *[(f"Release proposal {number}", "olga", "done")] * 3,  # two of them had nothing to do
    ]
    steps = [step.name for step in jobs[0].steps]
    assert steps[-5:] == ["keep checkpoint", "store result", "show in prod", "commit", "publish"]
    assert "gate simulation" in {step.name for step in jobs[-1].steps}
    assert jobs[-1].result["release"] == done["release"]


def test_homes_that_share_a_ledger_on_postgresql(home, monkeypatch):
    with postgresql.server() as url:
        shared = home.model_copy(update={"ledger_url": url})
        with open_ledger(shared) as ledger:  # what is published is recorded when it opens
            ledger.scenarios.create("first", SCENARIOS["first"])
        number = approved(shared, "first")
        assert released(shared, number).as_json()["models_run"] == 0
        check_equal(shared, "scenario_first")
        assert in_force(shared)[0] == {"cola_rate": 0.04}
        with open_ledger(shared) as ledger:
            checkpoint = Releases(ledger).list()[0].checkpoint
        other = shared.model_copy(update={"home": home.root.parent / "other"})
        shutil.copytree(home.root, other.root, ignore=shutil.ignore_patterns("home.id"))
        with monkeypatch.context() as patched, pytest.raises(Killed):
            Death(patched, 1, SHARED, Killed)
            rolled_back(shared, checkpoint)
        for refused in (lambda: rolled_back(other, checkpoint), lambda: released(other, number)):
            with pytest.raises(Busy, match=f"home .*:{home.root} is not finished. Only that home"):
                refused()
        listed, said = list_checkpoints(other)
        assert len(listed) == 1 and "Only that home can finish or undo it" in said
        with open_ledger(shared) as ledger:
            assert Releases(ledger).unfinished() is not None  # the other home has left it alone
        assert "undone" in list_checkpoints(shared)[1]
        assert rolled_back(shared, checkpoint).as_json()["models_run"] == 0
        assert in_force(shared)[0] == {}
        with open_ledger(shared) as ledger:
            assert ledger.events.verify().ok


def test_a_rollout_is_simulated_phase_by_phase(home, capsys):
    report = use_cases.rollout(home, RolloutRequest(scenario="second", tolerance="high"), SILENT).as_json()
    assert [phase["scenario"] for phase in report["phases"]] == ["second_phase_1", "second_phase_2"]
    colas = [
        {one["lever"]: one["value"] for one in phase["levers"]}["cola_rate"] for phase in report["phases"]
    ]
    default = catalogue().levers["cola_rate"].default
    assert colas == [pytest.approx((default + 0.05) / 2), 0.05]
    assert report["phases"][1]["fingerprint"] == fingerprint_in_force(home, "second")
    costs = [phase["kpis"][0]["increase_cost"] for phase in report["phases"]]
    assert load_publication(home, "baseline").manifest["kpis"][0]["increase_cost"] < costs[0] < costs[1]
    payroll = report["phases"][1]["kpis"][-1]["payroll"]
    assert run_command(["rollout", "second", "--phases", "1", "--home", str(home.root)]) == 0
    with in_currency("USD"):
        assert re.search(
            rf"1 +second_phase_1 +100% +\S+ +{re.escape(money_short(payroll))}", capsys.readouterr().out
        )
    with open_ledger(home) as ledger:
        ledger.scenarios.create("first_phase_1", {})
    with pytest.raises(InputError, match="no phase of first"):
        use_cases.rollout(home, RolloutRequest(scenario="first", phases=2), SILENT)
    for wrong in ({}, {"phases": 2, "tolerance": "low"}):
        with pytest.raises(InputError, match="number of phases or a risk tolerance"):
            use_cases.rollout(home, RolloutRequest(scenario="first", **wrong), SILENT)
