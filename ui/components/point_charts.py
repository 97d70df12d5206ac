"""Charts of many people or many trials: histograms, heat maps, points, intervals, lines across axes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ui.components.charts import (
    GOOD,
    GREY,
    HEIGHT,
    TOTAL,
    Figure,
    band_style,
    label,
    layout,
    with_legend,
    with_vertical_line,
    wrapped,
    written,
)
from ui.values.axes import axis

# See-through, so that the text of a cell stays readable on light and dark.
HEAT = ((0.0, "rgba(59,130,214,0.05)"), (1.0, "rgba(59,130,214,0.62)"))
PERCENTILES_LINE = 22  # pixels of a level's percentiles below a histogram
ENDS = ["line-ns-open", "diamond", "line-ns-open"]
EMPTY_HEIGHT = 40  # pixels of an interval chart without rows
ROW = 30  # pixels of an interval
NARROWEST = 160  # pixels
DIGITS = 6  # significant; a figure goes over the wire whenever a trial ends


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


@dataclass(frozen=True)
class Points:
    """People of one level as points."""

    name: str
    color: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Marks:
    """Events of one kind: day, pay after it, text for the pointer."""

    kind: str
    color: str
    days: Sequence[str]
    pay: Sequence[float]
    texts: Sequence[str]


def histogram(
    centres: Sequence[float], width: float, levels: Sequence[Bins], *, x_format: str, x_title: str
) -> Figure:
    """Return stacked bars per bin; below them, a line from P10 to P90 per level with a mark at its median."""
    below = PERCENTILES_LINE * len(levels)
    height = HEIGHT + below + 40
    share = (below + 14) / (height - 110)
    found = layout(
        height=height,
        x_title=x_title,
        y_title="People",
        legend="below" if len(levels) > 1 else "",
        margin={"b": 52},
    )
    ends = (centres[0] - width / 2, centres[-1] + width / 2) if centres else ()
    found["xaxis"] |= axis(
        (*ends, *(one.p10 for one in levels), *(one.p90 for one in levels)), x_format, pad=0.02
    )
    found["yaxis"] |= axis(map(sum, zip(*(one.counts for one in levels), strict=True)), ",d", zero=True)
    found |= {"barmode": "stack", "bargap": 0.04, "legend": {"y": -0.14}}
    found["yaxis"]["domain"] = [share, 1]
    found["yaxis2"] = {
        "domain": [0, share - 0.04],
        "type": "category",
        "autorange": "reversed",
        "showticklabels": False,
        "showgrid": False,
        "fixedrange": True,
    }
    found["xaxis"]["anchor"] = "y2"
    counts = [
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
        for one in levels
    ]
    percentiles = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "legendgroup": label(one.name),
            "showlegend": False,
            "yaxis": "y2",
            "x": [one.p10, one.p50, one.p90],
            "y": [label(one.name)] * 3,
            "line": {"color": one.color, "width": 3},
            "marker": {"color": one.color, "size": [7, 11, 7], "symbol": ENDS},
            "hovertemplate": f"{label(one.percentiles)}<extra></extra>",
        }
        for one in levels
    ]
    return {"data": [*counts, *percentiles], "layout": found}


def seed_histogram(
    middles: Sequence[float],
    width: float,
    counts: Sequence[int],
    *,
    band: tuple[float, float] | None,
    target: tuple[float, str] | None,
    answer: float | None,
    x_title: str,
    x_format: str,
) -> Figure:
    """Return what is reached in other draws, the target with its band, and what the study found."""
    found = layout(x_title=x_title, y_title="Draws", height=HEIGHT - 40)
    found["bargap"] = 0.04
    marked = [*(band or ()), *((target[0],) if target else ()), *((answer,) if answer is not None else ())]
    found["xaxis"] |= axis((middles[0] - width / 2, middles[-1] + width / 2, *marked), x_format, pad=0.03)
    found["yaxis"] |= axis(counts, ",d", zero=True)
    trace = {
        "type": "bar",
        "x": list(middles),
        "y": list(counts),
        "width": [width] * len(middles),
        "marker": {"color": TOTAL},
        "customdata": [
            f"{written(at - width / 2, x_format)} to {written(at + width / 2, x_format)}" for at in middles
        ],
        "hovertemplate": "%{y} draws at %{customdata}<extra></extra>",
    }
    figure = {"data": [trace], "layout": found}
    if band is not None:
        place = {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": band[0], "x1": band[1]}
        found["shapes"].append({**place, **band_style()})
    if target is not None:
        with_vertical_line(figure, target[0], color=target[1])
    if answer is not None:
        with_vertical_line(figure, answer, color=GOOD, dash="solid")
    return figure


def heat_map(
    columns: Sequence[str],
    rows: Sequence[str],
    values: Sequence[Sequence[float | None]],
    texts: Sequence[Sequence[str]],
    hover: Sequence[Sequence[str]],
    *,
    scale: tuple[float, float],
    y_title: str,
) -> Figure:
    """Return a grid of cells coloured by value on a fixed scale, each with its text; None has no colour.

    The scale does not depend on the values: what differs by rounding has one colour.
    """
    found = layout(y_title=y_title, height=100 + 56 * len(rows), margin={"t": 8, "b": 40})
    found["xaxis"] |= {"type": "category", "side": "bottom", "ticks": ""}
    found["yaxis"] |= {"type": "category", "showgrid": False, "ticks": "", "ticksuffix": " "}
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
        "zmin": scale[0],
        "zmax": scale[1],
        "showscale": False,
        "xgap": 3,
        "ygap": 3,
    }
    return {"data": [data], "layout": found}


def points(
    groups: Sequence[Points],
    *,
    x_format: str,
    x_title: str,
    y_format: str,
    y_title: str,
    x_hover: Callable[[Any], str],
) -> Figure:
    """Return points by group; the pointer shows both values and the group, never who it is."""
    found = layout(
        height=HEIGHT + 130,
        x_title=x_title,
        y_title=y_title,
        legend="below",
        margin={"b": 52},
    )
    found["xaxis"] |= axis((x for one in groups for x in one.x), x_format, pad=0.02)
    found["yaxis"] |= axis((y for one in groups for y in one.y), y_format)
    found["legend"] = {"y": -0.15, "itemsizing": "constant"}
    found["xaxis"]["showgrid"] = True
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": label(one.name),
            "x": list(one.x),
            "y": list(one.y),
            "marker": {"color": one.color, "size": 5, "opacity": 0.55},
            "customdata": [x_hover(x) for x in one.x],
            "hovertemplate": f"%{{customdata}}, %{{y:.2f}}<extra>{label(one.name)}</extra>",
        }
        for one in groups
    ]
    return {"data": data, "layout": found}


def pay_line(days: Sequence[str], pay: Sequence[float], marks: Sequence[Marks]) -> Figure:
    """Return pay as steps over time with a mark per event."""
    found = layout(y_title="Annual base pay, $", legend="below")
    found["xaxis"] |= {"type": "date", "dtick": "M12", "tickformat": "%Y"}
    found["yaxis"] |= axis([*pay, *(at for one in marks for at in one.pay)], "$")
    steps = {
        "type": "scatter",
        "mode": "lines",
        "name": "Base pay",
        "x": list(days),
        "y": list(pay),
        "line": {"shape": "hv", "width": 2, "color": GREY},
        "hoverinfo": "skip",
    }
    events = [
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
    return {"data": [steps, *events], "layout": with_legend(found, len(events) + 1)}


def intervals(
    rows: Sequence[Mapping[str, Any]], *, x_title: str, x_format: str, zero_based: bool = False
) -> Figure:
    """Return a mark and an interval around it for each row; the first row at the top.

    A row has name, value, low, high, text (for the pointer) and perhaps a color. Without rows there are no
    axes either.
    """
    if not rows:
        nothing = layout(height=EMPTY_HEIGHT)
        nothing["xaxis"]["visible"] = nothing["yaxis"]["visible"] = False
        return {"data": [], "layout": nothing}
    colors = [row.get("color", TOTAL) for row in rows]
    data = {
        "type": "scatter",
        "mode": "markers",
        "x": [row["value"] for row in rows],
        "y": [label(str(row["name"])) for row in rows],
        "customdata": [label(str(row["text"])) for row in rows],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"color": colors, "size": 10},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [row["high"] - row["value"] for row in rows],
            "arrayminus": [row["value"] - row["low"] for row in rows],
            "color": colors[0] if len(set(colors)) == 1 else GREY,
            "thickness": 3,
            "width": 5,
        },
    }
    found = layout(
        height=max(NARROWEST, 76 + ROW * len(rows)),
        x_title=x_title,
        margin={"l": 12, "t": 10, "b": 52},
    )
    reached = [row[name] for row in rows for name in ("low", "value", "high")]
    found["xaxis"] |= {"showgrid": True, "zeroline": True}
    found["xaxis"] |= axis(reached, x_format, zero=zero_based)
    found["yaxis"] |= {"type": "category", "autorange": "reversed", "showgrid": False}
    return {"data": [data], "layout": found}


def trial_marks(
    name: str,
    x: Iterable[float],
    y: Iterable[float],
    *,
    color: str,
    symbol: str = "circle",
    size: int = 8,
    ids: Sequence[int] | None = None,
    texts: Sequence[str] = (),
    opacity: float = 1.0,
) -> Figure:
    """Return a group of marks with texts for the pointer, in Plotly's HTML.

    `ids` are the trials that a selection on the chart returns.
    """
    trace: Figure = {
        "type": "scatter",
        "mode": "markers",
        "name": label(name),
        "x": [_rounded(value) for value in x],
        "y": [_rounded(value) for value in y],
        "text": list(texts),
        "hovertemplate": f"%{{text}}<extra>{label(name)}</extra>",
        "marker": {
            "symbol": symbol,
            "color": color,
            "size": size,
            "opacity": opacity,
            "line": {"width": 1.5 if symbol.endswith("open") or symbol == "x-thin" else 0, "color": color},
        },
    }
    if ids is not None:
        trace["customdata"] = [int(one) for one in ids]
        trace["unselected"] = {"marker": {"opacity": 0.15}}
    return trace


def step_line(
    name: str, x: Iterable[float], y: Iterable[float], color: str = GOOD, *, hover: str = ""
) -> Figure:
    """Return the best value so far; without `hover` the pointer passes over it."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(name),
        "x": [_rounded(value) for value in x],
        "y": [_rounded(value) for value in y],
        "line": {"shape": "hv", "color": color, "width": 2},
        **({"hovertemplate": f"{hover}<extra>{label(name)}</extra>"} if hover else {"hoverinfo": "skip"}),
    }


