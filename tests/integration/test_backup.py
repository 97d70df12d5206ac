"""A backup of a home that is used is whole, and a home is restored whole or not at all."""

import io
import os
import shutil
import tarfile
import threading

import pyarrow as pa
import pytest

from planwise.app import backup
from planwise.app.backup import BackupRequest, RestoreRequest, back_up, backups, restore
from planwise.app.runner import InProcessRunner
from planwise.errors import Busy, DamagedStore, InputError, MachineError
from planwise.governance import EventType, open_ledger
from planwise.jobs import JobKind, JobWriter, new_job
from planwise.parameters.calibrated_rates import store_rates
from planwise.settings import Settings
from planwise.storage import hold_lock
from tests.homes import contents, copy_of, make_stores

RUN = InProcessRunner(lambda message: None)
# What an archive leaves out, and what opening a ledger changes.
OUTSIDE = ("backups/", "auth/cookie_secret", ".env", "units.env", "ledger.sqlite", "logs/", "cache/")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    settings = copy_of(tmp_path_factory, "stores", make_stores)
    with open_ledger(settings, actor="anna") as ledger:
        ledger.scenarios.create("plan", {"cola_rate": 0.03, "calibrated_rates": store_rates(settings, {})})
    (settings.root / ".env").write_text("PLANWISE_THREADS=1\n")
    (settings.root / "auth" / "cookie_secret").write_text("c" * 64)
    (settings.root / "units.env").write_text('PGPASSWORD="secret"\n')
    (settings.root / "payroll of mine.xlsx").write_text("no file of PlanWise's")
    return settings


@pytest.fixture
def home(made, tmp_path):
    shutil.copytree(made.root, tmp_path / "home", symlinks=True)
    return Settings(home=tmp_path / "home", lock_timeout_seconds=0.1)


@pytest.fixture(scope="module")
def archive(made, tmp_path_factory):
    return back_up(made, BackupRequest(output=tmp_path_factory.mktemp("archive") / "a.tar.zst"), RUN).output


def kept(folder):
    return {name: what for name, what in contents(folder).items() if not name.startswith(OUTSIDE)}


def test_a_restored_home_has_every_file_and_the_audit_trail(made, archive, tmp_path):
    target = Settings(home=tmp_path / "new")
    done = restore(target, RestoreRequest(file=archive), RUN)
    expected = kept(made.root)
    assert expected.pop("payroll of mine.xlsx")
    assert kept(target.root) == expected
    secrets = (".env", "auth/cookie_secret", "units.env")
    assert [name for name in secrets if (target.root / name).exists()] == []
    assert done.problem is None and done.restored and done.replaced is None
    with open_ledger(target) as ledger, open_ledger(made) as before:
        restored, backed_up = ledger.events.list(limit=1)[0], before.events.list(limit=1)[0]
        assert ledger.scenarios.list() == before.scenarios.list()
        assert ledger.events.verify([done.head]).ok
    assert (restored.subject, restored.payload["head"]) == ("backup", done.head)
    assert (backed_up.type, backed_up.payload["head"]) == (EventType.EXPORT, done.head)
    modes = {path.stat().st_mode & 0o077 for path in (target.root, *target.root.rglob("*"), archive)}
    assert modes == {0}


def test_what_is_written_meanwhile_is_in_it_or_not_but_never_in_part(home, tmp_path):
    ended = threading.Event()
    journal = home.studies_dir / "s" / "journal.log"
    lines = journal.read_text().splitlines(keepends=True)

    def work():
        with open_ledger(home, actor="ben") as ledger, journal.open("a") as growing:
            while not ended.is_set():
                ledger.events.record(EventType.EXPORT, payload={"n": 1})
                growing.write(lines[-1])
                growing.flush()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        done = back_up(home, BackupRequest(output=tmp_path / "b.tar.zst"), RUN)
    finally:
        ended.set()
        worker.join()
    target = Settings(home=tmp_path / "new")
    assert restore(target, RestoreRequest(file=done.output), RUN).problem is None
    assert journal.read_text().startswith((target.studies_dir / "s" / "journal.log").read_text())


