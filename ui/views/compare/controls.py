"""What is compared: the base, the others in their order, the year."""

from collections.abc import Callable, Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui

from ui.components.filling import Filling
from ui.selection import Selection
from ui.values.compared import MOST


class Controls:
    """Widgets that follow the selection and write to it; `on_choice` is called when the user chose."""

    def __init__(self, selection: Selection, on_choice: Callable[[], None]) -> None:
        self._selection, self._on_choice = selection, on_choice
        self._filling = Filling()
        self.base = pmui.Select(label="Base", options=[], size="small", width=260, margin=(6, 0, 4, 0))
        self.others = pmui.MultiChoice(
            label="Compared with",
            options=[],
            value=[],
            max_items=MOST - 1,
            visual_size="small",
            min_width=260,
            sizing_mode="stretch_width",
            margin=(6, 0, 4, 0),
        )
        self.year = pmui.Select(label="Year", options=[], size="small", width=104, margin=(6, 0, 4, 0))
        for widget, chosen in ((self.base, self._rebase), (self.others, self._choose), (self.year, self._at)):
            widget.param.watch(chosen, "value")
        self.layout = pn.Row(
            self.base,
            pn.Column(self.others, min_width=0, styles={"flex": "1 1 320px"}),
            self.year,
            sizing_mode="stretch_width",
            styles={"gap": "12px", "flex-wrap": "wrap", "align-items": "flex-start"},
        )

    def fill(self, names: Sequence[str], published: Sequence[str]) -> None:
        """Show what is compared."""
        with self._filling:
            base, *others = names
            self.base.param.update(options=list(published), value=base)
            self.others.param.update(options=[name for name in published if name != base], value=others)

    def fill_years(self, years: Sequence[int], year: int) -> None:
        """Show the years that can be compared."""
        with self._filling:
            self.year.param.update(options=list(years), value=year)

    def _rebase(self, event: Any) -> None:
        """Make another scenario the base; the old one takes its place among the others."""
        if self._filling or not event.new:
            return
        before = list(self.others.value or ())
        others = [event.old if name == event.new else name for name in before]
        if event.new not in before and len(others) < MOST - 1:
            others = [event.old, *others]
        self._chose((event.new, *others))

    def _choose(self, event: Any) -> None:
        if not self._filling:
            self._chose((self.base.value, *event.new))

    def _at(self, event: Any) -> None:
        if not self._filling:
            self._selection.year = event.new

    def _chose(self, names: Sequence[str]) -> None:
        self._selection.compare = tuple(names)
        self._on_choice()
