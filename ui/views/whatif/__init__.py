"""What-if: every edit re-simulates every employee."""

from ui.session import Session
from ui.views.unfinished import Unfinished


def view(session: Session) -> Unfinished:
    """Return the page of a session."""
    return Unfinished("What-if")
