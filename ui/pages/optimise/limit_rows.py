"""The constraints as rows of a form, and as the text that the study reads."""

from collections.abc import Callable
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from ui.components import html
from ui.pages.optimise.asking import LIMITS, Wish
from ui.pages.optimise.number_field import NumberField


class LimitRows:
    """A tick and a figure for each quantity that may be limited; further ones are written."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._tell = on_change
        self._ticks: dict[str, Any] = {}
        self._figures: dict[str, NumberField] = {}
        rows = []
        for limit in LIMITS:
            tick = pmui.Checkbox(label=limit.label, value=False, margin=0, size="small")
            tick.param.watch(self._changed, "value")
            self._ticks[limit.name] = tick
            # Not the widget's own description, which hangs a name on an element that may not have one.
            about = html.pane(f'<p class="quiet">{escape(limit.help)}</p>', margin=(0, 0, 4, 28))
            parts: list[Any] = [pn.Column(tick, about, width=260, styles={"gap": "0"})]
            if limit.scale is not None:
                figure = NumberField(
                    f"{limit.label}, {limit.unit}", self._changed, value=limit.start, width=250, visible=False
                )
                self._figures[limit.name] = figure
                parts.append(figure.widget)
            rows.append(
                pn.Row(
                    *parts,
                    sizing_mode="stretch_width",
                    styles={"gap": "12px", "align-items": "center", "min-height": "40px"},
                )
            )
        self.further = pmui.TextInput(
            label="Further constraints, with commas",
            placeholder="change.cola_rate<=1%, raise>=0",
            sizing_mode="stretch_width",
            size="small",
            margin=0,
        )
        self.further.param.watch(self._changed, "value_input")
        self._said = html.pane("")
        self.layout = pn.Column(
            *rows, self.further, self._said, sizing_mode="stretch_width", styles={"gap": "0"}
        )

    def ticked(self) -> dict[str, float | None]:
        """Return the figure of each constraint that is ticked, None where there is none."""
        return {
            name: self._figures[name].value if name in self._figures else None
            for name, tick in self._ticks.items()
            if tick.value
        }

    def fill(self, wish: Wish) -> None:
        """Show a wish's constraints."""
        for name, tick in self._ticks.items():
            tick.value = name in wish.limits
            if name in self._figures and wish.limits.get(name) is not None:
                self._figures[name].value = wish.limits[name]
        self.further.param.update(value=wish.further, value_input=wish.further)
        self._show()

    def say(self, texts: tuple[str, ...], error: str = "") -> None:
        """Show what the study reads, or what is wrong with it."""
        self.further.error_state = bool(error) and bool(self.further.value_input)
        if error:
            self._said.object = html.notice(error, tone="bad")
            return
        read = " ".join(f"<code>{escape(text)}</code>" for text in texts)
        self._said.object = f'<p class="card-subtitle">As the study reads them: {read or "none"}</p>'

    def _changed(self, *_: Any) -> None:
        self._show()
        self._tell()

    def _show(self) -> None:
        for name, figure in self._figures.items():
            figure.widget.visible = self._ticks[name].value
