"""The ledger and its audit trail, the same on SQLite and on PostgreSQL."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import postgresql
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from planwise.app.backup import BackupRequest, RestoreRequest, back_up, restore
from planwise.app.runner import InProcessRunner
from planwise.errors import InputError
from planwise.governance import LedgerUnusable, SimulationRun, open_ledger, utc_now, verifier
from planwise.governance.chain import EventType
from planwise.governance.connection import MIGRATIONS, connect
from planwise.governance.models import Base
from planwise.settings import Settings

RUN = InProcessRunner(lambda message: None)
SECRET = "a key of the audit trail"


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_settings(request, tmp_path):
    if request.param == "sqlite":
        return Settings(home=tmp_path)
    url = request.getfixturevalue("server")
    postgresql.clear(url)
    return Settings(home=tmp_path, ledger_url=url)


@pytest.fixture
def ledger(ledger_settings):
    with open_ledger(ledger_settings, actor="anna") as opened:
        yield opened


def test_the_migrations_make_the_tables_of_the_models(ledger):
    with ledger.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert differences == []


def test_scenarios_levers_and_runs_are_kept(ledger_settings, ledger):
    ledger.scenarios.create("a", {"cola_rate": 0.03, "range_adjustment": None})
    with pytest.raises(InputError, match="already"):
        ledger.scenarios.create("a")
    assert ledger.scenarios.clone("a", "b", {"seed": 1}).overrides["seed"] == 1
    ledger.scenarios.delete("a")
    ledger.dynamic_levers.replace({"cola_rate": 0.03, "cola_rate@2027": 0.04})
    now = utc_now()
    run = ledger.runs.record(
        SimulationRun(
            scenario="b",
            fingerprint="f" * 64,
            environment="e",
            started_at=now,
            seconds=1.0,
            models_run=1,
            models_reused=0,
            gate_status="passed",
            published=True,
            kpis=[{"simulation_year": 2026}],
        )
    )
    with open_ledger(ledger_settings) as again:
        assert [scenario.name for scenario in again.scenarios.list()] == ["baseline", "b"]
        assert again.dynamic_levers.current() == {"cola_rate": 0.03, "cola_rate@2027": 0.04}
        assert again.runs.list() == [run]


def test_a_ledger_moves_to_the_other_engine_by_backup_and_restore(ledger_settings, ledger, server, tmp_path):
    ledger.scenarios.create("a", {"cola_rate": 0.03, "range_adjustment": None})
    ledger.dynamic_levers.replace({"cola_rate": 0.03, "cola_rate@2027": 0.04})
    done = back_up(ledger_settings, BackupRequest(output=tmp_path / "b.tar.zst"), RUN)
    before = rows(ledger)  # the last event is the backup's own
    ledger.close()
    postgresql.clear(server)
    other = None if ledger_settings.ledger_url else server
    target = Settings(home=tmp_path / "new", ledger_url=other)
    assert restore(target, RestoreRequest(file=done.output), RUN).problem is None
    with open_ledger(target, actor="ben") as restored:
        assert rows(restored) == before
        assert restored.events.verify([done.head]).ok
        restored.dynamic_levers.replace({"cola_rate": 0.05})  # its number is a new one
        with pytest.raises(DatabaseError):
            restored.engine.connect().execute(text("DELETE FROM event"))
    request = RestoreRequest(file=done.output)
    with pytest.raises(LedgerUnusable if other else InputError, match="not empty"):
        restore(Settings(home=tmp_path / "third" if other else target.root, ledger_url=other), request, RUN)


def rows(ledger):
    """Every row of every table, but for the head and the last event."""
    with ledger.engine.connect() as connection:
        found = {
            table.name: sorted(connection.execute(select(table)).all(), key=lambda row: str(row[0]).zfill(9))
            for table in Base.metadata.sorted_tables
            if table.name != "event_head"
        }
    return found | {"event": found["event"][:-1]}


WRITE = """
import os, sys
from pathlib import Path
from planwise.governance import EventType, open_ledger
from planwise.settings import Settings
home, url, processes, count = sys.argv[1:]
settings = Settings(home=Path(home), ledger_url=url or None)
children = []
for number in range(int(processes)):  # forked before anything is opened: they import once
    child = os.fork()
    if not child:
        with open_ledger(settings, actor=f"w{number}") as ledger:
            for event in range(int(count)):
                ledger.events.record(EventType.EXPORT, payload={"number": event})
        os._exit(0)
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] for child in children) != 0)
"""


def write_at_once(settings, processes, count):
    arguments = [str(settings.root), str(settings.ledger_url or ""), str(processes), str(count)]
    done = subprocess.run([sys.executable, "-c", WRITE, *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_ten_processes_that_write_at_once_make_one_chain(ledger_settings):
    write_at_once(ledger_settings, 10, 200)
    with open_ledger(ledger_settings) as ledger:
        found = ledger.events.verify()
        events = ledger.events.list()
    assert (found.ok, found.events, found.problem) == (True, 2000, "")
    for number in range(10):
        own = [event.payload["number"] for event in reversed(events) if event.actor == f"w{number}"]
        assert own == list(range(200))


def record(ledger, count=6):
    for number in range(count):
        ledger.events.record(EventType.EXPORT, subject=f"file {number}", payload={"rows": number})


REFUSED = [
    "UPDATE event SET actor = 'eve' WHERE sequence = 2",
    "DELETE FROM event WHERE sequence = 6",
    "INSERT INTO event SELECT sequence + 7, at, actor, role, type, scenario, subject, payload, key_id, "
    "previous_hash, hash FROM event WHERE sequence = 1",
    "UPDATE event_head SET sequence = 5",
    "UPDATE event_head SET hash = 'x'",
    "DELETE FROM event_head",
    "INSERT INTO event_head SELECT 2, sequence, hash FROM event_head",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_the_database_refuses_changes(ledger, statement):
    record(ledger)
    with pytest.raises(DatabaseError, match="audit trail only grows"), ledger.engine.begin() as connection:
        connection.execute(text(statement))
    assert ledger.events.verify().ok


def without_triggers(ledger, *statements):
    """Change the trail as someone who may change the database's rules; the triggers are there again after."""
    with ledger.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            rows = connection.execute(
                text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            ).all()
            before = [f"DROP TRIGGER {name}" for name, _ in rows]
            after = [sql for _, sql in rows]
        else:
            before = ["SET session_replication_role = replica"]
            after = ["SET session_replication_role = origin"]
        for statement in (*before, *statements, *after):
            connection.exec_driver_sql(statement)


