"""The end that was asked for from outside: SIGTERM and Ctrl-C, kept where a library loses them.

DuckDB asks for signals while it runs a query. What their handlers raise it throws away, and raises an error
of its own, "Query interrupted", which then looks as if the query had failed. So the handlers also note what
was asked for, and whoever takes an error for a result calls `raise_if_asked` first.
"""

import signal
from types import FrameType

_asked: list[int] = []


class Terminated(SystemExit):
    """SIGTERM arrived; a SystemExit, so that libraries let it pass and `finally` runs."""

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


def heed(*numbers: signal.Signals) -> None:
    """From now on raise Terminated at SIGTERM, KeyboardInterrupt at SIGINT; forget what was asked before.

    A signal that the process was started to ignore stays ignored.
    """
    _asked.clear()
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, arrived)


def arrived(number: int, _frame: FrameType | None) -> None:
    """Note a signal and raise what it means; a handler of signals."""
    _asked.append(number)
    raise _end(number)


def raise_if_asked() -> None:
    """Raise again what a signal raised and a library lost; nothing when no signal arrived."""
    if _asked:
        raise _end(_asked[0])


def _end(number: int) -> BaseException:
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()
