"""A part of the page that is made when it is first shown, so that the page itself is there sooner."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol

import panel as pn
import panel_material_ui as pmui

from ui.components.card import FRAME


class Part(Protocol):
    """What a tab shows."""

    layout: Any

    def refresh(self) -> None:
        """Show the draft as it is."""


class Later:
    """An empty place for a part; `show` makes it once, and brings it up to date."""

    def __init__(self, make: Callable[[], Part]) -> None:
        self._make = make
        self.layout = pn.Column(sizing_mode="stretch_width")

    @cached_property
    def part(self) -> Any:
        """The part itself."""
        return self._make()

    def show(self) -> None:
        """Put the part in its place, and show the draft as it is."""
        self.part.refresh()
        if not self.layout.objects:
            self.layout.append(pmui.Paper(self.part.layout, **FRAME))
