"""The What-if page: an edit is simulated for every employee at once."""

from collections.abc import Mapping
from typing import Any

from planwise.errors import InputError, PlanWiseError
from planwise.parameters import EffectiveParameters
from ui.components import html
from ui.components.filling import Filling
from ui.draft import LOOK_AGAIN
from ui.session import Session
from ui.values.edits import Lock, keys_of
from ui.values.formatting import count
from ui.views.whatif import levers
from ui.views.whatif.answering import Answers
from ui.views.whatif.asking import Question
from ui.views.whatif.parts import Parts

PAGE = "whatif"
NOT_ALLOWED = "Save as scenario and run: your role may look, but not save scenarios"


class WhatIf:
    """One session's page: follows the draft, and asks also about edits that are not final yet."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._parts = Parts(self._message)
        self._answers = Answers(session, self._parts, self._tell)
        self._census = ""
        self._edited_year: int | None = None
        self._number = 0
        self._problem: levers.Problem | None = None
        self._board_of: Any = None
        self._filling = Filling()
        self.layout = self._parts.layout
        self._parts.base.param.watch(self._base_chosen, "value")
        self._parts.year.param.watch(self._year_chosen, "value")
        self._parts.save.on_click(lambda _: session.go("run"))
        session.draft.param.watch(self._changed, ["scenario", "changes", "locks"])
        session.selection.param.watch(self._changed, ["year"])
        self.refresh()

    def refresh(self) -> None:
        """Show scenarios, census and draft as they are now; what is shown already is not asked again."""
        plans, draft = self._session.store.plans, self._session.draft
        try:
            if lost := draft.refresh():
                self._session.notify(lost, tone="warning", remedy=LOOK_AGAIN)
            census = plans.census(plans.get(draft.scenario).census)
            names = [info.name for info in plans.list()]
        except PlanWiseError as error:
            self._tell(error)
            return
        self._census = f"{census.name} {census.as_of} {census.rows}"
        with self._filling:
            self._parts.base.param.update(options=names, value=draft.scenario)
        self._parts.heading.object = html.heading(
            "What-if",
            f"Every edit simulates all {count(census.rows)} employees of {census.name} again; nothing is "
            "saved until you say so",
        )
        may = self._session.may_edit
        self._parts.save.param.update(disabled=not may, description=None if may else NOT_ALLOWED)
        self._follow()

    def _follow(self) -> None:
        """Show the draft in the editors, and ask what it does."""
        draft = self._session.draft
        try:
            base, effective = draft.current, draft.effective
        except PlanWiseError as error:
            self._tell(error)
            return
        if self._edited_year not in effective.years:
            self._edited_year = None
        with self._filling:
            self._parts.base.value = draft.scenario
            self._parts.year.param.update(options=list(effective.years), value=self._year(effective))
        self._show_editors(base, effective)
        self._ask(effective, live=False)

    def _changed(self, *_: Any) -> None:
        if self._session.selection.page == PAGE and not self._filling:
            self._follow()

    def _message(self, message: Mapping[str, Any]) -> None:
        """Take a message of the editors; it comes from a browser, so what it says is checked."""
        kind, name, draft = message.get("kind"), message.get("name"), self._session.draft
        if kind == "year":
            self._edit_year(message.get("year"))
        elif kind == "clear":
            self._number = _whole(message.get("number"), self._number)
            self._problem = None
            with self._filling:
                draft.clear()
            self._follow()
        elif kind in {"edit", "reset"} and name in levers.edited_names(draft.base.declared):
            self._number = _whole(message.get("number"), self._number)
            self._problem = None
            try:
                self._edit(name, message)
            except InputError as error:
                self._refused(name, error)

    def _edit(self, name: str, message: Mapping[str, Any]) -> None:
        """Edit a parameter, or take the edit back; raises InputError."""
        draft = self._session.draft
        if message.get("live"):
            self._try(name, message.get("value"))
            return
        with self._filling:
            if message["kind"] == "edit":
                draft.set(self._key(name), self._raw(name, message.get("value")))
            else:
                draft.unset(self._key(name))
        self._follow()

    def _try(self, name: str, value: object) -> None:
        """Ask what an edit would do that is not final: a slider on its way, a number half typed."""
        changes = {self._key(name): self._raw(name, value)}
        self._ask(self._session.draft.tried(changes), live=True)

    def _refused(self, name: str, error: InputError) -> None:
        """Say at the lever what is wrong; the figures are still those of the draft."""
        self._problem = levers.Problem(name, f"{error.what} {error.remedy or ''}".strip())
        draft = self._session.draft
        self._show_editors(draft.current, draft.effective)
        self._answers.answered(self._number)

    def _ask(self, effective: EffectiveParameters, *, live: bool) -> None:
        draft = self._session.draft
        self._answers.ask(
            Question(
                census=self._census,
                scenario=draft.scenario,
                base=draft.current,
                effective=effective,
                year=self._year(effective),
                number=self._number,
                live=live,
            )
        )

    def _key(self, name: str) -> str:
        """Return what an edit of a parameter changes: all years, or the one that is chosen."""
        years = None if self._edited_year is None else [self._edited_year]
        return keys_of(self._session.draft.effective, name, years)[0]

    def _raw(self, name: str, value: object) -> object:
        return levers.raw_value(self._session.draft.base.declared, name, value)

    def _year(self, effective: EffectiveParameters) -> int:
        wanted = self._session.selection.year
        return wanted if wanted in effective.years else effective.years[-1]

    def _show_editors(self, base: EffectiveParameters, effective: EffectiveParameters) -> None:
        draft = self._session.draft
        locks = {name: _spoken(lock) for name in draft.locks if (lock := draft.lock_of(name))}
        values = levers.values(base, effective, self._edited_year, self._problem)
        board_of = (effective.years, self._edited_year, tuple(locks.items()))
        if board_of == self._board_of:
            self._parts.board.values = values
        else:
            self._board_of = board_of
            board = levers.board(effective, self._edited_year, locks)
            self._parts.board.param.update(board=board, values=values)

    def _edit_year(self, year: object) -> None:
        """Edit one year from now on, or all of them."""
        draft = self._session.draft
        if year is None or year in draft.effective.years:
            self._edited_year = year if isinstance(year, int) else None
            self._problem = None
            self._show_editors(draft.current, draft.effective)

    def _base_chosen(self, event: Any) -> None:
        """Put the edits on another scenario; where they cannot be, on the one before."""
        if self._filling:
            return
        draft = self._session.draft
        try:
            draft.start_from(event.new, draft.changes)
        except InputError as error:
            self._tell(error)
            with self._filling:
                self._parts.base.value = draft.scenario

    def _year_chosen(self, event: Any) -> None:
        if not self._filling:
            self._session.selection.year = event.new

    def _tell(self, error: PlanWiseError | None) -> None:
        """Say what went wrong and what to do; None is that all is well."""
        text = "" if error is None else html.notice(error.what, error.remedy or "", "bad")
        if self._parts.notices.object != text:
            self._parts.notices.object = text


def _spoken(lock: Lock) -> str:
    return f"Locked by {lock.by}{f': {lock.why}' if lock.why else ''}"


def _whole(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
