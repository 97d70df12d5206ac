"""A field for a number that may be left blank; the number field of the library writes 0 for a blank."""

import math
from collections.abc import Callable
from typing import Any

import panel_material_ui as pmui

from planwise.errors import InputError
from ui.values.formatting import count


class NumberField:
    """Text that is read as a number; blank is None. `on_change` is called with every new number."""

    def __init__(
        self,
        label: str,
        on_change: Callable[[], None],
        *,
        value: float | None = None,
        whole: bool = False,
        blank: str = "",
        **layout: Any,
    ) -> None:
        self.label, self._whole, self._tell = label, whole, on_change
        self.widget = pmui.TextInput(
            label=label,
            value=_text(value),
            placeholder=blank,
            size="small",
            margin=0,
            max_length=20,
            **layout,
        )
        self._last = self.widget.value
        self.widget.param.watch(self._typed, "value_input")
        self.widget.param.watch(self._typed, "value")

    @property
    def value(self) -> float | None:
        """The number, None when the field is blank; raises InputError for what is none."""
        text = (self._last or "").strip().replace(",", "").replace("_", "").removesuffix("%").strip()
        if not text:
            return None
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or (self._whole and number != int(number)):
            kind = "a whole number" if self._whole else "a number"
            raise InputError(
                f"{self.label}: {self._last!r} is not {kind}.", remedy="Correct it, or leave it blank."
            )
        return int(number) if self._whole else number

    @value.setter
    def value(self, number: float | None) -> None:
        self._last = _text(number)
        self.widget.param.update(value=self._last, value_input=self._last, error_state=False)

    @property
    def whole(self) -> int | None:
        """The whole number, None when the field is blank; raises InputError for what is none."""
        number = self.value
        return None if number is None else int(number)

    def _typed(self, event: Any) -> None:
        if event.new == self._last:
            return
        self._last = event.new
        try:
            _ = self.value
        except InputError:
            self.widget.error_state = True
        else:
            self.widget.error_state = False
        self._tell()


def _text(number: float | None) -> str:
    if number is None:
        return ""
    return count(number) if number == int(number) and abs(number) >= 1000 else f"{number:g}"
