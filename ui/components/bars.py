"""Bars and lines over years or groups, with texts for the pointer."""

from collections.abc import Sequence
from dataclasses import dataclass

from ui.components.figures import HEIGHT, LEGEND_LINE, MARGIN, PALETTE, Figure, base_layout, label, note
from ui.values.formatting import NBSP

FEW = 5  # a count up to this needs no tick between two whole numbers
HIDDEN = "No figure to draw: pay of fewer than 10 people is not shown."
BAR_LINE = 26  # pixels of a horizontal bar
NAME_MAX = 40  # characters of a name beside a bar


@dataclass(frozen=True)
class Series:
    """Named values, one per place on the axis; `hover` are texts for the pointer."""

    name: str
    values: Sequence[float]
    hover: Sequence[str]
    color: str
    dash: str = "solid"


def color_of_level(level_id: int) -> str:
    """Return a level's colour: the same on every chart."""
    return PALETTE[(level_id - 1) % len(PALETTE)]


def bars(
    places: Sequence[str], series: Sequence[Series], *, y_format: str, y_title: str, stacked: bool = False
) -> Figure:
    """Return upright bars, one group per place; stacked bars below zero go down."""
    if not _any(series):
        return _none()
    layout = base_layout(y_format, y_title, legend=len(series) > 1)
    if y_format == ",d" and max(value for one in series for value in one.values if value == value) <= FEW:
        layout["yaxis"] |= {"dtick": 1, "rangemode": "tozero"}
    layout |= {"barmode": "relative" if stacked else "group", "bargap": 0.35}
    layout["xaxis"] |= {"type": "category"}
    data = [
        {
            "type": "bar",
            "name": label(one.name),
            "x": list(places),
            "y": list(one.values),
            "marker": {"color": one.color},
            "customdata": [label(text) for text in one.hover],
            "hovertemplate": f"%{{customdata}}<extra>{label(one.name) if len(series) > 1 else ''}</extra>",
        }
        for one in series
    ]
    return {"data": data, "layout": with_legend(layout, len(series))}


def lines(places: Sequence[str], series: Sequence[Series], *, y_format: str, y_title: str) -> Figure:
    """Return lines over places, one per series."""
    if not _any(series):
        return _none()
    layout = base_layout(y_format, y_title, legend=len(series) > 1)
    layout["xaxis"] |= {"type": "category"}
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": label(one.name),
            "x": list(places),
            "y": list(one.values),
            "line": {"color": one.color, "width": 2.5, "dash": one.dash},
            "marker": {"color": one.color, "size": 7},
            "customdata": [label(text) for text in one.hover],
            "hovertemplate": f"%{{customdata}}<extra>{label(one.name) if len(series) > 1 else ''}</extra>",
        }
        for one in series
    ]
    return {"data": data, "layout": with_legend(layout, len(series))}


def ranked(
    names: Sequence[str],
    values: Sequence[float],
    texts: Sequence[str],
    color: str,
    *,
    x_format: str,
) -> Figure:
    """Return horizontal bars, the first on top, each with its text; the pointer has long names whole."""
    if not any(value is not None and value == value for value in values):
        return note(HIDDEN, 60 + BAR_LINE * 3)
    layout = base_layout("", "")
    layout["margin"] = MARGIN | {"l": 16, "r": 72, "t": 8, "b": 32}
    layout["height"] = 60 + BAR_LINE * max(len(names), 3)
    places = [str(place) for place in range(len(names))]
    layout["yaxis"] |= {
        "type": "category",
        "autorange": "reversed",
        "tickvals": places,
        "ticktext": [f"{label(_cut(name))}{NBSP}" for name in names],
        "tickformat": "",
        "showgrid": False,
    }
    layout["xaxis"] |= {"showgrid": True, "zeroline": True, "tickformat": x_format, "nticks": 6}
    data = {
        "type": "bar",
        "orientation": "h",
        "x": list(values),
        "y": places,
        "text": list(texts),
        "textposition": "outside",
        "cliponaxis": False,
        "constraintext": "none",
        "marker": {"color": color},
        "width": 0.66,
        "customdata": [label(name) for name in names],
        "hovertemplate": "%{customdata}: %{text}<extra></extra>",
    }
    return {"data": [data], "layout": layout}


def with_legend(layout: Figure, entries: int) -> Figure:
    """Make room below for a legend; without one the chart is as high, so that two side by side match."""
    layout["height"] = HEIGHT + 2 * LEGEND_LINE
    layout["margin"]["b"] += 0 if entries > 1 else LEGEND_LINE
    return layout


def _any(series: Sequence[Series]) -> bool:
    return any(value is not None and value == value for one in series for value in one.values)


def _none() -> Figure:
    return note(HIDDEN, HEIGHT + 2 * LEGEND_LINE)


def _cut(name: str) -> str:
    return name if len(name) <= NAME_MAX else f"{name[: NAME_MAX - 1].rstrip()}…"
