"""How pages are laid out: cards below each other, or two side by side where there is room."""

from collections.abc import Callable
from typing import Any

import panel as pn

GAP = 16  # pixels between cards
# As tall as what is in it: a column in a column would else end where the window does, and what follows
# would stand on its lower half.
WHOLE = {"max-height": "none"}
CLOSE = [".scroll-button { display: none; }"]  # Panel's own, empty: a gap would stand before it
PAIR: dict[str, Any] = {  # two cards side by side end on one line
    "sizing_mode": "stretch_width",
    "stylesheets": [":host > div { height: auto; }", *CLOSE],
    "styles": {
        "display": "grid",
        "grid-template-columns": "repeat(auto-fit, minmax(max(420px, 40%), 1fr))",
        "column-gap": f"{GAP}px",
        "row-gap": f"{GAP}px",
        "align-items": "stretch",
        **WHOLE,
    },
}
SIDE_BY_SIDE: dict[str, Any] = {  # a wide part and a narrow one; below each other on a small screen
    "sizing_mode": "stretch_width",
    "stylesheets": [
        ":host { display: grid; gap: 16px; align-items: start; max-height: none; "
        "grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); } "
        "@media (max-width: 1100px) { :host { grid-template-columns: minmax(0, 1fr); } }",
        *CLOSE,
    ],
}
PARTS: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "margin": 0,
    "styles": {"gap": "10px", **WHOLE},
    "stylesheets": CLOSE,
}
"""The parts of one card, below each other."""
STACK: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {"gap": f"{GAP}px", **WHOLE},
    "stylesheets": CLOSE,
}


def show(box: Any, *parts: Any) -> None:
    """Put parts into a box, unless it has them already: what stays is not drawn again."""
    if list(box.objects) != list(parts):
        box.objects = list(parts)


def on_page(change: Callable[[], object]) -> None:
    """Change the page in its turn, which holds its lock: a page that is still drawn takes no change else."""
    page = pn.state.curdoc
    if page is None or page.session_context is None:
        change()
    else:

        def in_turn() -> None:
            change()

        page.add_next_tick_callback(in_turn)
