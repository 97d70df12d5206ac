"""The form of a question: what is sought, what counts, what to keep to, which levers, how long."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from planwise.formatting import count, with_levels
from planwise.parameters import catalogue
from planwise.study import objectives
from ui.components import html
from ui.components.card import FRAME
from ui.components.page import GAP, UpdateGuard
from ui.pages.optimise.asking import AIMS, LIMITS, StudyForm
from ui.pages.optimise.labels import AUTOMATIC, OBJECTIVES, STRATEGIES
from ui.pages.optimise.looks import PART, SIDE_BY_SIDE, SMALL, SWITCHES


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

    def fill(self, study_form: StudyForm) -> None:
        """Show the constraints of a study form."""
        for name, tick in self._ticks.items():
            tick.value = name in study_form.limits
            if name in self._figures and study_form.limits.get(name) is not None:
                self._figures[name].value = study_form.limits[name]
        self.further.param.update(value=study_form.further, value_input=study_form.further)
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


PRESETS = {name: dict(weights) for name, weights in objectives.PRESETS.items()}
START_TARGET_PCT, START_TOLERANCE_PP = 3.0, 0.1
WEIGHT_STEP = 0.05
OWN = "own"  # weights that no preset has


class Form:
    """The widgets; `on_change` is called when a value of the form changes."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._tell, self._filling = on_change, UpdateGuard()
        self.scenario = self._watch(
            pmui.Select(label="Base scenario", options=["baseline"], width=300, **SMALL)
        )
        self.edits = self._watch(pmui.Checkbox(label="With the edits of the draft", visible=False, margin=0))
        self.target = self._watch(
            pmui.FloatInput(
                label="Target growth, % a year",
                value=START_TARGET_PCT,
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
        self.aim = self._watch(
            pmui.RadioButtonGroup(label="Objectives", options=list(AIMS), value=next(iter(AIMS)), **SWITCHES)
        )
        self.preset = pmui.RadioButtonGroup(
            label="Preset of weights", options=[*PRESETS, OWN], value="balanced", **SWITCHES
        )
        self.preset.param.watch(self._take_preset, "value")
        self.weights = {
            name: self._watch(
                pmui.FloatSlider(
                    label=text,
                    start=0,
                    end=1,
                    step=WEIGHT_STEP,
                    value=PRESETS["balanced"].get(name, 0.0),
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
        self.strategy = self._watch(
            pmui.Select(
                label="Strategy",
                options={"Choose for me": AUTOMATIC, **{name: name for name in STRATEGIES}},
                value=AUTOMATIC,
                width=300,
                **SMALL,
            )
        )
        self.explained = html.pane("")
        self.limits = LimitRows(self._changed)
        levers = {
            with_levels(lever.label): name
            for name, lever in catalogue().levers.items()
            if lever.tunable and not lever.locked
        }
        self.levers = self._watch(
            pmui.MultiChoice(
                label="Levers to tune (none: COLA, merit, promotion raises, hiring pay)",
                options=levers,
                value=[],
                sizing_mode="stretch_width",
                margin=0,
            )
        )
        self.locks = self._watch(
            pmui.MultiChoice(
                label="Fixed levers", options=levers, value=[], sizing_mode="stretch_width", margin=0
            )
        )
        self.by_year = self._watch(pmui.Switch(label="Tune each year on its own", value=False, margin=0))
        self._budget()
        self.layout = self._laid_out()
        self._show_aim()

    def _budget(self) -> None:
        def number(label: str, blank: str = "", *, width: int = 150, **more: Any) -> NumberField:
            return NumberField(label, self._changed, blank=blank, width=width, **more)

        self.tolerance = number("Tolerance, pp", "0.1", value=START_TOLERANCE_PP)
        self.trials = number("Trials at most", "as advised", whole=True)
        self.seconds = number("Time limit (s)", "no limit")
        self.stagnation = number("Stop after N trials without improvement", "no limit", width=310, whole=True)
        self.iterations = number("Loop iterations", "10", whole=True)
        self.seeds = number("Other seeds", "20", value=20, whole=True)
        self.workers = number("Workers", "1", value=1, whole=True)
        self._budgets = (
            self.tolerance,
            self.trials,
            self.seconds,
            self.stagnation,
            self.iterations,
            self.seeds,
            self.workers,
        )
        self.preview = self._watch(
            pmui.Switch(label="Preview only: nothing is verified or published", margin=0)
        )
        self.save_as = self._watch(
            pmui.TextInput(
                label="Save result as scenario", placeholder="baseline_optimized", width=300, **SMALL
            ),
            "value",
        )

    def study_form(self, draft: Mapping[str, Any]) -> StudyForm:
        """Return what the form says; `draft` are the edits of the session on the base scenario.

        Raises InputError for a field that has no number in it.
        """
        return StudyForm(
            scenario=self.scenario.value or "baseline",
            changes=dict(draft) if self.edits.visible and self.edits.value else {},
            target_pct=self.target.value,
            aim=AIMS[self.aim.value],
            weights={name: slider.value for name, slider in self.weights.items()},
            front=tuple(name for name in OBJECTIVES if name in self.front.value),
            strategy=self.strategy.value,
            limits=self.limits.ticked(),
            further=self.limits.further.value_input or self.limits.further.value or "",
            levers=tuple(self.levers.value),
            locks=tuple(self.locks.value),
            by_year=self.by_year.value,
            tolerance_pp=self.tolerance.value,
            iterations=self.iterations.whole,
            trials=self.trials.whole,
            seconds=self.seconds.value,
            stagnation=self.stagnation.whole,
            seeds=self.seeds.whole,
            workers=self.workers.whole,
            preview=self.preview.value,
            save_as=self.save_as.value or "",
        )

    def offer(self, scenarios: Sequence[str], chosen: str | None = None) -> None:
        """Offer these base scenarios; one that is gone is not kept."""
        value = chosen if chosen in scenarios else self.scenario.value
        with_value = value if value in scenarios else next(iter(scenarios), None)
        self._quietly(lambda: self.scenario.param.update(options=list(scenarios), value=with_value))
        self.save_as.placeholder = f"{self.scenario.value}_optimized"

    def fill(self, study_form: StudyForm) -> None:
        """Fill the form with the values of another study, as one change."""

        def write() -> None:
            self.offer(list(self.scenario.options), study_form.scenario)
            self.target.value = study_form.target_pct
            self.aim.value = next(text for text, aim in AIMS.items() if aim == study_form.aim)
            if study_form.weights:
                self.preset.value = OWN
                for name, slider in self.weights.items():
                    slider.value = study_form.weights.get(name, 0.0)
            self.front.value = list(study_form.front) or self.front.value
            self.strategy.value = study_form.strategy if study_form.strategy in STRATEGIES else AUTOMATIC
            self.limits.fill(study_form)
            known = set(self.levers.options.values())
            self.levers.value = [name for name in study_form.levers if name in known]
            self.locks.value = [name for name in study_form.locks if name in known]
            self.by_year.value = study_form.by_year
            for field, value in (
                (self.tolerance, study_form.tolerance_pp),
                (self.trials, study_form.trials),
                (self.seconds, study_form.seconds),
                (self.stagnation, study_form.stagnation),
                (self.iterations, study_form.iterations),
                (self.seeds, study_form.seeds),
                (self.workers, study_form.workers),
            ):
                field.value = value
            self.preview.value, self.save_as.value = study_form.preview, study_form.save_as

        self._quietly(write)
        self._changed()

    def lock(self, names: Sequence[str]) -> None:
        """Fix these levers: the locks of the draft."""
        known = set(self.locks.options.values())
        wanted = [name for name in names if name in known]
        if wanted != self.locks.value:
            self.locks.value = wanted

    def _watch(self, widget: Any, name: str = "value") -> Any:
        widget.param.watch(self._changed, name)
        return widget

    def _quietly(self, work: Callable[[], None]) -> None:
        with self._filling:
            work()

    def _changed(self, *_: Any) -> None:
        if self._filling:
            return
        self._show_aim()
        self._tell()

    def _take_preset(self, event: Any) -> None:
        if event.new in PRESETS:

            def write() -> None:
                for name, slider in self.weights.items():
                    slider.value = PRESETS[event.new].get(name, 0.0)

            self._quietly(write)
            self._changed()

    def _show_aim(self) -> None:
        aim = AIMS[self.aim.value]
        self._weighing.visible, self.front.visible = aim == "weights", aim == "front"
        self.save_as.disabled = self.preview.value
        self.save_as.placeholder = f"{self.scenario.value}_optimized"
        self.preset.value = next(
            (
                name
                for name, weights in PRESETS.items()
                if all(
                    abs(slider.value - weights.get(key, 0.0)) < 1e-9 for key, slider in self.weights.items()
                )
            ),
            OWN,
        )

    def _laid_out(self) -> pmui.Paper:
        self._weighing = pn.Column(self.preset, pn.Column(*self.weights.values(), **SIDE_BY_SIDE), **PART)
        parts = (
            ("Question", pn.FlexBox(self.scenario, self.target, self.reach, gap="12px"), self.edits),
            ("Objectives", self.aim, self._weighing, self.front),
            ("Strategy", self.strategy, self.explained),
            ("Constraints", self.limits.layout),
            ("Levers", self.levers, self.locks, self.by_year),
            (
                "Budget and tolerance",
                pn.FlexBox(*(field.widget for field in self._budgets), gap="12px"),
                self.preview,
                self.save_as,
            ),
        )
        sections = [
            pn.Column(html.pane(f'<h2 class="card-title">{title}</h2>'), *widgets, **PART)
            for title, *widgets in parts
        ]
        return pmui.Paper(
            pn.Column(*sections, sizing_mode="stretch_width", styles={"gap": f"{GAP + 6}px"}), **FRAME
        )
