"""The ledger: opened and migrated, scenarios, levers in force and runs."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from planwise.errors import Busy, InputError
from planwise.governance import LedgerUnusable, SimulationRun, connection, effective_parameters, open_ledger
from planwise.governance.connection import HEAD, MIGRATIONS, revision
from planwise.governance.models import Base
from planwise.parameters import BASELINE
from planwise.settings import Settings

OPEN_AND_CREATE = """
import sys
from pathlib import Path
from planwise.governance import open_ledger
from planwise.settings import Settings
with open_ledger(Settings(home=Path(sys.argv[1]))) as ledger:
    for number in range(5):
        ledger.scenarios.create(f"s{sys.argv[2]}_{number}", {"cola_rate": 0.03})
"""


def test_the_migrations_make_the_tables_of_the_models(tmp_path):
    with open_ledger(Settings(home=tmp_path)) as ledger, ledger.engine.connect() as opened:
        differences = compare_metadata(MigrationContext.configure(opened), Base.metadata)
    assert differences == []


def test_the_head_that_opening_expects_is_the_migrations_head(tmp_path):
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD
    with open_ledger(Settings(home=tmp_path)) as ledger:
        assert revision(ledger.engine) == HEAD


def test_sqlite_writes_ahead_and_waits(tmp_path):
    with open_ledger(Settings(home=tmp_path)) as ledger, ledger.engine.connect() as opened:
        assert opened.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert opened.execute(text("PRAGMA busy_timeout")).scalar() == 30_000
        assert opened.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_processes_that_open_and_write_at_once_lose_nothing(tmp_path):
    home = tmp_path / "new"
    workers = [
        subprocess.Popen([sys.executable, "-c", OPEN_AND_CREATE, home, str(worker)], stderr=subprocess.PIPE)
        for worker in range(4)
    ]
    errors = [worker.communicate()[1].decode() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0, 0], errors
    with open_ledger(Settings(home=home)) as ledger:
        assert len(ledger.scenarios.list()) == 1 + 4 * 5


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "ledger.sqlite").write_bytes(b"this is no database " * 500)
    with pytest.raises(LedgerUnusable, match=r"ledger\.sqlite.*not a database") as caught:
        open_ledger(Settings(home=tmp_path))
    assert "backup" in caught.value.remedy


def test_a_home_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file is not a folder"):
        open_ledger(Settings(home=tmp_path / "file" / "home"))


def test_a_ledger_that_is_a_folder_is_named(tmp_path):
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(LedgerUnusable, match="unable to open database file"):
        open_ledger(Settings(home=tmp_path))


def test_a_read_only_ledger_is_named(tmp_path):
    with open_ledger(Settings(home=tmp_path)) as ledger:
        with ledger.engine.connect() as opened:
            opened.execute(text("PRAGMA query_only=ON"))
        with pytest.raises(LedgerUnusable, match="readonly"):
            ledger.scenarios.create("a")


def test_a_ledger_of_a_newer_version_is_rejected_untouched(tmp_path):
    with open_ledger(Settings(home=tmp_path)) as ledger, ledger.engine.begin() as opened:
        opened.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerUnusable, match=f"revision 9999, this PlanWise knows {HEAD}"):
        open_ledger(Settings(home=tmp_path))


def test_a_ledger_that_another_holds_is_busy(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_SECONDS", 0.2)
    with open_ledger(Settings(home=tmp_path)) as holder, open_ledger(Settings(home=tmp_path)) as other:
        with connection.writing(holder.engine), pytest.raises(Busy, match="database is locked"):
            other.scenarios.create("a")
        other.scenarios.create("a")


def test_an_opening_that_another_holds_is_busy(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_SECONDS", 0.2)
    with (
        open_ledger(Settings(home=tmp_path)) as holder,
        connection.upgrade_lock(holder.engine),
        pytest.raises(Busy, match=r"ledger.* is held by process .*open the ledger"),
    ):
        open_ledger(Settings(home=tmp_path))


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://", "nonsense", "what://x"])
def test_another_kind_of_database_is_rejected(tmp_path, url):
    with pytest.raises(LedgerUnusable, match="ledger") as caught:
        open_ledger(Settings(home=tmp_path, ledger_url=url))
    assert "PLANWISE_LEDGER_URL" in caught.value.remedy


def test_a_password_is_never_shown(tmp_path):
    with pytest.raises(LedgerUnusable) as caught:
        open_ledger(Settings(home=tmp_path, ledger_url="mysql://anna:secret@host/db"))
    assert "secret" not in str(caught.value)


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
YEARS = (2026, 2027, 2028)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(Settings(home=tmp_path), actor="anna", clock=lambda: NOON) as opened:
        yield opened


def test_a_scenario_is_stored_canonical_with_author_and_time(ledger):
    ledger.scenarios.create("raise_all", {"cola_rate": "3%", "seed": "7"}, description="more for all")
    found = ledger.scenarios.get("raise_all")
    assert found.overrides == {"cola_rate": 0.03, "seed": 7}
    assert type(found.overrides["seed"]) is int
    assert (found.created_by, found.created_at, found.description) == ("anna", NOON, "more for all")
    assert found.created_at.tzinfo is UTC


def test_it_is_there_for_who_opens_the_ledger_next(tmp_path):
    with open_ledger(Settings(home=tmp_path)) as first:
        first.scenarios.create("kept", {"cola_rate": 0.03})
    with open_ledger(Settings(home=tmp_path)) as second:
        assert second.scenarios.get("kept").overrides == {"cola_rate": 0.03}


def test_the_baseline_is_always_there_and_first_and_numbers_in_names_are_counted(ledger):
    for name in ("s10", "s1", "s2", "a"):
        ledger.scenarios.create(name, {})
    assert [scenario.name for scenario in ledger.scenarios.list()] == [BASELINE, "a", "s1", "s2", "s10"]
    assert ledger.scenarios.get(BASELINE).overrides == {}


@pytest.mark.parametrize("act", ["create", "delete", "set"])
def test_the_baseline_cannot_be_changed(ledger, act):
    with pytest.raises(InputError, match=BASELINE):
        getattr(ledger.scenarios, act)(BASELINE)


@pytest.mark.parametrize("name", ["", "A", "_a", "a-b", "a b", "a" * 49, "a/../b", "a\n", "prod"])
def test_bad_names_are_rejected(ledger, name):
    with pytest.raises(InputError, match="name"):
        ledger.scenarios.create(name)
    assert len(ledger.scenarios.list()) == 1


def test_a_name_of_48_is_the_longest(ledger):
    assert ledger.scenarios.create("a" * 48).name == "a" * 48


def test_a_taken_name_is_rejected_and_the_first_stays(ledger):
    ledger.scenarios.create("a", {"cola_rate": 0.03})
    with pytest.raises(InputError, match="The scenario a exists already"):
        ledger.scenarios.create("a", {"cola_rate": 0.04})
    assert ledger.scenarios.get("a").overrides == {"cola_rate": 0.03}


def test_a_scenario_is_replaced_or_stays(ledger):
    ledger.scenarios.create("a", {"seed": 1})
    with pytest.raises(InputError, match="not a simulated year"):
        ledger.scenarios.create("a", {"cola_rate@2040": 0.03}, years=YEARS, replace=True)
    assert ledger.scenarios.get("a").overrides == {"seed": 1}
    assert ledger.scenarios.create("a", {"seed": 2}, replace=True) == ledger.scenarios.get("a")


def test_an_unknown_name_gives_the_nearest(ledger):
    ledger.scenarios.create("raise_all")
    with pytest.raises(InputError, match="Unknown scenario 'raise_al'") as caught:
        ledger.scenarios.get("raise_al")
    assert "raise_all" in caught.value.remedy


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"cola_rate": 0.5}, "hard bounds"),
        ({"cola_rate@2031": 0.03}, "not a simulated year"),
        ({"nonsense": 1}, "Unknown parameter"),
        ({"new_hire_level_share_1": 1}, "new_hire_level_share"),
    ],
)
def test_what_could_not_be_resolved_is_not_stored(ledger, overrides, message):
    with pytest.raises(InputError, match=message):
        ledger.scenarios.create("bad", overrides, years=YEARS)
    assert [scenario.name for scenario in ledger.scenarios.list()] == [BASELINE]
    good = ledger.scenarios.create("good", {"seed": 1}, years=YEARS)
    with pytest.raises(InputError, match=message):
        ledger.scenarios.set("good", overrides, years=YEARS)
    assert ledger.scenarios.get("good") == good


def test_a_clone_copies_and_changes_without_touching_its_source(ledger):
    ledger.scenarios.create("a", {"cola_rate@2027": 0.05, "seed": 1}, census="acme", description="Why")
    clone = ledger.scenarios.clone("a", "b", {"cola_rate": 0.03})
    assert (clone.overrides, clone.parent, clone.census) == ({"cola_rate": 0.03, "seed": 1}, "a", "acme")
    assert clone.description == "Why"
    assert ledger.scenarios.clone("a", "c", description="", census="other").description == ""
    assert ledger.scenarios.get("c").census == "other"
    assert ledger.scenarios.get("a").overrides == {"cola_rate@2027": 0.05, "seed": 1}
    assert ledger.scenarios.get("b") == clone


def test_set_changes_and_unsets(ledger):
    ledger.scenarios.create("a", {"cola_rate": 0.03, "seed": 1})
    changed = ledger.scenarios.set("a", {"merit_rate_level_1": 0.04}, unset=["seed"])
    assert changed.overrides == {"cola_rate": 0.03, "merit_rate_level_1": 0.04}
    assert ledger.scenarios.get("a") == changed
    with pytest.raises(InputError, match="does not override seed"):
        ledger.scenarios.set("a", unset=["seed"])


def test_an_edit_of_what_has_changed_since_it_was_read_saves_nothing(ledger):
    seen = ledger.scenarios.create("a", {"cola_rate": 0.03, "seed": 1}).overrides
    theirs = ledger.scenarios.set("a", {"cola_rate": 0.05}, seen=seen)
    for stale in (seen, {}):
        with pytest.raises(InputError, match="changed by another user"):
            ledger.scenarios.set("a", {"cola_rate": 0.02}, unset=["seed"], seen=stale)
    assert ledger.scenarios.get("a") == theirs
    assert ledger.scenarios.set("a", {"seed": 2}, seen=theirs.overrides).overrides["cola_rate"] == 0.05


def test_a_deleted_scenario_is_gone_and_its_name_free(ledger):
    ledger.scenarios.create("a", {"seed": 1})
    ledger.scenarios.delete("a")
    with pytest.raises(InputError, match="Unknown scenario 'a'"):
        ledger.scenarios.delete("a")
    assert ledger.scenarios.create("a").overrides == {}


def test_a_title_is_any_text_on_one_line(ledger):
    made = ledger.scenarios.create("a", title=" Board,\n\tplan =1+1 “B” ")
    assert made.title == "Board, plan =1+1 “B”"
    assert (ledger.scenarios.clone("a", "b").title, ledger.scenarios.clone("a", "c", title="C").title) == (
        made.title,
        "C",
    )
    assert ledger.scenarios.set("a", title="New").title == ledger.scenarios.get("a").title == "New"
    with pytest.raises(InputError, match=r"at most 200 characters \(got 201\)"):
        ledger.scenarios.create("d", title="x" * 201)


def test_an_archived_scenario_leaves_the_lists_and_loses_nothing(ledger):
    made = ledger.scenarios.create("a", {"seed": 1}, title="A", census="acme")
    archived = ledger.scenarios.archive("a")

    assert [one.name for one in ledger.scenarios.list()] == ["baseline"]
    assert ledger.scenarios.list(archived=True)[1] == archived == ledger.scenarios.get("a")
    assert archived.archived_at is not None
    with pytest.raises(InputError, match="exists already"):
        ledger.scenarios.create("a")
    assert ledger.scenarios.archive("a", restore=True) == made == ledger.scenarios.list()[1]
    with pytest.raises(InputError, match="built in"):
        ledger.scenarios.archive("baseline")


def test_effective_parameters_take_all_tiers(ledger):
    ledger.dynamic_levers.replace({"cola_rate": 0.03, "merit_rate_level_1": 0.04})
    scenario = ledger.scenarios.create("a", {"cola_rate": 0.05, "years": 2})
    found = effective_parameters(ledger, scenario, 2026, {"seed": 3})
    assert found.years == (2026, 2027)
    tiers = [found.tier(name) for name in ("cola_rate", "merit_rate_level_1", "merit_rate_level_2", "seed")]
    assert tiers == ["scenario", "dynamic", "default", "scenario"]
    assert found.seed == 3
    assert "seed" not in ledger.scenarios.get("a").overrides


STARTED = datetime(2026, 11, 20, 14, tzinfo=timezone(timedelta(hours=2)))


def test_levers_in_force_are_replaced_as_a_whole(ledger):
    assert ledger.dynamic_levers.current() == {}
    ledger.dynamic_levers.replace({"cola_rate": 0.03, "cola_rate@2027": 0.04})
    assert ledger.dynamic_levers.current() == {"cola_rate": 0.03, "cola_rate@2027": 0.04}
    ledger.dynamic_levers.replace({"merit_rate_level_1": "4%"})
    assert ledger.dynamic_levers.current() == {"merit_rate_level_1": 0.04}


@pytest.mark.parametrize("levers", [{"cola_rate": 0.03, "merit_rate_level_1": 0.5}, {"seed": 1}])
def test_a_bad_lever_leaves_the_old_ones_in_force(ledger, levers):
    ledger.dynamic_levers.replace({"cola_rate": 0.02})
    with pytest.raises(InputError):
        ledger.dynamic_levers.replace(levers)
    assert ledger.dynamic_levers.current() == {"cola_rate": 0.02}


def record(ledger, scenario, **changes):
    values = {
        "fingerprint": "f" * 64,
        "environment": "scenario_a",
        "started_at": STARTED,
        "seconds": 1.5,
        "models_run": 12,
        "models_reused": 3,
        "gate_status": "passed",
        "published": True,
        "kpis": [{"simulation_year": 2026, "growth_all": 0.031}],
    }
    return ledger.runs.record(SimulationRun(scenario=scenario, **{**values, **changes}))


def test_runs_are_listed_newest_first_as_recorded(ledger):
    first, second, third = (record(ledger, name) for name in ("a", "b", "a"))
    assert ledger.runs.list() == [third, second, first]
    assert ledger.runs.list("a", limit=1) == [third]
    assert first.kpis == [{"simulation_year": 2026, "growth_all": 0.031}]


def test_times_are_kept_in_utc(ledger):
    record(ledger, "a")
    (run,) = ledger.runs.list()
    assert run.started_at == STARTED
    assert run.started_at.tzinfo is UTC


def test_a_time_without_zone_is_rejected(ledger):
    with pytest.raises(Exception, match="has no time zone"):
        record(ledger, "a", started_at=datetime(2026, 1, 1))
    assert ledger.runs.list() == []
