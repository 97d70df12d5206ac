"""Signals that end the program, programs that it starts, and ports of this machine.

DuckDB checks for signals while it runs a query. It discards what a handler raises and raises an error of its
own, "Query interrupted", as if the query had failed. So the handlers also record the signal, and code that
catches errors calls `raise_if_stopped` first. Python discards what a handler raises within a finalizer or a
weak reference's callback; the signal is then sent again a moment later. Any other code may discard it, too:
a command is sent its signal again while it goes on and nothing has the exception any more.
"""

import contextlib
import gc
import io
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import IO
from weakref import ref

from planwise.errors import Busy, InputError
from planwise.masking import mask_tracebacks
from planwise.settings import REPOSITORY

RESEND_SECONDS = 0.05  # the finalizer in which a signal arrived has ended by then
INSIST_SECONDS = 1.0  # until a signal that seems to have been discarded is sent again; cleaning up takes less
LOOKS = 3

_received: list[int] = []
_insist = [False]


class Terminated(SystemExit):
    """SIGTERM arrived; a SystemExit, so that libraries let it pass and `finally` runs."""

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """SIGINT arrived."""


def install_handlers(*numbers: signal.Signals, insist: bool = False) -> None:
    """Raise Terminated at SIGTERM and Interrupted at SIGINT from now on; forget earlier signals.

    A signal that the process was started to ignore stays ignored. With `insist`, one whose exception was
    discarded is sent again, until the handlers are installed anew.
    """
    forget_signals()
    _insist[:] = [insist]
    if sys.unraisablehook is not _resend_discarded:
        _report_unraisable.append(sys.unraisablehook)
        sys.unraisablehook = _resend_discarded
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handle_signal)


def handle_signal(number: int, _frame: FrameType | None) -> None:
    """Record a signal and raise its exception; a signal handler."""
    _received.append(number)
    raised = _exception(number)
    if _insist[0]:
        _check_later(number, ref(raised))
    try:
        raise raised
    finally:
        del raised  # the frame would keep it


def _check_later(number: int, raised: "ref[BaseException]", looks: int = 1) -> None:
    """Look again after a moment, and raise a signal's exception anew when nothing has it any more.

    Code that handles another exception may be cleaning up; it is given some moments more.
    """

    def check(_alarm: int, frame: FrameType | None) -> None:
        if not _insist[0]:
            return
        if raised() is None and (looks >= LOOKS or sys.exc_info()[0] is None):
            handle_signal(number, frame)
        _check_later(number, raised, looks + 1)

    signal.signal(signal.SIGALRM, check)
    signal.setitimer(signal.ITIMER_REAL, INSIST_SECONDS)


_report_unraisable: list[Callable[["sys.UnraisableHookArgs"], object]] = []


def _resend_discarded(unraisable: "sys.UnraisableHookArgs") -> None:
    """Send a signal again whose exception was discarded in a finalizer; report every other exception."""
    if _received and isinstance(unraisable.exc_value, Terminated | KeyboardInterrupt):
        resend = threading.Timer(RESEND_SECONDS, os.kill, (os.getpid(), _received[-1]))
        resend.daemon = True
        resend.start()
    else:
        _report_unraisable[-1](unraisable)


def forget_signals() -> None:
    """Forget the signals that arrived: the command that they ended has ended."""
    _stop_insisting()
    _received.clear()


def _stop_insisting() -> None:
    """Stop the alarm of a signal, which would otherwise end the interpreter while it shuts down."""
    _insist[:] = [False]
    if _received:
        signal.setitimer(signal.ITIMER_REAL, 0)


def raise_if_stopped() -> None:
    """Raise the exception of a received signal again, in case a library discarded it."""
    if _received:
        _stop_insisting()  # heard: what follows cleans up
        raise _exception(_received[0])


def exit_code_of(stop: BaseException) -> int:
    """Return the exit code of a program that a signal ended: 128 and the signal's number, as of shells."""
    return 128 + (signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT)


def _exception(number: int) -> BaseException:
    return Terminated() if number == signal.SIGTERM else Interrupted()


def open_standard_streams() -> None:
    """Open standard streams that the process was started without; let every stream write any text.

    The next file that is opened would otherwise get a stream's number, and what is printed.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with contextlib.suppress(OSError):  # a file of the interpreter has the number already
                os.fstat(number)
                continue
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Send what is still to be written to standard output nowhere, because it cannot be written."""
    opened = os.open(os.devnull, os.O_WRONLY)
    os.dup2(opened, sys.stdout.fileno())
    os.close(opened)


PYTHON = (sys.executable, "-P")  # modules come from the installation, never from the current folder
PRIVATE_UMASK = 0o077
NEW_OBJECTS = 10_000  # Python's own threshold is 700


def keep_private() -> None:
    """Create files for their owner only, import nothing from the current folder, log no pay.

    Child processes do the first two as well.
    """
    mask_tracebacks()
    os.umask(PRIVATE_UMASK)
    os.environ["PYTHONSAFEPATH"] = "1"


def collect_rarely() -> None:
    """Have the garbage collector look again after many new objects: those of parsed SQL are many, and stay.

    At Python's own threshold it takes a third of the time until a worker answers its first question.
    """
    gc.set_threshold(NEW_OBJECTS)


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


CONTROL_GROUPS = Path("/sys/fs/cgroup")
OWN_CONTROL_GROUPS = Path("/proc/self/cgroup")


def memory_bytes(own: Path = OWN_CONTROL_GROUPS, root: Path = CONTROL_GROUPS) -> int:
    """Return the memory that this process may take: the machine's, or a lower limit of its control groups."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            folder, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            folder, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = PurePosixPath(path.lstrip("/"))
        for part in (group, *group.parents):  # within a container only the last one exists
            with contextlib.suppress(OSError, ValueError):  # `max`: no limit
                limits.append(int((folder / part / name).read_text(encoding="ascii")))
    return min(limits)


def describe_exit(code: int | None) -> str:
    """Return in words how a process ended: its exit status, or the signal that ended it."""
    return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit status {code}"


def is_loopback(address: str) -> bool:
    """Return whether an address is reachable from this machine only."""
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


PORT_MAX = 65_535


def require_free_port(address: str, port: int, *, remedy: str | None = None) -> None:
    """Raise Busy when another process listens on the port, InputError for a number that is no port."""
    if not 1 <= port <= PORT_MAX:
        raise InputError(
            f"{port} is not a port: ports are 1 to {PORT_MAX:,}.",
            remedy="Choose one from 1024 on, such as 5006.",
        )
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
