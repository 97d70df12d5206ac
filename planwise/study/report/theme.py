"""The theme of a report, light and dark, and drawing with matplotlib in its colours.

A chart is one SVG for both themes: matplotlib draws in placeholder colours, each of which becomes a CSS
variable with the light theme's colour as its fallback.
"""

import io
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, cast

import matplotlib
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

WIDTH_INCHES = 9.0
FONT_POINTS = 9.0
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
# One placeholder per role; matplotlib uses none of these colours itself.
PLACEHOLDER = {role: f"#0a0b{index + 16:02x}" for index, role in enumerate(LIGHT)}
_FONT = re.compile(r"font-family: [^;\"]+|font: ((?:[a-z0-9.]+ )*)([0-9.]+px) [^;\"]+")
_PROLOGUE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r' width="[^"]*" height="[^"]*"')


def color(role: str) -> str:
    """Return the placeholder of a role's colour."""
    return PLACEHOLDER[role]


def css_variables(theme: Mapping[str, str]) -> str:
    """Return a theme as CSS declarations."""
    return " ".join(f"--{role}: {value};" for role, value in theme.items())


def draw_svg(name: str, height: float, draw: Callable[[Figure], None], *, alt: str) -> str:
    """Draw an inline SVG, nine inches wide and `height` inches high; equal drawings give equal text."""
    with _style(name):
        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    svg = _METADATA.sub("", _PROLOGUE.sub("", text.getvalue()))
    svg = _SIZE.sub("", svg, count=1).replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    for role, placeholder in PLACEHOLDER.items():
        svg = svg.replace(placeholder, f"var(--{role}, {LIGHT[role]})")
    return _FONT.sub(lambda m: f"font: {m[1]}{m[2]} var(--font, sans-serif)" if m[2] else m[0], svg)


def standalone_svg(svg: str) -> str:
    """Return an SVG that follows light and dark without a page around it."""
    style = f"<style>@media (prefers-color-scheme: dark) {{ svg {{ {css_variables(DARK)} }} }}</style>"
    head, tag, rest = svg.partition(">")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}{tag}{style}{rest}'


def style_axes(axes: Axes, *, grid: str | None = "y", left: bool = False) -> Axes:
    """Reduce the frame to a baseline and faint lines along `grid`."""
    for side in ("top", "right", *(() if left else ("left",))):
        axes.spines[side].set_visible(False)
    if grid:
        axes.grid(axis=grid, color=color("line"), linewidth=0.6)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    return axes


def add_legend(axes: Axes) -> None:
    """Put the legend above the drawing, without a frame, so that it covers no data."""
    axes.legend(
        frameon=False,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=6,
        borderaxespad=0.2,
        handlelength=1.4,
        columnspacing=1.4,
    )


def _style(name: str) -> AbstractContextManager[None]:
    style: dict[str, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,  # ids of one page's charts must differ
        "font.size": FONT_POINTS,
        "axes.unicode_minus": True,
        "axes.edgecolor": color("muted"),
        "axes.labelcolor": color("muted"),
        "axes.linewidth": 0.8,
        "text.color": color("ink"),
        "xtick.color": color("muted"),
        "ytick.color": color("muted"),
        "legend.labelcolor": color("ink"),
    }
    return matplotlib.rc_context(cast(Any, style))
