"""The lever editor: rows with slider and number, a grid by year, and the figures that answer an edit."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent
from panel.viewable import Child

from ui.components.html import stylesheet

ASSETS = Path(__file__).parent.parent / "assets"
OnMessage = Callable[[Mapping[str, Any]], None]


def _styles(name: str) -> list[str]:
    return [(ASSETS / f"{name}.css").read_text(encoding="utf-8")]


class LeverEditor(JSComponent):
    """Rows with slider, number, base value and reset; all rows are one model of the page.

    `board` has years and groups of rows, `values` what the rows show; `chosen` is the row that is unfolded,
    with `details` below it. Messages come from a browser, so their content must be checked. They have `kind`:
    "edit" (name, text or value, live, number), "reset" (name, number) or "years" (years, None for all).
    `live` marks an edit that is not final, such as a slider that is still moving. `answered` is the number of
    the newest message that `values` answer.
    """

    board = param.Dict(default={"years": [], "chosen": None, "groups": []})
    values = param.Dict(default={})
    answered = param.Integer(default=0)
    chosen = param.String(default="")
    editable = param.Boolean(default=True)
    details = Child()

    _esm = ASSETS / "lever_editor.js"

    def __init__(self, on_message: OnMessage, **params: Any) -> None:
        super().__init__(stylesheets=_styles("lever_editor"), **params)
        self._on_message = on_message

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, dict) and isinstance(data.get("kind"), str):
            self._on_message(data)
            if isinstance(number := data.get("number"), int):
                self.answered = number


class LeverGrid(JSComponent):
    """A grid of parameters by year, edited in place: arrow keys, typing, Enter, paste from a spreadsheet.

    `sheet` has years and groups of rows of cells, `chosen` the parameter and years that are selected,
    `refused` what the last entry was refused with, and in which cell. Messages have `action`: "enter" (lever,
    year, texts: rows of columns to the right and down), "unset" (lever, year), "undo", "redo" or "forget"
    (the refused entry was given up).
    """

    sheet = param.Dict(default={"years": [], "groups": []})
    chosen = param.Dict(default={"lever": "", "years": None})
    refused = param.Dict(default={})
    editable = param.Boolean(default=True)
    label = param.String(default="Levers by year")
    heading = param.String(default="Lever", doc="Of the first column.")

    _esm = ASSETS / "lever_grid.js"

    def __init__(self, on_action: OnMessage, **params: Any) -> None:
        super().__init__(stylesheets=_styles("lever_grid"), **params)
        self._on_action = on_action

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, dict) and isinstance(data.get("action"), str):
            self._on_action(data)


class LiveFigures(JSComponent):
    """Shows HTML as the answer to the edit with this `number`; `key` names what was simulated."""

    shown = param.Dict(default={"html": "", "number": 0, "key": ""})

    _esm = ASSETS / "live_figures.js"

    def __init__(self, **params: Any) -> None:
        super().__init__(stylesheets=[stylesheet(), *_styles("live_figures")], **params)
