"""Presets: each says exactly what it will set, and what would be warned of, before it is applied."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from planwise.parameters import validate
from planwise.parameters.presets import Preset, presets
from ui.components import html
from ui.session import Session
from ui.values.edits import effective_of
from ui.views.levers.choice import Choice
from ui.views.levers.differences import difference_table, differences, finding_list
from ui.views.levers.entries import unlocked
from ui.views.levers.sheet import full_label


class Presets:
    """A choice of presets on the left, what the chosen one does on the right."""

    def __init__(self, session: Session, choice: Choice) -> None:
        self._session = session
        self._choice = choice
        self._by_name = {preset.name: preset for preset in presets()}
        self._list = pmui.RadioBoxGroup(
            label="Preset",
            options={preset.label: preset.name for preset in presets()},
            value=presets()[0].name,
        )
        self._list.param.watch(lambda _: self.refresh(), "value")
        self._title = html.pane("")
        self._what = html.pane("")
        self._apply = pmui.Button(label="Apply preset", variant="contained", size="small", margin=0)
        self._apply.on_click(lambda _: self._applied())
        self.layout = pn.Row(
            pn.Column(self._list, width=330),
            pn.Column(
                self._title,
                self._apply,
                self._what,
                min_width=420,
                styles={"gap": "12px", "flex": "1 1 420px"},
            ),
            styles={"display": "flex", "flex-wrap": "wrap", "gap": "24px"},
            sizing_mode="stretch_width",
        )

    @property
    def _preset(self) -> Preset:
        return self._by_name[self._list.value]

    def refresh(self) -> None:
        """Show what the chosen preset would do to the draft as it is."""
        draft, preset = self._session.draft, self._preset
        titles = {one.title(draft.effective): one.name for one in presets()}
        if titles != self._list.options:
            self._list.param.update(options=titles, value=preset.name)
        changes, kept = unlocked(preset.changes(draft.effective), draft.locks)
        title, levers = preset.title(draft.effective), draft.effective.declared.levers
        self._title.object = html.card_heading(title, preset.description)
        try:
            after = effective_of(draft.effective, changes)
        except InputError as error:
            self._apply.disabled = True
            self._what.object = html.notice(error.what, error.remedy or "", "bad")
            return
        rows = differences(draft.effective, after)
        held = ", ".join(full_label(levers[name]) for name in kept)
        self._apply.disabled = not rows or not self._session.may_edit
        self._what.object = (
            (html.notice(f"Locked, so left as they are: {held}.", tone="warn") if held else "")
            + (
                difference_table(rows, f"What {title} sets")
                if rows
                else html.notice("Nothing would change: the draft has these values already.")
            )
            + '<h3 class="card-title" style="margin:12px 0 6px">Warnings after it</h3>'
            + finding_list(validate(after))
        )

    def _applied(self, *_: Any) -> None:
        draft, preset = self._session.draft, self._preset
        changes, _kept = unlocked(preset.changes(draft.effective), draft.locks)
        title = preset.title(draft.effective)
        if self._choice.change(lambda: changes):
            self._session.notify(f"{title} is applied to the draft; Undo takes it back.", tone="success")
