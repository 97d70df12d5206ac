"""A section of the page: reads its values on a thread, shows them on the page."""

from collections.abc import Sequence
from typing import Any, Protocol

from ui.components.card import Card, Content
from ui.store import Store
from ui.views.results.asked import Asked


class Section(Protocol):
    """One tab; only the one that is shown is read."""

    key: str
    title: str
    layout: Any
    by_people: bool  # whether level, departments and gender matter to it
    by_status: bool  # whether the employment status does
    status: str  # the employment status that it starts with

    def read(self, store: Store, asked: Asked) -> Any:
        """Return what is to be shown; runs on a thread and touches no widget. Raises InputError."""

    def show(self, asked: Asked, found: Any) -> None:
        """Show what was read."""


def fill(cards: Sequence[Card], contents: Sequence[Content]) -> None:
    """Show one content on each card."""
    for card, content in zip(cards, contents, strict=True):
        card.show(content)
