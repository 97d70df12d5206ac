"""Fields of the form of a new study: numbers in the unit that people type, rows of constraints."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from planwise.formatting import count
from planwise.study.spec import OptimizeRequest
from ui.components import html

PERCENT, MILLION = 0.01, 1e6
DECIMALS = 12  # of a request's figure: 3.1 % is 0.031
SMALL: Mapping[str, Any] = {"size": "small", "margin": 0}
MARKET_POSITION = "market_position"  # the constraint
MARKET_LABEL = "Market position at least"
MARKET_HELP = "mean percentile of the group in the last year; needs a matched market survey"


class NumberField:
    """A text field with a number; `on_change` is called with every new number.

    `value` is the number times `scale`, None for a blank field. `start` is shown first.
    """

    def __init__(
        self,
        label: str,
        on_change: Callable[[], None],
        *,
        start: float | None = None,
        scale: float = 1.0,
        whole: bool = False,
        blank: str = "",
        **layout: Any,
    ) -> None:
        self._label, self._on_change, self._scale, self._whole = label, on_change, scale, whole
        self.widget = pmui.TextInput(
            label=label, value=_text(start), placeholder=blank, max_length=20, **SMALL, **layout
        )
        self._last = self.widget.value
        for name in ("value_input", "value"):
            self.widget.param.watch(self._typed, name)

    @property
    def value(self) -> float | None:
        """The number in the request's unit, None for a blank field; raises InputError for other text."""
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
                f"{self._label}: {self._last!r} is not {kind}.", remedy="Correct it, or clear the field."
            )
        return int(number) if self._whole else round(number * self._scale, DECIMALS)

    @value.setter
    def value(self, value: float | None) -> None:
        self._last = _text(None if value is None else round(value / self._scale, DECIMALS - 3))
        self.widget.param.update(value=self._last, value_input=self._last, error_state=False)

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
        self._on_change()


def _text(number: float | None) -> str:
    if number is None:
        return ""
    return count(number) if number == int(number) and abs(number) >= 1000 else f"{number:.10g}"


@dataclass(frozen=True)
class Limit:
    """A row of the constraints; `scale` is as in NumberField, None for a constraint without a figure."""

    name: str
    label: str
    help: str
    unit: str = ""
    scale: float | None = None
    start: float | None = None


LIMITS: tuple[Limit, ...] = (
    Limit("payroll", "Payroll at most", "highest year-end payroll of any year", "million", MILLION),
    Limit(
        "payroll_risk",
        "Risk of a higher payroll at most",
        "share of other draws of rates and luck whose payroll exceeds that limit",
        "% of draws",
        PERCENT,
        5.0,
    ),
    Limit("merit_monotone", "Merit never falls with level", "in every year, over the levels of the census"),
    Limit("change", "Each lever moves at most", "from its value in force", "pp", PERCENT, 2.0),
    Limit("raise", "Individual raise at most", "of any employee in any year", "%", PERCENT, 40.0),
    Limit(
        "adjusted_gap",
        "Adjusted gap at most",
        "in the last year; needs gender or ethnicity",
        "log points × 100",
        PERCENT,
        2.0,
    ),
    Limit("below_minimum", "Below the range minimum at most", "in the last year", "people", 1.0, 0.0),
)


