"""A list at the side and the text that it chooses; below each other on a small screen."""

from typing import Any

UNANSWERED = "Not answered yet"  # radio buttons of the library cannot be without a choice
LIST_AND_TEXT: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "stylesheets": [
        ":host { display: grid; gap: 16px; align-items: start; "
        "grid-template-columns: minmax(260px, 2fr) minmax(0, 5fr); } "
        "@media (max-width: 900px) { :host { grid-template-columns: minmax(0, 1fr); } }"
    ],
}
