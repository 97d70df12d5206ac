"""Trials and variants on a Dask cluster, studies in PostgreSQL: equal results, nothing lost with a worker."""

import os
import sys
import time
import types
from contextlib import closing

import pytest

from planwise import dask_cluster
from planwise.app.optimize import optimize
from planwise.app.simulate import resolve_scenario
from planwise.app.sweep import tried_rows
from planwise.cli.commands import run as planwise_cli
from planwise.dask_cluster import ClusterUnusable, open_cluster, without_secrets
from planwise.engine.preview import Preview
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.governance.request import ScenarioRequest
from planwise.settings import Settings
from planwise.study import Hooks, OptimizeRequest, TrialPool
from planwise.study.optuna_storage import load_study
from planwise.study.study_files import read_result
from planwise.study.trial import finished_trials, unfinished
from tests import postgresql
from tests.unit.study.study_worlds import COLA, ParallelWorld, World
from tests.waiting import wait_until

pytestmark = pytest.mark.long
LONG = 15.0  # seconds that a trial takes which is not waited for


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    options = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "memory_limit": 0}
    with LocalCluster(n_workers=2, threads_per_worker=1, **options) as started:
        yield started


@pytest.fixture(scope="module")
def database():
    with postgresql.server() as url:
        yield url


class DaskWorld(ParallelWorld):
    """A world whose plans are made on the cluster."""

    def __init__(self, cluster, home, deeds=None, database=None):
        super().__init__(home, deeds)
        (home / "censuses").mkdir()
        self.settings = Settings(home=home, study_storage_url=database)
        self.started, self.address = cluster, cluster.scheduler_address

    def study(self, target, name="s", **question):
        self.real = None
        self.started.wait_for_workers(2)  # the nanny replaces those that tests kill
        with (
            open_cluster(self.settings, self.address, 2) as cluster,
            TrialPool(self.workers, cluster.size, start_process=cluster.start) as pool,
        ):
            self.cluster = cluster
            return World.study(self, target, name, pool=pool, tune=(COLA,), seeds=0, **question)


def drawn(settings, name):
    trials = finished_trials(load_study(settings, name))
    return [(trial.number, trial.levers, trial.state) for trial in trials if trial.kind == "real"]


@pytest.mark.parametrize(("strategy", "draws"), [("tpe", 4), ("random", 1)])
def test_a_cluster_with_postgresql_finds_what_one_worker_finds(cluster, database, tmp_path, strategy, draws):
    """TPE learns from what is finished, so equal studies need draws in groups of a fixed size."""
    question = {"strategy": strategy, "draws": draws, "trials": 16}
    one = World(tmp_path / "one")
    alone = one.study(0.04, f"s_{strategy}", tune=(COLA,), seeds=0, **question)
    world = DaskWorld(cluster, tmp_path / "dask", database=database)
    found = world.study(0.04, f"s_{strategy}", **question)
    assert found.levers == alone.levers and found.real_plans == alone.real_plans
    assert drawn(world.settings, f"s_{strategy}") == drawn(one.settings, f"s_{strategy}")
    assert str(os.getpid()) not in {begun[1] for begun in world.files("begun")}
    assert not (world.settings.studies_dir / f"s_{strategy}" / "journal.log").exists()


def test_a_trial_whose_worker_is_lost_is_evaluated_by_another_one(cluster, tmp_path, monkeypatch):
    world = DaskWorld(cluster, tmp_path, {20: "dies once"})
    result, answers = world.listed(monkeypatch, 0.020, 0.021, 0.022)
    assert (result.stopped, result.trials_failed, result.real_plans) == ("trials", 0, 3)
    assert [trial.levers[COLA] for trial in answers] == [0.020, 0.021, 0.022]
    assert world.cluster.lost >= 1


def test_a_cancelled_study_ends_at_once_and_keeps_its_best(cluster, tmp_path, monkeypatch):
    world = DaskWorld(cluster, tmp_path, {20: LONG, 21: LONG})
    requested: list[float] = []

    def should_stop():
        if len(world.files("begun")) >= 3:
            requested.append(time.monotonic())
        return bool(requested)

    result, _ = world.listed(monkeypatch, 0.025, 0.020, 0.021, hooks=Hooks(should_stop=should_stop))
    assert time.monotonic() - requested[0] < 10
    assert (result.stopped, result.real_plans) == ("cancelled", 1)
    assert read_result(world.settings, "s")["levers"][COLA] == 0.025
    assert unfinished(load_study(world.settings, "s")) == 2


