"""Run the steps of a use-case: the Runner protocol, and the runner for this process."""

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar

from planwise.console import progress
from planwise.errors import PlanWiseError

P = ParamSpec("P")
R = TypeVar("R")

IN_PROCESS = "in process"


class Stopped(PlanWiseError):
    """The job was cancelled, and stopped between two steps."""


def require_not_stopped(run: "Runner", what: str) -> None:
    """Raise Stopped when cancellation was requested; `what` completes "Stopped before …"."""
    if run.stopped():
        raise Stopped(
            f"Stopped before {what}.", remedy="Nothing was published; the published result is unchanged."
        )


class Runner(Protocol):
    """Runs the steps of one use-case and reports progress."""

    @property
    def orchestrated(self) -> str:
        """How the steps run, in process or by Prefect; part of the result."""

    @property
    def flow_run(self) -> str | None:
        """The flow run's name, if there is one; other processes see it while they wait for the warehouse."""

    def __call__(self, step: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one step and return its result; its errors propagate."""

    def log(self, message: str) -> None:
        """Log a message."""

    def advance(self, key: str, share: float, message: str) -> None:
        """Report progress; `share` is from 0 to 1."""

    def table(self, key: str, rows: Sequence[dict[str, Any]], title: str) -> None:
        """Publish a table with the run."""

    def page(self, key: str, markdown: str, title: str) -> None:
        """Publish a Markdown page with the run."""

    def note(self, name: str, value: str) -> None:
        """Record a fact about the run, such as its study's name."""

    def stopped(self) -> bool:
        """Whether cancellation was requested."""


class InProcessRunner:
    """Calls steps directly; tables and pages are left to the caller."""

    orchestrated = IN_PROCESS
    flow_run = None

    def __init__(self, log: Callable[[str], None] | None = None) -> None:
        self._log = log

    def __call__(self, step: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the step."""
        return step(*args, **kwargs)

    def log(self, message: str) -> None:
        """Write a line to stderr, or pass it to the caller's function."""
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
        """Do nothing: the result has it."""

    def stopped(self) -> bool:
        """Return False: the process itself is stopped, by Ctrl-C."""
        return False
