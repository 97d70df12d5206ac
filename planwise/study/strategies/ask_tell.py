"""Turn a function that calls SciPy into a strategy that yields proposals, by a thread in between.

The two never run at the same time: the thread waits for its answer while the study evaluates, the generator
waits for the next batch while SciPy thinks. So a search is as deterministic as SciPy.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from planwise.study.strategy_protocol import Batch, Search
from planwise.study.trial import Trial

Ask = Callable[[Batch], tuple[Trial, ...]]
"""Returns the trials of a batch, in its order; raises Closed when the study is over."""


class Closed(BaseException):
    """The study was stopped while SciPy waited; like GeneratorExit, not to be caught on the way out."""


def ask_tell(work: Callable[[Ask], str]) -> Search:
    """Run `work` in a thread of its own; yield its batches, return its result, raise its errors.

    Closing the generator ends the thread: the call that waits for an answer raises Closed.
    """
    batches: SimpleQueue[Batch | str | BaseException] = SimpleQueue()
    answers: SimpleQueue[tuple[Trial, ...] | None] = SimpleQueue()

    def ask(batch: Batch) -> tuple[Trial, ...]:
        batches.put(batch)
        answer = answers.get()
        if answer is None:
            raise Closed
        return answer

    def run() -> None:
        try:
            batches.put(work(ask))
        except BaseException as error:  # handed to the generator, which raises it
            batches.put(error)

    thread = threading.Thread(target=run, name="scipy-search", daemon=True)
    thread.start()
    try:
        while True:
            message = batches.get()
            if isinstance(message, str):
                return message
            if isinstance(message, BaseException):
                raise message
            answers.put((yield message))
    finally:
        answers.put(None)
        thread.join()
