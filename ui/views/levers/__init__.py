"""Levers: current and proposed lever values, by level and year; assumptions; presets; saving."""

from ui.session import Session
from ui.views.levers.page import Levers


def view(session: Session) -> Levers:
    """Return the page of a session."""
    return Levers(session)
