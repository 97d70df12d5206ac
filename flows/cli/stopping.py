"""Ctrl-C as a request: what has been computed by then is shown."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from planwise.processes import handle_signal


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C end the work after the step in hand; the second one ends it at once.

    Yields what says whether it was asked to stop.
    """
    asked: list[bool] = []

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        if asked:
            handle_signal(number, frame)
        asked.append(True)

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
