"""What measuring costs: runs of blocks of some milliseconds, against the same work without; CPU seconds.

python -m benchmarks.monitoring [--blocks 30] [--pairs 15]
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable

from planwise.monitoring import monitor_block, monitor_run

BAR = 0.05
LOOPS = 250_000  # about ten milliseconds


def overhead(blocks: int, pairs: int) -> float:
    """Return the median share that measuring adds."""

    def plain() -> None:
        for _ in range(blocks):
            sum(number * number for number in range(LOOPS))

    def measured() -> None:
        with monitor_run("run"):
            for _ in range(blocks):
                with monitor_block("step", records=LOOPS):
                    sum(number * number for number in range(LOOPS))

    return statistics.median(_cpu(measured) / _cpu(plain) for _ in range(pairs)) - 1


def _cpu(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> int:
    """Measure and print; exit with 1 above the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--pairs", type=int, default=15)
    options = parser.parse_args()
    share = overhead(options.blocks, options.pairs)
    print(f"Measuring adds {share:.1%}, bar {BAR:.0%}.")
    return int(share >= BAR)


if __name__ == "__main__":
    sys.exit(main())
