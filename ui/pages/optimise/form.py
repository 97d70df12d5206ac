"""The form of a new study: its widgets are the fields of the request, in the units that people type."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from planwise.formatting import with_levels
from planwise.parameters import BASELINE, catalogue
from planwise.study.objectives import PRESETS
from planwise.study.spec import OptimizeRequest, StudyHeader
from planwise.study.target import DEFAULT_TARGET, MEASURES, Measure, Target, parse_target
from ui.components import html
from ui.components.card import FRAME
from ui.components.page import GAP, UpdateGuard
from ui.pages.optimise.fields import DECIMALS, MILLION, PERCENT, SMALL, ConstraintRows, NumberField
from ui.pages.optimise.labels import AUTOMATIC, OBJECTIVES, STRATEGIES

START = parse_target(DEFAULT_TARGET)  # shown first
WEIGHT_STEP = 0.05
OWN = "own"  # weights that no preset has
Aim = Literal["change", "weights", "front"]
AIMS: Mapping[str, Aim] = {
    "Least change": "change",
    "Weighted objectives": "weights",
    "Front of trade-offs": "front",
}
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


def _target_label(measure: Measure) -> str:
    return f"Target, {'million' if measure.is_amount else '%'}"


class StudyForm:
    """The widgets of a request; `on_change` is called when a value changes."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change, self._filling = on_change, UpdateGuard()
        self.scenario = self._watch(
            pmui.Select(label="Base scenario", options={BASELINE: BASELINE}, width=300, **SMALL)
        )
        self.edits = self._watch(pmui.Checkbox(label="With the edits of the draft", visible=False, margin=0))
        self.target = self._watch(
            pmui.FloatInput(
                label=_target_label(START.measure),
                value=round(START.value / PERCENT, DECIMALS - 3),
                step=0.1,
                width=200,
                format="0.00[00]",
                sx={"& .MuiIconButton-root": {"display": "none"}},  # steppers without a name; arrow keys step
                **SMALL,
            )
        )
        self.measure = pmui.Select(
            label="Target for",
            options={
                measure.label[0].upper() + measure.label[1:]: name for name, measure in MEASURES.items()
            },
            value=START.measure.name,
            width=220,
            **SMALL,
        )
        self.measure.param.watch(self._take_measure, "value")
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
                "Levers to tune (none: merit and COLA)",
                "Fixed levers",
            )
        )
        self.tie = self._watch(pmui.Switch(label="One merit budget for all levels", value=True, margin=0))
        self.grid = self._watch(pmui.Switch(label="Round values (steps of 0.05 pp)", value=True, margin=0))
        self.allow_risk = self._watch(
            pmui.Switch(label="Save a result outside policy or of high risk too", value=False, margin=0)
        )
        self.by_year = self._watch(pmui.Switch(label="Tune each year separately", value=False, margin=0))
        self.luck_only = self._watch(
            pmui.Switch(
                label="Draw luck alone: turnover and headcount growth as stated", value=False, margin=0
            )
        )
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
            "target": None
            if target is None
            else f"{self.measure.value}={round(target * self._unit, DECIMALS):.12g}",
            "strategy": self.strategy.value or None,
            "objectives": self._objectives(),
            "constraints": self.constraints.texts(),
            "tune": tuple(self.levers.value) or None,
            "tie": "merit" if self.tie.value else "none",
            "grid": "on" if self.grid.value else "off",
            "allow_risk": self.allow_risk.value,
            "by_year": self.by_year.value,
            "lock": tuple(self.locks.value),
            "luck_only": self.luck_only.value,
            "preview": preview,
            "save_as": None if preview else (self.save_as.value or "").strip() or None,
            **{name: value for name, value in numbers.items() if value is not None},
        }
        return OptimizeRequest(**fields)

    def offer(self, scenarios: Mapping[str, str], chosen: str | None = None) -> None:
        """Offer these base scenarios, by label; a deleted one is not kept."""
        names = list(scenarios.values())
        value = chosen if chosen in names else self.scenario.value
        value = value if value in names else next(iter(names), None)
        with self._filling:
            self.scenario.param.update(options=dict(scenarios), value=value)
        self.save_as.placeholder = f"{self.scenario.value}_optimized"

    def fill(self, header: StudyHeader) -> None:
        """Fill the form with the question of a past study, as one change."""
        request = header.repeated()
        strategy = AUTOMATIC if header.request is None else header.request.strategy
        with self._filling:
            self.offer(self.scenario.options, request.scenario)
            self._show_target(request.goal)
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
            self.tie.value, self.grid.value = request.tie == "merit", request.on_grid
            self.allow_risk.value, self.luck_only.value = request.allow_risk, request.luck_only
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
            "seeds": whole("Other draws", "20", start=20),
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

    @property
    def _unit(self) -> float:
        return MILLION if MEASURES[self.measure.value].is_amount else PERCENT

    def _take_measure(self, _: Any) -> None:
        """Leave the value open for an amount; for a rate begin with the default target."""
        if self._filling:
            return
        measure = MEASURES[self.measure.value]
        value = None if measure.is_amount else round(START.value / PERCENT, DECIMALS - 3)
        with self._filling:
            self.target.param.update(label=_target_label(measure), value=value)
        self._changed()

    def _show_target(self, target: Target) -> None:
        self.measure.value = target.measure.name
        value = round(target.value / self._unit, DECIMALS - 3)
        self.target.param.update(label=_target_label(target.measure), value=value)

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
            (
                "Question",
                pn.FlexBox(self.scenario, self.measure, self.target, self.reach, gap="12px"),
                self.edits,
            ),
            ("Objectives", self.aim, self._weighing, self.front),
            ("Strategy", self.strategy, self.explained),
            ("Constraints", self.constraints.layout),
            ("Levers", self.levers, self.locks, self.tie, self.grid, self.by_year),
            ("Budget and tolerance", numbers, self.luck_only, self.preview, self.save_as, self.allow_risk),
        )
        sections = [
            pn.Column(html.pane(f'<h2 class="card-title">{title}</h2>'), *widgets, **PART)
            for title, *widgets in parts
        ]
        return pmui.Paper(
            pn.Column(*sections, sizing_mode="stretch_width", styles={"gap": f"{GAP + 6}px"}), **FRAME
        )