def trial_chart(
    data: Sequence[Figure],
    *,
    x_title: str,
    y_title: str,
    x_format: str = "",
    y_format: str = "",
    height: int = HEIGHT,
    selectable: bool = False,
    log: bool = False,
    names: Sequence[tuple[float, float, str, int]] = (),
) -> Figure:
    """Return marks of trials on two axes; `names` are x, y, text and its shift upwards in pixels."""
    found = layout(height=height, x_title=x_title, y_title=y_title, legend="above")
    reached = {name: [value for trace in data for value in trace[name]] for name in "xy"}
    found["xaxis"] |= axis(reached["x"], x_format)
    found["yaxis"] |= {} if log else axis(reached["y"], y_format)
    if selectable:
        found |= {"dragmode": "select", "selectdirection": "any"}
    if log:
        found["yaxis"] |= {"type": "log", "dtick": 1}
    found["annotations"] = [{"x": x, "y": y, "text": text, "yshift": shift} for x, y, text, shift in names]
    return {"data": list(data), "layout": found}


def parallel(
    axes: Sequence[tuple[str, Callable[[float], str]]],
    rows: pd.DataFrame,
    groups: Sequence[tuple[str, str, Sequence[int]]],
) -> Figure:
    """Return a line per trial across axes (title, how a value is written), each from its lowest value up.

    `rows` has a column per axis and a row per trial, indexed by number; a group is a name, a colour and its
    trials. Grey lines are thin.
    """
    found = layout(height=340, legend="above", margin={"l": 24, "r": 24, "t": 34, "b": 54})
    found["xaxis"] |= {
        "tickvals": list(range(len(axes))),
        "ticktext": [wrapped(title) for title, _ in axes],
        "range": [-0.3, len(axes) - 0.7],
        "showgrid": True,
        "tickangle": 0,
        "tickfont": {"size": 11},
    }
    found["yaxis"] |= {"range": [-0.14, 1.12], "visible": False}
    low, high = rows.min(), rows.max()
    found["annotations"] = [
        {"x": place, "y": y, "text": label(write(ends.iloc[place])), "font": {"size": 10}, "yanchor": anchor}
        for place, (_, write) in enumerate(axes)
        for y, ends, anchor in ((1.0, high, "bottom"), (0.0, low, "top"))
    ]
    scaled = (rows - low) / (high - low).where(high > low)
    scaled = scaled.where(rows.isna() | (high > low), 0.5)  # an axis without a range is met in the middle
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": label(name),
            "x": [*range(len(axes)), None] * len(trials),  # None: a gap between two trials
            "y": [y for row in scaled.loc[list(trials)].to_numpy() for y in (*map(_rounded, row), None)],
            "customdata": [number for number in trials for _ in range(len(axes) + 1)],
            "hovertemplate": "trial %{customdata}<extra></extra>",
            "line": {"width": 1 if color == GREY else 2, "color": color},
            "opacity": 0.35 if color == GREY else 0.9,
        }
        for name, color, trials in groups
        if trials
    ]
    return {"data": data, "layout": found}


def _rounded(value: Any) -> float | None:
    return None if value is None or value != value else float(f"{float(value):.{DIGITS}g}")
