"""Putting a scenario up for approval: its button, its dialog, and the base of dialogs that ask for a text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.governance.proposals import ReleaseProposal
from ui.components import html
from ui.components.scenario_dialogs import FIELD, PLAIN, ROW, STACK, close_dialog, open_dialog
from ui.session import Session
from ui.values.proposals import why_not_propose

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

    def _work(self) -> ReleaseProposal:
        propose = self._session.actions.proposals.propose
        return propose(self._scenario.value, typed(self._why), self._study.value or None)

    def _proposed(self, proposal: ReleaseProposal) -> None:
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
