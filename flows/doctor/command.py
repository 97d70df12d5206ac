"""`planwise doctor`."""

from rich.table import Table
from rich.text import Text

from flows.doctor.checks import Check, Status, broken
from flows.doctor.facts import examine
from planwise.console import emit_json, results, settings_for
from planwise.errors import CheckFailed
from planwise.options import Home, Json

STYLES = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "red"}


def doctor(*, home: Home = None, json: Json = False) -> int:
    """Check the set-up and say what to do about what is wrong; exit with 1 when something is broken.

    Nothing is changed. `skipped` is what is not there yet, `info` what is worth knowing.
    """
    found = list(examine(settings_for(home)))
    if json:
        emit_json({"ok": not broken(found), "checks": found})
    else:
        results().print(_table(found))
        results().print("Something is broken." if broken(found) else "Nothing is broken.")
    return CheckFailed.exit_code if broken(found) else 0


def _table(found: list[Check]) -> Table:
    table = Table("check", "status", box=None)
    table.add_column("found", overflow="fold")
    for check in found:
        told = Text(check.found)
        if check.remedy:
            told.append(f"\n{check.remedy}", style="italic")
        table.add_row(Text(check.name), Text(check.status, style=STYLES.get(check.status, "")), told)
    return table
