"""A heading with controls at its right, below it where there is no room."""

from typing import Any

import panel as pn


def bar(heading: Any, *controls: Any) -> pn.FlexBox:
    """Return one line of a heading and its controls."""
    left = pn.Column(heading, min_width=260, styles={"flex": "1 1 320px"}, margin=0)
    right = pn.Row(*controls, styles={"gap": "12px", "align-items": "center", "flex-wrap": "wrap"}, margin=0)
    return pn.FlexBox(
        left, right, justify_content="space-between", align_items="center", gap="12px", margin=(0, 0, 6, 0)
    )
