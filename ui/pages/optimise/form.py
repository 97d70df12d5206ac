"""The form of a new study: its widgets are the fields of the request, in the units that people type."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from planwise.formatting import count, with_levels
from planwise.parameters import BASELINE, catalogue
from planwise.study.objectives import PRESETS
from planwise.study.spec import OptimizeRequest, StudyHeader
from ui.components import html
from ui.components.card import FRAME
from ui.components.page import GAP, UpdateGuard
from ui.pages.optimise.labels import AUTOMATIC, OBJECTIVES, STRATEGIES

PERCENT, MILLION = 0.01, 1e6
TARGET_PCT = 3.0  # shown first
DECIMALS = 12  # of a request's figure: 3.1 % is 0.031
WEIGHT_STEP = 0.05
OWN = "own"  # weights that no preset has
Aim = Literal["change", "weights", "front"]
AIMS: Mapping[str, Aim] = {
    "Least change": "change",
    "Weighted objectives": "weights",
    "Front of trade-offs": "front",
}
SMALL: Mapping[str, Any] = {"size": "small", "margin": 0}
COLUMNS: Mapping[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {
        "display": "grid",
        "grid-template-columns": "repeat(auto-fit, minmax(230px, 1fr))",
        "gap": "10px 24px",
    },
}
PART: Mapping[str, Any] = {"sizing_mode": "stretch_width", "styles": {"gap": "12px"}}
SEGMENTS: Mapping[str, Any] = {  # a row of toggle buttons; the heading above names it on the screen
    "size": "small",
    "margin": 0,
    "color": "primary",
    "sx": {
        "& .MuiToggleButton-root": {"textTransform": "none", "whiteSpace": "nowrap", "padding": "4px 14px"}
    },
    "stylesheets": [".MuiFormLabel-root { position: absolute; width: 1px; height: 1px; overflow: hidden; }"],
}


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
    Limit("payroll", "Payroll at most", "highest year-end payroll of any year", "$ million", MILLION),
    Limit(
        "payroll_risk",
        "Risk of a higher payroll at most",
        "share of other seeds whose payroll exceeds that limit",
        "% of seeds",
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


class ConstraintRows:
    """A checkbox and a figure for each common constraint, and a text field for further ones."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._ticks: dict[str, Any] = {}
        self._figures: dict[str, NumberField] = {}
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
            self.further,
            self._message,
            sizing_mode="stretch_width",
            styles={"gap": "0"},
        )

    def texts(self) -> tuple[str, ...]:
        """Return the constraints in the grammar of a study; raises InputError for a missing figure."""
        ticked = (self._constraint(limit) for limit in LIMITS if self._ticks[limit.name].value)
        further = (self.further.value_input or self.further.value or "").split(",")
        return (*ticked, *(text.strip() for text in further if text.strip()))

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
        text = ", ".join(str(one) for one in spec.limits if one not in shown.values())
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


