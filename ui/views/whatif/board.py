"""The editors of all levers as one component of the page: fifteen sliders and numbers are one model."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

ASSETS = Path(__file__).parents[2] / "assets"


class Board(JSComponent):
    """Tells `on_message` of edits, resets and the year that is edited; shows `board` and `values`.

    A message is a mapping with `kind`: "edit" (name, value, live, number), "reset" (name, number),
    "clear" (number) or "year" (year). It comes from a browser: nothing in it can be relied on.
    """

    board = param.Dict(default={"years": [], "year": None, "groups": []})
    values = param.Dict(default={})

    _esm = ASSETS / "whatif_board.js"

    def __init__(self, on_message: Callable[[Mapping[str, Any]], None], **params: Any) -> None:
        style = (ASSETS / "whatif_board.css").read_text(encoding="utf-8")
        super().__init__(stylesheets=[style], **params)
        self._on_message = on_message

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, Mapping):
            self._on_message(data)


class Figures(JSComponent):
    """Shows `html` of ours as the answer to the edit with this `number`; `key` names what was simulated."""

    shown = param.Dict(default={"html": "", "number": 0, "key": ""})

    _esm = ASSETS / "whatif_figures.js"

    def __init__(self, **params: Any) -> None:
        from ui.components.styles import stylesheet

        style = (ASSETS / "whatif_figures.css").read_text(encoding="utf-8")
        super().__init__(stylesheets=[stylesheet(), style], **params)
