"""`planwise checkpoints`."""

from rich.table import Table
from rich.text import Text

from planwise.app.checkpoints import list_checkpoints
from planwise.cli.options import Home, Json
from planwise.console import PLAIN, emit_json, progress, results, settings_for


def checkpoints(home: Home = None, json: Json = False) -> None:
    """List what can be rolled back to, newest first; the baseline before any release is the last."""
    found, recovered = list_checkpoints(settings_for(home))
    if json:
        emit_json({"checkpoints": [one.as_json() for one in found], "recovered": recovered})
        return
    if recovered:
        progress().print(recovered, soft_wrap=True)
    table = Table("checkpoint", "scenario", "fingerprint", "released", **PLAIN)
    for one in found:
        released = "never" if one.released_at is None else f"{one.released_at:%Y-%m-%d %H:%M}"
        table.add_row(one.name, Text(one.scenario), one.fingerprint[:12], released)
    results().print(table if found else "No checkpoints yet: the first release keeps one.")