def test_plans_and_variants_of_a_cluster_equal_previews(cluster, settings, run):
    """Real plans: each worker has a warehouse of its own in the home, and deletes it."""
    cluster.wait_for_workers(2)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("short", {"years": 1})
    study = OptimizeRequest(
        scenario="short", target_growth=0.05, strategy="random", trials=2, seeds=0, publish=False
    )
    previewed, found = (
        optimize(settings, study.model_copy(update=how), run).result
        for how in ({"preview": True}, {"dask": cluster.scheduler_address})
    )
    assert found.levers == previewed.levers and found.growth == pytest.approx(previewed.growth, abs=1e-9)
    assert (found.kind, found.real_plans, found.trials_failed) == ("real", 2, 0)
    changes = ScenarioRequest(seed=5)
    with open_cluster(settings, cluster.scheduler_address, 1) as opened:
        (row,) = tried_rows(settings, [("short", ("seed 5", changes))], 1, run, opened)
    resolved = resolve_scenario(settings, changes.model_copy(update={"scenario": "short"}))
    with closing(Preview(settings, resolved.census)) as preview:
        last = preview.evaluate(resolved.effective).kpis[-1]
    assert (row.verdict, row.payroll) == ("feasible", pytest.approx(last["payroll"]))
    wait_until(lambda: not list(settings.workers_dir.glob("*.duckdb")))


def test_a_scheduler_that_does_not_answer_is_bad_input_with_its_remedy(settings, monkeypatch, capsys):
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 0.5)
    tokens = ["sweep", "--seeds", "1", "--no-flow", "--home", str(settings.root), "--dask"]
    assert planwise_cli([*tokens, "tcp://127.0.0.1:1"]) == 2
    shown = capsys.readouterr().err
    assert "The Dask scheduler tcp://127.0.0.1:1 does not answer" in shown
    assert "correct --dask" in " ".join(shown.split())
    assert planwise_cli([*tokens, "http://here"]) == 2
    assert "is not the address of a Dask scheduler" in " ".join(capsys.readouterr().err.split())


def test_another_installation_or_another_home_is_refused_with_every_difference(
    cluster, tmp_path, monkeypatch
):
    settings = Settings(home=tmp_path)
    settings.censuses_dir.mkdir()
    nowhere = types.ModuleType("nowhere")  # only this process has it
    exec("def environment(settings): return {}", vars(nowhere))
    monkeypatch.setitem(sys.modules, "nowhere", nowhere)
    monkeypatch.setattr(dask_cluster, "environment", nowhere.environment)
    unusable = pytest.raises(ClusterUnusable, match="cannot be used on the Dask workers")
    with unusable, open_cluster(settings, cluster.scheduler_address, 1):
        pass
    monkeypatch.undo()
    monkeypatch.setattr(dask_cluster, "version", lambda name: "0.0.9")
    with pytest.raises(ClusterUnusable) as refused, open_cluster(settings, cluster.scheduler_address, 1):
        pass
    assert "duckdb is 1." in refused.value.what and "there and 0.0.9 here" in refused.value.what
    assert "requirements.lock" in refused.value.remedy and refused.value.exit_code == 2


def test_what_is_sent_to_other_machines_has_no_passwords(tmp_path):
    secret = "postgresql://planwise:secret@db/planwise"
    sent = without_secrets(Settings(home=tmp_path, ledger_url=secret, study_storage_url=secret))
    assert "secret" not in repr(sent)


def test_without_dask_the_extra_is_named(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError) as missing, open_cluster(settings, "local", 1):
        pass
    assert missing.value.remedy == "pip install 'planwise[scale]'"


def test_a_study_that_loses_its_last_worker_is_resumed_without_loss(cluster, tmp_path, monkeypatch):
    """The last test: it takes the cluster's workers away."""
    monkeypatch.setattr(dask_cluster, "WORKER_WAIT_SECONDS", 1.0)
    world = DaskWorld(cluster, tmp_path, {20: LONG})
    points = (0.025, 0.020, 0.021)

    def close(progress):
        if progress.kind == "real":
            cluster.scale(0)

    with pytest.raises(ClusterUnusable, match="has lost its last worker"):
        world.listed(monkeypatch, *points, hooks=Hooks(on_progress=close))
    assert len(drawn(world.settings, "s")) >= 1
    result, answers = ParallelWorld(tmp_path).listed(monkeypatch, *points, resume=True)
    assert [trial.levers[COLA] for trial in answers] == list(points)
    assert (result.stopped, result.real_plans, result.trials_failed) == ("trials", 3, 0)