class StudyForm:
    """The widgets of a request; `on_change` is called when a value changes."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change, self._filling = on_change, UpdateGuard()
        self.scenario = self._watch(
            pmui.Select(label="Base scenario", options=[BASELINE], width=300, **SMALL)
        )
        self.edits = self._watch(pmui.Checkbox(label="With the edits of the draft", visible=False, margin=0))
        self.target = self._watch(
            pmui.FloatInput(
                label="Target growth, % a year",
                value=TARGET_PCT,
                step=0.1,
                start=-50,
                end=50,
                width=200,
                format="0.00[00]",
                sx={"& .MuiIconButton-root": {"display": "none"}},  # steppers without a name; arrow keys step
                **SMALL,
            )
        )
        self.reach = html.pane("", min_width=260)
        self._objective_widgets()
        self.strategy = self._watch(
            pmui.Select(
                label="Strategy",
                options={"Choose automatically": AUTOMATIC, **{name: name for name in STRATEGIES}},
                value=AUTOMATIC,
                width=300,
                **SMALL,
            )
        )
        self.explained = html.pane("")
        self.constraints = ConstraintRows(self._changed)
        tunable = {
            with_levels(lever.label): name
            for name, lever in catalogue().levers.items()
            if lever.tunable and not lever.locked
        }
        self.levers, self.locks = (
            self._watch(
                pmui.MultiChoice(
                    label=label, options=tunable, value=[], sizing_mode="stretch_width", margin=0
                )
            )
            for label in (
                "Levers to tune (none: COLA, merit, promotion raises, hiring pay)",
                "Fixed levers",
            )
        )
        self.by_year = self._watch(pmui.Switch(label="Tune each year separately", value=False, margin=0))
        self.numbers = self._number_fields()
        self.preview = self._watch(
            pmui.Switch(label="Preview only: nothing is verified or published", margin=0)
        )
        self.save_as = self._watch(pmui.TextInput(label="Save result as scenario", width=300, **SMALL))
        self.layout = self._laid_out()
        self._show_aim()

    def request(self, draft: Mapping[str, Any]) -> OptimizeRequest:
        """Return the request of the study; a blank field has its default.

        `draft` has the session's edits of the base scenario. Raises InputError for a field that no study
        can use.
        """
        edits = draft if self.edits.visible and self.edits.value else {}
        of_levers = {key for key in edits if key.partition("@")[0] in catalogue().levers}
        preview, target = self.preview.value, self.target.value
        numbers = {name: field.value for name, field in self.numbers.items()}
        fields: dict[str, Any] = {
            "scenario": self.scenario.value or BASELINE,
            "levers": {key: value for key, value in edits.items() if key in of_levers},
            "assumptions": {key: value for key, value in edits.items() if key not in of_levers},
            "target_growth": None if target is None else round(target * PERCENT, DECIMALS),
            "strategy": self.strategy.value or None,
            "objectives": self._objectives(),
            "constraints": self.constraints.texts(),
            "tune": tuple(self.levers.value) or None,
            "by_year": self.by_year.value,
            "lock": tuple(self.locks.value),
            "preview": preview,
            "save_as": None if preview else (self.save_as.value or "").strip() or None,
            **{name: value for name, value in numbers.items() if value is not None},
        }
        return OptimizeRequest(**fields)

    def offer(self, scenarios: Sequence[str], chosen: str | None = None) -> None:
        """Offer these base scenarios; a deleted one is not kept."""
        value = chosen if chosen in scenarios else self.scenario.value
        with self._filling:
            self.scenario.param.update(
                options=list(scenarios), value=value if value in scenarios else next(iter(scenarios), None)
            )
        self.save_as.placeholder = f"{self.scenario.value}_optimized"

    def fill(self, header: StudyHeader) -> None:
        """Fill the form with the question of a past study, as one change."""
        request = header.repeated()
        strategy = AUTOMATIC if header.request is None else header.request.strategy
        with self._filling:
            self.offer(list(self.scenario.options), request.scenario)
            target = request.target_growth
            self.target.value = None if target is None else round(target / PERCENT, DECIMALS - 3)
            self.aim.value = (
                "front" if request.multi_objective else "weights" if request.weights else "change"
            )
            if self.aim.value == "weights":
                self._show_weights({name: weight or 0.0 for name, weight in request.weights})
            elif self.aim.value == "front":
                self.front.value = [name for name, _ in request.weights]
            self.strategy.value = strategy if strategy in STRATEGIES else AUTOMATIC
            self.constraints.fill(request)
            known = set(self.levers.options.values())
            self.levers.value = [name for name in request.tune or () if name in known]
            self.locks.value = [name for name in request.locked if name in known]
            for name, field in self.numbers.items():
                field.value = getattr(request, name)
            self.by_year.value, self.preview.value = request.by_year, request.preview
            self.save_as.value = request.save_as or ""
        self._changed()

    def lock(self, names: Sequence[str]) -> None:
        """Fix these levers: the locks of the draft."""
        known = set(self.locks.options.values())
        locked = [name for name in names if name in known]
        if locked != self.locks.value:
            self.locks.value = locked

    def _objective_widgets(self) -> None:
        self.aim = self._watch(
            pmui.RadioButtonGroup(label="Objectives", options=dict(AIMS), value="change", **SEGMENTS)
        )
        self.preset = pmui.RadioButtonGroup(
            label="Preset of weights", options=[*PRESETS, OWN], value="balanced", **SEGMENTS
        )
        self.preset.param.watch(self._take_preset, "value")
        balanced = dict(PRESETS["balanced"])
        self.weights = {
            name: self._watch(
                pmui.FloatSlider(
                    label=text,
                    start=0,
                    end=1,
                    step=WEIGHT_STEP,
                    value=balanced.get(name, 0.0),
                    sizing_mode="stretch_width",
                    size="small",
                    margin=(0, 8),
                ),
                "value_throttled",
            )
            for name, text in OBJECTIVES.items()
        }
        self.front = self._watch(
            pmui.CheckBoxGroup(
                label="Objectives of the front",
                options={text: name for name, text in OBJECTIVES.items()},
                value=["cost", "equity"],
                inline=False,
                margin=0,
            )
        )

    def _number_fields(self) -> Mapping[str, NumberField]:
        """Return the fields of the budgets by their name in the request."""

        def whole(label: str, blank: str, *, start: int | None = None, width: int = 150) -> NumberField:
            return NumberField(label, self._changed, start=start, blank=blank, width=width, whole=True)

        return {
            "tolerance": NumberField(
                "Tolerance, pp", self._changed, start=0.1, scale=PERCENT, blank="0.1", width=150
            ),
            "trials": whole("Trials at most", "as advised"),
            "timeout_seconds": NumberField("Time limit (s)", self._changed, blank="no limit", width=150),
            "stagnation": whole("Stop after N trials without improvement", "no limit", width=310),
            "max_iterations": whole("Loop iterations", "10"),
            "seeds": whole("Other seeds", "20", start=20),
            "workers": whole("Workers", "1", start=1),
        }

    def _objectives(self) -> str | None:
        if self.aim.value == "change":
            return None
        if self.aim.value == "front":
            front = [name for name in OBJECTIVES if name in self.front.value]
            if len(front) < 2:
                raise InputError("A front needs at least two objectives.", remedy="Tick another one.")
            return ",".join(front)
        weights = {name: slider.value for name, slider in self.weights.items() if slider.value > 0}
        if not weights:
            raise InputError("Every weight is 0.", remedy="Give one objective a weight, or choose a preset.")
        return ",".join(f"{name}={weight:.12g}" for name, weight in weights.items())

    def _watch(self, widget: Any, name: str = "value") -> Any:
        widget.param.watch(self._changed, name)
        return widget

    def _changed(self, *_: Any) -> None:
        if self._filling:
            return
        self._show_aim()
        self._on_change()

    def _take_preset(self, event: Any) -> None:
        if event.new in PRESETS and not self._filling:
            self._show_weights(dict(PRESETS[event.new]))
            self._changed()

    def _show_weights(self, weights: Mapping[str, float | None]) -> None:
        with self._filling:
            for name, slider in self.weights.items():
                slider.value = weights.get(name) or 0.0

    def _show_aim(self) -> None:
        """Show the widgets of the objectives chosen, and the preset that the weights equal."""
        self._weighing.visible, self.front.visible = self.aim.value == "weights", self.aim.value == "front"
        self.save_as.disabled = self.preview.value
        self.save_as.placeholder = f"{self.scenario.value}_optimized"
        chosen = {name: slider.value for name, slider in self.weights.items()}
        alike = (
            name
            for name, weights in PRESETS.items()
            if all(math.isclose(chosen[key], dict(weights).get(key) or 0.0, abs_tol=1e-9) for key in chosen)
        )
        with self._filling:
            self.preset.value = next(alike, OWN)

    def _laid_out(self) -> pmui.Paper:
        self._weighing = pn.Column(self.preset, pn.Column(*self.weights.values(), **COLUMNS), **PART)
        numbers = pn.FlexBox(*(field.widget for field in self.numbers.values()), gap="12px")
        parts = (
            ("Question", pn.FlexBox(self.scenario, self.target, self.reach, gap="12px"), self.edits),
            ("Objectives", self.aim, self._weighing, self.front),
            ("Strategy", self.strategy, self.explained),
            ("Constraints", self.constraints.layout),
            ("Levers", self.levers, self.locks, self.by_year),
            ("Budget and tolerance", numbers, self.preview, self.save_as),
        )
        sections = [
            pn.Column(html.pane(f'<h2 class="card-title">{title}</h2>'), *widgets, **PART)
            for title, *widgets in parts
        ]
        return pmui.Paper(
            pn.Column(*sections, sizing_mode="stretch_width", styles={"gap": f"{GAP + 6}px"}), **FRAME
        )
