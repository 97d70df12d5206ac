"""Results: one published scenario in detail, down to a single employee."""

from ui.session import Session
from ui.views.results.page import Results


def view(session: Session) -> Results:
    """Return the page of a session."""
    return Results(session)
