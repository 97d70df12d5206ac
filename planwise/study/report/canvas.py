"""Drawing with matplotlib, without a screen and without its own taste: SVG that follows the page's theme."""

import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, cast

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from planwise.study.report.ink import PLACEHOLDER, themed

WIDTH_INCHES = 9.0
FONT_POINTS = 9.0
_PROLOGUE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r' width="[^"]*" height="[^"]*"')


def ink(role: str) -> str:
    """Return the placeholder of a colour's role."""
    return PLACEHOLDER[role]


def drawn(name: str, height: float, draw: Callable[[Figure], None], *, describe: str) -> str:
    """Return an inline SVG of a drawing, the same for the same drawing; `describe` is for who cannot see it.

    `height` is in inches at a width of nine.
    """
    with _style(name):
        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    svg = _METADATA.sub("", _PROLOGUE.sub("", text.getvalue()))
    label = describe.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    svg = _SIZE.sub("", svg, count=1).replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    return themed(svg)


def plain(axes: Axes, *, grid: str | None = "y", left: bool = False) -> Axes:
    """Leave of the frame what carries information: a baseline, faint lines along `grid`."""
    for side in ("top", "right", *(() if left else ("left",))):
        axes.spines[side].set_visible(False)
    if grid:
        axes.grid(axis=grid, color=ink("line"), linewidth=0.6)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    return axes


def keyed(axes: Axes, **options: Any) -> None:
    """Put the key above the drawing, without a frame, so that it covers no data."""
    axes.legend(
        **{
            "frameon": False,
            "loc": "lower left",
            "bbox_to_anchor": (0.0, 1.0),
            "ncols": 6,
            "borderaxespad": 0.2,
            "handlelength": 1.4,
            "columnspacing": 1.4,
            **options,
        }
    )


def _style(name: str) -> AbstractContextManager[None]:
    style: dict[str, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,  # ids of one page's charts must differ
        "font.size": FONT_POINTS,
        "axes.titlesize": FONT_POINTS,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.unicode_minus": True,
        "axes.edgecolor": ink("muted"),
        "axes.labelcolor": ink("muted"),
        "axes.titlecolor": ink("ink"),
        "axes.linewidth": 0.8,
        "text.color": ink("ink"),
        "xtick.color": ink("muted"),
        "ytick.color": ink("muted"),
        "legend.labelcolor": ink("ink"),
    }
    return matplotlib.rc_context(cast(Any, style))
