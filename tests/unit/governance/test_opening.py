"""Opening the ledger: tables made, upgraded, refused; two at once; a damaged or unwritable file."""

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from planwise.errors import Busy
from planwise.governance import LedgerUnusable, connection, open_ledger
from planwise.governance.connection import HEAD, MIGRATIONS, revision
from planwise.governance.models import Base
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
    with pytest.raises(LedgerUnusable, match="file"):
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


def test_a_ledger_of_a_newer_version_is_refused_untouched(tmp_path):
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
def test_another_kind_of_database_is_refused(tmp_path, url):
    with pytest.raises(LedgerUnusable, match="ledger") as caught:
        open_ledger(Settings(home=tmp_path, ledger_url=url))
    assert "PLANWISE_LEDGER_URL" in caught.value.remedy


def test_a_password_is_never_shown(tmp_path):
    with pytest.raises(LedgerUnusable) as caught:
        open_ledger(Settings(home=tmp_path, ledger_url="mysql://anna:secret@host/db"))
    assert "secret" not in str(caught.value)
