"""The lever editor: rows with slider and number, a grid by year, tables with fields, and the live figures."""

from typing import Any

import param
from panel.viewable import Child

from ui.components.html import ASSETS, Component


class LeverEditor(Component):
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
    _sheets = ("lever_editor",)

    def _handle_msg(self, message: Any) -> None:
        if isinstance(message, dict) and self._on_message is not None:
            self._on_message(message)
            if isinstance(number := message.get("number"), int):
                self.answered = number


class LeverGrid(Component):
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
    _sheets = ("lever_grid",)


class EditTable(Component):
    """A table of texts and fields: the merit matrix, pay ranges, groups.

    `sheet` has a label, `head`, `rows` and perhaps a `foot` of cells; a cell has `lines` of text, `fields`
    (name, text, aria, unit, changed, problem, disabled), a `bar`, a `tint` in per cent, a title. Messages
    have `kind` "edit", name, text and number.
    """

    sheet = param.Dict(default={"label": "", "head": [], "rows": [], "foot": None})
    editable = param.Boolean(default=True)

    _esm = ASSETS / "edit_table.js"
    _sheets = ("edit_table",)


class LiveFigures(Component):
    """Shows HTML as the answer to the edit with this `number`; `key` names what was simulated."""

    shown = param.Dict(default={"html": "", "number": 0, "key": ""})

    _esm = ASSETS / "live_figures.js"
    _sheets = ("planwise", "live_figures")
