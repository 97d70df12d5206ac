"""The editor beside the sheet: one parameter with slider, field, years, what it is and where it is from."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.parameters import Lever
from planwise.parameters.declaration import Unit
from ui.components import html
from ui.components.filling import Filling
from ui.components.layout import show
from ui.components.range_input import RangeInput
from ui.session import Session
from ui.values.edits import keys_of
from ui.values.parameter_text import EXAMPLES, PERCENT, TIMES, recommended, typed, written
from ui.views.levers.choice import Choice
from ui.views.levers.description import facts, heading
from ui.views.levers.entries import changes_of, copied_to_levels, typed_changes
from ui.views.levers.ramp import Ramp
from ui.views.levers.sheet import Declared, full_label

ALL = "All"
STEPS = {Unit.RATE: 0.05, Unit.MULTIPLIER: 0.01}  # of the slider, in typed units
UNITS = {Unit.RATE: ", %", Unit.MULTIPLIER: ", factor", Unit.YEARS: ", years", Unit.MONEY: ", $"}
SMALL: dict[str, Any] = {"variant": "outlined", "size": "small", "margin": 0}
ROW: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "margin": 0,
    "styles": {"gap": "8px", "flex-wrap": "wrap"},
}


class Editor:
    """Edits what `choice` names; `effect` is told in by whoever knows it (empty: not known)."""

    def __init__(self, session: Session, choice: Choice) -> None:
        self._session = session
        self._choice = choice
        self._filling = Filling()
        self._effects: dict[str, str] = {}
        self._head = html.pane("")
        self._facts = html.pane("")
        self._range = RangeInput(self._ranged, sizing_mode="stretch_width", margin=0)
        self._field = pmui.TextInput(label="Value", size="small", margin=0, sizing_mode="stretch_width")
        self._field.param.watch(self._typed, "value")
        self._years = pmui.CheckButtonGroup(
            label="Years", options=[ALL], value=[ALL], size="small", margin=0, color="primary"
        )
        self._years.param.watch(self._years_chosen, "value")
        self._as_base = pmui.Button(label="As in the base", **SMALL)
        self._as_base.on_click(lambda _: self._reset())
        self._default = pmui.Button(label="Default", **SMALL)
        self._default.on_click(lambda _: self._to(self._parameter.default))
        self._middle = pmui.Button(label="Recommended middle", **SMALL)
        self._middle.on_click(lambda _: self._to(self._middle_value()))
        self._copy = pmui.Button(label="Copy to all levels", **SMALL)
        self._copy.on_click(lambda _: self._copied())
        self._why = pmui.TextInput(label="Why (optional)", size="small", max_length=120, margin=0, width=170)
        self._lock = pmui.Button(label="Lock", icon="lock", **SMALL)
        self._lock.on_click(lambda _: self._locked())
        self._ramp = Ramp(session, choice)
        self._value_box = pn.Column(sizing_mode="stretch_width")
        self._tools = pn.Row(**ROW)
        self._lock_row = pn.Row(self._why, self._lock, **ROW | {"align": "center"})
        self._more = pn.Column(sizing_mode="stretch_width", styles={"gap": "12px"})
        self.layout = pn.Column(
            self._head,
            self._value_box,
            self._years,
            self._tools,
            self._more,
            self._facts,
            sizing_mode="stretch_width",
            styles={"gap": "14px"},
        )
        choice.param.watch(self._chosen, ["parameter", "years"])
        choice.param.watch(lambda *_: self._show_refused(), "refused")

    def _chosen(self, *_: Any) -> None:
        self.refresh()
        self._show_refused()

    @property
    def _parameter(self) -> Declared:
        return self._session.draft.effective.declared.parameters[self._choice.parameter]

    def tell_effects(self, effects: dict[str, str]) -> None:
        """Say what each lever does to growth."""
        self._effects = effects
        self.refresh()

    def refresh(self) -> None:
        """Show the parameter as it is in the draft."""
        draft, parameter, years = self._session.draft, self._parameter, self._in_years()
        rows = [draft.effective.row(parameter.name, year) for year in years]
        value, alike = rows[0].value, len({row.value for row in rows}) == 1
        lock = draft.lock_of(parameter.name)
        is_lever = isinstance(parameter, Lever)
        closed = (
            lock is not None
            or not self._session.may_edit
            or (isinstance(parameter, Lever) and parameter.locked)
        )
        with self._filling:
            self._head.object = heading(draft, parameter, years, may_edit=self._session.may_edit)
            effect = self._effects.get(parameter.name, "")
            self._facts.object = html.facts(facts(draft, parameter, years, effect))
            if isinstance(parameter, Lever):
                self._fill_range(parameter, value, alike=alike, closed=closed)
            else:
                text = typed(parameter, value) if alike else ""
                self._field.param.update(
                    value=text,
                    label=f"{full_label(parameter)}, {self._when()}{UNITS.get(parameter.unit, '')}",
                    placeholder=EXAMPLES[parameter.unit] if alike else "varies",
                    disabled=closed,
                )
            options = [ALL, *map(str, draft.effective.years)] if parameter.yearly else [ALL]
            chosen = [ALL] if self._choice.years is None else [str(year) for year in years]
            self._years.param.update(options=options, value=chosen)
            for button in (self._as_base, self._default, self._middle, self._copy):
                button.disabled = closed
            self._lock.param.update(
                label="Lock" if lock is None else "Unlock",
                icon="lock" if lock is None else "lock_open",
                disabled=not self._session.may_edit,
            )
            self._why.visible = lock is None
            self._ramp.refresh(closed=closed)
        show(self._value_box, self._range if is_lever else self._field)
        self._years.visible = parameter.yearly
        family = is_lever and parameter.level_id is not None
        show(
            self._tools,
            self._as_base,
            self._default,
            *([self._middle] if is_lever else []),
            *([self._copy] if family else []),
        )
        show(
            self._more,
            *([self._ramp.layout] if parameter.yearly else []),
            *([self._lock_row] if is_lever else []),
        )

    def _in_years(self) -> tuple[int, ...]:
        every = self._session.draft.effective.years
        return tuple(year for year in self._choice.years or every if year in every) or every

    def _when(self) -> str:
        return "all years" if self._choice.years is None else ", ".join(map(str, self._in_years()))

    def _fill_range(self, lever: Lever, value: Any, *, alike: bool, closed: bool) -> None:
        scale = PERCENT if lever.unit is Unit.RATE else 1
        self._range.param.update(
            label=f"{full_label(lever)}, {self._when()}",
            value=round(value * scale, 6),
            text=typed(lever, value) if alike else None,
            unit="%" if lever.unit is Unit.RATE else TIMES,
            bounds=tuple(round(bound * scale, 6) for bound in lever.bounds),
            recommended=tuple(round(edge * scale, 6) for edge in lever.recommended),
            bound_texts=tuple(written(lever, bound) for bound in lever.bounds),
            recommended_text=f"Recommended {recommended(lever)}",
            step=STEPS[lever.unit],
            locked=closed,
        )

    def _show_refused(self) -> None:
        refused = self._choice.refused
        mine = refused.get("lever") == self._choice.parameter
        what, remedy = (refused["what"], refused["remedy"]) if mine else ("", "")
        self._range.param.update(problem=what, remedy=remedy)
        self._field.param.update(error_state=bool(what), helper_text=f"{what} {remedy}".strip())

    def _ranged(self, message: Any) -> None:
        draft, name, years = self._session.draft, self._choice.parameter, self._choice.years
        if message["action"] == "enter":
            text = str(message.get("text", ""))
            self._choice.change(lambda: typed_changes(draft.effective, name, years, text))
        elif message["action"] == "slide" and isinstance(message.get("value"), int | float):
            value = message["value"] / (PERCENT if self._parameter.unit is Unit.RATE else 1)
            changes = changes_of(draft.effective, name, years, value)
            self._choice.attempt(lambda: draft.update(changes, gesture=(name, years, message.get("gesture"))))

    def _typed(self, event: Any) -> None:
        if not self._filling:
            draft, name, years = self._session.draft, self._choice.parameter, self._choice.years
            if self._choice.change(lambda: typed_changes(draft.effective, name, years, event.new)):
                self.refresh()

    def _years_chosen(self, event: Any) -> None:
        if self._filling:
            return
        added = [text for text in event.new if text not in event.old]
        years = (
            None if ALL in added or not event.new else sorted(int(text) for text in event.new if text != ALL)
        )
        self._choice.choose(self._choice.parameter, years)
        self.refresh()

    def _to(self, value: Any) -> None:
        effective, name, years = self._session.draft.effective, self._choice.parameter, self._choice.years
        self._choice.change(lambda: changes_of(effective, name, years, value))

    def _reset(self) -> None:
        draft, name, years = self._session.draft, self._choice.parameter, self._choice.years
        self._choice.attempt(lambda: draft.unset(*keys_of(draft.effective, name, years)))

    def _middle_value(self) -> float:
        assert isinstance(self._parameter, Lever)
        return sum(self._parameter.recommended) / 2

    def _copied(self) -> None:
        effective, name, years = self._session.draft.effective, self._choice.parameter, self._choice.years
        self._choice.change(lambda: copied_to_levels(effective, name, years))

    def _locked(self) -> None:
        draft, name = self._session.draft, self._choice.parameter
        if draft.lock_of(name) is not None:
            self._choice.attempt(lambda: draft.unlock(name))
        else:
            by, why = self._session.user.name, self._why.value_input or self._why.value
            self._choice.attempt(lambda: draft.lock([name], by=by, why=why.strip()))
            self._why.param.update(value="", value_input="")
