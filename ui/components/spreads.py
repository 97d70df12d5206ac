"""Figures of many people: histograms with percentiles, a heat map, points, one person's pay."""

from collections.abc import Sequence
from dataclasses import dataclass

from ui.components.bars import with_legend
from ui.components.figures import HEIGHT, MARGIN, Figure, base_layout, label

# See-through, so that the text of a cell stays readable on light and dark.
HEAT = ((0.0, "rgba(59,130,214,0.05)"), (1.0, "rgba(59,130,214,0.62)"))
SPREAD_LINE = 22  # pixels of a level's percentiles below a histogram
POINT_SIZE = 5
PAY_COLOR = "#8a7f77"
ENDS = ["line-ns-open", "diamond", "line-ns-open"]


@dataclass(frozen=True)
class Bins:
    """A level's people per bin, and its percentiles."""

    name: str
    color: str
    counts: Sequence[int]
    hover: Sequence[str]
    p10: float
    p50: float
    p90: float
    percentiles: str


def histogram(
    centres: Sequence[float], width: float, levels: Sequence[Bins], *, x_format: str, x_title: str
) -> Figure:
    """Return stacked bars per bin; below them, a line from P10 to P90 per level with a mark at its median."""
    below = SPREAD_LINE * len(levels)
    height = HEIGHT + below + 40
    share = (below + 14) / (height - 110)
    layout = base_layout(",d", "People", legend=len(levels) > 1)
    layout |= {"barmode": "stack", "bargap": 0.04, "height": height, "hovermode": "closest"}
    layout["margin"] = MARGIN | {"b": 52}
    layout["yaxis"]["domain"] = [share, 1]
    layout["yaxis2"] = {
        "domain": [0, share - 0.04],
        "type": "category",
        "autorange": "reversed",
        "showticklabels": False,
        "showgrid": False,
        "fixedrange": True,
    }
    layout["xaxis"] |= {
        "tickformat": x_format,
        "anchor": "y2",
        "title": {"text": x_title, "font": {"size": 12}, "standoff": 6},
    }
    layout["legend"]["y"] = -0.14
    data: list[Figure] = []
    for one in levels:
        data.append(
            {
                "type": "bar",
                "name": label(one.name),
                "legendgroup": label(one.name),
                "x": list(centres),
                "y": list(one.counts),
                "width": width,
                "marker": {"color": one.color},
                "customdata": [label(text) for text in one.hover],
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        )
    for one in levels:
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "legendgroup": label(one.name),
                "showlegend": False,
                "yaxis": "y2",
                "x": [one.p10, one.p50, one.p90],
                "y": [label(one.name)] * 3,
                "line": {"color": one.color, "width": 3},
                "marker": {
                    "color": one.color,
                    "size": [7, 11, 7],
                    "symbol": ENDS,
                },
                "hovertemplate": f"{label(one.percentiles)}<extra></extra>",
            }
        )
    return {"data": data, "layout": layout}


def heat_map(
    columns: Sequence[str],
    rows: Sequence[str],
    values: Sequence[Sequence[float | None]],
    texts: Sequence[Sequence[str]],
    hover: Sequence[Sequence[str]],
    *,
    y_title: str,
) -> Figure:
    """Return a grid of cells coloured by value, each with its text; None has no colour."""
    layout = base_layout("", y_title)
    layout["margin"] = MARGIN | {"t": 8, "b": 40}
    layout["height"] = 100 + 56 * len(rows)
    layout["xaxis"] |= {"type": "category", "side": "bottom", "ticks": ""}
    layout["yaxis"] |= {"type": "category", "tickformat": "", "showgrid": False}
    layout["yaxis"] |= {"ticks": "", "ticksuffix": " "}
    data = {
        "type": "heatmap",
        "x": list(columns),
        "y": list(rows),
        "z": [list(row) for row in values],
        "text": [list(row) for row in texts],
        "texttemplate": "%{text}",
        "customdata": [[label(text) for text in row] for row in hover],
        "hovertemplate": "%{customdata}<extra></extra>",
        "hoverongaps": False,
        "colorscale": [list(stop) for stop in HEAT],
        "showscale": False,
        "xgap": 3,
        "ygap": 3,
    }
    return {"data": [data], "layout": layout}


@dataclass(frozen=True)
class Points:
    """People of one level as points."""

    name: str
    color: str
    x: Sequence[float]
    y: Sequence[float]


def points(
    groups: Sequence[Points], *, x_format: str, x_title: str, y_format: str, y_title: str, x_hover: str
) -> Figure:
    """Return points by group; the pointer tells both values and the group, never who it is."""
    layout = base_layout(y_format, y_title, legend=True)
    layout |= {"hovermode": "closest", "height": HEIGHT + 130}
    layout["margin"] = MARGIN | {"b": 52}
    layout["legend"] |= {"y": -0.15, "itemsizing": "constant"}
    layout["xaxis"] |= {
        "tickformat": x_format,
        "title": {"text": x_title, "font": {"size": 12}, "standoff": 6},
        "showgrid": True,
    }
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": label(one.name),
            "x": list(one.x),
            "y": list(one.y),
            "marker": {"color": one.color, "size": POINT_SIZE, "opacity": 0.55},
            "hovertemplate": f"%{{x:{x_hover}}}, %{{y:.2f}}<extra>{label(one.name)}</extra>",
        }
        for one in groups
    ]
    return {"data": data, "layout": layout}


@dataclass(frozen=True)
class Marks:
    """Events of one kind: day, pay after it, text for the pointer."""

    kind: str
    color: str
    days: Sequence[str]
    pay: Sequence[float]
    texts: Sequence[str]


def pay_line(days: Sequence[str], pay: Sequence[float], marks: Sequence[Marks]) -> Figure:
    """Return pay as steps over time with a mark per event."""
    layout = base_layout("$,d", "Annual base pay, $", legend=True)
    layout |= {"hovermode": "closest"}
    layout["xaxis"] |= {"type": "date"}
    data: list[Figure] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "Base pay",
            "x": list(days),
            "y": list(pay),
            "line": {"shape": "hv", "width": 2, "color": PAY_COLOR},
            "hoverinfo": "skip",
        }
    ]
    data += [
        {
            "type": "scatter",
            "mode": "markers",
            "name": label(one.kind),
            "x": list(one.days),
            "y": list(one.pay),
            "marker": {"color": one.color, "size": 10, "line": {"width": 1, "color": "#ffffff"}},
            "customdata": [label(text) for text in one.texts],
            "hovertemplate": "%{customdata}<extra></extra>",
        }
        for one in marks
    ]
    return {"data": data, "layout": with_legend(layout, len(data))}
