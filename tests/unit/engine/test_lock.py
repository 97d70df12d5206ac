"""One writer at a time, named to whoever waits; a dead holder holds nothing."""

import os
import signal
import subprocess
import sys
import time

import pytest

from planwise.engine.lock import hold
from planwise.errors import Busy

HOLDER = """
import sys, time
from pathlib import Path
from planwise.engine.lock import hold
with hold(Path(sys.argv[1]), "simulate baseline", timeout_seconds=5, flow_run="r-1"):
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


def test_the_message_names_the_holder(held):
    file, process = held
    told = []
    with pytest.raises(Busy) as busy, hold(file, "mine", timeout_seconds=0.3, on_wait=told.append):
        pass
    assert busy.value.exit_code == 4
    for text in (str(busy.value), told[0]):
        assert f"process {process.pid} (simulate baseline, flow run r-1), since " in text
    assert len(told) == 1, "said once, not at every look"


def test_a_killed_holder_holds_nothing(held):
    file, process = held
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    started = time.monotonic()
    with hold(file, "mine", timeout_seconds=5) as mine:
        assert mine.pid == os.getpid()
    assert time.monotonic() - started < 2


def test_a_freed_lock_names_nobody(tmp_path):
    file = tmp_path / "warehouse.lock"
    with hold(file, "mine", timeout_seconds=0):
        assert "mine" in file.read_text()
    assert file.read_text() == ""
