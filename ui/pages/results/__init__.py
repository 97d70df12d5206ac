"""Results: one published scenario in depth."""

from ui.pages.results.page import ResultsPage
from ui.session import Session


def view(session: Session) -> ResultsPage:
    """Return the page of a session."""
    return ResultsPage(session)
