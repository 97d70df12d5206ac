"""How a command ends when it does not end well: an exit code, a message, and for machines one JSON object."""

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from planwise.console import emit_json, progress, settings_for
from planwise.errors import PlanWiseError

INTERNAL = 5
INTERRUPTED = 128 + 2  # the shell's convention: 128 + the signal's number
BROKEN_PIPE = 128 + 13
TERMINATED = 128 + 15
LOGS = "logs"


@dataclass(frozen=True)
class Failure:
    """What happened and what to do about it."""

    exit_code: int
    type: str
    what: str
    remedy: str | None


def report(failure: Failure, *, as_json: bool) -> int:
    """Say it, as text on stderr or as the one JSON object on stdout; return the exit code."""
    if as_json:
        emit_json({"error": {"type": failure.type, "what": failure.what, "remedy": failure.remedy}})
    else:
        console = progress()
        console.print(Text(failure.what, style="red"), soft_wrap=True)
        if failure.remedy:
            console.print(Text(failure.remedy), soft_wrap=True)
    return failure.exit_code


def internal(error: Exception, tokens: Sequence[str]) -> Failure:
    """Write the traceback to a log file and return the failure that names the file."""
    text = "".join(traceback.format_exception(error))
    stamp = datetime.now(UTC)
    name = f"error-{stamp:%Y%m%dT%H%M%SZ}-{os.getpid()}.log"
    content = f"{stamp.isoformat()}\nplanwise {' '.join(tokens)}\n\n{text}"
    return Failure(
        INTERNAL,
        type(error).__name__,
        f"Internal error: {type(error).__name__}: {error}",
        f"The traceback is in {_write(name, content, tokens)}; please report it.",
    )


def close_broken_pipe() -> int:
    """Give up stdout, whose reader has gone; return the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def _write(name: str, content: str, tokens: Sequence[str]) -> Path:
    """Write into the home's logs; where that cannot be, into the system's temporary folder."""
    try:
        folder = settings_for(_home_of(tokens)).root / LOGS
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / name
        file.write_text(content, encoding="utf-8")
    except (OSError, PlanWiseError):
        file = Path(tempfile.gettempdir()) / name
        file.write_text(content, encoding="utf-8")
    return file


def _home_of(tokens: Sequence[str]) -> Path | None:
    """Find `--home X` or `--home=X`, as the command that failed would have."""
    for index, token in enumerate(tokens):
        if token == "--home" and index + 1 < len(tokens):
            return Path(tokens[index + 1])
        if token.startswith("--home="):
            return Path(token.removeprefix("--home="))
    return None
