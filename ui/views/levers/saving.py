"""Save the draft as a scenario, put it on the scenario it started from, delete a scenario."""

from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from ui.components import html
from ui.draft import BASELINE
from ui.session import Session
from ui.views.levers.choice import LOOK_ONLY
from ui.views.levers.differences import counted, difference_table, differences

NAME_MAX, DESCRIPTION_MAX = 48, 500  # characters
NAME_RULE = "a-z, 0-9 and _, up to 48"
ROW: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {"gap": "8px", "justify-content": "flex-end"},
}
FIELD: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width", "margin": (6, 0)}
PLAIN = {"& .MuiDialog-paper": {"backgroundImage": "none", "border": "1px solid", "borderColor": "divider"}}
STACK: dict[str, Any] = {"sizing_mode": "stretch_width", "styles": {"gap": "12px"}}


class Saving:
    """Two dialogs; `done` is called after what is stored has changed."""

    def __init__(self, session: Session, done: Callable[[], None]) -> None:
        self._session = session
        self._done = done
        self.layout = pn.Column()  # the dialogs, once they are asked for
        self._what = html.pane("")
        self._name = pmui.TextInput(label="Name", max_length=NAME_MAX, helper_text=NAME_RULE, **FIELD)
        self._name.param.watch(lambda _: self._judge(), "value_input")
        self._about = pmui.TextAreaInput(
            label="What it is for (optional)", max_length=DESCRIPTION_MAX, rows=2, **FIELD
        )
        self._failed = html.pane("", visible=False)
        self._save = pmui.Button(label="Save as new scenario", variant="contained", size="small")
        self._save.on_click(self._saved)
        self._update = pmui.Button(label="Update", variant="outlined", size="small")
        self._update.on_click(self._updated)
        self._cancel = pmui.Button(label="Cancel", variant="text", size="small")
        self._cancel.on_click(lambda _: _close(self.dialog))
        buttons = pn.Row(self._cancel, self._update, self._save, **ROW)
        self.dialog = pmui.Dialog(
            pn.Column(self._what, self._name, self._about, self._failed, buttons, **STACK),
            title="Save as scenario",
            title_variant="h6",
            width_option="sm",
            sx=PLAIN,
            close_on_click=True,  # and on Escape; what was typed is kept
        )
        self._asked = html.pane("")
        self._delete = pmui.Button(label="Delete", variant="contained", color="error", size="small")
        self._delete.on_click(self._deleted)
        self._keep = pmui.Button(label="Keep it", variant="text", size="small")
        self._keep.on_click(lambda _: _close(self.confirmation))
        self.confirmation = pmui.Dialog(
            pn.Column(self._asked, pn.Row(self._keep, self._delete, **ROW), **STACK),
            title="Delete the scenario?",
            title_variant="h6",
            width_option="sm",
            sx=PLAIN,
            close_on_click=True,
        )

    def ask_save(self) -> None:
        """Show what will be saved, and ask for a name."""
        self._show_changes()
        self._fail("")
        self._judge()
        self._open(self.dialog)

    def _show_changes(self) -> None:
        draft = self._session.draft
        rows = differences(draft.current, draft.effective)
        told = html.card_heading(f"{counted(len(rows), 'change')} on {draft.scenario}", "")
        self._what.object = told + difference_table(rows, "What will be saved") if rows else told
        own = draft.scenario != BASELINE
        self._update.param.update(
            visible=own,
            label=f"Update {draft.scenario}",
            disabled=draft.is_empty or not self._session.may_edit,
        )

    def ask_delete(self) -> None:
        """Ask before the base scenario is deleted."""
        name = self._session.draft.scenario
        edits = "" if self._session.draft.is_empty else " The edits on it are dropped."
        self._asked.object = html.notice(
            f"{name} is deleted for everybody; this cannot be undone.{edits}",
            "What it published stays until the files are removed.",
            "warn",
        )
        self._delete.disabled = not self._session.may_edit
        self._open(self.confirmation)

    def _open(self, dialog: Any) -> None:
        """Open a dialog; a new one comes to the browser open, which could miss a change while it draws it."""
        dialog.open = False  # what is open already, and not seen, is opened again
        dialog.open = True
        if dialog not in self.layout.objects:
            self.layout.append(dialog)

    def _judge(self) -> None:
        """Say as one types whether the name can be used."""
        name, names = self._typed_name(), self._session.store.names
        error = names.refused(name) if name else None
        text = f"{error.what} {error.remedy or ''}" if error else names.remark(name) or NAME_RULE
        if not self._session.may_edit:
            text = LOOK_ONLY
        self._name.param.update(error_state=error is not None, helper_text=text)
        self._save.disabled = not name or error is not None or not self._session.may_edit

    def _typed_name(self) -> str:
        return (self._name.value_input or self._name.value or "").strip()

    async def _saved(self, *_: Any) -> None:
        draft, actions = self._session.draft, self._session.actions.scenarios
        name, about = self._typed_name(), (self._about.value_input or self._about.value or "").strip()
        base, changes = draft.scenario, dict(draft.changes)

        def save() -> Any:
            return actions.save(name, base=base, changes=changes, description=about)

        if await self._carried_out(save, self._save):
            self._name.param.update(value="", value_input="")
            self._about.param.update(value="", value_input="")
            self._went_on(name, f"Saved as {name}.")

    async def _updated(self, *_: Any) -> None:
        draft, actions = self._session.draft, self._session.actions.scenarios
        name, changes, seen = draft.scenario, dict(draft.changes), dict(draft.base.scenario)
        if await self._carried_out(lambda: actions.update(name, changes, seen=seen), self._update):
            self._went_on(name, f"{name} has the edits now.")

    async def _deleted(self, *_: Any) -> None:
        name = self._session.draft.scenario
        if await self._carried_out(lambda: self._session.actions.scenarios.delete(name), self._delete):
            self.confirmation.open = False
            self._session.draft.start_from(BASELINE)
            if self._session.selection.scenario == name:
                self._session.selection.scenario = ""
            self._session.notify(f"{name} is deleted.", tone="success")
            self._done()

    def _went_on(self, name: str, told: str) -> None:
        self.dialog.open = False
        self._session.draft.saved_as(name)
        self._session.selection.scenario = name
        self._session.notify(
            told, tone="success", remedy="Run it for real on the page Run.", link=("run", {"scenario": name})
        )
        self._done()

    async def _carried_out(self, work: Callable[[], Any], button: Any) -> bool:
        """Do it on a thread while the button waits; say in the dialog why it could not be done."""
        button.param.update(loading=True, disabled=True)
        try:
            await self._session.offload(work)
        except PlanWiseError as error:
            self._done()  # what is stored may not be what it was
            self._show_changes()
            self._fail(html.notice(error.what, error.remedy or "", "bad"))
            return False
        finally:
            button.param.update(loading=False, disabled=False)
        self._fail("")
        return True

    def _fail(self, told: str) -> None:
        self._failed.param.update(object=told, visible=bool(told))
        if told and self.confirmation.open:
            self._asked.object += told


def _close(dialog: pmui.Dialog) -> None:
    dialog.open = False
