"""The Levers page: base against proposed by level and year, an editor beside, warnings and effects below."""

from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError, PlanWiseError
from ui.components import html
from ui.components.card import FRAME
from ui.components.layout import GAP, PAIR, STACK, show
from ui.draft import BASELINE, LOOK_AGAIN
from ui.session import Session
from ui.views.levers.assumptions import Assumptions
from ui.views.levers.choice import Choice
from ui.views.levers.differences import counted, difference_table, differences, finding_list, finding_title
from ui.views.levers.editor import Editor
from ui.views.levers.effects import Effects
from ui.views.levers.files import Files
from ui.views.levers.later import Later
from ui.views.levers.presets import Presets
from ui.views.levers.saving import Saving
from ui.views.levers.sheet import lever_sheet
from ui.views.levers.sheet_pane import SheetPane

PAGE = "levers"
WARNED_OF = "Distance from the recommended ranges, and rules across levers"
BESIDE: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {"display": "flex", "flex-wrap": "wrap", "gap": f"{GAP}px", "align-items": "flex-start"},
}
WIDE = {"flex": "999 1 600px", "min-width": "0"}
NARROW = {"flex": "1 1 330px", "min-width": "0"}
BUTTON: dict[str, Any] = {"size": "small", "margin": 0}
BAR: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {"display": "flex", "flex-wrap": "wrap", "gap": "8px", "align-items": "center"},
}


def framed(*parts: Any, styles: dict[str, str] | None = None) -> Any:
    """Return parts in a card's frame."""
    return pmui.Paper(*parts, **FRAME, styles=styles or {})


