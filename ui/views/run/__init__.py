"""Run: save the draft, simulate it, watch the gates."""

from ui.session import Session
from ui.views.unfinished import Unfinished


def view(session: Session) -> Unfinished:
    """Return the page of a session."""
    return Unfinished("Run")
