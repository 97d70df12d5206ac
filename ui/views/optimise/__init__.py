"""Auto-optimise: studies that look for levers."""

from ui.session import Session
from ui.views.unfinished import Unfinished


def view(session: Session) -> Unfinished:
    """Return the page of a session."""
    return Unfinished("Auto-optimise")