class Levers:
    """The page's parts, made once; filled from the draft whenever that changes while the page is shown."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._choice = Choice(session, "cola_rate")
        self._heading = html.pane("", min_width=0)
        self._problem = html.pane("")
        self._sheet = SheetPane(session, self._choice, lambda: lever_sheet(session.draft), heading="Lever")
        self._editor = Editor(session, self._choice)
        self._effects = Effects(session, self._editor.tell_effects)
        self._warnings = html.pane("")
        self._edited = html.pane("")
        self._assumptions = Later(lambda: Assumptions(session))
        self._presets = Later(lambda: Presets(session, self._choice))
        self._files = Later(lambda: Files(session, self._choice))
        self._later = (self._assumptions, self._presets, self._files)
        self._saving = Saving(session, self.refresh)
        self._bar = self._make_bar()
        self._tabs = pmui.Tabs(
            ("Levers", self._levers_tab()),
            *zip(("Assumptions", "Presets", "Files"), (tab.layout for tab in self._later), strict=True),
            sizing_mode="stretch_width",
            margin=0,
        )
        self._tabs.param.watch(lambda _: self._fill_tab(), "active")
        self._body = pn.Column(self._bar, self._tabs, **STACK)
        self.layout = pn.Column(**STACK, margin=GAP)
        session.draft.param.watch(lambda *_: self._changed(), ["scenario", "changes", "locks"])
        session.selection.param.watch(lambda *_: self._follow_selection(), "scenario")
        self._follow_selection()
        self.refresh()

    def refresh(self) -> None:
        """Read the base anew, and show the draft on it."""
        try:
            if lost := self._session.draft.refresh():
                self._session.notify(lost, tone="warning", remedy=LOOK_AGAIN)
            names = [scenario.name for scenario in self._session.store.plans.list()]
            self._fill(names)
        except PlanWiseError as error:
            self._problem.object = html.notice(error.what, error.remedy or "", "bad")
            show(self.layout, self._heading, self._problem, self._saving.layout)
            self._heading.object = html.heading("Levers", "What is paid, by level and year")
            return
        show(self.layout, self._heading, self._body, self._saving.layout)
        self._effects.refresh()

    def _changed(self) -> None:
        """Follow the draft while the page is shown; `refresh` follows when it is shown again."""
        if self._session.selection.page == PAGE:
            self._fill()
            self._effects.refresh()

    def _fill(self, names: list[str] | None = None) -> None:
        draft, may_edit = self._session.draft, self._session.may_edit
        years, changes = draft.effective.years, differences(draft.current, draft.effective)
        edits = f"{counted(len(draft.changes), 'edit')} not saved" if changes else "no edits"
        self._heading.object = html.heading(
            f"Levers of {draft.scenario}", f"Base against proposed · {years[0]}–{years[-1]} · {edits}"
        )
        if names is not None:
            self._start.param.update(options=names, value=draft.scenario)
        elif self._start.value != draft.scenario:
            options = [
                *self._start.options,
                *([] if draft.scenario in self._start.options else [draft.scenario]),
            ]
            self._start.param.update(options=options, value=draft.scenario)
        self._fill_tab()
        self._undo.disabled, self._redo.disabled = not draft.can_undo, not draft.can_redo
        self._discard.disabled = self._effect.disabled = not changes
        self._save.disabled = not may_edit
        self._delete.visible = draft.scenario != BASELINE
        self._delete.disabled = not may_edit

    def _fill_tab(self) -> None:
        """Fill the tab that is shown; the others are filled when they are."""
        if self._tabs.active:
            self._later[self._tabs.active - 1].show()
            return
        draft = self._session.draft
        changes, findings = differences(draft.current, draft.effective), draft.findings
        self._sheet.refresh()
        self._editor.refresh()
        self._warnings.object = html.card_heading(finding_title(findings), WARNED_OF) + finding_list(findings)
        self._edited.object = html.card_heading(
            "Changes" if changes else "No changes yet", f"Proposed against {draft.scenario}"
        ) + (difference_table(changes, "Changes") if changes else "")

    def _make_bar(self) -> Any:
        draft, session = self._session.draft, self._session
        self._start = pmui.Select(
            label="Start from",
            options=[draft.scenario],
            value=draft.scenario,
            size="small",
            width=360,
            margin=0,
        )
        self._start.param.watch(self._started, "value")
        self._undo = pmui.Button(label="Undo", icon="undo", variant="text", **BUTTON)
        self._undo.on_click(partial(self._attempt, draft.undo))
        self._redo = pmui.Button(label="Redo", icon="redo", variant="text", **BUTTON)
        self._redo.on_click(partial(self._attempt, draft.redo))
        self._discard = pmui.Button(label="Discard changes", variant="text", **BUTTON)
        self._discard.on_click(partial(self._attempt, draft.clear))
        self._delete = pmui.Button(label="Delete scenario…", variant="text", color="error", **BUTTON)
        self._delete.on_click(lambda _: self._saving.ask_delete())
        self._effect = pmui.Button(label="See the effect", icon="bolt", variant="outlined", **BUTTON)
        self._effect.on_click(lambda _: session.go("whatif"))
        self._save = pmui.Button(label="Save as scenario…", icon="save", variant="contained", **BUTTON)
        self._save.on_click(lambda _: self._saving.ask_save())
        parts = (
            self._undo,
            self._redo,
            self._discard,
            self._delete,
            pn.layout.HSpacer(),
            self._effect,
            self._save,
        )
        return pn.Row(self._start, *parts, **BAR)

    def _attempt(self, work: Callable[[], None], _: Any) -> None:
        self._choice.attempt(work)

    def _levers_tab(self) -> Any:
        return pn.Column(
            pn.Row(
                framed(self._sheet.layout, styles=WIDE), framed(self._editor.layout, styles=NARROW), **BESIDE
            ),
            pn.Column(framed(self._warnings), framed(self._edited), **PAIR),
            self._effects.layout,
            **STACK,
        )

    def _started(self, event: Any) -> None:
        draft = self._session.draft
        if event.new == draft.scenario:
            return
        dropped, before = len(draft.changes), draft.scenario
        if not self._choice.attempt(lambda: draft.start_from(event.new)):
            self._start.value = draft.scenario
            refused = self._choice.refused
            self._session.notify(refused["what"], tone="error", remedy=refused["remedy"])
        elif dropped:
            self._session.notify(
                f"Started from {event.new}; {counted(dropped, 'edit')} on {before} set aside.",
                remedy="Undo brings them back.",
            )

    def _follow_selection(self) -> None:
        """Begin with the scenario that is looked at elsewhere, as long as nothing is edited."""
        wanted, draft = self._session.selection.scenario, self._session.draft
        if not wanted or wanted == draft.scenario or not draft.is_empty:
            return
        try:
            draft.start_from(wanted)
        except InputError:
            return  # a published result may outlive its scenario; the base stays what it was
