"""What can be done with a stored scenario besides editing its levers: copy it, archive it, restore it."""

from collections.abc import Callable, Iterable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from ui.components import html
from ui.components.save_dialog import FIELD, NAME_MAX, NAME_RULE, PLAIN, ROW, STACK, TITLE_MAX, open_dialog
from ui.draft import BASELINE
from ui.session import Session

SMALL: dict[str, Any] = {"variant": "text", "size": "small", "margin": 0}


class ScenarioMenu:
    """Buttons for one scenario; `done` is called after the stored scenarios have changed."""

    def __init__(self, session: Session, done: Callable[[], None]) -> None:
        self._session, self._done, self._name = session, done, ""
        self._copy = pmui.Button(label="Copy …", icon="content_copy", **SMALL)
        self._archive = pmui.Button(label="Archive", icon="inventory_2", **SMALL)
        self._restore = pmui.Button(label="Restore", icon="unarchive", **SMALL)
        self._copy.on_click(lambda _: self._open())
        self._archive.on_click(self._archived)
        self._restore.on_click(self._restored)
        self._dialogs = pn.Column()
        self._new = pmui.TextInput(label="Name", max_length=NAME_MAX, helper_text=NAME_RULE, **FIELD)
        self._title = pmui.TextInput(label="Title (optional)", max_length=TITLE_MAX, **FIELD)
        self._failed = html.pane("")
        save = pmui.Button(label="Copy", variant="contained", size="small")
        save.on_click(self._copied)
        cancel = pmui.Button(label="Cancel", variant="text", size="small")
        cancel.on_click(lambda _: setattr(self._dialog, "open", False))
        self._dialog = pmui.Dialog(
            pn.Column(self._new, self._title, self._failed, pn.Row(cancel, save, **ROW), **STACK),
            title="Copy the scenario",
            title_variant="h6",
            width_option="sm",
            sx=PLAIN,
            close_on_click=True,
        )
        self.layout = pn.Row(self._copy, self._archive, self._restore, self._dialogs, margin=0)

    def show(self, name: str) -> None:
        """Offer what this scenario allows."""
        self._name = name
        labels, may = self._session.store.labels(), self._session.can_edit
        known, gone = name in labels.stored, labels.is_archived(name)
        self._copy.param.update(visible=known, disabled=not may)
        self._archive.param.update(visible=known and not gone and name != BASELINE, disabled=not may)
        self._restore.param.update(visible=gone, disabled=not may)

    def _open(self) -> None:
        store = self._session.store
        taken = {one.name for one in store.plans.list(archived=True)}
        title = store.labels().stored[self._name].title
        self._new.param.update(value=suggested_name(self._name, taken), error_state=False)
        self._title.value = f"Copy of {title}"[:TITLE_MAX] if title else ""
        self._failed.object = ""
        open_dialog(self._dialogs, self._dialog)

    async def _copied(self, *_: Any) -> None:
        name = (self._new.value_input or self._new.value or "").strip()
        title = (self._title.value_input or self._title.value or "").strip()
        save, base = self._session.actions.scenarios.save, self._name
        try:
            if (refused := self._session.store.names.refused(name)) is not None:
                raise refused
            await self._session.offload(lambda: save(name, base=base, changes={}, title=title))
        except PlanWiseError as error:
            self._failed.object = html.error_notice(error)
            return
        self._dialog.open = False
        text = f"Copied as {title or name}. It has no result yet."
        self._session.notify(text, tone="success", link=("run", {"scenario": name}))
        self._done()

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
