"""Compare: scenarios side by side."""

from ui.pages.compare.page import ComparePage
from ui.session import Session


def view(session: Session) -> ComparePage:
    """Return the page of a session."""
    return ComparePage(session)
