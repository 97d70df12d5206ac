"""Plan: edit levers and assumptions by level and year, with live figures of every employee beside them."""

from ui.pages.plan.page import PlanPage
from ui.session import Session


def view(session: Session) -> PlanPage:
    """Return the page of a session."""
    return PlanPage(session)
