"""Overview: the scenario at a glance."""

from ui.pages.overview.page import OverviewPage
from ui.session import Session


def view(session: Session) -> OverviewPage:
    """Return the page of a session."""
    return OverviewPage(session)
