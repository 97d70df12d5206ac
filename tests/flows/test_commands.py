"""`planwise simulate`, `preview` and `optimize`, as programs where it matters that they are."""

import json
import signal
import time
from types import SimpleNamespace

import pytest

from planwise.cli import commands
from planwise.governance.publications import load_publication
from tests.waiting import WAIT_SECONDS, wait_until

pytestmark = pytest.mark.long

SIMULATE = ("simulate", "--years", "2")  # fewer models to run than the default's five


@pytest.fixture(scope="module", autouse=True)
def _no_api(monkeypatch_module):
    monkeypatch_module.delenv("PREFECT_API_URL", raising=False)


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture
def answered(settings, monkeypatch, capsys):
    """Run a command within this process; return its code, its one JSON object, and its messages."""

    def call(*tokens):
        monkeypatch.setenv("PLANWISE_HOME", str(settings.root))
        code = commands.run([*tokens, "--json"])
        shown = capsys.readouterr()
        return SimpleNamespace(code=code, answer=json.loads(shown.out), err=shown.err)

    return call


def test_a_killed_simulation_leaves_nothing_that_hinders(settings, planwise):
    first = planwise.start(*SIMULATE)
    wait_until(lambda: settings.warehouse_file.exists() and settings.warehouse_lock_file.read_text())
    time.sleep(1.5)  # SQLMesh is at its tables by now
    first.kill()
    first.communicate(timeout=WAIT_SECONDS)
    assert not (settings.published_dir / "baseline" / "current").exists()
    done = planwise.json(*SIMULATE)
    assert done.code == 0, done.err
    assert load_publication(settings, "baseline").fingerprint == done.answer["fingerprint"]


def test_the_answer_has_the_keys_of_the_contract(answered):
    done = answered(*SIMULATE, "--no-flow")
    assert done.code == 0, done.err
    answer = done.answer
    assert answer["orchestrated"] == "in process"
    assert answer["models_run"] == 0 < answer["models_reused"]
    assert answer["gate"]["evaluated"] > 50
    assert answer["gate"].keys() >= {"status", "evaluated", "failed"}
    assert [year["simulation_year"] for year in answer["kpis"]] == [2026, 2027]
    assert "0 models to run" in done.err


def test_two_at_once_one_waits_and_names_the_other(planwise):
    pair = [planwise.start(*SIMULATE, "--json") for _ in range(2)]
    ended = [process.communicate(timeout=120) for process in pair]
    assert [process.returncode for process in pair] == [0, 0]
    fingerprints = {json.loads(out)["fingerprint"] for out, _ in ended}
    assert len(fingerprints) == 1
    waited = [
        f"held by process {other.pid} (simulate baseline)" in err
        for (_, err), other in zip(ended, reversed(pair), strict=True)
    ]
    assert sorted(waited) == [False, True], [err for _, err in ended]


def test_a_blocked_simulation_exits_3_with_one_json_object(answered, strict_gate):
    done = answered(*SIMULATE, "--set", "cola_rate=0.03")
    assert done.code == 3
    assert done.answer["published"] is False
    assert done.answer["gate"]["failed"][0]["expectation"] == "growth_all_possible"
    assert done.answer["error"]["remedy"]


def test_preview_equals_the_simulation(settings, answered):
    published = load_publication(settings, "baseline")
    previewed = answered("preview", *SIMULATE[1:])
    assert previewed.code == 0, previewed.err
    assert previewed.answer["employees"] == 500
    assert previewed.answer["kpis"] == published.manifest["kpis"]


def test_a_study_that_is_terminated_takes_its_warehouse_with_it(settings, planwise):
    study = planwise.start(
        "optimize",
        "--target-growth",
        "0.05",
        "--strategy",
        "tpe",
        "--trials",
        "500",
        "--no-flow",
        "--years",
        "1",
    )
    wait_until(lambda: list(settings.workers_dir.glob("*.duckdb")) or study.poll() is not None)
    time.sleep(2)
    study.send_signal(signal.SIGTERM)
    _, err = study.communicate(timeout=WAIT_SECONDS)
    assert study.returncode == 128 + signal.SIGTERM, err
    assert list(settings.workers_dir.iterdir()) == []
