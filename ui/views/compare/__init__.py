"""Compare: scenarios side by side."""

from ui.session import Session
from ui.views.compare.page import ComparePage


def view(session: Session) -> ComparePage:
    """Return the page of a session."""
    return ComparePage(session)
