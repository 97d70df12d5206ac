"""The colours of a report, by role: charts are drawn in placeholders that the page's theme then fills.

A chart is one SVG for light and dark: where matplotlib wrote a role's placeholder there stands a CSS
variable, with the light theme's colour as its fallback, for where no page around it sets the variable.
"""

import re
from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "page": "#ffffff",
    "panel": "#f5f6f8",
    "ink": "#1c2733",
    "muted": "#5b6876",
    "line": "#d5dae0",
    "band": "#dfeee6",
    "before": "#9aa5b1",
    "after": "#1f66b0",
    "good": "#1e7d4f",
    "warn": "#9a5b00",
    "bad": "#b3261e",
    "exits": "#7a6ea8",
    "cola": "#1f66b0",
    "merit": "#2f8f83",
    "promotion": "#c98a1b",
    "hires": "#b4557e",
}
DARK: Mapping[str, str] = {
    "page": "#14191f",
    "panel": "#1d242c",
    "ink": "#e6eaee",
    "muted": "#9eabb8",
    "line": "#36414c",
    "band": "#1f3a2e",
    "before": "#75828f",
    "after": "#62a8ee",
    "good": "#5cc494",
    "warn": "#e2a850",
    "bad": "#f08a80",
    "exits": "#a79bd6",
    "cola": "#62a8ee",
    "merit": "#5fc4b6",
    "promotion": "#e3b458",
    "hires": "#e08db2",
}
# One placeholder a role, none of which matplotlib draws by itself.
PLACEHOLDER = {role: f"#0a0b{index + 16:02x}" for index, role in enumerate(LIGHT)}
_FONT = re.compile(r"font-family: [^;\"]+|font: ((?:[a-z0-9.]+ )*)([0-9.]+px) [^;\"]+")


def themed(svg: str) -> str:
    """Return an SVG whose placeholders follow the theme, and whose text is in the page's font."""
    for role, colour in PLACEHOLDER.items():
        svg = svg.replace(colour, f"var(--{role}, {LIGHT[role]})")
    return _FONT.sub(lambda m: f"font: {m[1]}{m[2]} var(--font, sans-serif)" if m[2] else m[0], svg)


def standalone(svg: str) -> str:
    """Return an SVG that follows light and dark without a page around it."""
    style = f"<style>@media (prefers-color-scheme: dark) {{ svg {{ {variables(DARK)} }} }}</style>"
    head, tag, rest = svg.partition(">")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}{tag}{style}{rest}'


def variables(theme: Mapping[str, str]) -> str:
    """Return a theme as CSS declarations."""
    return " ".join(f"--{role}: {colour};" for role, colour in theme.items())
