"""Auto-optimise: studies that look for levers."""

from ui.session import Session
from ui.views.optimise.page import Optimise


def view(session: Session) -> Optimise:
    """Return the page of a session."""
    return Optimise(session)
