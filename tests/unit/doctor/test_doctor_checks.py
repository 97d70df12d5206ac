"""The verdicts on facts, and the facts of homes that are broken on purpose."""

import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows import doctor as checks
from flows.doctor import CheckStatus, examine
from planwise.census import generate_census
from planwise.engine.warehouse import MARTS
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.settings import Settings
from planwise.storage import hold_lock, make_private
from tests.ui.published import manifest

HOME = Path("/somewhere")


@pytest.mark.parametrize(
    ("running", "status"),
    [
        ((3, 10, 14), CheckStatus.FAILED),
        ((3, 11, 0), CheckStatus.OK),
        ((3, 13, 1), CheckStatus.OK),
        ((4, 0, 0), CheckStatus.OK),
    ],
)
def test_python(running, status):
    assert checks.python(running).status is status


@pytest.mark.parametrize(
    ("installed", "wanted", "status"),
    [
        ("2.0.57", "<2.1,>=2.0.36", CheckStatus.OK),
        ("2.1.0", "<2.1,>=2.0.36", CheckStatus.FAILED),
        ("2.1.0b1", "<2.1,>=2.0.36", CheckStatus.FAILED),
        ("0.236.4", "==0.236.*", CheckStatus.OK),
        ("0.237.0", "==0.236.*", CheckStatus.FAILED),
        (None, ">=1", CheckStatus.FAILED),
        ("7", "", CheckStatus.OK),
    ],
)
def test_a_version_against_its_pin(installed, wanted, status):
    check = checks.package("a-package", installed, wanted, "something breaks")
    assert check.status is status
    assert (check.remedy is not None) == (status is CheckStatus.FAILED)


@pytest.mark.parametrize(
    ("missing", "problem", "found"),
    [
        ((), None, "PlanWise 1.0 in /somewhere"),
        (("ui/app.py", "a"), None, "2 files of PlanWise 1.0 are missing in /somewhere: ui/app.py ..."),
        ((), InputError("No models.", remedy="Correct it."), "No models."),
    ],
)
def test_an_installation(missing, problem, found):
    check = checks.installation(HOME, "1.0", missing, problem)
    assert check.found == found
    broken = bool(missing or problem)
    assert (check.status is CheckStatus.FAILED, check.remedy is not None) == (broken, broken)


def test_what_breaks_outside_a_pin_is_said():
    assert "runs stop" in checks.package("sqlalchemy", "2.1", "<2.1", "runs stop").found


@pytest.mark.parametrize(
    ("free_mb", "status"), [(199, CheckStatus.FAILED), (200, CheckStatus.WARNING), (2_000, CheckStatus.OK)]
)
def test_space(free_mb, status):
    sizes = {"warehouse.duckdb": 98.4, "published": 2.0, "jobs": 1.0, "logs": 0.6}
    found = checks.home(HOME, exists=True, problem=None, free_mb=free_mb, sizes=sizes)
    assert found.status is status
    assert "102 MB used (warehouse.duckdb 98, published 2, jobs 1)" in found.found


def test_a_home_that_cannot_be_written_is_broken():
    found = checks.home(HOME, exists=True, problem="Read-only file system", free_mb=9_999, sizes={})
    assert found.status is CheckStatus.FAILED and "Read-only" in found.found


@pytest.mark.parametrize(
    ("revision", "status"),
    [
        ("0002", CheckStatus.OK),
        ("0001", CheckStatus.INFO),
        (None, CheckStatus.INFO),
        ("0099", CheckStatus.FAILED),
    ],
)
def test_the_revision_of_the_ledger(revision, status):
    found = checks.ledger(
        "x", exists=True, revision=revision, head="0002", known=("0001", "0002"), problem=None
    )
    assert found.status is status


def test_a_warehouse_in_use_is_not_broken():
    found = checks.warehouse(HOME, exists=True, holder="process 7", problem=None)
    assert found.status is CheckStatus.INFO and "process 7" in found.found


def test_an_api_is_shown_without_its_password():
    found = checks.prefect_api("http://me:secret@there/api", "refused")
    assert found.status is CheckStatus.FAILED
    assert "secret" not in found.found and "there" in found.found


