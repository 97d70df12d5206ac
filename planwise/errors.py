"""The one error tree: every message says what happened, where, and what to do."""

from typing import ClassVar


class PlanWiseError(Exception):
    """Root of all errors that PlanWise raises on purpose; the CLI prints it without a traceback.

    `what` says what happened, with value and limit; `remedy` says what to do about it.
    `exit_code` is the process exit status of the command line for this class.
    """

    exit_code: ClassVar[int] = 5

    def __init__(self, what: str, *, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n{self.remedy}" if self.remedy else self.what


class CheckFailed(PlanWiseError):
    """A check that was asked for did not hold (a regression, a broken chain, a target not met)."""

    exit_code = 1


class InputError(PlanWiseError):
    """Bad input or usage: a file, a mapping, a parameter, a name."""

    exit_code = 2


class GateBlocked(PlanWiseError):
    """A critical expectation failed; nothing downstream ran and nothing was published."""

    exit_code = 3


class Busy(PlanWiseError):
    """Somebody else holds what this needs; the message names the holder."""

    exit_code = 4
