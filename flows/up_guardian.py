"""Outlives `planwise up` by a moment: when that is gone, stops what it left.

`python -m flows.up_guardian` reads the ids of the programs from its standard input, one a line. The other end
is held by `planwise up` alone, so the input ends when that does, however it dies.
"""

import os
import select
import signal
import sys
from collections.abc import Iterable

import psutil

from flows.up_processes import GONE, STOP_SECONDS, descendants, see_off, terminate

LOOK_SECONDS = 1.0  # how often it is noted what the programs have started
CHUNK = 4096


def main() -> None:
    """Follow the programs until the input ends, then stop what is left of them."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_IGN)
    programs: set[psutil.Process] = set()
    family: set[psutil.Process] = set()
    text, ended = "", False
    while not ended:
        if select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
            read = os.read(sys.stdin.fileno(), CHUNK).decode()
            *lines, text = (text + read).split("\n")
            programs |= _alive(lines)
            ended = not read
        programs = {program for program in programs if program.is_running()}
        started = (descendants(program.pid) for program in programs)
        family = {process for process in family.union(programs, *started) if process.is_running()}
    terminate(family)
    see_off(family, STOP_SECONDS)


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
