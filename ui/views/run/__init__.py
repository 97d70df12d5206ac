"""Run: save the edits, simulate for real, watch stages, gate and figures."""

from ui.session import Session
from ui.views.run.page import RunPage


def view(session: Session) -> RunPage:
    """Return the page of a session."""
    return RunPage(session)
