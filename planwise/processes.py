"""Signals that end the program, programs that it starts, and ports of this machine.

DuckDB checks for signals while it runs a query. It discards what a handler raises and raises an error of its
own, "Query interrupted", as if the query had failed. So the handlers also record the signal, and code that
catches errors calls `raise_if_stopped` first. Python discards what a handler raises within a finalizer or a
weak reference's callback; the signal is then sent again a moment later.
"""

import ipaddress
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from planwise.errors import Busy
from planwise.settings import REPOSITORY

RESEND_SECONDS = 0.05  # the finalizer in which a signal arrived has ended by then

_received: list[int] = []


class Terminated(SystemExit):
    """SIGTERM arrived; a SystemExit, so that libraries let it pass and `finally` runs."""

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


def install_handlers(*numbers: signal.Signals) -> None:
    """Raise Terminated at SIGTERM and KeyboardInterrupt at SIGINT from now on; forget earlier signals.

    A signal that the process was started to ignore stays ignored.
    """
    _received.clear()
    if sys.unraisablehook is not _resend_discarded:
        _report_unraisable.append(sys.unraisablehook)
        sys.unraisablehook = _resend_discarded
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handle_signal)


def handle_signal(number: int, _frame: FrameType | None) -> None:
    """Record a signal and raise its exception; a signal handler."""
    _received.append(number)
    raise _exception(number)


_report_unraisable: list[Callable[["sys.UnraisableHookArgs"], object]] = []


def _resend_discarded(unraisable: "sys.UnraisableHookArgs") -> None:
    """Send a signal again whose exception was discarded in a finalizer; report every other exception."""
    if _received and isinstance(unraisable.exc_value, Terminated | KeyboardInterrupt):
        resend = threading.Timer(RESEND_SECONDS, os.kill, (os.getpid(), _received[-1]))
        resend.daemon = True
        resend.start()
    else:
        _report_unraisable[-1](unraisable)


def raise_if_stopped() -> None:
    """Raise the exception of a received signal again, in case a library discarded it."""
    if _received:
        raise _exception(_received[0])


def _exception(number: int) -> BaseException:
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


PYTHON = (sys.executable, "-P")  # modules come from the installation, never from the current folder
PRIVATE_UMASK = 0o077


def keep_private() -> None:
    """Create files for their owner only, and import nothing from the current folder, here and in children."""
    os.umask(PRIVATE_UMASK)
    os.environ["PYTHONSAFEPATH"] = "1"


def child_environment(inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a child process, which imports this installation wherever it runs."""
    variables = os.environ if inherited is None else inherited
    others = [part for part in variables.get("PYTHONPATH", "").split(os.pathsep) if part]
    path = os.pathsep.join(os.path.abspath(part) for part in (str(REPOSITORY), *others))
    return {**variables, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def start_session(
    command: Sequence[str],
    output: IO[bytes],
    *,
    environment: Mapping[str, str],
    folder: Path | None = None,
    before_exec: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, out of reach of Ctrl-C; what it prints goes to `output`."""
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=before_exec,
    )


def describe_exit(code: int | None) -> str:
    """Return in words how a process ended: its exit status, or the signal that ended it."""
    return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit status {code}"


def is_loopback(address: str) -> bool:
    """Return whether an address is reachable from this machine only."""
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def require_free_port(address: str, port: int, *, remedy: str | None = None) -> None:
    """Raise Busy when another process listens on the port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise Busy(
                f"Port {port} of {address} cannot be used: {error.strerror}.",
                remedy=remedy or "Stop the program that listens there, or choose another port.",
            ) from error


def find_free_port() -> int:
    """Return a port of 127.0.0.1 on which no process listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
