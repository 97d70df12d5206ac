"""Levers: current and proposed lever values, by level and year."""

from ui.session import Session
from ui.views.unfinished import Unfinished


def view(session: Session) -> Unfinished:
    """Return the page of a session."""
    return Unfinished("Levers")
