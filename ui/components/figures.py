"""Plotly figures as plain dictionaries; text and grid take the page's colours (`assets/plot.css`)."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Figure = dict[str, Any]

# Told apart by people with any colour vision, and at 3:1 or better on both backgrounds.
PALETTE = ("#3b82d6", "#d9792b", "#2f9e6b", "#a06cd5", "#d4567f", "#1f9aa8", "#8d8b3a", "#8a7f77")
UP, DOWN, TOTAL, TARGET = "#2f9e6b", "#d45b5b", "#3b82d6", "#b9770e"
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")
DASHES = ("solid", "dash", "dot", "dashdot")
HEIGHT = 300
LEGEND_LINE = 19  # pixels
MARGIN = {"l": 56, "r": 16, "t": 16, "b": 32}
REFERENCE_MARGIN = 84  # pixels on the right for the text of a reference line
NO_COLOR = "rgba(0,0,0,0)"
INK = "rgb(1, 1, 1)"  # the text colour of the page, light or dark: `plot.css` puts it in its place


def label(text: str) -> str:
    """Return a text that Plotly shows as it is: its pseudo-HTML and its variables switched off."""
    return escape(text).replace("%{", "% {")


def color_of(name: str, names: Sequence[str]) -> str:
    """Return a scenario's colour: the same on every chart."""
    return PALETTE[sorted(names).index(name) % len(PALETTE)]


def lines(
    series: Mapping[str, tuple[Sequence[Any], Sequence[float]]],
    *,
    chosen: str,
    y_format: str,
    y_title: str,
    hover: str,
    reference: tuple[str, float] | None = None,
) -> Figure:
    """Return one line per name by year; the chosen one is heavy, and a reference is a dashed line.

    `hover` is Plotly's format of a value, `reference` a text and its value.
    """
    data = [
        _line(name, xs, ys, series, name == chosen, hover)
        for name, (xs, ys) in sorted(series.items(), key=lambda item: item[0] == chosen)
    ]
    years = sorted({x for xs, _ in series.values() for x in xs})
    layout = _layout(y_format, y_title, legend=len(series) > 1)
    layout["height"] = HEIGHT + (LEGEND_LINE * len(series) if len(series) > 1 else 0)
    layout["xaxis"] |= {"tickvals": years, "ticktext": [str(year) for year in years]}
    if reference:
        _add_reference(layout, *reference)
        top = [y for _, ys in series.values() for y in ys if y == y] + [reference[1]]
        pad = (max(top) - min(top)) * 0.12 or abs(max(top)) * 0.1 or 0.01
        layout["yaxis"]["range"] = [min(top) - pad, max(top) + pad]
    return {"data": data, "layout": layout}


def waterfall(
    steps: Sequence[tuple[str, float]], total: str, texts: Sequence[str], *, target: tuple[str, float] | None
) -> Figure:
    """Return steps that add up to a total; rates. `texts` has one text a step and one for the total."""
    names = [name for name, _ in steps] + [total]
    data = [
        {
            "type": "waterfall",
            "x": names,
            "y": [value for _, value in steps] + [0],
            "measure": ["relative"] * len(steps) + ["total"],
            "text": list(texts),
            "textposition": "outside",
            "cliponaxis": False,
            "constraintext": "none",
            "increasing": {"marker": {"color": UP}},
            "decreasing": {"marker": {"color": DOWN}},
            "totals": {"marker": {"color": TOTAL}},
            "connector": {"line": {"color": "rgba(127,127,127,0.6)", "width": 1}},
            "hovertemplate": "%{x}: %{text}<extra></extra>",
            "width": 0.62,
        }
    ]
    layout = _layout(".1%", "", legend=False)
    layout["margin"] = MARGIN | {"t": 28}
    layout["height"] = HEIGHT + 4 * LEGEND_LINE
    layout["yaxis"]["rangemode"] = "tozero"
    if target:
        _add_reference(layout, *target)
    return {"data": data, "layout": layout}


def base_layout(y_format: str, y_title: str, *, legend: bool = False) -> Figure:
    """Return the layout that all charts share, to be completed."""
    return _layout(y_format, y_title, legend=legend)


def line(
    name: str,
    xs: Sequence[Any],
    ys: Sequence[float | None],
    hover: str,
    *,
    color: str,
    dash: str,
    heavy: bool,
    thin: float = 1.5,
    symbol: str = "circle",
) -> Figure:
    """Return one line with a marker a value; `hover` is Plotly's format of a value."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label(name),
        "x": list(xs),
        "y": list(ys),
        "line": {"color": color, "width": 3 if heavy else thin, "dash": dash},
        "marker": {"color": color, "size": 8 if heavy else 6, "symbol": symbol},
        "hovertemplate": f"%{{y:{hover}}}<extra>{label(name)}</extra>",
    }


def note(text: str, height: int = HEIGHT) -> Figure:
    """Return a figure without marks that says why there are none."""
    layout = _layout("", "", legend=False) | {"height": height}
    for axis in ("xaxis", "yaxis"):
        layout[axis] |= {"visible": False}
    place = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    layout["annotations"] = [{"text": label(text), "showarrow": False, "font": {"size": 13}, **place}]
    return {"data": [], "layout": layout}


def with_reference(figure: Figure, text: str, value: float) -> Figure:
    """Add a dashed line across a figure at a value, its text at the right."""
    _add_reference(figure["layout"], text, value)
    return figure


def _line(
    name: str, xs: Sequence[Any], ys: Sequence[float], names: Mapping[str, Any], chosen: bool, hover: str
) -> Figure:
    dash = DASHES[sorted(names).index(name) // len(PALETTE) % len(DASHES)]
    symbol = SYMBOLS[sorted(names).index(name) % len(SYMBOLS)]  # colour is not for all
    color = color_of(name, list(names))
    found = line(name, xs, ys, hover, color=color, dash=dash, heavy=chosen, symbol=symbol)
    return found | {"opacity": 1 if chosen else 0.85, "legendrank": 1 if chosen else 1000}


def _layout(y_format: str, y_title: str, *, legend: bool) -> Figure:
    return {
        "height": HEIGHT,
        "margin": dict(MARGIN),
        "paper_bgcolor": NO_COLOR,
        "plot_bgcolor": NO_COLOR,
        "font": {"size": 12},
        "hovermode": "x unified" if legend else "closest",
        "showlegend": legend,
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": -0.16,
            "yanchor": "top",
            "font": {"size": 12},
        },
        "xaxis": {"showgrid": False, "zeroline": False, "fixedrange": True, "title": {"text": ""}},
        "yaxis": {
            "tickformat": y_format,
            "fixedrange": True,
            "title": {"text": y_title, "font": {"size": 12}, "standoff": 8},
            "automargin": True,
        },
        "shapes": [],
        "annotations": [],
    }


def _add_reference(layout: Figure, text: str, value: float) -> None:
    layout["margin"]["r"] = REFERENCE_MARGIN
    layout["shapes"].append(
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": value,
            "y1": value,
            "line": {"color": INK, "width": 1.5, "dash": "dash"},
        }
    )
    layout["annotations"].append(
        {
            "xref": "paper",
            "x": 1,
            "xanchor": "left",
            "xshift": 6,
            "y": value,
            "yanchor": "middle",
            "text": label(text),
            "showarrow": False,
            "font": {"size": 12},
        }
    )
