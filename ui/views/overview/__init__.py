"""Overview: the scenario at a glance."""

from ui.session import Session
from ui.views.overview.page import OverviewPage


def view(session: Session) -> OverviewPage:
    """Return the page of a session."""
    return OverviewPage(session)
