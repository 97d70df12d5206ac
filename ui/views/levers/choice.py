"""What the editor shows: one parameter, in all years or some; an edit that cannot be is told in its place."""

from collections.abc import Callable, Mapping
from typing import Any

import param

from planwise.errors import InputError, PlanWiseError
from ui.session import Session
from ui.views.levers.entries import Years

LOOK_ONLY = "Your role may look at scenarios, not edit them."


class Choice(param.Parameterized):
    """The parameter and years under the hand; `refused` is what the last edit was refused with, and where."""

    parameter = param.String(default="")
    years = param.Parameter(default=None, doc="A tuple of years; None is all of them.")
    refused = param.Dict(default={})

    def __init__(self, session: Session, parameter: str) -> None:
        super().__init__(parameter=parameter)
        self._session = session

    def attempt(self, edit: Callable[[], Any], *, name: str = "", year: int | None = None) -> bool:
        """Do an edit; when it cannot be, keep what was refused for the place it belongs to, and say False."""
        try:
            if not self._session.may_edit:
                raise InputError(LOOK_ONLY, remedy="Ask an analyst, or sign in as one.")
            edit()
        except PlanWiseError as error:
            self.refused = {
                "lever": name or self.parameter,
                "year": year,
                "what": error.what,
                "remedy": error.remedy or "",
            }
            return False
        self.refused = {}
        return True

    def change(self, make: Callable[[], Mapping[str, object]], **where: Any) -> bool:
        """Put the changes that `make` returns on the draft; like `attempt`."""
        return self.attempt(lambda: self._session.draft.update(make()), **where)

    def choose(self, name: str, years: Years) -> None:
        """Show another parameter or other years; what was refused stays until it is put right or given up."""
        self.param.update(parameter=name, years=None if years is None else tuple(years))
