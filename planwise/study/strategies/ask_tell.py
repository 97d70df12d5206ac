"""SciPy calls a function, a strategy yields proposals: a thread in between turns one into the other.

The two never run at the same time: the thread waits for its answer while the study evaluates, the generator
waits for the next batch while SciPy thinks. So a search stays as deterministic as SciPy is.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from planwise.study.strategies.protocol import Batch, Search
from planwise.study.trial import Trial

Ask = Callable[[Batch], tuple[Trial, ...]]
"""Returns the trials of a batch, in its order; raises Closed when the study is over."""


class Closed(BaseException):
    """The study was stopped while SciPy waited; like GeneratorExit, for nobody to catch on the way out."""


def ask_tell(work: Callable[[Ask], str]) -> Search:
    """Run `work` in a thread of its own; yield what it asks, return what it returns, raise what it raises.

    Closing the generator ends the thread: the call that waits for an answer raises Closed.
    """
    asked: SimpleQueue[Batch | str | BaseException] = SimpleQueue()
    answered: SimpleQueue[tuple[Trial, ...] | None] = SimpleQueue()

    def ask(batch: Batch) -> tuple[Trial, ...]:
        asked.put(batch)
        answer = answered.get()
        if answer is None:
            raise Closed
        return answer

    def run() -> None:
        try:
            asked.put(work(ask))
        except BaseException as error:  # handed to the generator, which raises it
            asked.put(error)

    thread = threading.Thread(target=run, name="scipy-search", daemon=True)
    thread.start()
    try:
        while True:
            message = asked.get()
            if isinstance(message, str):
                return message
            if isinstance(message, BaseException):
                raise message
            answered.put((yield message))
    finally:
        answered.put(None)
        thread.join()
