"""Texts of unexpected errors without the pay that they quote.

Libraries quote the values that they fail on, which may be rows of pay: their messages are masked before they
are stored, logged or printed.
"""

import logging
import re
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

# Three digits or more, grouped as any country does: 98765.4, 98,765, 98 765, 98'765, 98.765,40.
FIGURE = re.compile(r"\d(?:[.,'’_\u00a0\u202f]?\d| (?=\d{3}(?!\d))\d){2,}")
CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def mask_values(text: str) -> str:
    """Return a text with # for every figure that may be pay."""
    return FIGURE.sub("#", text)


def describe_error(error: BaseException) -> str:
    """Return the class of an error and its masked message."""
    return f"{type(error).__name__}: {mask_values(str(error))}"


def masked_traceback(error: BaseException, seen: frozenset[int] = frozenset()) -> str:
    """Return the traceback of an error with its causes; frames are complete, messages are masked."""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    known = seen | {id(error)}
    text = ""
    if earlier is not None and id(earlier) not in known:
        text = masked_traceback(earlier, known) + (CAUSE if error.__cause__ else CONTEXT)
    text += "Traceback (most recent call last):\n" + "".join(traceback.format_tb(error.__traceback__))
    text += mask_values("".join(traceback.format_exception_only(error)))
    if isinstance(error, BaseExceptionGroup):
        text += "".join(masked_traceback(part, known) for part in error.exceptions)
    return text


def mask_tracebacks() -> None:
    """Mask the tracebacks that this process logs, through whatever handler, or ends with."""

    def record(*args: Any, **kwargs: Any) -> logging.LogRecord:
        made = plain(*args, **kwargs)
        if made.exc_info and made.exc_info[1] is not None:
            made.exc_text = masked_traceback(made.exc_info[1]).rstrip()  # formatters do not make it again
        return made

    def end(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        sys.stderr.write(masked_traceback(error))

    def end_thread(ended: threading.ExceptHookArgs) -> None:
        if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
            sys.stderr.write(masked_traceback(ended.exc_value))

    plain = logging.LogRecord
    logging.setLogRecordFactory(record)
    sys.excepthook, threading.excepthook = end, end_thread
