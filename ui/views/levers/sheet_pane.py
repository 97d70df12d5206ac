"""A sheet on the page: shows the draft, and does to the draft what is typed, pasted and pressed in it."""

from collections.abc import Callable, Mapping
from typing import Any

from planwise.parameters import catalogue
from ui.components.lever_grid import LeverGrid
from ui.session import Session
from ui.views.levers.choice import Choice
from ui.views.levers.entries import pasted_changes
from ui.views.levers.sheet import order_of

BLOCK_MAX = 200  # rows of a pasted block
TEXT_MAX = 40  # characters of a value


class SheetPane:
    """One grid; `make` returns its sheet, and is asked again by `refresh`."""

    def __init__(
        self, session: Session, choice: Choice, make: Callable[[], dict[str, Any]], *, heading: str
    ) -> None:
        self._session = session
        self._choice = choice
        self._make = make
        self.layout = LeverGrid(
            self._act,
            heading=heading,
            label=f"{heading}s by year",
            editable=session.may_edit,
            sizing_mode="stretch_width",
            margin=0,
        )
        choice.param.watch(self._follow, ["parameter", "years", "refused"])
        self.layout.param.watch(self._chosen, "chosen")
        self._follow()

    def refresh(self) -> None:
        """Show the draft as it is."""
        self.layout.sheet = self._make()

    def _follow(self, *_: Any) -> None:
        years = self._choice.years
        chosen = {"lever": self._choice.parameter, "years": None if years is None else list(years)}
        self.layout.param.update(chosen=chosen, refused=self._choice.refused)

    def _chosen(self, event: Any) -> None:
        name, years = event.new.get("lever"), event.new.get("years")
        known = self.layout.sheet["years"]
        if name not in catalogue().parameters or (years is not None and not set(years) <= set(known)):
            return
        wanted = None if years is None else tuple(years)
        if (name, wanted) != (self._choice.parameter, self._choice.years):
            self._choice.choose(name, wanted)

    def _act(self, message: Mapping[str, Any]) -> None:
        draft, action = self._session.draft, message["action"]
        if action in ("undo", "redo"):
            self._choice.attempt(draft.undo if action == "undo" else draft.redo)
            return
        if action == "forget":
            self._choice.refused = {}
            return
        name, year = message.get("lever"), message.get("year")
        order = order_of(self.layout.sheet)
        if name not in order or not (year is None or year in self.layout.sheet["years"]):
            return
        if action == "unset":
            key = name if year is None else f"{name}@{year}"
            self._choice.attempt(lambda: draft.unset(key), name=name, year=year)
        elif action == "enter":
            texts = [[str(text)[:TEXT_MAX] for text in line] for line in message["texts"][:BLOCK_MAX]]
            self._choice.change(
                lambda: pasted_changes(draft.effective, order, name, year, texts), name=name, year=year
            )
