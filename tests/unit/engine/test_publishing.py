"""Published: complete or not there, and only past the gate."""

import json
import os
import time
from datetime import datetime

import pytest

from planwise.app.maintain import remove_leftovers
from planwise.census import generate_census
from planwise.engine import publishing
from planwise.engine.outcome import PlanOutcome
from planwise.engine.publishing import publish
from planwise.errors import DamagedStore, GateBlocked, InputError
from planwise.gate import GateCheck, GateResult
from planwise.governance import open_ledger
from planwise.governance.publications import list_publications, load_publication
from planwise.parameters import resolve
from planwise.settings import Settings
from planwise.storage import hold_lock


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


class Exporter:
    """Stands for a warehouse: writes a recognisable file for each mart; `seen` is what `read` gave."""

    def __init__(self, text="rows", broken_at=None, read=lambda: None):
        self.text, self.broken_at, self.read = text, broken_at, read
        self.seen = []

    def export(self, environment, mart, order, file):
        self.seen.append(self.read())
        if mart == self.broken_at:
            raise OSError("No space left on device")
        file.write_text(f"{self.text} {mart} {order}")
        return 3


def gate(*, critical=False):
    check = GateCheck("e", "d", "t", None, "critical", not critical, 1, "at most 0", 1, 0, (), "look")
    return GateResult("simulation", (check,), 0.1)


def published(settings, fingerprint, *, exporter=None, blocked=False):
    census = generate_census(settings, employees=5, seed=1)
    return publish(
        settings,
        exporter or Exporter(),
        scenario="baseline",
        outcome=PlanOutcome(
            "scenario_baseline", fingerprint, 1.0, ("marts.a",), (), [{"simulation_year": 2026}]
        ),
        census=census,
        effective=resolve((2026,), scenario={}),
        gate=gate(critical=blocked),
    )


def test_a_reader_finds_what_was_published(settings):
    published(settings, "f1")
    found = load_publication(settings, "baseline")
    assert found.fingerprint == "f1"
    assert found.manifest["row_counts"]["fct_budget"] == 3
    assert found.manifest["kpis"] == [{"simulation_year": 2026}]
    assert found.manifest["gate"]["status"] == "passed"
    assert {file.name for file in found.folder.iterdir()} == {
        "manifest.json",
        "validations.json",
        *(f"{mart}.parquet" for mart in publishing.GRAIN),
    }
    assert [one.scenario for one in list_publications(settings)] == ["baseline"]


def test_a_blocking_gate_publishes_nothing_and_leaves_the_old(settings):
    published(settings, "f1")
    with pytest.raises(GateBlocked):
        published(settings, "f2", blocked=True)
    assert load_publication(settings, "baseline").fingerprint == "f1"
    assert not (settings.published_dir / "baseline" / "f2").exists()


def test_a_full_disk_leaves_the_old_and_no_trace(settings):
    published(settings, "f1")
    with pytest.raises(OSError, match="No space"):
        published(settings, "f2", exporter=Exporter(broken_at="fct_budget"))
    home = settings.published_dir / "baseline"
    assert load_publication(settings, "baseline").fingerprint == "f1"
    assert sorted(entry.name for entry in home.iterdir()) == ["current", "f1"]


def test_until_it_is_complete_a_reader_sees_only_what_was_before(settings):
    """Neither the file `current` nor a folder of that name leads to files that are still written."""
    home = settings.published_dir / "baseline"

    def read():
        whole = {folder.name: len(list(folder.iterdir())) for folder in home.glob("f?")}
        old = (home / "f1" / "fct_budget.parquet").read_text()
        return load_publication(settings, "baseline").fingerprint, whole, old.split()[0]

    first = published(settings, "f1")
    files = len(list(first.folder.iterdir()))
    for fingerprint in ("f2", "f1"):
        exporter = Exporter("new", read=read)
        before = read()
        published(settings, fingerprint, exporter=exporter)
        assert exporter.seen == [before] * len(publishing.GRAIN)
    assert read() == ("f1", {"f1": files, "f2": files}, "new")


def test_the_result_before_is_kept_and_older_ones_go(settings):
    """The result in force stays although the clock was set back, and a partial folder while it is young."""
    home = settings.published_dir / "baseline"
    for name, age in (("killed.1.part", 86_400), ("running.2.part", 60)):
        (home / name).mkdir(parents=True)
        os.utime(home / name, 2 * (time.time() - age,))
    for year, fingerprint in ((2098, "f1"), (2099, "f2"), (2026, "f3")):
        made = published(settings, fingerprint)
        os.utime(made.folder / "manifest.json", 2 * (datetime(year, 1, 1).timestamp(),))
        folders = sorted(folder.name for folder in home.iterdir() if folder.is_dir())
        assert fingerprint in folders
    assert folders == ["f2", "f3", "running.2.part"]