def move_head(to):
    return f"UPDATE event_head SET sequence = {to}, hash = (SELECT hash FROM event WHERE sequence = {to})"


SWAP = [
    "UPDATE event SET sequence = 99 WHERE sequence = 3",
    "UPDATE event SET sequence = 3 WHERE sequence = 4",
    "UPDATE event SET sequence = 4 WHERE sequence = 99",
]
INSERTED = (
    "INSERT INTO event SELECT 7, at, actor, role, type, scenario, subject, payload, key_id, hash, "
    "'0123456789012345678901234567890123456789012345678901234567890123' FROM event WHERE sequence = 6"
)
TAMPERED = {
    "changed payload": (["UPDATE event SET payload = '{}' WHERE sequence = 3"], 3, "event 3 was changed"),
    "changed actor": (["UPDATE event SET actor = 'eve' WHERE sequence = 6"], 6, "event 6 was changed"),
    "changed time": (["UPDATE event SET at = '2020' WHERE sequence = 1"], 1, "event 1 was changed"),
    "changed hash": (["UPDATE event SET hash = 'x' WHERE sequence = 4"], 4, "event 4 was changed"),
    "deleted": (["DELETE FROM event WHERE sequence = 3"], 3, "event 3 is missing"),
    "deleted first": (["DELETE FROM event WHERE sequence = 1"], 1, "event 1 is missing"),
    "swapped": (SWAP, 3, "event 3 does not continue event 2"),
    "tail cut off": (["DELETE FROM event WHERE sequence > 4"], 5, "events 5 to 6 are missing at the end"),
    "all deleted": (["DELETE FROM event"], 1, "events 1 to 6 are missing"),
    "added": ([INSERTED], 7, "event 7 was changed"),
    "head moved back": ([move_head(4)], 5, "event 5 was added past the recorded head"),
    "head replaced": (["UPDATE event_head SET hash = 'x'"], 6, "the recorded head is not the hash"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_tampering_is_found_and_the_link_named(ledger, tmp_path, case):
    statements, link, problem = TAMPERED[case]
    record(ledger)
    without_triggers(ledger, *statements)
    found = ledger.events.verify()
    assert (found.ok, found.first_broken) == (False, link)
    assert problem in found.problem
    file = tmp_path / "export.jsonl"
    ledger.events.export(file)
    alone = subprocess.run(
        [sys.executable, "-I", verifier.__file__, file], capture_output=True, text=True, check=False
    )
    assert alone.returncode == 1
    assert json.loads(alone.stdout)["first_broken"] == link


CONSISTENT = ["DELETE FROM event WHERE sequence > 4", move_head(4)]


def test_a_consistent_replacement_is_found_by_a_head_noted_earlier(ledger, tmp_path):
    record(ledger)
    head = ledger.events.head()
    without_triggers(ledger, *CONSISTENT)
    assert ledger.events.verify().ok  # nothing in the file itself can tell
    found = ledger.events.verify([str(head)])
    assert (found.ok, head.hash in found.problem) == (False, True)
    file = tmp_path / "export.jsonl"
    ledger.events.export(file)
    command = [sys.executable, "-I", verifier.__file__, file, "--anchor", head.hash]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    record(ledger, 4)
    assert not ledger.events.verify([head.hash]).ok  # as many events again, but others


def test_missing_triggers_are_a_problem(ledger):
    record(ledger)
    with ledger.engine.begin() as connection:
        table = "" if connection.dialect.name == "sqlite" else " ON event"
        connection.exec_driver_sql(f"DROP TRIGGER event_update{table}")
    found = ledger.events.verify()
    assert (found.ok, "event_update" in found.problem) == (False, True)


def test_a_key_signs_events_and_a_chain_without_it_is_refused(ledger_settings, tmp_path):
    with open_ledger(ledger_settings) as plain:
        record(plain, 2)
    key = tmp_path / "key"
    key.write_text(SECRET)
    key.chmod(0o600)
    signed = ledger_settings.model_copy(update={"ledger_key_file": key})
    with open_ledger(signed) as ledger:
        assert not ledger.events.verify().ok  # someone may have rewritten it all without the key
        record(ledger, 2)
        assert ledger.events.verify().ok
    with open_ledger(ledger_settings) as plain:
        assert plain.events.verify().first_broken == 3
    other = Path(f"{key}2")
    other.write_text("another key of the trail")
    other.chmod(0o600)
    with open_ledger(ledger_settings.model_copy(update={"ledger_key_file": other})) as ledger:
        assert "another key" in ledger.events.verify().problem
    key.chmod(0o644)
    with pytest.raises(InputError, match="Other users may read"):
        open_ledger(signed)


KPIS = [{"simulation_year": 2026, "payroll": 1.5}]
LAST_VERSION = (
    "INSERT INTO scenario (name, census, overrides, description, created_at, created_by, parent, title) "
    "VALUES ('a', 'people', '{\"cola_rate\": 0.02}', 'agreed', '2026-05-01', 'ann', 'baseline', 'Plan A')",
    "INSERT INTO dynamic_lever (parameter, year, value, set_at, set_by) "
    "VALUES ('cola_rate', 2027, 0.03, '2026-05-01', 'ann')",
    "INSERT INTO simulation_run (scenario, fingerprint, environment, started_at, seconds, models_run, "
    "models_reused, gate_status, published, kpis) VALUES ('a', 'f', 'scenario_a', '2026-05-01', 1.5, 44, 0, "
    f"'passed', true, '{json.dumps(KPIS)}')",
)


def test_a_ledger_of_the_last_version_is_upgraded_with_nothing_lost(ledger_settings):
    engine = connect(ledger_settings.ledger)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        for statement in LAST_VERSION:
            connection.exec_driver_sql(statement)
    engine.dispose()
    with open_ledger(ledger_settings, actor="bob") as ledger:
        found = ledger.scenarios.get("a")
        assert (found.title, found.created_by, found.overrides) == ("Plan A", "ann", {"cola_rate": 0.02})
        assert ledger.dynamic_levers.current() == {"cola_rate@2027": 0.03}
        assert [(run.id, run.kpis) for run in ledger.runs.list()] == [(1, KPIS)]
        assert ledger.events.verify().events == 0
        ledger.scenarios.set("a", {"cola_rate": 0.04})
        assert ledger.runs.record(replace(ledger.runs.list()[0], id=None, published=False)).id == 2
        assert (ledger.events.verify().ok, ledger.events.head().events) == (True, 3)
