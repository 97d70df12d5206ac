"""Auto-optimise: studies that look for levers."""

from ui.session import Session
from ui.views.optimise.page import OptimisePage


def view(session: Session) -> OptimisePage:
    """Return the page of a session."""
    return OptimisePage(session)
