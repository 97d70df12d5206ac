"""How the form's parts look."""

from collections.abc import Mapping
from typing import Any

SMALL: Mapping[str, Any] = {"size": "small", "margin": 0}
SIDE_BY_SIDE: Mapping[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {
        "display": "grid",
        "grid-template-columns": "repeat(auto-fit, minmax(230px, 1fr))",
        "gap": "10px 24px",
    },
}
PART: Mapping[str, Any] = {"sizing_mode": "stretch_width", "styles": {"gap": "12px"}}
SEGMENTS: Mapping[str, Any] = {
    "& .MuiToggleButton-root": {"textTransform": "none", "whiteSpace": "nowrap", "padding": "4px 14px"}
}
# The heading above says it for those who see.
UNSEEN_LABEL = ".MuiFormLabel-root { position: absolute; width: 1px; height: 1px; overflow: hidden; }"
SWITCHES: Mapping[str, Any] = {
    "size": "small",
    "margin": 0,
    "sx": SEGMENTS,
    "color": "primary",
    "stylesheets": [UNSEEN_LABEL],
}
