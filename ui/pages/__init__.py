"""The pages of the dashboard: key in the address, title, icon, class."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ui.session import Session


class View(Protocol):
    """A page of one session."""

    layout: Any

    def refresh(self) -> None:
        """Show what is new in store, selection and draft; cheap when nothing is."""


@dataclass(frozen=True)
class PageInfo:
    """One page; `group` is its heading in the navigation. Its module is imported when it is first shown.

    One that `needs_census` is not made before there is one.
    """

    key: str
    title: str
    icon: str
    group: str
    needs_census: bool = False

    @property
    def module(self) -> str:
        """The module of the page's class."""
        return f"ui.pages.{self.key}.page"

    @property
    def load(self) -> "Callable[[Session], View]":
        """What makes the view of a session."""
        make: Callable[[Session], View] = getattr(import_module(self.module), f"{self.key.capitalize()}Page")
        return make


PAGES = (
    PageInfo("census", "Census", "groups", "Plan and run"),
    PageInfo("overview", "Overview", "dashboard", "Plan and run"),
    PageInfo("plan", "Plan", "tune", "Plan and run", needs_census=True),
    PageInfo("run", "Run", "play_circle", "Plan and run", needs_census=True),
    PageInfo("results", "Results", "insights", "Understand"),
    PageInfo("compare", "Compare", "compare_arrows", "Understand"),
    PageInfo("optimise", "Auto-optimise", "auto_graph", "Understand", needs_census=True),
    PageInfo("approvals", "Approvals", "how_to_vote", "Decide"),
    PageInfo("release", "Release", "rocket_launch", "Decide"),
    PageInfo("audit", "Audit", "fact_check", "Decide"),
    PageInfo("pipeline", "Pipeline", "monitor_heart", "Operate"),
    PageInfo("learn", "Learn", "school", "Help"),
)
BY_KEY = {page.key: page for page in PAGES}
FIRST = "overview"
"""The page of an address that names none; a home without a census opens at `census`."""
