"""Choose what to run: a scenario, with unsaved edits saved first."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.parameters import Value, catalogue
from ui.components import html
from ui.components.card import FRAME
from ui.components.differences import difference_table, differences, finding_list, finding_title
from ui.components.page import PARTS, UpdateGuard
from ui.components.scenario_dialogs import suggested_name
from ui.draft import BASELINE, LOOK_AGAIN
from ui.session import Session


@dataclass(frozen=True)
class RunRequest:
    """A scenario and unsaved changes to it, in canonical values."""

    scenario: str
    changes: Mapping[str, Value] = field(default_factory=dict)

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the flow `simulate`."""
        kinds: dict[str, dict[str, Value]] = {"levers": {}, "assumptions": {}}
        for key, value in self.changes.items():
            kinds[f"{catalogue().kind(key.partition('@')[0])}s"][key] = value
        return {"scenario": self.scenario, **{kind: values for kind, values in kinds.items() if values}}


EDITS, STORED = "My edits", "A stored scenario"
WHAT = "Every employee is simulated; the quality gate decides whether it is published"
FIELD: dict[str, Any] = {"margin": 0, "sizing_mode": "stretch_width"}
SEGMENTS = {
    "& .MuiToggleButton-root": {"textTransform": "none", "whiteSpace": "nowrap", "padding": "4px 14px"}
}
DESCRIPTION_MAX = 500


