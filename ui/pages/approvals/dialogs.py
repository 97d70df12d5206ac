"""The dialogs of Approvals: the comment of a decision, and a new proposal."""

from collections.abc import Callable, Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from ui.components import html
from ui.components.scenario_dialogs import FIELD, PLAIN, ROW, STACK, close_dialog, open_dialog
from ui.session import Session
from ui.values.proposals import BUTTONS, DecisionButton

COMMENT_MAX, RATIONALE_MAX = 1000, 2000  # characters
DIALOG: dict[str, Any] = {"title_variant": "h6", "width_option": "sm", "sx": PLAIN, "close_on_click": True}
NOTHING_TO_PROPOSE = (
    "No scenario can be proposed: one needs a published result that is up to date, and no open proposal."
)


class _Asking:
    """A dialog with a text and a button that does something on a thread; `done` gets what it returns."""

    def __init__(self, session: Session, done: Callable[[Any], None], *fields: Any, text: Any) -> None:
        self._session, self._done = session, done
        self._about = html.pane("")
        self._text = text
        self._failed = html.pane("")
        self._act = pmui.Button(label="", variant="contained", size="small", on_click=self._acted)
        cancel = pmui.Button(label="Cancel", variant="text", size="small")
        cancel.on_click(lambda _: close_dialog(self.dialog))
        self.dialog = pmui.Dialog(
            pn.Column(
                self._about, *fields, self._text, self._failed, pn.Row(cancel, self._act, **ROW), **STACK
            ),
            **DIALOG,
        )
        self.layout = pn.Column(margin=0)

    @property
    def _typed(self) -> str:
        return (self._text.value_input or self._text.value or "").strip()

    def _show(self, title: str, act: str, about: str) -> None:
        self.dialog.title, self._act.label, self._about.object = title, act, about
        self._failed.object = ""
        self._text.param.update(value="", value_input="")
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
        self.dialog.open = False
        self._done(made)


class DecisionDialog(_Asking):
    """Asks for the comment of a decision."""

    def __init__(self, session: Session, done: Callable[[Any], None]) -> None:
        text = pmui.TextAreaInput(label="Comment", max_length=COMMENT_MAX, rows=3, **FIELD)
        super().__init__(session, done, text=text)
        text.param.watch(lambda _: self._check(), "value_input")
        self._number, self._button = 0, BUTTONS[0]

    def ask(self, number: int, scenario: str, button: DecisionButton) -> None:
        """Ask for the comment, and decide."""
        self._number, self._button = number, button
        optional = "" if button.needs_comment else " (optional)"
        self._text.label = f"Comment{optional}"
        about = f"Proposal {number}, {scenario}. The comment stays with the proposal and the audit trail."
        self._show(f"{button.label}: proposal {number}", button.label, html.notice(about))
        self._check()

    def _check(self) -> None:
        self._act.disabled = self._button.needs_comment and not self._typed

    def _work(self) -> Any:
        return self._session.actions.proposals.decide(self._number, self._button.decision, self._typed)


class ProposeDialog(_Asking):
    """Asks which scenario to propose, and why."""

    def __init__(self, session: Session, done: Callable[[Any], None]) -> None:
        self._scenario = pmui.Select(label="Scenario", options=[], **FIELD)
        text = pmui.TextAreaInput(
            label="Why it should be released", max_length=RATIONALE_MAX, rows=4, **FIELD
        )
        super().__init__(session, done, self._scenario, text=text)

    def ask(self, names: Sequence[str], chosen: str) -> None:
        """Ask for one of these scenarios and why, and propose it."""
        options = self._session.store.labels().options(names)
        self._scenario.param.update(
            options=options, value=chosen if chosen in names else next(iter(names), None)
        )
        about = "Its published result is put up for approval. When a lever, its census or a model changes, "
        about += "the proposal is voided."
        self._show(
            "Propose a scenario",
            "Propose",
            html.notice(about) if names else html.notice(NOTHING_TO_PROPOSE, tone="warn"),
        )
        self._act.disabled = not names

    def _work(self) -> Any:
        name = self._scenario.value
        study = self._session.store.study_of(name)
        return self._session.actions.proposals.propose(name, self._typed, study)
