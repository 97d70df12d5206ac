"""A job of the dashboard: its steps and its end are written down, however it is carried out."""

import contextlib
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from flows.runner import Runner, Stopped
from planwise.errors import GateBlocked, PlanWiseError
from planwise.jobs import Failure, JobFolder, JobWriter, State

P = ParamSpec("P")
R = TypeVar("R")


class Reported:
    """Carries out steps as another runner does, and writes down how it goes."""

    def __init__(self, inner: Runner, writer: JobWriter) -> None:
        self._inner = inner
        self._writer = writer

    @property
    def orchestrated(self) -> str:
        """As the other runner says."""
        return self._inner.orchestrated

    @property
    def flow_run(self) -> str | None:
        """As the other runner says."""
        return self._inner.flow_run

    def __call__(self, step: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Carry out a step; what it raises is raised."""
        name = step.__name__.replace("_", " ")
        self._writer.step(name, "running")
        started = time.perf_counter()
        try:
            result = self._inner(step, *args, **kwargs)
        except BaseException:
            self._writer.step(name, "failed", time.perf_counter() - started)
            raise
        self._writer.step(name, "done", time.perf_counter() - started)
        return result

    def tell(self, message: str) -> None:
        """Keep a remark, and pass it on."""
        self._writer.told(message)
        self._inner.tell(message)

    def advance(self, key: str, share: float, message: str) -> None:
        """Keep how far it is, and pass it on."""
        self._writer.progress(share, message)
        self._inner.advance(key, share, message)

    def table(self, key: str, rows: Sequence[dict[str, Any]], title: str) -> None:
        """Keep a table, and pass it on."""
        self._writer.table(key, rows, title)
        self._inner.table(key, rows, title)

    def page(self, key: str, markdown: str, title: str) -> None:
        """Pass a page on: the dashboard has pages of its own."""
        self._inner.page(key, markdown, title)

    def note(self, name: str, value: str) -> None:
        """Keep a fact, and pass it on."""
        self._writer.note(name, value)
        self._inner.note(name, value)

    def stopped(self) -> bool:
        """Whether somebody asked for it, in the dashboard or in another way."""
        return self._writer.folder.is_to_stop or self._inner.stopped()


def reported(
    writer: JobWriter,
    inner: Runner,
    job: Callable[[Runner], R],
    *,
    has_turn: Callable[[], bool] = lambda: True,
) -> R:
    """Hold a job, wait for its turn, carry it out, write down how it ended; return and raise what it does.

    A job that returns although it was to stop has either finished or kept a part: the result says which.
    Raises Stopped when it was stopped before it began.
    """
    with writer.held():
        try:
            if not has_turn():
                raise Stopped("Cancelled before it began.")
            writer.began()
            result = job(Reported(inner, writer))
        except Stopped as stopped:
            writer.told(stopped.what)
            writer.end(State.CANCELLED)
            raise
        except GateBlocked as blocked:
            writer.end(State.FAILED, result=_told_whole(blocked), error=_failure(writer.folder, blocked))
            raise
        except Exception as error:
            if writer.folder.is_to_stop:  # a library was interrupted: that is what was wanted
                stopped = Stopped("Stopped in the middle of a step.", remedy="Nothing more was published.")
                writer.told(" ".join(str(stopped).split()))
                writer.end(State.CANCELLED)
                raise stopped from error
            writer.end(State.FAILED, error=_failure(writer.folder, error))
            raise
        except BaseException:  # a signal: whoever sent it wanted the end
            writer.end(State.CANCELLED)
            raise
        as_json = result.as_json()  # type: ignore[attr-defined]
        cut_short = as_json.get("stopped") == "cancelled" or as_json.get("complete") is False
        writer.end(State.CANCELLED if cut_short else State.DONE, result=as_json)
        return result


def _told_whole(blocked: GateBlocked) -> Mapping[str, Any] | None:
    report = getattr(blocked, "report", None)
    return None if report is None else report.as_json()


def _failure(folder: JobFolder, error: Exception) -> Failure:
    if isinstance(error, PlanWiseError):
        return Failure(error.what, error.remedy or "", type(error).__name__)
    with contextlib.suppress(OSError), folder.log.open("a", encoding="utf-8") as log:
        log.write("".join(traceback.format_exception(error)))
    return Failure(
        f"Internal error: {type(error).__name__}: {error}",
        f"The traceback is in {folder.log}; please report it.",
        type(error).__name__,
    )