class RunForm:
    """The choice of a scenario or of the unsaved edits; `save` stores the edits under the typed name."""

    def __init__(
        self, session: Session, on_change: Callable[[], None], on_run: Callable[[Any], Awaitable[None]]
    ) -> None:
        self._session = session
        self._on_change = on_change
        self._filling = UpdateGuard()
        self._touched = False
        self._taken: tuple[str, ...] = ()
        self._mode = pmui.RadioButtonGroup(
            label="",  # the card's heading says it
            options=[STORED],
            value=STORED,
            size="small",
            margin=0,
            color="primary",
            sx=SEGMENTS,
        )
        self._scenario = pmui.Select(label="Scenario", options=[], size="small", **FIELD)
        self._name = pmui.TextInput(
            label="Name of the scenario", max_length=48, size="small", width=240, margin=0
        )
        self._note = pmui.TextInput(
            label="What it is for (optional)", max_length=DESCRIPTION_MAX, size="small", **FIELD
        )
        self._over = pmui.Checkbox(label="Update the scenario", value=False, margin=0)
        self._difference = html.pane("", styles={"--table-height": "260px"})
        self._problem = html.pane("", visible=False)
        self.run = pmui.Button(label="Run", icon="play_arrow", variant="contained", color="primary", margin=0)
        self._save = pmui.Button(label="Save only", variant="text", margin=0)
        self.sweep = pmui.Button(label="Sweep all scenarios", variant="text", margin=0)
        self._mode.param.watch(self._changed, "value")
        self._scenario.param.watch(self._changed, "value")
        self._over.param.watch(self._changed, "value")
        self._name.param.watch(self._named, "value_input")
        self.run.on_click(on_run)
        self._save.on_click(self._save_only)
        self._save_row = pn.Row(self._name, self._note, sizing_mode="stretch_width", styles={"gap": "12px"})
        self._actions = pn.Row(
            self.run, self._save, pn.layout.HSpacer(), self.sweep, sizing_mode="stretch_width"
        )
        self.layout = pmui.Paper(
            pn.Column(
                html.pane(html.card_heading("What to run", WHAT)),
                self._mode,
                self._scenario,
                self._save_row,
                self._over,
                self._difference,
                self._problem,
                self._actions,
                **PARTS,
            ),
            **FRAME,
        )

    @property
    def from_draft(self) -> bool:
        """Whether a run simulates the edits."""
        return bool(self._mode.value == EDITS and not self._session.draft.is_empty)

    def request(self) -> RunRequest | None:
        """Return what a run would simulate; None without a scenario."""
        if self.from_draft:
            return RunRequest(self._session.draft.scenario, dict(self._session.draft.changes))
        return RunRequest(self._scenario.value) if self._scenario.value else None

    def refresh(self) -> None:
        """Show the scenarios and edits; raises InputError when there is no census."""
        draft, selected = self._session.draft, self._session.selection.scenario
        if lost := draft.refresh():
            self._session.notify(lost, tone="warning", remedy=LOOK_AGAIN)
        self._taken = tuple(info.name for info in self._session.store.plans.list())
        before = self._scenario.value
        value = next((n for n in (selected, before, draft.scenario) if n in self._taken), BASELINE)
        with self._filling:
            had_edits = len(self._mode.options) > 1
            self._mode.options = [STORED] if draft.is_empty else [EDITS, STORED]
            if draft.is_empty:
                self._mode.value = STORED
            elif not had_edits:
                self._mode.value = EDITS
            options = self._session.store.labels().options(self._taken)
            self._scenario.param.update(options=options, value=value)
            if selected and selected not in self._taken:
                archived = self._session.store.labels().is_archived(selected)
                why = "is archived." if archived else "does not exist: it was deleted, or never saved."
                remedy = " Restore it on the overview." if archived else ""
                self._session.notify(
                    f"Scenario {selected!r} {why}",
                    tone="warning",
                    remedy=f"{value} is chosen instead.{remedy}",
                )
                self._session.selection.scenario = value
            if not self._touched and not draft.is_empty:
                self._name.value = suggested_name(draft.scenario, self._taken)
        self._draw()

    def saved(self) -> str:
        """Store the edits, and return the scenario's name; raises InputError and other PlanWiseErrors.

        Without edits, nothing is stored and the chosen scenario is returned. Blocks: call it on a thread.
        """
        draft, scenarios = self._session.draft, self._session.actions.scenarios
        if not self.from_draft:
            return str(self._scenario.value)
        if self._over.value and draft.scenario != BASELINE:
            return scenarios.update(draft.scenario, draft.changes, seen=draft.base.scenario).name
        name = self._name.value.strip()
        saved = scenarios.save(
            name, base=draft.scenario, changes=draft.changes, description=self._note.value.strip()
        )
        return saved.name

    def was_saved(self, name: str) -> None:
        """Continue from the saved scenario, without edits."""
        if self.from_draft:
            self._touched = False
            self._note.value = ""
            self._session.draft.saved_as(name)
        self._session.selection.scenario = name
        self.refresh()

    def problem(self, error: PlanWiseError | None) -> None:
        """Show an error under the fields; None removes it."""
        self._problem.visible = error is not None
        if error is not None:
            with suppress(PlanWiseError):
                self.refresh()  # the stored scenarios may have changed
            self._problem.object = html.error_notice(error)

    def busy(self, text: str = "") -> None:
        """Disable the buttons while the text is shown; an empty text enables them again."""
        self.run.label = text or self._label()
        may = self._session.can_run and (self._session.can_edit or not self.from_draft)
        self.run.disabled = bool(text) or not may or self.request() is None
        self._save.disabled = bool(text) or not self._session.can_edit
        self.sweep.disabled = bool(text) or not self._session.can_run

    async def _save_only(self, *_: Any) -> None:
        self.problem(None)
        self.busy("Saving…")
        try:
            name = await self._session.offload(self.saved)
            self.was_saved(name)
            self._session.notify(
                f"{self._session.store.labels().of(name)} is saved, not yet simulated.", tone="success"
            )
        except PlanWiseError as error:
            self.problem(error)
        finally:
            self.busy()
        self._on_change()

    def _changed(self, *_: Any) -> None:
        if self._filling:
            return
        self.problem(None)
        if not self.from_draft and self._scenario.value:
            self._session.selection.scenario = self._scenario.value
        self._draw()
        self._on_change()

    def _named(self, *_: Any) -> None:
        self._touched = True

    def _label(self) -> str:
        return "Save and run" if self.from_draft else "Run"

    def _draw(self) -> None:
        draft, edits = self._session.draft, self.from_draft
        over = edits and draft.scenario != BASELINE
        self._mode.visible = not draft.is_empty
        self._scenario.visible = not edits
        called = self._session.store.labels().of(draft.scenario)
        self._over.param.update(visible=over, label=f"Update {called} instead of saving a new scenario")
        self._save_row.visible = edits and not (over and self._over.value)
        self._save.visible = edits
        self.busy()
        self._difference.object = self._differs() + self._refusal()

    def _differs(self) -> str:
        plans, draft = self._session.store.plans, self._session.draft
        if self.from_draft:
            base, proposed, name, findings = draft.current, draft.effective, draft.scenario, draft.findings
        else:
            name = BASELINE
            proposed = plans.effective(self._scenario.value)
            base, findings = plans.effective(BASELINE), []
        rows = differences(base, proposed)
        if not rows:
            text = (
                "The baseline: levers in force and defaults."
                if self._scenario.value == BASELINE
                else f"No differences from {name}."
            )
            return f'<p class="quiet">{escape(text)}</p>'
        table = difference_table(rows, f"Differences from {name}")
        if not findings:
            return table
        return f'{table}<p class="group-title">{finding_title(findings)}</p>{finding_list(findings)}'

    def _refusal(self) -> str:
        session = self._session
        if not session.can_run:
            return html.notice(
                f"{session.user.name} ({session.user.role}) can view runs, but not start them.",
                "Ask an analyst, operator or admin.",
            )
        if self.from_draft and not session.can_edit:
            return html.notice(
                f"{session.user.name} ({session.user.role}) cannot save edits.",
                "Run a stored scenario, or ask an analyst to save the edits.",
            )
        return ""
