"""A signal ends the program, also when a library or the interpreter discards its exception."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

from planwise import processes
from planwise.cli import commands
from planwise.engine.project import QuietConsole
from planwise.errors import InputError
from planwise.processes import Terminated, install_handlers, memory_bytes, raise_if_stopped, require_free_port


@pytest.fixture(autouse=True)
def handlers():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell lets it be ignored
    yield
    install_handlers()
    for number, handler in before.items():
        signal.signal(number, handler)


def swallow(number):
    """Do as DuckDB does when a signal arrives in a query."""
    try:
        signal.raise_signal(number)
    except BaseException:
        raise RuntimeError("Query interrupted") from None


@pytest.mark.parametrize(
    ("number", "end"), [(signal.SIGTERM, Terminated), (signal.SIGINT, KeyboardInterrupt)]
)
def test_a_lost_signal_is_raised_again(number, end):
    install_handlers(number)
    raise_if_stopped()  # no signal yet
    with pytest.raises(RuntimeError):
        swallow(number)
    with pytest.raises(end):
        raise_if_stopped()
    install_handlers(number)
    raise_if_stopped()  # a new command begins without a signal


def test_an_ignored_signal_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    install_handlers(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
    raise_if_stopped()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_command_whose_query_was_interrupted_ends_as_the_signal_says(monkeypatch, capsys, number, code):
    monkeypatch.setattr(commands, "_dispatch", lambda tokens: swallow(number))
    assert commands.run(["simulate"]) == code
    assert "Internal error" not in capsys.readouterr().err


def test_a_command_that_goes_on_after_a_discarded_signal_is_sent_it_again(monkeypatch):
    monkeypatch.setattr(processes, "INSIST_SECONDS", 0.05)
    heard = []

    def dispatch(tokens):
        for _ in range(2):
            try:
                if not heard:
                    signal.raise_signal(signal.SIGINT)
                time.sleep(10)
            except KeyboardInterrupt as stop:
                heard.append(type(stop))  # as code of a library does that catches everything
        time.sleep(10)

    monkeypatch.setattr(commands, "_dispatch", dispatch)
    started = time.monotonic()
    assert commands.run(["sweep"]) == 130
    assert heard == [processes.Interrupted] * 2
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)  # no alarm while the interpreter ends
    assert time.monotonic() - started < 5


def test_sqlmesh_does_not_run_the_next_model_after_an_interrupted_query():
    install_handlers(signal.SIGINT)
    console = QuietConsole()
    console.start_snapshot_evaluation_progress("first")
    with pytest.raises(RuntimeError):
        swallow(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        console.start_snapshot_evaluation_progress("second", audit_only=False)


def test_cleaning_up_after_a_signal_is_not_interrupted_by_it(monkeypatch):
    monkeypatch.setattr(processes, "INSIST_SECONDS", 0.02)
    cleaned = []

    def dispatch(tokens):
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            time.sleep(0.1)
            cleaned.append(True)

    monkeypatch.setattr(commands, "_dispatch", dispatch)
    assert commands.run(["sweep"]) == 130
    assert cleaned == [True]


def test_a_signal_that_was_heard_is_not_sent_again_while_the_command_ends(monkeypatch):
    monkeypatch.setattr(processes, "INSIST_SECONDS", 0.01)

    def forget_late():
        time.sleep(0.05)
        processes.forget_signals()

    monkeypatch.setattr(commands, "forget_signals", forget_late)
    monkeypatch.setattr(commands, "_dispatch", lambda tokens: signal.raise_signal(signal.SIGINT))
    assert commands.run(["sweep"]) == 130


def test_a_signal_within_a_finalizer_still_ends_the_program():
    code = """
import os, signal, time
from planwise.processes import install_handlers

class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)

install_handlers(signal.SIGTERM)
Dying()
time.sleep(20)
"""
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert time.monotonic() - started < 15


def test_other_exceptions_of_finalizers_are_reported():
    code = """
from planwise.processes import install_handlers

class Broken:
    def __del__(self):
        raise ValueError("broken finalizer")

install_handlers()
Broken()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    assert "broken finalizer" in done.stderr


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        ("0::/app\n", {"app/memory.max": "1000", "memory.max": "max"}, 1000),
        ("0::/app/job\n", {"app/memory.max": "2000", "app/job/memory.max": "3000"}, 2000),
        ("5:cpu:/\n4:cpuset,memory:/docker/ab\n", {"memory/memory.limit_in_bytes": "4000"}, 4000),
        ("0::/\n", {}, None),
        (None, {}, None),
    ],
)
def test_memory_is_limited_by_control_groups(tmp_path, own, files, limit):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n", encoding="ascii")
    listed = tmp_path / "cgroup"
    if own is not None:
        listed.write_text(own, encoding="utf-8")
    machine = psutil.virtual_memory().total
    assert memory_bytes(listed, tmp_path) == (limit or pytest.approx(machine, rel=0.01))


@pytest.mark.parametrize("port", [0, 65_536, -1])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(InputError, match=f"{port} is not a port: ports are 1 to 65,535"):
        require_free_port("127.0.0.1", port)
