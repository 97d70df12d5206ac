"""Compare: scenarios side by side."""

from ui.session import Session
from ui.views.compare.page import Compare


def view(session: Session) -> Compare:
    """Return the page of a session."""
    return Compare(session)