def test_only_a_failure_is_broken():
    well = [checks.DoctorCheck("a", status, "") for status in CheckStatus if status is not CheckStatus.FAILED]
    assert not checks.broken(well)
    assert checks.broken([*well, checks.DoctorCheck("b", CheckStatus.FAILED, "")])


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


@pytest.fixture
def statuses(settings, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return lambda: {check.name: (check.status, check.found) for check in examine(settings)}


def test_nothing_is_made_and_nothing_broken_where_nothing_is_yet(settings, statuses):
    found = statuses()
    assert not settings.root.exists()
    for name in ("census in use", "ledger", "warehouse", "published"):
        assert found[name][0] is CheckStatus.SKIPPED


def test_a_sound_home_and_a_held_warehouse(settings, statuses):
    generate_census(settings, employees=20)
    open_ledger(settings).close()
    duckdb.connect(str(settings.warehouse_file)).close()
    found = statuses()
    assert [found[name][0] for name in ("home", "census in use", "ledger", "warehouse")] == [
        CheckStatus.OK
    ] * 4
    with hold_lock(settings.warehouse_lock_file, "a long study", timeout_seconds=0):
        status, shown = statuses()["warehouse"]
    assert status is CheckStatus.INFO and "a long study" in shown


def test_files_of_rubbish_are_found(settings, statuses):
    census = generate_census(settings, employees=20)
    for file in (census.census_file, settings.warehouse_file, settings.root / "ledger.sqlite"):
        file.write_bytes(b"rubbish " * 1_000)
    found = statuses()
    for name in ("census in use", "ledger", "warehouse"):
        assert found[name][0] is CheckStatus.FAILED, name


def published(settings, scenario):
    folder = settings.published_dir / scenario / "abc"
    folder.mkdir(parents=True)
    for mart in MARTS:
        pq.write_table(pa.table({"simulation_year": [0, 1]}), folder / f"{mart}.parquet")
    counts = {"row_counts": dict.fromkeys(MARTS, 2)}
    (folder / "manifest.json").write_text(json.dumps(manifest(scenario, "abc") | counts))
    (folder.parent / "current").write_text("abc")
    return folder


def test_published_results_are_read_to_the_last_mart(settings, statuses):
    published(settings, "sound")
    (published(settings, "gone") / "fct_budget.parquet").unlink()
    (published(settings, "rubbish") / "fct_budget.parquet").write_bytes(b"PAR1 no PAR1")
    pq.write_table(pa.table({"a": [1]}), published(settings, "short") / "fct_budget.parquet")
    (published(settings, "untold") / "manifest.json").write_text("{")
    found = statuses()
    assert found["published sound"][0] is CheckStatus.OK
    for scenario in ("gone", "rubbish", "short"):
        status, shown = found[f"published {scenario}"]
        assert status is CheckStatus.FAILED and "fct_budget" in shown
    assert found["published untold"][0] is CheckStatus.FAILED


def test_an_api_that_does_not_answer_is_broken(statuses, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert statuses()["Prefect API"][0] is CheckStatus.FAILED


def test_a_home_that_others_can_read_is_reported_and_mended(settings, capsys):
    generate_census(settings, employees=20)
    outside = settings.root.parent / "outside"
    outside.write_text("not ours")
    (settings.root / "logs").mkdir()
    (settings.root / "logs" / "link").symlink_to(outside)
    (settings.root / "notes.txt").write_text("the user's own")
    for path in (settings.root, *settings.root.rglob("*"), outside):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    (found,) = [check for check in examine(settings) if check.name == "privacy"]
    assert found.status is CheckStatus.FAILED and "censuses" in found.found and "--fix" in found.remedy
    settings.root.chmod(0o700)
    assert [c.status for c in examine(settings) if c.name == "privacy"] == [CheckStatus.WARNING]
    assert checks.doctor(fix=True, home=settings.root) == 0
    assert [c.status for c in examine(settings) if c.name == "privacy"] == [CheckStatus.OK]
    loose = {
        str(p)
        for p in (outside, *settings.root.rglob("*"))
        if not p.is_symlink() and p.stat().st_mode & 0o077
    }
    assert loose == {str(outside), str(settings.root / "notes.txt")}
    (settings.root / "notes.txt").unlink()


def test_a_folder_that_is_no_home_keeps_its_modes(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    assert make_private(tmp_path / "shared") == ()
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o777
