"""Learn: a learning path, a readiness check, methods, glossary, troubleshooting."""

from ui.session import Session
from ui.views.learn.page import Learn


def view(session: Session) -> Learn:
    """Return the page of a session."""
    return Learn(session)
