"""Files are replaced whole or not at all; a lock names its holder and ends with the process that holds it."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from planwise.errors import Busy
from planwise.storage import (
    create_file,
    hold_lock,
    is_locked,
    is_partial,
    list_partial,
    publish_folder,
    read_lock_holder,
    remove_partial,
    replace_file,
    replace_link,
    write_json,
    write_text,
)

HOLDER = """
import sys, time
from pathlib import Path
from planwise.storage import hold_lock
with hold_lock(Path(sys.argv[1]), "simulate baseline", timeout_seconds=5, flow_run="r-1"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def held(tmp_path):
    file = tmp_path / "warehouse.lock"
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(file)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield file, process
    process.kill()
    process.wait()


def test_a_file_is_replaced_and_its_folder_created(tmp_path):
    file = tmp_path / "new" / "study.json"
    write_json(file, {"name": "Zoë"})
    write_json(file, {"name": "Ada"})
    assert json.loads(file.read_text(encoding="utf-8")) == {"name": "Ada"}
    assert list(file.parent.iterdir()) == [file]


def test_a_failed_write_leaves_the_old_content_and_no_partial_file(tmp_path):
    file = tmp_path / "f"
    write_text(file, "old")
    with pytest.raises(ValueError, match="JSON"):
        write_json(file, float("nan"), allow_nan=False)
    with pytest.raises(ZeroDivisionError), replace_file(file) as partial:
        partial.write_text("half")
        assert file.read_text() == "old" and list_partial(tmp_path) == (partial,)
        raise ZeroDivisionError
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]


def test_a_write_is_flushed_to_the_disk_before_it_is_renamed(tmp_path, monkeypatch):
    calls = []
    flush, rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("flush"), flush(handle)))
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("rename"), rename(*paths)))
    write_text(tmp_path / "f", "content")
    assert calls == ["flush", "rename"]
    del calls[:]
    monkeypatch.setattr(os, "rename", lambda *paths: (calls.append("rename"), rename(*paths)))
    with publish_folder(tmp_path / "folder") as partial:
        (partial / "a").write_text("1")
        (partial / "b").write_text("2")
    assert calls == ["flush", "flush", "flush", "rename"], "each file, then the folder that lists them"


def test_the_mode_holds_from_the_first_byte_on(tmp_path):
    with replace_file(tmp_path / "secret") as partial:
        assert partial.stat().st_mode & 0o777 == 0o600
        partial.write_text("s")
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_file_that_many_create_has_the_content_of_one(tmp_path):
    file = tmp_path / "key"
    contents = [bytes([number]) * 4096 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda content: create_file(file, content), contents))
    assert created.count(True) == 1
    assert file.read_bytes() == contents[created.index(True)]
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_is_published_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "published"
    with pytest.raises(ZeroDivisionError), publish_folder(folder) as partial:
        (partial / "a").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with publish_folder(folder) as partial:
        (partial / "a").write_text("1")
        assert is_partial(partial) and not folder.exists()
    with publish_folder(folder) as partial:
        (partial / "a").write_text("2")
    assert (folder / "a").read_text() == "2" and list(tmp_path.iterdir()) == [folder]


def test_a_link_is_replaced_at_once(tmp_path, monkeypatch):
    link, seen, replace = tmp_path / "link", [], os.replace
    monkeypatch.setattr(os, "replace", lambda *paths: (seen.append(link.resolve().name), replace(*paths)))
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        replace_link(link, tmp_path / name)
    assert link.resolve() == tmp_path / "new"
    assert seen == ["link", "old"], "until the new one is in its place, the old one is"
    assert list_partial(tmp_path) == ()


def test_only_partial_files_of_an_age_are_removed(tmp_path):
    write_text(tmp_path / "whole", "w")
    (tmp_path / "file.1.part").write_text("h")
    (tmp_path / "folder.2.part").mkdir()
    assert remove_partial(tmp_path, older_than_seconds=60) == ()
    assert [path.name for path in remove_partial(tmp_path)] == ["file.1.part", "folder.2.part"]
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


def test_the_message_names_the_holder(held):
    file, process = held
    waits = []
    with pytest.raises(Busy) as busy, hold_lock(file, "mine", timeout_seconds=0.3, on_wait=waits.append):
        pass
    assert busy.value.exit_code == 4 and "PLANWISE_LOCK_TIMEOUT_SECONDS" in busy.value.remedy
    for text in (str(busy.value), waits[0]):
        assert f"process {process.pid} (simulate baseline, flow run r-1), since " in text
    assert len(waits) == 1, "reported once, not at every poll"


def test_a_lock_without_a_timeout_reports_no_wait(held):
    waits = []
    with pytest.raises(Busy), hold_lock(held[0], "mine", timeout_seconds=0, on_wait=waits.append):
        pass
    assert waits == []


def test_a_killed_holder_holds_nothing(held):
    file, process = held
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not is_locked(file)
    started = time.monotonic()
    with hold_lock(file, "mine", timeout_seconds=5) as mine:
        assert mine.pid == os.getpid()
    assert time.monotonic() - started < 2


def test_a_check_sees_the_holder_and_no_other_check(held):
    file, process = held
    assert is_locked(file) and f"process {process.pid}" in read_lock_holder(file)
    process.kill()
    process.wait()
    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(is_locked, [file] * 400))


def test_a_free_lock_names_no_process(tmp_path):
    file = tmp_path / "warehouse.lock"
    assert not is_locked(file) and not file.exists(), "a check creates no file"
    with hold_lock(file, "mine", timeout_seconds=0):
        assert "mine" in file.read_text()
    assert file.read_text() == ""
    assert read_lock_holder(file) == "another process"


def test_a_holder_may_remove_its_lock_file(tmp_path):
    file = tmp_path / "worker.lock"
    with hold_lock(file, "first", timeout_seconds=0):
        file.unlink()
        with hold_lock(file, "second", timeout_seconds=0):
            assert "second" in file.read_text()
    assert not is_locked(file)
