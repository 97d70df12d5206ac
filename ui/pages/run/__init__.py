"""Run: simulate a scenario, watch the job, see its figures."""

from ui.pages.run.page import RunPage
from ui.session import Session


def view(session: Session) -> RunPage:
    """Return the page of a session."""
    return RunPage(session)
