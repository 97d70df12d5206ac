"""The assumptions: searchable, edited in the same kind of sheet as the levers."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from ui.components import html
from ui.session import Session
from ui.views.levers.choice import Choice
from ui.views.levers.editor import Editor
from ui.views.levers.sheet import assumption_sheet, order_of
from ui.views.levers.sheet_pane import SheetPane

FIRST = "headcount_growth"
FLEX = {"display": "flex", "flex-wrap": "wrap", "gap": "12px 24px"}


class Assumptions:
    """A search field, the sheet of what was found, and the editor of the one that is chosen."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._choice = Choice(session, FIRST)
        self._search = pmui.TextInput(
            label="Search assumptions",
            placeholder="turnover, date, multiplier …",
            size="small",
            width=300,
            margin=0,
        )
        self._search.param.watch(lambda _: self._found(), "value_input")
        self._edited = pmui.Checkbox(label="Changed only", size="small", margin=0)
        self._edited.param.watch(lambda _: self._found(), "value")
        self._count = html.pane("", sizing_mode=None, width=220, align="center")
        self._sheet = SheetPane(session, self._choice, self._make, heading="Assumption")
        self._editor = Editor(session, self._choice)
        top = pn.Row(self._search, self._edited, self._count, styles=FLEX | {"align-items": "center"})
        beside = pn.Row(
            pn.Column(self._sheet.layout, styles={"flex": "999 1 600px", "min-width": "0"}),
            pn.Column(self._editor.layout, styles={"flex": "1 1 320px", "min-width": "0"}),
            styles=FLEX | {"align-items": "flex-start"},
            sizing_mode="stretch_width",
        )
        self.layout = pn.Column(top, beside, sizing_mode="stretch_width", styles={"gap": "12px"})

    def refresh(self) -> None:
        """Show the draft as it is."""
        self._found()
        self._editor.refresh()

    def _make(self) -> dict[str, Any]:
        return assumption_sheet(
            self._session.draft, self._search.value_input or "", edited=self._edited.value
        )

    def _found(self) -> None:
        self._sheet.refresh()
        shown, every = (
            len(order_of(self._sheet.layout.sheet)),
            len(self._session.draft.base.declared.assumptions),
        )
        text = f"{shown} of {every} assumptions" if shown else "No assumption has these words."
        self._count.object = f'<p class="card-subtitle" role="status">{text}</p>'
