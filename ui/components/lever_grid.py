"""A grid of levers by year that is edited in place: arrow keys, typing, Enter, pasting from a spreadsheet."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

ASSETS = Path(__file__).parent.parent / "assets"


class LeverGrid(JSComponent):
    """Shows `sheet` (see ui/views/levers/sheet.py); what the user does comes as messages to `on_action`.

    A message has `action`: "enter" (lever, year, texts: rows of
    columns to the right and down), "unset" (lever, year), "undo", "redo", "forget" (what was refused is given
    up). `refused` is what an entry was refused with, at which cell; `chosen` is the lever and years that the
    editor shows.
    """

    sheet = param.Dict(default={"years": [], "groups": []})
    chosen = param.Dict(default={"lever": "", "years": None})
    refused = param.Dict(default={})
    editable = param.Boolean(default=True)
    label = param.String(default="Levers by year")
    heading = param.String(default="Lever", doc="Of the first column.")

    _esm = ASSETS / "lever_grid.js"

    def __init__(self, on_action: Callable[[Mapping[str, Any]], None], **params: Any) -> None:
        style = (ASSETS / "lever_grid.css").read_text(encoding="utf-8")
        super().__init__(stylesheets=[style], **params)
        self._on_action = on_action

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, dict) and isinstance(data.get("action"), str):
            self._on_action(data)
