"""Plan: edit levers and assumptions by level and year, with live figures of every employee beside them."""

from ui.session import Session
from ui.views.plan.page import PlanPage


def view(session: Session) -> PlanPage:
    """Return the page of a session."""
    return PlanPage(session)
