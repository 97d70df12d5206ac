"""Learn: lessons, readiness, methods, glossary, troubleshooting."""

from ui.pages.learn.page import LearnPage
from ui.session import Session


def view(session: Session) -> LearnPage:
    """Return the page of a session."""
    return LearnPage(session)
