"""What is done with scenarios: save the draft as one, update, delete, copy, title, archive, propose."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import counted
from ui.components import html
from ui.components.differences import difference_table, differences
from ui.draft import BASELINE
from ui.session import Session
from ui.values.proposals import why_not_propose
from ui.values.user import READ_ONLY

NAME_MAX, TITLE_MAX, DESCRIPTION_MAX = 48, 200, 500  # characters
NAME_RULE = "a-z, 0-9 and _, up to 48"
ROW: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {"gap": "8px", "justify-content": "flex-end"},
}
FIELD: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width", "margin": (6, 0)}
PLAIN = {"& .MuiDialog-paper": {"backgroundImage": "none", "border": "1px solid", "borderColor": "divider"}}
STACK: dict[str, Any] = {"sizing_mode": "stretch_width", "styles": {"gap": "12px"}}


class SaveDialog:
    """Two dialogs; `done` is called after the stored scenarios have changed."""

    def __init__(self, session: Session, done: Callable[[], None]) -> None:
        self._session = session
        self._done = done
        self.layout = pn.Column()  # the dialogs, once they were opened
        self._what = html.pane("")
        self._name = pmui.TextInput(label="Name", max_length=NAME_MAX, helper_text=NAME_RULE, **FIELD)
        self._name.param.watch(lambda _: self._check_name(), "value_input")
        self._title = pmui.TextInput(label="Title (optional)", max_length=TITLE_MAX, **FIELD)
        self._about = pmui.TextAreaInput(
            label="What it is for (optional)", max_length=DESCRIPTION_MAX, rows=2, **FIELD
        )
        self._failed = html.pane("", visible=False)
        self._save = pmui.Button(label="Save as new scenario", variant="contained", size="small")
        self._save.on_click(self._saved)
        self._update = pmui.Button(label="Update", variant="outlined", size="small")
        self._update.on_click(self._updated)
        self._cancel = pmui.Button(label="Cancel", variant="text", size="small")
        self._cancel.on_click(lambda _: close_dialog(self.dialog))
        buttons = pn.Row(self._cancel, self._update, self._save, **ROW)
        self.dialog = pmui.Dialog(
            pn.Column(self._what, self._name, self._title, self._about, self._failed, buttons, **STACK),
            title="Save as scenario",
            title_variant="h6",
            width_option="sm",
            sx=PLAIN,
            close_on_click=True,  # and on Escape; what was typed is kept
        )
        self._question = html.pane("")
        self._delete = pmui.Button(label="Delete", variant="contained", color="error", size="small")
        self._delete.on_click(self._deleted)
        self._archive = pmui.Button(label="Archive instead", variant="outlined", size="small")
        self._archive.on_click(self._archived)
        self._keep = pmui.Button(label="Cancel", variant="text", size="small")
        self._keep.on_click(lambda _: close_dialog(self.confirmation))
        self.confirmation = pmui.Dialog(
            pn.Column(self._question, pn.Row(self._keep, self._archive, self._delete, **ROW), **STACK),
            title="Delete the scenario?",
            title_variant="h6",
            width_option="sm",
            sx=PLAIN,
            close_on_click=True,
        )

    def open_save(self) -> None:
        """Show what will be saved, and ask for a name and a note."""
        self._show_changes()
        self._fail("")
        self._check_name()
        open_dialog(self.layout, self.dialog)

    def _show_changes(self) -> None:
        draft = self._session.draft
        rows = differences(draft.current, draft.effective)
        heading = html.card_heading(f"{counted(len(rows), 'change')} on {draft.scenario}", "")
        self._what.object = heading + difference_table(rows, "What will be saved") if rows else heading
        own = draft.scenario != BASELINE
        self._update.param.update(
            visible=own,
            label=f"Update {draft.scenario}",
            disabled=draft.is_empty or not self._session.can_edit,
        )

    def open_delete(self) -> None:
        """Ask before the base scenario is deleted."""
        name = self._session.draft.scenario
        edits = "" if self._session.draft.is_empty else " Its unsaved edits are dropped."
        self._question.object = html.notice(
            f"{name} will be deleted for all users; this cannot be undone.{edits}",
            "Its published results stay until their files are removed. Archiving takes it off the lists and "
            "keeps everything.",
            "warn",
        )
        self._delete.disabled = self._archive.disabled = not self._session.can_edit
        open_dialog(self.layout, self.confirmation)

    def _check_name(self) -> None:
        """Show while a name is typed whether it can be used."""
        name, names = self._typed_name(), self._session.store.names
        error = names.refused(name) if name else None
        text = f"{error.what} {error.remedy or ''}" if error else names.remark(name) or NAME_RULE
        if not self._session.can_edit:
            text = READ_ONLY
        self._name.param.update(error_state=error is not None, helper_text=text)
        self._save.disabled = not name or error is not None or not self._session.can_edit

    def _typed_name(self) -> str:
        return (self._name.value_input or self._name.value or "").strip()

    async def _saved(self, *_: Any) -> None:
        draft, actions = self._session.draft, self._session.actions.scenarios
        name, about = self._typed_name(), (self._about.value_input or self._about.value or "").strip()
        title = (self._title.value_input or self._title.value or "").strip()
        base, changes = draft.scenario, dict(draft.changes)

        def save() -> Any:
            return actions.save(name, base=base, changes=changes, description=about, title=title)

        if await self._done_on_thread(save, self._save):
            self._name.param.update(value="", value_input="")
            self._title.param.update(value="", value_input="")
            self._about.param.update(value="", value_input="")
            self._continue_from(name, f"Saved as {name}.")

    async def _updated(self, *_: Any) -> None:
        draft, actions = self._session.draft, self._session.actions.scenarios
        name, changes, seen = draft.scenario, dict(draft.changes), dict(draft.base.scenario)
        if await self._done_on_thread(lambda: actions.update(name, changes, seen=seen), self._update):
            self._continue_from(name, f"{name} updated.")

    async def _deleted(self, *_: Any) -> None:
        await self._removed(self._session.actions.scenarios.delete, self._delete, "deleted")

    async def _archived(self, *_: Any) -> None:
        await self._removed(self._session.actions.scenarios.archive, self._archive, "archived")

    async def _removed(self, remove: Callable[[str], None], button: Any, done: str) -> None:
        """Delete or archive the base scenario, and go on from the baseline."""
        name = self._session.draft.scenario
        if await self._done_on_thread(lambda: remove(name), button):
            self.confirmation.open = False
            self._session.draft.start_from(BASELINE)
            if self._session.selection.scenario == name:
                self._session.selection.scenario = ""
            self._session.notify(f"{name} {done}.", tone="success")
            self._done()

    def _continue_from(self, name: str, text: str) -> None:
        self.dialog.open = False
        self._session.draft.saved_as(name)
        self._session.selection.scenario = name
        self._session.notify(
            text,
            tone="success",
            remedy="Run it on the page Run to publish its results.",
            link=("run", {"scenario": name}),
        )
        self._done()

    async def _done_on_thread(self, work: Callable[[], Any], button: Any) -> bool:
        """Do the work on a thread while the button waits; show in the dialog why it failed."""
        button.param.update(loading=True, disabled=True)
        try:
            await self._session.offload(work)
        except PlanWiseError as error:
            self._done()  # the stored scenario may have changed
            self._show_changes()
            self._fail(html.notice(error.what, error.remedy or "", "bad"))
            return False
        finally:
            button.param.update(loading=False, disabled=False)
        self._fail("")
        return True

    def _fail(self, text: str) -> None:
        self._failed.param.update(object=text, visible=bool(text))
        if text and self.confirmation.open:
            self._question.object += text


def open_dialog(box: Any, dialog: Any) -> None:
    """Open a dialog in a box; a new one is sent open: the browser could miss a change while it draws it."""
    dialog.open = False  # one that is open but was not drawn is opened again
    dialog.open = True
    if dialog not in box.objects:
        box.append(dialog)


def close_dialog(dialog: pmui.Dialog) -> None:
    """Close a dialog."""
    dialog.open = False


RATIONALE_MAX = 2000  # characters
NO_STUDY = "None: levers set by hand"
ABOUT = (
    "Its published result is put up for approval. When a lever, its census or a model changes, the proposal "
    "is voided."
)
NOTHING_TO_PROPOSE = (
    "No scenario can be proposed: one needs a published result that is up to date, and no open proposal."
)


class ActionDialog:
    """A dialog with fields and a button that does something on a thread; `done` gets what it returns."""

    def __init__(self, session: Session, done: Callable[[Any], None], *fields: Any) -> None:
        self._session, self._done = session, done
        self._about, self._failed = html.pane(""), html.pane("")
        self._act = pmui.Button(label="", variant="contained", size="small", on_click=self._acted)
        cancel = pmui.Button(label="Cancel", variant="text", size="small")
        cancel.on_click(lambda _: close_dialog(self.dialog))
        self.dialog = pmui.Dialog(
            pn.Column(self._about, *fields, self._failed, pn.Row(cancel, self._act, **ROW), **STACK),
            title_variant="h6",
            width_option="sm",
            sx=PLAIN,
            close_on_click=True,
        )
        self.layout = pn.Column(margin=0, width=0)

    def _open(self, title: str, act: str, about: str, *, disabled: bool = False, color: str = "") -> None:
        self.dialog.title, self._about.object, self._failed.object = title, about, ""
        self._act.param.update(label=act, color=color or "primary", disabled=disabled)
        open_dialog(self.layout, self.dialog)

    def _work(self) -> Any:
        raise NotImplementedError

    async def _acted(self, *_: Any) -> None:
        self._act.param.update(loading=True, disabled=True)
        try:
            made = await self._session.offload(self._work)
        except PlanWiseError as error:
            self._failed.object = html.error_notice(error)
            return
        finally:
            self._act.param.update(loading=False, disabled=False)
        close_dialog(self.dialog)
        self._done(made)


def typed(field: Any) -> str:
    """Return what is typed in a field, without the space around it."""
    return (field.value_input or field.value or "").strip()


def clear(field: Any) -> None:
    """Empty a field."""
    field.param.update(value="", value_input="")


class ProposeDialog(ActionDialog):
    """Asks which scenario to propose, why, and which study found it; shows the proposal on Approvals."""

    def __init__(self, session: Session, done: Callable[[], None] = lambda: None) -> None:
        self._after = done
        self._scenario = pmui.Select(label="Scenario", options=[], **FIELD)
        self._study = pmui.Select(label="Study that found its levers", options={NO_STUDY: ""}, **FIELD)
        self._why = pmui.TextAreaInput(
            label="Why it should be released", max_length=RATIONALE_MAX, rows=4, **FIELD
        )
        self._found_by: Mapping[str, str] = {}
        self._scenario.param.watch(lambda _: self._choose_study(), "value")
        super().__init__(session, self._proposed, self._scenario, self._study, self._why)

    async def ask(self, names: Sequence[str], chosen: str = "") -> None:
        """Ask for one of these scenarios and why, and propose it."""
        studies, self._found_by = await self._session.offload(self._read, names)
        self._study.param.update(
            options={NO_STUDY: "", **{name: name for name in studies}}, visible=bool(studies)
        )
        options = self._session.store.labels().options(names)
        self._scenario.param.update(
            options=options,
            value=chosen if chosen in names else next(iter(names), None),
            disabled=len(names) == 1,
        )
        self._choose_study()
        clear(self._why)
        about = html.notice(ABOUT) if names else html.notice(NOTHING_TO_PROPOSE, tone="warn")
        self._open("Propose a scenario", "Propose", about, disabled=not names)

    def _read(self, names: Sequence[str]) -> tuple[Sequence[str], Mapping[str, str]]:
        store = self._session.store
        return [one.name for one in store.studies.list()], {
            name: store.study_of(name) or "" for name in names
        }

    def _choose_study(self) -> None:
        self._study.value = self._found_by.get(self._scenario.value or "", "")

    def _work(self) -> Any:
        propose = self._session.actions.proposals.propose
        return propose(self._scenario.value, typed(self._why), self._study.value or None)

    def _proposed(self, proposal: Any) -> None:
        self._session.notify(f"{proposal.scenario} is proposal {proposal.id}.", tone="success")
        self._session.go("approvals", proposal=proposal.id)
        self._after()


class ProposeButton:
    """Proposes one scenario; disabled with the reason where it cannot be proposed."""

    def __init__(self, session: Session, **look: Any) -> None:
        self._session, self._scenario = session, ""
        self._dialog = ProposeDialog(session)
        self._button = pmui.Button(
            label="Propose …", icon="how_to_vote", disabled=True, on_click=self._ask, **look
        )
        self.layout = pn.Row(self._button, self._dialog.layout, margin=0)

    def why_not(self, scenario: str) -> str:
        """Return why this user cannot propose a scenario; empty when nothing forbids it."""
        try:
            return why_not_propose(self._session.user) or self._session.store.why_not_proposed(scenario)
        except PlanWiseError as error:
            return error.what

    def offer(self, scenario: str, why_not: str) -> None:
        """Offer to propose a scenario, or say why not."""
        self._scenario = scenario
        spoken = f"Propose: {why_not}" if why_not else None  # it is also the button's name
        self._button.param.update(disabled=bool(why_not), description=spoken)

    async def _ask(self, *_: Any) -> None:
        await self._dialog.ask([self._scenario])


SMALL: dict[str, Any] = {"variant": "text", "size": "small", "margin": 0}


class ScenarioMenu:
    """Buttons for one scenario; `done` is called after the stored scenarios have changed."""

    def __init__(self, session: Session, done: Callable[[], None]) -> None:
        self._session, self._done, self._name = session, done, ""
        self._copy = pmui.Button(label="Copy …", icon="content_copy", **SMALL)
        self._retitle = pmui.Button(label="Title …", icon="edit", **SMALL)
        self._archive = pmui.Button(label="Archive", icon="inventory_2", **SMALL)
        self._restore = pmui.Button(label="Restore", icon="unarchive", **SMALL)
        self._copy.on_click(lambda _: self._open(copy=True))
        self._retitle.on_click(lambda _: self._open(copy=False))
        self._archive.on_click(self._archived)
        self._restore.on_click(self._restored)
        self._dialogs = pn.Column(margin=0, width=0)
        self._new = pmui.TextInput(label="Name", max_length=NAME_MAX, helper_text=NAME_RULE, **FIELD)
        self._title = pmui.TextInput(label="Title (optional)", max_length=TITLE_MAX, **FIELD)
        self._failed = html.pane("")
        self._save = pmui.Button(label="Copy", variant="contained", size="small")
        self._save.on_click(self._saved)
        cancel = pmui.Button(label="Cancel", variant="text", size="small")
        cancel.on_click(lambda _: close_dialog(self._dialog))
        self._dialog = pmui.Dialog(
            pn.Column(self._new, self._title, self._failed, pn.Row(cancel, self._save, **ROW), **STACK),
            title_variant="h6",
            width_option="sm",
            sx=PLAIN,
            close_on_click=True,
        )
        self.propose = ProposeButton(session, **SMALL)
        buttons = (self._copy, self._retitle, self._archive, self._restore)
        self.layout = pn.Row(*buttons, self.propose.layout, self._dialogs, margin=0)

    def show(self, name: str) -> None:
        """Offer what this scenario allows."""
        self._name = name
        labels, may = self._session.store.labels(), self._session.can_edit
        known, gone = name in labels.stored, labels.is_archived(name)
        own = known and name != BASELINE
        self._copy.param.update(visible=known, disabled=not may)
        self._retitle.param.update(visible=own, disabled=not may)
        self._archive.param.update(visible=own and not gone, disabled=not may)
        self._restore.param.update(visible=gone, disabled=not may)

    def _open(self, *, copy: bool) -> None:
        """Ask for the name and the title of a copy, or for another title."""
        store = self._session.store
        title = store.labels().stored[self._name].title
        if copy:
            taken = {one.name for one in store.plans.list(archived=True)}
            self._new.param.update(value=suggested_name(self._name, taken), error_state=False)
            title = f"Copy of {title}"[:TITLE_MAX] if title else ""
        self._new.visible = copy
        self._title.param.update(value=title, value_input=title)
        self._failed.object = ""
        self._save.label = "Copy" if copy else "Save"
        self._dialog.title = "Copy the scenario" if copy else f"Title of {self._name}"
        open_dialog(self._dialogs, self._dialog)

    async def _saved(self, *_: Any) -> None:
        """Store the copy, or the scenario's other title; show in the dialog why it failed."""
        title, name = (self._title.value_input or "").strip(), self._name
        try:
            if self._new.visible:
                name = await self._copied(title)
            else:
                title = await self._session.offload(self._session.actions.scenarios.retitle, name, title)
        except PlanWiseError as error:
            self._failed.object = html.error_notice(error)
            return
        self._dialog.open = False
        if self._new.visible:
            text = f"Copied as {title or name}. It has no result yet."
            self._session.notify(text, tone="success", link=("run", {"scenario": name}))
        else:
            text = f"{name} is titled {title}." if title else f"{name} has no title."
            self._session.notify(text, tone="success")
        self._done()

    async def _copied(self, title: str) -> str:
        name = (self._new.value_input or self._new.value or "").strip()
        save, base = self._session.actions.scenarios.save, self._name
        if (refused := self._session.store.names.refused(name)) is not None:
            raise refused
        await self._session.offload(lambda: save(name, base=base, changes={}, title=title))
        return name

    async def _archived(self, *_: Any) -> None:
        await self._moved(restore=False)

    async def _restored(self, *_: Any) -> None:
        await self._moved(restore=True)

    async def _moved(self, *, restore: bool) -> None:
        name, archive = self._name, self._session.actions.scenarios.archive
        try:
            await self._session.offload(lambda: archive(name, restore=restore))
        except PlanWiseError as error:
            self._session.notify_error(error)
            return
        label = self._session.store.labels().of(name)
        self._session.notify(f"{label}: restored." if restore else f"{label}.", tone="success")
        self._done()


def suggested_name(base: str, taken: Iterable[str]) -> str:
    """Return a free name for a copy of a scenario: higher_cola_2, then higher_cola_3."""
    stem, _, number = base.rpartition("_")
    if not (stem and number.isdecimal()):
        stem, number = base, "1"
    known, counter = set(taken), int(number)
    while True:
        counter += 1
        name = f"{stem[: NAME_MAX - len(str(counter)) - 1]}_{counter}"
        if name not in known:
            return name