class MarketRow:
    """The row of the market position: a percentile, and the group that it is of."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.tick = pmui.Checkbox(label=MARKET_LABEL, value=False, **SMALL)
        self.figure = NumberField(
            f"{MARKET_LABEL}, percentile", on_change, start=50.0, width=180, visible=False
        )
        self.group = pmui.TextInput(
            label="Of the group", placeholder="all; or department=Police", width=240, visible=False, **SMALL
        )
        about = html.pane(f'<p class="quiet">{escape(MARKET_HELP)}</p>', margin=(0, 0, 4, 28))
        self.layout = pn.Row(
            pn.Column(self.tick, about, width=260, styles={"gap": "0"}),
            self.figure.widget,
            self.group,
            sizing_mode="stretch_width",
            styles={"gap": "12px", "align-items": "center", "min-height": "40px"},
        )
        self.tick.param.watch(lambda _: on_change(), "value")
        self.group.param.watch(lambda _: on_change(), "value_input")

    def texts(self) -> tuple[str, ...]:
        """Return the constraint, if it is ticked; raises InputError for a missing figure."""
        if not self.tick.value:
            return ()
        if (figure := self.figure.value) is None:
            raise InputError(
                f"{MARKET_LABEL}: the figure is missing.", remedy="Enter one, or untick the constraint."
            )
        group = (self.group.value_input or self.group.value or "").strip()
        return (f"{MARKET_POSITION}{f'[{group}]' if group else ''}>=P{figure:.12g}",)

    def fill(self, limits: Iterable[Any]) -> Any:
        """Show the first constraint of its kind and return it."""
        found = next((one for one in limits if (one.name, one.relation) == (MARKET_POSITION, ">=")), None)
        self.tick.value = found is not None
        if found is not None:
            self.figure.value = found.limit
            group = found.group or ""
            self.group.param.update(value=group, value_input=group)
        return found

    def show_fields(self) -> None:
        """Show the fields of a ticked row only."""
        self.figure.widget.visible = self.group.visible = self.tick.value


class ConstraintRows:
    """A checkbox and a figure for each common constraint, and a text field for further ones."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._ticks: dict[str, Any] = {}
        self._figures: dict[str, NumberField] = {}
        self._market = MarketRow(self._changed)
        self.further = pmui.TextInput(
            label="Further constraints, with commas",
            placeholder="change.cola_rate<=1%, raise>=0",
            sizing_mode="stretch_width",
            **SMALL,
        )
        self.further.param.watch(self._changed, "value_input")
        self._message = html.pane("")
        self.layout = pn.Column(
            *map(self._row, LIMITS),
            self._market.layout,
            self.further,
            self._message,
            sizing_mode="stretch_width",
            styles={"gap": "0"},
        )

    def texts(self) -> tuple[str, ...]:
        """Return the constraints in the grammar of a study; raises InputError for a missing figure."""
        ticked = (self._constraint(limit) for limit in LIMITS if self._ticks[limit.name].value)
        further = (self.further.value_input or self.further.value or "").split(",")
        return (*ticked, *self._market.texts(), *(text.strip() for text in further if text.strip()))

    def fill(self, spec: OptimizeRequest) -> None:
        """Show the constraints of a study."""
        shown = {
            one.name: one
            for one in spec.limits
            if one.name in self._ticks and one.lever is None and one.relation != ">="
        }
        for name, tick in self._ticks.items():
            tick.value = name in shown
            if name in shown and name in self._figures:
                self._figures[name].value = shown[name].limit
        market = self._market.fill(spec.limits)
        text = ", ".join(str(one) for one in spec.limits if one not in (*shown.values(), market))
        self.further.param.update(value=text, value_input=text)
        self._show_figures()

    def show_read(self, texts: Iterable[str]) -> None:
        """Show the constraints as the study reads them."""
        self.further.error_state = False
        read = " ".join(f"<code>{escape(text)}</code>" for text in texts)
        self._message.object = f'<p class="card-subtitle">As the study reads them: {read or "none"}</p>'

    def show_error(self, error: str) -> None:
        """Show why the question is refused."""
        self.further.error_state = bool(self.further.value_input)
        self._message.object = html.notice(error, tone="bad")

    def _row(self, limit: Limit) -> pn.Row:
        tick = pmui.Checkbox(label=limit.label, value=False, **SMALL)
        tick.param.watch(self._changed, "value")
        self._ticks[limit.name] = tick
        # Not the widget's own description, which hangs a name on an element that may not have one.
        about = html.pane(f'<p class="quiet">{escape(limit.help)}</p>', margin=(0, 0, 4, 28))
        parts: list[Any] = [pn.Column(tick, about, width=260, styles={"gap": "0"})]
        if limit.scale is not None:
            figure = NumberField(
                f"{limit.label}, {limit.unit}",
                self._changed,
                start=limit.start,
                scale=limit.scale,
                width=250,
                visible=False,
            )
            self._figures[limit.name] = figure
            parts.append(figure.widget)
        styles = {"gap": "12px", "align-items": "center", "min-height": "40px"}
        return pn.Row(*parts, sizing_mode="stretch_width", styles=styles)

    def _constraint(self, limit: Limit) -> str:
        if limit.scale is None:
            return limit.name
        figure = self._figures[limit.name].value
        if figure is None:
            raise InputError(
                f"{limit.label}: the figure is missing.", remedy="Enter one, or untick the constraint."
            )
        return f"{limit.name}<={figure:.12g}"

    def _changed(self, *_: Any) -> None:
        self._show_figures()
        self._on_change()

    def _show_figures(self) -> None:
        for name, figure in self._figures.items():
            figure.widget.visible = self._ticks[name].value
        self._market.show_fields()
