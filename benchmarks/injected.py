"""Run `planwise benchmark` with every case made slower, or made to keep memory, to see that it is found.

`python -m benchmarks.injected --slow 0.3 --leak-mb 20 --suite trial --employees 1000 --fail-on-regression`
ends with 1 when there is a baseline of the same suite and sizes. Other options are the command's own.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from mmap import PAGESIZE, mmap
from typing import Any

from benchmarks import suites
from benchmarks.repeat import Case, Measured, repeat
from planwise.cli.commands import run

MIB = 2**20


@dataclass
class Worse:
    """What is done to a case: a share of its CPU seconds more, and memory that each run keeps."""

    slow: float = 0.0
    leak_mb: int = 0
    kept: list[mmap] = field(default_factory=list)
    clock: Callable[[], float] = time.process_time

    def __call__(self, case: Case) -> Case:
        """Return the case made worse."""

        def worse(number: int) -> object:
            started = self.clock()
            result = case(number)
            until = started + (self.clock() - started) * (1 + self.slow)
            while self.clock() < until:
                pass
            if self.leak_mb:
                self.kept.append(_resident(self.leak_mb * MIB))
            return result

        return worse

    def repeat(self, cases: Any, runs: int, progress: Any, **options: Any) -> Measured:
        """Measure cases made worse, in place of `benchmarks.repeat.repeat`; the reference stays."""
        return repeat({name: self(case) for name, case in cases.items()}, runs, progress, **options)


def _resident(size: int) -> mmap:
    """Return memory from the system: an object's may be what the process had freed before."""
    block = mmap(-1, size)
    for offset in range(0, size, PAGESIZE):
        block[offset] = 1
    return block


def main(tokens: Sequence[str]) -> int:
    """Run the benchmark with its cases made worse; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slow", type=float, default=0.0, help="0.3: 30 % more CPU seconds")
    parser.add_argument("--leak-mb", type=int, default=0, help="memory that each run of a case keeps")
    options, rest = parser.parse_known_args(tokens)
    before, suites.repeat = suites.repeat, Worse(options.slow, options.leak_mb).repeat
    try:
        return run(["benchmark", *rest])
    finally:
        suites.repeat = before


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
