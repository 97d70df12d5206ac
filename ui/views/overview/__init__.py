"""Overview: the scenario at a glance."""

from ui.session import Session
from ui.views.overview.page import Overview


def view(session: Session) -> Overview:
    """Return the page of a session."""
    return Overview(session)
