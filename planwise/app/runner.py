"""Run the steps of a use-case: the Runner protocol, and the runner for this process."""

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar

from planwise.console import progress
from planwise.errors import PlanWiseError

P = ParamSpec("P")
R = TypeVar("R")

IN_PROCESS = "in process"


class Stopped(PlanWiseError):
    """The job was asked to stop, and did so between two steps."""


def require_not_stopped(run: "Runner", what: str) -> None:
    """Raise Stopped when somebody asked the job to stop; `what` completes "Stopped before …"."""
    if run.stopped():
        raise Stopped(
            f"Stopped before {what}.", remedy="Nothing was published; the result in force stays what it was."
        )


class Runner(Protocol):
    """Carries out the steps of one job and shows how it goes."""

    @property
    def orchestrated(self) -> str:
        """How: in process, or by Prefect; for the result."""

    @property
    def flow_run(self) -> str | None:
        """The flow run's name, if there is one, for whoever waits for the warehouse."""

    def __call__(self, step: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Carry out one step and return its result; raise what it raises."""

    def log(self, message: str) -> None:
        """Say something to whoever watches."""

    def advance(self, key: str, share: float, message: str) -> None:
        """Show how far a job has come: `share` from 0 to 1."""

    def table(self, key: str, rows: Sequence[dict[str, Any]], title: str) -> None:
        """Show a table beside the run."""

    def page(self, key: str, markdown: str, title: str) -> None:
        """Show a page beside the run."""

    def note(self, name: str, value: str) -> None:
        """Say a fact about the run, such as the name of its study."""

    def stopped(self) -> bool:
        """Whether somebody asked the job to stop."""


class InProcessRunner:
    """Steps are plain calls; tables and pages are for the caller to show."""

    orchestrated = IN_PROCESS
    flow_run = None

    def __init__(self, log: Callable[[str], None] | None = None) -> None:
        self._log = log

    def __call__(self, step: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the step."""
        return step(*args, **kwargs)

    def log(self, message: str) -> None:
        """Write a line to stderr, or wherever the caller wants it."""
        if self._log:
            self._log(message)
        else:
            progress().print(message, markup=False, soft_wrap=True)

    def advance(self, key: str, share: float, message: str) -> None:
        """Write a line with the percentage."""
        self.log(f"{share:4.0%}  {message}")

    def table(self, key: str, rows: Sequence[dict[str, Any]], title: str) -> None:
        """Do nothing: the command prints the tables it wants."""

    def page(self, key: str, markdown: str, title: str) -> None:
        """Do nothing: the command prints what it wants."""

    def note(self, name: str, value: str) -> None:
        """Do nothing: the result says it."""

    def stopped(self) -> bool:
        """Return False: whoever watches stops the process itself."""
        return False
