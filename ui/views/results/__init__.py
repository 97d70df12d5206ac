"""Results: one published scenario in detail, down to a single employee."""

from ui.session import Session
from ui.views.results.page import ResultsPage


def view(session: Session) -> ResultsPage:
    """Return the page of a session."""
    return ResultsPage(session)