def test_publishing_a_fingerprint_again_repairs_it(settings):
    first = published(settings, "f1")
    first.file("fct_budget").write_text("damaged")
    (first.folder / "manifest.json").write_text("{")
    published(settings, "f1")
    found = load_publication(settings, "baseline")
    assert found.file("fct_budget").read_text().startswith("rows")
    assert sorted(entry.name for entry in found.folder.parent.iterdir()) == ["current", "f1"]


def test_what_is_missing_or_damaged_says_what_to_do(settings):
    with pytest.raises(InputError, match=r"planwise simulate --scenario nobody"):
        load_publication(settings, "nobody")
    found = published(settings, "f1")
    (found.folder / "manifest.json").write_text("{")
    with pytest.raises(DamagedStore, match=r"is damaged: .*manifest\.json"):
        load_publication(settings, "baseline")


def test_the_manifest_is_plain_json(settings):
    found = published(settings, "f1")
    manifest = json.loads((found.folder / "manifest.json").read_text())
    tiers = {row["parameter"]: row["tier"] for row in manifest["parameters"]}
    assert tiers["cola_rate"] == "default"
    assert (manifest["census"]["rows"], manifest["census"]["as_of"]) == (5, "2025-12-31")


class Killed(BaseException):
    """What no code of ours answers, as it answers no SIGKILL."""


@pytest.mark.parametrize("before", [None, "f1"])
@pytest.mark.parametrize(
    ("step", "in_force"),
    [
        ("storage.os.rename", False),
        ("engine.publishing.write_text", False),
        ("engine.publishing._prune", True),
    ],
)
def test_a_kill_at_any_step_leaves_a_result_that_the_next_command_records(
    settings, monkeypatch, before, step, in_force
):
    def killed(*_, **__):
        raise Killed

    if before:
        published(settings, before)
        open_ledger(settings).close()
    with monkeypatch.context() as broken, pytest.raises(Killed):
        broken.setattr(f"planwise.{step}", killed)
        published(settings, "f2")
    expected = "f2" if in_force else before
    with (
        hold_lock(settings.warehouse_lock_file, "simulate", timeout_seconds=0),
        open_ledger(settings) as ledger,
    ):
        recorded = ledger.runs.last_published().get("baseline")
        assert recorded == before  # the process that has the warehouse records its own run
    for _ in range(2):  # once, and not again
        with open_ledger(settings) as ledger:
            runs = ledger.runs.list()
            assert ledger.runs.last_published().get("baseline") == expected
            assert len(runs) == len({before, expected} - {None})
    if in_force:
        assert (runs[0].kpis, runs[0].gate_status) == ([{"simulation_year": 2026}], "passed")
        assert (runs[0].models_run, runs[0].models_reused, runs[0].published) == (1, 0, True)
        manifest = load_publication(settings, "baseline").manifest
        assert runs[0].started_at.isoformat() == manifest["started_at"]


def test_a_result_that_is_published_once_more_after_another_is_recorded_once_more(settings):
    for fingerprint in ("f1", "f2", "f1"):
        published(settings, fingerprint)
        with open_ledger(settings) as ledger:
            assert ledger.runs.list()[0].fingerprint == fingerprint


def test_what_is_not_a_result_is_left_alone(settings):
    for fingerprint in ("f1", "f2", "f3"):
        published(settings, fingerprint)
        home = settings.published_dir / "baseline"
        (home / "@eaDir").mkdir(exist_ok=True)
        (settings.published_dir / "lost+found").mkdir(exist_ok=True)
        (settings.published_dir / ".DS_Store").write_bytes(b"\0")
        assert list_publications(settings)[0].fingerprint == fingerprint
    assert sorted(entry.name for entry in home.iterdir()) == ["@eaDir", "current", "f2", "f3"]


def test_maintain_removes_what_killed_processes_left_and_nothing_that_is_being_written(settings):
    published(settings, "whole")
    old = ("published/baseline/f.1.part", "censuses/.versions/c.2.part", "jobs/j/r.3.part", "ledger.4.part")
    new = ("jobs/j/g.5.part", "studies.6.part")
    for name in (*old, *new):
        path = settings.root / name
        path.mkdir(parents=True)
        (path / "pay.parquet").write_text("pay")
        if name in old:
            os.utime(path, (1, 1))
    listed = remove_leftovers(settings, dry_run=True)
    assert {path.relative_to(settings.root).as_posix() for path in listed} == set(old)
    assert set(remove_leftovers(settings, dry_run=False)) == set(listed)
    left = {path.relative_to(settings.root).as_posix() for path in settings.root.rglob("*.part")}
    assert left == set(new)
    assert load_publication(settings, "baseline").fingerprint == "whole"
