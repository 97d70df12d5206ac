"""All errors that PlanWise raises on purpose; a message says what happened and how to fix it."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
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


class DamagedStore(InputError):
    """A stored file is missing, damaged or of another version; the message names it, the remedy mends it."""


class GateBlocked(PlanWiseError):
    """A critical expectation failed; nothing downstream ran and nothing was published."""

    exit_code = 3


class Busy(PlanWiseError):
    """Another process has locked a needed resource; the message names it."""

    exit_code = 4


class UnexpectedError(PlanWiseError):
    """A defect: an error that was not raised on purpose, in a masked text."""


class MachineError(PlanWiseError):
    """The machine refused a file, space, memory or a process; nothing is half-written."""

    exit_code = 2


_SPACE = "Free space on that disk, then run the command again."
_RIGHTS = "Work as the user who owns the folder, change its rights, or give another folder (--home)."
_PATH = "Give another path."
_LIMIT = "Close other programs, or raise the limit (`ulimit -a`), then run the command again."
_DEVICE = "Check the disk or the network drive, then run the command again."
_REMEDIES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: "Raise the limit for the size of files (`ulimit -f`), then run the command again.",
    errno.EROFS: _RIGHTS,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.ENAMETOOLONG: _PATH,
    errno.ELOOP: _PATH,
    errno.ENOTDIR: _PATH,
    errno.EISDIR: _PATH,
    errno.EEXIST: _PATH,
    errno.EINVAL: _PATH,
    errno.ENXIO: _PATH,
    errno.ENOENT: "Another process may have deleted it; `planwise doctor` checks the home.",
    errno.EMFILE: _LIMIT,
    errno.ENFILE: _LIMIT,
    errno.EAGAIN: _LIMIT,
    errno.EIO: _DEVICE,
    errno.ESTALE: _DEVICE,
    errno.EBADF: "Give the command a standard output that can be written.",
}
_MEMORY = "Close other programs, use a machine with more memory, or simulate fewer employees or years."
_LIBRARIES = frozenset({"duckdb", "_duckdb", "sqlite3", "sqlalchemy", "pyarrow"})
_TEXTS = {  # of SQLite and DuckDB, where they do not give the system's reason
    "database or disk is full": errno.ENOSPC,
    "Could not write all bytes to file": errno.ENOSPC,
    "attempt to write a readonly database": errno.EROFS,
}


def machine_error(error: BaseException) -> MachineError | None:
    """Return the fault of the machine that caused an error; None for an error of another kind."""
    for one in _causes(error):
        if isinstance(one, MachineError):
            return one
        if isinstance(one, MemoryError) or type(one).__name__ == "OutOfMemoryException":
            return MachineError(f"There is not enough memory{_after_colon(one)}.", remedy=_MEMORY)
        number = one.errno if isinstance(one, OSError) else None
        if number is None:
            number = _number_in_text(one)
        if number in _REMEDIES:
            return MachineError(_text(one, number), remedy=_REMEDIES[number])
    return None


@contextmanager
def machine_errors() -> Iterator[None]:
    """Turn the block's errors of the machine into MachineError; others propagate."""
    try:
        yield
    except Exception as error:
        if (known := machine_error(error)) is not None and known is not error:
            raise known from error
        raise


def expected_error(error: BaseException) -> PlanWiseError | None:
    """Return the error to show a person, without a traceback; None for a defect of the program."""
    if isinstance(error, PlanWiseError) and error.exit_code != PlanWiseError.exit_code:
        return error
    return machine_error(error) or (error if isinstance(error, PlanWiseError) else None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those it was raised from, the last one first."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        if isinstance(following, BaseExceptionGroup):
            for member in following.exceptions:
                yield from _causes(member)
        hidden = following.__suppress_context__
        following = following.__cause__ or (None if hidden else following.__context__)


def _text(error: BaseException, number: int) -> str:
    reason = os.strerror(number)
    if not isinstance(error, OSError) or error.strerror is None:
        return f"{reason}: {error}".rstrip(".") + "."
    if error.filename is None:
        return f"Standard output or a file cannot be used: {error.strerror}."
    return f"{error.filename!s} cannot be used: {error.strerror}."


def _number_in_text(error: BaseException) -> int | None:
    """Return the system's error number that the text of a database's error names."""
    if type(error).__module__.partition(".")[0] not in _LIBRARIES:
        return None
    text = str(error)
    named = {**{os.strerror(number): number for number in _REMEDIES}, **_TEXTS}
    return next((number for reason, number in named.items() if reason in text), None)


def _after_colon(error: BaseException) -> str:
    return f": {error}".rstrip(".") if str(error) else ""
