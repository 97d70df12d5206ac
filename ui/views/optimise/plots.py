"""Plotly figures of a study: plain dictionaries, from values that the page has."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ui.components import figures
from ui.components.figures import DOWN, INK, MARGIN, NO_COLOR, PALETTE, TARGET, TOTAL, UP, Figure, label

HEIGHT = 300
GREY = "#8a7f77"
DIGITS = 6  # a figure goes over the wire whenever a trial ends
ROW = 24  # pixels of a bar


def note(text: str, height: int = 160) -> Figure:
    """Return a figure without marks that says why there are none."""
    return figures.note(text, height)


def base(
    *,
    height: int = HEIGHT,
    x_title: str = "",
    y_title: str = "",
    x_format: str = "",
    y_format: str = "",
    legend: bool = False,
    margin: Mapping[str, int] | None = None,
) -> Figure:
    """Return the layout that all of them share."""
    axis = {"zeroline": False, "fixedrange": True, "automargin": True}
    return {
        "height": height,
        "margin": {**MARGIN, "b": 46 if x_title else 32, **(margin or {})},
        "paper_bgcolor": NO_COLOR,
        "plot_bgcolor": NO_COLOR,
        "font": {"size": 12},
        "hovermode": "closest",
        "showlegend": legend,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
        "xaxis": {**axis, "showgrid": False, "tickformat": x_format, "title": _title(x_title, 6)},
        "yaxis": {**axis, "tickformat": y_format, "title": _title(y_title, 8)},
        "shapes": [],
        "annotations": [],
    }


def marks(
    name: str,
    x: Iterable[float],
    y: Iterable[float],
    *,
    color: str,
    symbol: str = "circle",
    size: int = 8,
    ids: Sequence[int] | None = None,
    hover: str = "",
    opacity: float = 1.0,
) -> Figure:
    """Return a group of marks; `ids` are what a choice on the chart names."""
    trace: Figure = {
        "type": "scatter",
        "mode": "markers",
        "name": label(name),
        "x": [_round(value) for value in x],
        "y": [_round(value) for value in y],
        "hovertemplate": f"{hover}<extra>{label(name)}</extra>",
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


def step_line(name: str, x: Iterable[float], y: Iterable[float], color: str = UP) -> Figure:
    """Return what was best so far."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(name),
        "x": [int(value) for value in x],
        "y": [_round(value) for value in y],
        "line": {"shape": "hv", "color": color, "width": 2},
        "hoverinfo": "skip",
    }


def add_target(layout: Figure, target: float, tolerance: float, text: str) -> None:
    """Draw the target and its band across a chart of growth."""
    across = {"xref": "paper", "x0": 0, "x1": 1}
    layout["shapes"] += [
        {
            "type": "line",
            **across,
            "y0": target,
            "y1": target,
            "line": {"color": INK, "width": 1.5, "dash": "dash"},
        },
        {
            "type": "rect",
            **across,
            "y0": target - tolerance,
            "y1": target + tolerance,
            "fillcolor": TARGET,
            "opacity": 0.15,
            "line": {"width": 0},
            "layer": "below",
        },
    ]
    layout["margin"]["r"] = 92
    layout["annotations"].append(
        {
            "xref": "paper",
            "x": 1,
            "xanchor": "left",
            "xshift": 6,
            "y": target,
            "yanchor": "middle",
            "text": label(text),
            "showarrow": False,
            "font": {"size": 12},
        }
    )


def bars(
    names: Sequence[str],
    values: Sequence[float],
    texts: Sequence[str],
    *,
    x_title: str,
    x_format: str,
    spread: Sequence[tuple[float, float]] | None = None,
    colors: Sequence[str] | None = None,
) -> Figure:
    """Return horizontal bars, the first on top; `texts` stand at their ends."""
    layout = base(
        height=70 + ROW * max(len(names), 2),
        x_title=x_title,
        x_format=x_format,
        margin={"l": 8, "r": 56, "t": 4},
    )
    layout["yaxis"] |= {"autorange": "reversed", "type": "category", "ticksuffix": " "}
    layout["xaxis"] |= {"zeroline": True}
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": [label(name) for name in names],
        "x": [_round(value) for value in values],
        "text": list(texts),
        "textposition": "outside",
        "cliponaxis": False,
        "constraintext": "none",
        "marker": {"color": list(colors) if colors else TOTAL},
        "hovertemplate": "%{y}: %{text}<extra></extra>",
        "width": 0.62,
    }
    if spread:
        trace["hovertext"] = [f"{low:.2%} to {high:.2%}" for low, high in spread]
    return {"data": [trace], "layout": layout}


def parallel(
    axes: Sequence[tuple[str, Callable[[float], str]]],
    rows: Sequence[Sequence[float]],
    ids: Sequence[int],
    colors: Sequence[int],
    names: Sequence[str],
    ranges: Sequence[tuple[float, float]],
) -> Figure:
    """Return a line a trial across axes (title, how a value is written), each from its least to its most.

    `colors` is the group of each trial, an index into `names`; groups are drawn in that order.
    """
    layout = base(height=340, legend=len(names) > 1, margin={"l": 24, "r": 24, "t": 34, "b": 54})
    ticks = [_axis_text(title) for title, _ in axes]
    layout["xaxis"] |= {
        "tickvals": list(range(len(axes))),
        "ticktext": ticks,
        "range": [-0.3, len(axes) - 0.7],
        "showgrid": True,
        "tickangle": 0,
        "tickfont": {"size": 11},
    }
    layout["yaxis"] |= {"range": [-0.14, 1.12], "visible": False}
    data = []
    for group, name in enumerate(names):
        xs: list[float | None] = []
        ys: list[float | None] = []
        custom: list[int | None] = []
        for row, number, of in zip(rows, ids, colors, strict=True):
            if of != group:
                continue
            for place, (value, (low, high)) in enumerate(zip(row, ranges, strict=True)):
                missing = value is None or value != value
                xs.append(place)
                ys.append(None if missing else _round((value - low) / (high - low) if high > low else 0.5))
                custom.append(number)
            xs.append(None)
            ys.append(None)
            custom.append(None)
        color = (GREY, TOTAL, UP, DOWN)[group] if len(names) <= 4 else PALETTE[group]
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": label(name),
                "x": xs,
                "y": ys,
                "customdata": custom,
                "hovertemplate": "trial %{customdata}<extra></extra>",
                "line": {"width": 1 if group == 0 else 2, "color": color},
                "opacity": 0.35 if group == 0 else 0.9,
            }
        )
    ends = [
        {
            "x": place,
            "y": y,
            "text": label(axes[place][1](value)),
            "showarrow": False,
            "font": {"size": 10},
            "yanchor": anchor,
        }
        for place, (low, high) in enumerate(ranges)
        for y, value, anchor in ((1.0, high, "bottom"), (0.0, low, "top"))
    ]
    layout["annotations"] = ends
    return {"data": data, "layout": layout}


def _axis_text(title: str) -> str:
    words, lines = title.split(" "), [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > 13:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(label(line) for line in lines)


def _title(text: str, standoff: int) -> Figure:
    return {"text": text, "font": {"size": 12}, "standoff": standoff}


def _round(value: Any) -> float | None:
    return None if value is None or value != value else float(f"{float(value):.{DIGITS}g}")
