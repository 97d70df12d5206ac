"""Spread a lever over the years: a straight line from one year's value to another's."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from ui.components.layout import show
from ui.session import Session
from ui.values.parameter_text import entered, typed
from ui.views.levers.choice import Choice
from ui.views.levers.entries import ramp

FIELD: dict[str, Any] = {"size": "small", "margin": 0, "width": 92}


class Ramp:
    """Two years, two values, one button; folded away until it is asked for."""

    def __init__(self, session: Session, choice: Choice) -> None:
        self._session = session
        self._choice = choice
        self._shown: Any = None
        self._from, self._to = (pmui.Select(label=text, **FIELD) for text in ("From year", "To year"))
        self._low, self._high = (
            pmui.TextInput(label=text, **FIELD) for text in ("Value then", "Value at end")
        )
        self._apply = pmui.Button(label="Spread", variant="outlined", size="small", margin=0)
        self._apply.on_click(lambda _: self._spread())
        gap = {"gap": "8px"}
        self._rows = (pn.Row(self._from, self._low, styles=gap), pn.Row(self._to, self._high, styles=gap))
        self._box = pn.Column(styles={"gap": "10px"})
        self._open = pmui.Button(
            label="Spread over years…", icon="trending_up", variant="text", size="small", margin=0
        )
        self._open.on_click(
            lambda _: show(self._box, *([] if self._box.objects else [*self._rows, self._apply]))
        )
        self.layout = pn.Column(self._open, self._box, sizing_mode="stretch_width", styles={"gap": "8px"})

    def refresh(self, *, closed: bool) -> None:
        """Offer the first and last year with the values they have, unless the user has begun to type."""
        effective, name = self._session.draft.effective, self._choice.parameter
        years, parameter = effective.years, effective.declared.parameters[name]
        self.layout.visible = len(years) > 1
        self._apply.disabled = closed
        values = (
            tuple(effective.value(name, year) for year in (years[0], years[-1])) if parameter.yearly else ()
        )
        if (name, years, values) == self._shown or not values:
            return
        self._shown = (name, years, values)
        self._from.param.update(options=list(years), value=years[0])
        self._to.param.update(options=list(years), value=years[-1])
        self._low.value, self._high.value = (typed(parameter, value) for value in values)

    def _spread(self) -> None:
        effective, name = self._session.draft.effective, self._choice.parameter
        parameter = effective.declared.parameters[name]

        def make() -> dict[str, object]:
            ends = [entered(parameter, field.value_input or field.value) for field in (self._low, self._high)]
            low, high = (float(end or 0) for end in ends)
            return ramp(effective, name, (self._from.value, low), (self._to.value, high))

        self._choice.change(make)
