"""Stop the programs of `planwise up` when it dies.

`python -m flows.up_guardian` reads process ids from its standard input, one per line. Only `planwise up` has
the other end open, so the input ends when that process does, however it dies.
"""

import os
import select
import signal
import sys
from collections.abc import Iterable

import psutil

from flows.up_processes import GONE, STOP_SECONDS, descendants, terminate, wait_or_kill

POLL_SECONDS = 1.0  # how often the programs' child processes are recorded
CHUNK = 4096


def main() -> None:
    """Record the programs' processes until the input ends, then stop those that are left."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_IGN)
    programs: set[psutil.Process] = set()
    family: set[psutil.Process] = set()
    text, ended = "", False
    while not ended:
        if select.select([sys.stdin], [], [], POLL_SECONDS)[0]:
            read = os.read(sys.stdin.fileno(), CHUNK).decode()
            *lines, text = (text + read).split("\n")
            programs |= _alive(lines)
            ended = not read
        programs = {program for program in programs if program.is_running()}
        started = (descendants(program.pid) for program in programs)
        family = {process for process in family.union(programs, *started) if process.is_running()}
    terminate(family)
    wait_or_kill(family, STOP_SECONDS)


def _alive(ids: Iterable[str]) -> set[psutil.Process]:
    found = set()
    for pid in ids:
        try:
            found.add(psutil.Process(int(pid)))
        except GONE:
            continue  # it has ended already
    return found


if __name__ == "__main__":
    main()