def test_a_busy_warehouse_is_waited_for_then_named(home, tmp_path):
    before = contents(home.root)
    with (
        hold_lock(home.warehouse_lock_file, "simulate plan", timeout_seconds=0),
        pytest.raises(Busy, match="simulate plan"),
    ):
        back_up(home, BackupRequest(output=tmp_path / "b.tar.zst"), RUN)
    assert contents(home.root) == before and not list(tmp_path.glob("b*"))


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [truncated, flipped, lambda content: b"", lambda content: b"rubbish" * 99])
def test_a_damaged_archive_is_refused_and_nothing_is_written(archive, tmp_path, damage):
    bad = tmp_path / "bad.tar.zst"
    bad.write_bytes(damage(archive.read_bytes()))
    for check in (True, False):
        with pytest.raises(DamagedStore, match=r"bad\.tar\.zst is damaged"):
            restore(Settings(home=tmp_path / "new"), RestoreRequest(file=bad, check=check), RUN)
    assert os.listdir(tmp_path) == ["bad.tar.zst"]


def outside(archive):
    archive.addfile(tarfile.TarInfo("../outside"), io.BytesIO())


def through_a_link(archive):
    link = tarfile.TarInfo("published")
    link.type, link.linkname = tarfile.SYMTYPE, "/tmp"
    archive.addfile(link)


@pytest.mark.parametrize("attack", [outside, through_a_link])
def test_an_archive_cannot_write_outside_the_home(tmp_path, attack):
    bad = tmp_path / "bad.tar.zst"
    with (
        pa.CompressedOutputStream(str(bad), "zstd") as stream,
        tarfile.open(fileobj=stream, mode="w|") as archive,
    ):
        attack(archive)
    with pytest.raises(DamagedStore):
        restore(Settings(home=tmp_path / "new"), RestoreRequest(file=bad), RUN)
    assert os.listdir(tmp_path) == ["bad.tar.zst"]


def test_a_home_is_replaced_only_when_asked_and_unused_and_is_kept(home, archive):
    before = contents(home.root)
    with pytest.raises(InputError, match="not empty"):
        restore(home, RestoreRequest(file=archive), RUN)
    request = RestoreRequest(file=archive, replace=True)
    folder = new_job(home, JobKind.SIMULATE, {}, title="simulate", started_by="ann")
    with JobWriter(folder).lock(), pytest.raises(Busy, match=folder.id):
        restore(home, request, RUN)
    shutil.rmtree(folder.path)
    with hold_lock(home.root / "up.lock", "planwise up", timeout_seconds=0), pytest.raises(Busy, match="up"):
        restore(home, request, RUN)
    assert contents(home.root) == before
    done = restore(home, request, RUN)
    assert contents(done.replaced) == before
    assert (home.root / ".env").read_text() == "PLANWISE_THREADS=1\n"
    assert not (home.root / "payroll of mine.xlsx").exists()


def test_a_restore_that_fails_at_its_last_step_leaves_the_home(home, archive, monkeypatch):
    before, move = contents(home.root), backup.move

    def fail(source, target):
        if target == home.root and source.name.endswith(".part"):
            raise OSError(16, "Device or resource busy")
        move(source, target)

    monkeypatch.setattr(backup, "move", fail)
    with pytest.raises(MachineError, match="Device or resource busy"):
        restore(home, RestoreRequest(file=archive, replace=True), RUN)
    assert contents(home.root) == before and os.listdir(home.root.parent) == ["home"]


def test_the_newest_backups_are_kept(home):
    for day in range(1, 4):
        home.backup_folder.mkdir(exist_ok=True)
        (home.backup_folder / f"planwise_2026010{day}T000000Z.tar.zst").write_bytes(b"")
    (home.backup_folder / "other.txt").write_text("")
    done = back_up(home, BackupRequest(keep=2), RUN)
    assert [file.name for file in backups(home)] == [done.output.name, "planwise_20260103T000000Z.tar.zst"]
    assert [file.name[:17] for file in done.removed] == ["planwise_20260102", "planwise_20260101"]
    assert (home.backup_folder / "other.txt").exists()
