"""Results: one published scenario in detail."""

from ui.session import Session
from ui.views.unfinished import Unfinished


def view(session: Session) -> Unfinished:
    """Return the page of a session."""
    return Unfinished("Results")
