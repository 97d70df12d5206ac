"""Learn: a learning path, a readiness check, methods, glossary, troubleshooting."""

from ui.session import Session
from ui.views.learn.page import LearnPage


def view(session: Session) -> LearnPage:
    """Return the page of a session."""
    return LearnPage(session)
