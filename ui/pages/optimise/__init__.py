"""Auto-optimise: studies that find levers."""

from ui.pages.optimise.page import OptimisePage
from ui.session import Session


def view(session: Session) -> OptimisePage:
    """Return the page of a session."""
    return OptimisePage(session)
