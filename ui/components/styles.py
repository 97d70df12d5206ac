"""The style sheet of our own HTML; colours come from the page's theme, so it follows light and dark."""

from functools import cache
from importlib import resources


@cache
def stylesheet() -> str:
    """Return the style sheet, to be given to each pane (panes live in shadow roots)."""
    return resources.files("ui").joinpath("assets/planwise.css").read_text(encoding="utf-8")
