"""Programs that live and die together.

Each leads a session of its own, so that Ctrl-C reaches only `planwise up`, which then stops them in order.
On Linux the kernel sends each SIGTERM when `planwise up` dies, however it dies (`PR_SET_PDEATHSIG`), so that
none stays behind a parent that was killed. The kernel goes by the *thread* that started the program: start
programs from the main thread only. What the programs started themselves, flow runs in sessions of their own,
is followed by its descent and stopped with them; after a `kill -9` by the guardian.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

from flows.up.families import STOP_SECONDS, descendants, see_off, terminate
from flows.up.plan import Program
from planwise.errors import PlanWiseError
from planwise.processes import describe_exit, start_session
from planwise.settings import REPOSITORY
from planwise.storage import move

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
POLL_SECONDS = 0.2
LINGER_SECONDS = 5.0  # Prefect's worker never ends when a run was stopped under it; what matters has ended
LOOK_SECONDS = 1.0  # how often it is noted what the programs have started
TAIL_LINES = 3


class ProgramDied(PlanWiseError):
    """A program ended that was to run on, or failed at what it was to do."""


class StartTimeout(PlanWiseError):
    """A program did not become ready."""


@dataclass(frozen=True)
class Running:
    """A program that was started; `family` is what it has been seen to start."""

    program: Program
    process: subprocess.Popen[bytes]
    log: Path
    family: set[psutil.Process] = field(default_factory=set)

    def look(self) -> None:
        """Note what it has started by now."""
        self.family.update(descendants(self.process.pid))


class Together:
    """Start programs, watch them, stop all of them at the end of the block."""

    def __init__(self, environment: Mapping[str, str], logs: Path, tell: Callable[[str], None]) -> None:
        self._environment = dict(environment)
        self._logs = logs
        self._tell = tell
        self._running: list[Running] = []
        self._looked = 0.0

    def __enter__(self) -> Self:
        self._guardian = subprocess.Popen(
            [sys.executable, "-m", "flows.up.guardian"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._stop()
        finally:
            self._guardian.communicate()  # ends with its input, and finds nothing left

    def start(self, program: Program) -> Running:
        """Start a program that is to run on; its output goes to its log."""
        self._tell(f"{program.title}: starting")
        running = self._spawn(program)
        self._running.append(running)
        return running

    def finish(self, program: Program, seconds: float) -> None:
        """Run a program to its end; raises ProgramDied when it fails, StartTimeout when it takes too long."""
        self._tell(f"{program.title}: under way")
        step = self._spawn(program)
        try:
            self.wait(step, lambda: step.process.poll() is not None, seconds)
        finally:
            _end(step)
        if step.process.returncode:
            raise _died(step)
        self._tell(f"{program.title}: done")

    def wait(self, running: Running, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until a program is ready; raises ProgramDied when one ends, StartTimeout after `seconds`."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise StartTimeout(
                    f"The {running.program.title} is not ready after {seconds:.0f} s.",
                    remedy=f"Its log is {running.log}.",
                )
            time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Raise ProgramDied when a program has ended."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            for running in self._running:
                running.look()
        for running in self._running:
            if running.process.poll() is not None:
                raise _died(running)

    def _spawn(self, program: Program) -> Running:
        log = self._logs / f"{program.name}.log"
        if log.exists():
            move(log, log.with_suffix(".log.1"))
        with log.open("wb") as output:
            process = start_session(
                program.command,
                output,
                environment=self._environment,
                folder=program.folder,
                before_exec=_dies_with(os.getpid()),
            )
        self._tell_guardian(process.pid)
        return Running(program, process, log)

    def _tell_guardian(self, pid: int) -> None:
        assert self._guardian.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # somebody ended it: all that is lost is its help
            self._guardian.stdin.write(f"{pid}\n")
            self._guardian.stdin.flush()

    def _stop(self) -> None:
        """Stop the last started first; a second Ctrl-C or SIGTERM kills what is left."""
        try:
            for running in reversed(self._running):
                _end(running)
                self._tell(f"{running.program.title}: stopped")
        except (KeyboardInterrupt, SystemExit):
            for running in self._running:
                _kill(running)


def _dies_with(parent: int) -> Callable[[], None] | None:
    """Return what a child does before its program starts: ask for SIGTERM at its parent's death."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # not between fork and exec, where little is allowed

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask


def _end(running: Running) -> None:
    """Ask a program and what it started to end; kill what does not."""
    running.look()
    terminate(running.family)
    if running.process.poll() is None:
        running.process.terminate()
    see_off(running.family, STOP_SECONDS)
    with contextlib.suppress(subprocess.TimeoutExpired):
        running.process.wait(LINGER_SECONDS)
    _kill(running)


def _kill(running: Running) -> None:
    """Kill whatever is left of a program, and collect its leader."""
    see_off(running.family, 0)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(running.process.pid, signal.SIGKILL)
    running.process.wait()


def _died(running: Running) -> ProgramDied:
    lines = running.log.read_text(encoding="utf-8", errors="replace").splitlines()
    last = "\n".join([line for line in lines if line.strip()][-TAIL_LINES:]) or "none"
    ended = f"The {running.program.title} ended with {describe_exit(running.process.returncode)}"
    return ProgramDied(
        f"{ended}; its last lines:\n{last}",
        remedy=f"Its log is {running.log}.",
    )
