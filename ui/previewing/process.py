"""One worker process and the line to it."""

import multiprocessing
import pickle
import signal
from functools import partial
from multiprocessing import connection
from multiprocessing.process import BaseProcess

from planwise.child import run_child
from planwise.settings import Settings
from ui.previewing.messages import Answered, Ask
from ui.previewing.worker import work

SPAWN = multiprocessing.get_context("spawn")  # a fork would copy the server's threads' locks
ANSWER_SECONDS_MAX = 300.0  # a million employees take a tenth of it; what takes longer does not come back


class ProcessDied(Exception):
    """The worker process ended under a question, or did not answer in time."""


class Process:
    """Started when made; it ends when the server closes the line, kills it, or is gone itself."""

    def __init__(self, settings: Settings, index: int) -> None:
        self._line, theirs = SPAWN.Pipe()
        self._process: BaseProcess = SPAWN.Process(
            target=run_child,
            args=(pickle.dumps(partial(work, settings)), theirs),
            name=f"preview worker {index}",
            daemon=True,
        )
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid or 0

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_alive()

    def ask(self, ask: Ask) -> Answered:
        """Ask and wait for the answer; raises ProcessDied when none comes."""
        timed_out = False
        try:
            self._line.send(ask)
            timed_out = not connection.wait([self._line, self._process.sentinel], ANSWER_SECONDS_MAX)
            if not self._line.poll():
                raise EOFError
            answered: Answered = self._line.recv()
        except (EOFError, OSError) as error:
            self.kill()
            raise ProcessDied(self._how(timed_out)) from error
        return answered

    def kill(self) -> None:
        """End it now; it holds nothing but memory."""
        self._process.kill()
        self._process.join()
        self._line.close()

    def _how(self, timed_out: bool) -> str:
        code = self._process.exitcode
        if timed_out:
            return f"it did not answer within {ANSWER_SECONDS_MAX:.0f} s"
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit status {code}"
