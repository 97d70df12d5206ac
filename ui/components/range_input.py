"""A slider with the recommended range marked on its track, and a field for the exact value beside it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

ASSETS = Path(__file__).parent.parent / "assets"


class RangeInput(JSComponent):
    """Shows a number within hard bounds; all numbers are in the unit that people type (percent, factor).

    The user's wishes come to `on_action`: "slide" (value, gesture: equal within one drag) while the slider
    moves, "enter" (text) when the field is left or Enter is pressed. `text` None means that the value differs
    by year. `problem` and `remedy` stand at the field.
    """

    label = param.String(default="")
    value = param.Number(default=0.0)
    text = param.String(default="", allow_None=True)
    unit = param.String(default="")
    bounds = param.Tuple(default=(0.0, 1.0), length=2)
    recommended = param.Tuple(default=(0.0, 1.0), length=2)
    bound_texts = param.Tuple(default=("", ""), length=2)
    recommended_text = param.String(default="")
    step = param.Number(default=0.01)
    locked = param.Boolean(default=False)
    problem = param.String(default="")
    remedy = param.String(default="")

    _esm = ASSETS / "range_input.js"

    def __init__(self, on_action: Callable[[Mapping[str, Any]], None], **params: Any) -> None:
        style = (ASSETS / "range_input.css").read_text(encoding="utf-8")
        super().__init__(stylesheets=[style], **params)
        self._on_action = on_action

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, dict) and isinstance(data.get("action"), str):
            self._on_action(data)
