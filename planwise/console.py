"""Output of the command line: one JSON object on stdout for programs, rich text for people."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from planwise.errors import DamagedStore, GateBlocked, InputError
from planwise.gate import GateResult
from planwise.settings import Settings

Made = TypeVar("Made")
CHECK_SETTINGS = "Check the variables PLANWISE_* and the file .env of the home."
STYLES = {"critical": "bold red", "warning": "yellow", "info": "dim"}

PLAIN: dict[str, Any] = {
    "box": box.SIMPLE_HEAD,
    "padding": (0, 0),
    "collapse_padding": True,
    "pad_edge": False,
}


def results() -> Console:
    """Return the console for results: stdout."""
    return Console(highlight=False)


def progress() -> Console:
    """Return the console for progress and messages: stderr, so that stdout has results only."""
    return Console(stderr=True, highlight=False)


def emit_json(obj: Mapping[str, Any]) -> None:
    """Write one JSON object and a newline to stdout; accepts dates, paths, decimals and dataclasses."""
    sys.stdout.write(json_text(obj) + "\n")
    sys.stdout.flush()


def emit_blocked(blocked: GateBlocked, report: Mapping[str, Any]) -> int:
    """Write a blocked command's report and error as its one JSON object; return the exit code."""
    emit_json({**report, "error": {"type": "GateBlocked", "what": blocked.what, "remedy": blocked.remedy}})
    return blocked.exit_code


def print_gate(console: Console, gate: GateResult) -> None:
    """Print the failed expectations, if any."""
    failed = [check for check in gate.failed if check.severity != "info"]
    if not failed:
        return
    table = Table(
        "severity", "expectation", "observed", "allowed", "rows", title=f"{gate.suite} gate: {gate.status}"
    )
    observed = {row["expectation"]: row["observed"] for row in gate.as_table()}
    for check in failed:
        table.add_row(
            Text(check.severity, style=STYLES[check.severity]),
            f"{check.expectation} on {check.table}",
            Text(observed[check.expectation]),
            Text(check.threshold),
            f"{check.unexpected_rows:,}" if check.unexpected_rows else "",
        )
    console.print(table)


def emit_list(obj: Mapping[str, Any], damaged: Sequence[DamagedStore]) -> int:
    """Write a list as one JSON object, with the error where a part is damaged; return the exit code."""
    if not damaged:
        emit_json(obj)
        return 0
    what, remedy = "\n".join(error.what for error in damaged), damaged[0].remedy
    emit_json({**obj, "error": {"type": "DamagedStore", "what": what, "remedy": remedy}})
    return DamagedStore.exit_code


def report_damaged(damaged: Sequence[DamagedStore]) -> int:
    """Print the errors of damaged parts below the list of the others; return the exit code."""
    for error in damaged:
        progress().print(Text(error.what, style="red"), soft_wrap=True)
        progress().print(Text(error.remedy or ""), soft_wrap=True)
    return DamagedStore.exit_code if damaged else 0


def json_text(obj: Mapping[str, Any], *, allow_nan: bool = False) -> str:
    """Return an object as one line of JSON; accepts dates, paths, decimals and dataclasses."""
    is_unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    return json.dumps(obj, default=_plain, allow_nan=allow_nan, ensure_ascii=not is_unicode)


def confirm(question: str, *, yes: bool) -> None:
    """Ask on the terminal, unless `yes`; raises InputError without a terminal or for any answer but y."""
    if yes:
        return
    progress().print(question, markup=False, soft_wrap=True)
    if not sys.stdin.isatty():
        raise InputError("Nothing was deleted: there is no terminal to confirm it on.", remedy="Add --yes.")
    if input("Delete it? [y/N] ").strip().lower() not in ("y", "yes"):
        raise InputError("Nothing was deleted.", remedy="Answer y, or add --yes.")


def settings_for(home: Path | None = None) -> Settings:
    """Return the settings from the environment; `home`, if given, replaces `PLANWISE_HOME`."""
    return valid_settings(lambda: Settings() if home is None else Settings(home=home), "The settings")


def valid_settings(make: Callable[[], Made], what: str) -> Made:
    """Return the settings that `make` reads from the environment; raises InputError for invalid ones."""
    try:
        return make()
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InputError(f"{what} are not valid: {problems}.", remedy=CHECK_SETTINGS) from error
    except (SettingsError, UnicodeDecodeError) as error:
        raise InputError(f"{what} cannot be read: {error}.", remedy=CHECK_SETTINGS) from error


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if hasattr(value, "item"):  # a NumPy scalar
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")
