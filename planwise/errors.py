"""All errors that PlanWise raises on purpose; a message says what happened and how to fix it."""

from typing import ClassVar


class PlanWiseError(Exception):
    """Root of all errors that PlanWise raises on purpose; the CLI prints it without a traceback.

    `what` is the problem, with value and limit; `remedy` is how to fix it.
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
    """A requested check failed (a regression, a broken chain, a target not met)."""

    exit_code = 1


class InputError(PlanWiseError):
    """Bad input or usage: a file, a mapping, a parameter, a name."""

    exit_code = 2


class GateBlocked(PlanWiseError):
    """A critical expectation failed; nothing downstream ran and nothing was published."""

    exit_code = 3


class Busy(PlanWiseError):
    """Another process has locked a needed resource; the message names it."""

    exit_code = 4
