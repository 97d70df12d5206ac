"""Charts by year, level or group as Plotly figures: plain dictionaries in one template.

The only template is here; `Plot` adds it to each figure in the browser. Text, grid and hover boxes take the
colours of the page from `assets/plot.css`, so that a chart follows the light and the dark theme.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from planwise.formatting import NBSP

Figure = dict[str, Any]
Legend = Literal["", "below", "above"]

# Distinct for any colour vision, and at 3:1 or better on both backgrounds.
PALETTE = ("#3b82d6", "#d9792b", "#2f9e6b", "#a06cd5", "#d4567f", "#1f9aa8", "#8d8b3a", "#8a7f77")
UP, DOWN, TOTAL, TARGET = "#2f9e6b", "#d45b5b", "#3b82d6", "#b9770e"
GREY, BASE_COLOR = "#8a7f77", "#8a8f98"
INK = "rgb(1, 1, 1)"  # `plot.css` replaces it with the text colour of the page
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")
DASHES = ("solid", "dash", "dot", "dashdot")
HEIGHT = 300
NOTE_HEIGHT = 160
LEGEND_LINE = 19  # pixels
REFERENCE_MARGIN, TWO_LINES_MARGIN = 84, 56  # pixels on the right for the text of a reference line
BAR_LINE = 26  # pixels of a horizontal bar
NAME_MAX = 40  # characters of a name beside a bar
FEW = 5  # a count up to this needs no tick between two whole numbers
PAD = 0.12  # of the range of values, above and below
DRAFT = "Draft"
HIDDEN = "No figure to draw: pay of fewer than 10 people is not shown."

_NO_COLOR = "rgba(0,0,0,0)"
_SMALL = {"size": 12}
_OUTSIDE = {"textposition": "outside", "cliponaxis": False, "constraintext": "none"}
TEMPLATE: Figure = {
    "layout": {
        "margin": {"l": 56, "r": 16, "t": 16, "b": 32},
        "paper_bgcolor": _NO_COLOR,
        "plot_bgcolor": _NO_COLOR,
        "font": _SMALL,
        "colorway": list(PALETTE),
        "hovermode": "closest",
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": -0.16,
            "yanchor": "top",
            "font": _SMALL,
        },
        "xaxis": {
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "title": {"font": _SMALL, "standoff": 6},
        },
        "yaxis": {"fixedrange": True, "automargin": True, "title": {"font": _SMALL, "standoff": 8}},
        "annotationdefaults": {"showarrow": False, "font": _SMALL},
    }
}


@dataclass(frozen=True)
class Series:
    """Named values, one per place on the axis; `hover` are texts for the pointer."""

    name: str
    values: Sequence[float | None]
    hover: Sequence[str]
    color: str
    dash: str = "solid"


def label(text: str) -> str:
    """Return a text with Plotly's pseudo-HTML and variables escaped."""
    return escape(text).replace("%{", "% {")


def color_of(name: str, names: Sequence[str]) -> str:
    """Return a scenario's colour: the same on every chart."""
    return PALETTE[sorted(names).index(name) % len(PALETTE)]


def color_of_level(level_id: int) -> str:
    """Return a level's colour: the same on every chart."""
    return PALETTE[(level_id - 1) % len(PALETTE)]


def layout(
    *,
    height: int = HEIGHT,
    x_title: str = "",
    y_title: str = "",
    x_format: str = "",
    y_format: str = "",
    legend: Legend = "",
    margin: Mapping[str, int] | None = None,
) -> Figure:
    """Return what a figure adds to the template: titles, formats of ticks, where the legend is."""
    found: Figure = {
        "height": height,
        "margin": {**TEMPLATE["layout"]["margin"], **({"b": 46} if x_title else {}), **(margin or {})},
        "showlegend": bool(legend),
        "xaxis": {"tickformat": x_format, "title": {"text": x_title}},
        "yaxis": {"tickformat": y_format, "title": {"text": y_title}},
        "shapes": [],
        "annotations": [],
    }
    if legend == "above":
        found["legend"] = {"y": 1.02, "yanchor": "bottom"}
    return found


def note(text: str, height: int = HEIGHT) -> Figure:
    """Return a figure without marks that says why there are none."""
    found = layout(height=height)
    found["xaxis"]["visible"] = found["yaxis"]["visible"] = False
    place = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    found["annotations"] = [{"text": label(text), "font": {"size": 13}, **place}]
    return {"data": [], "layout": found}


def with_reference(figure: Figure, text: str, value: float, *, tolerance: float = 0.0) -> Figure:
    """Add a dashed line at a value, its text at the right, and a band of the tolerance around it."""
    found = figure["layout"]
    found["margin"]["r"] = REFERENCE_MARGIN + (8 if tolerance else 0)
    across = {"xref": "paper", "x0": 0, "x1": 1}
    dashed = {"color": INK, "width": 1.5, "dash": "dash"}
    found["shapes"].append({"type": "line", **across, "y0": value, "y1": value, "line": dashed})
    if tolerance:
        found["shapes"].append(
            {"type": "rect", **across, "y0": value - tolerance, "y1": value + tolerance, **band_style()}
        )
    found["annotations"].append(
        {
            "xref": "paper",
            "x": 1,
            "xanchor": "left",
            "xshift": 6,
            "y": value,
            "yanchor": "middle",
            "text": label(text),
        }
    )
    return figure


def with_vertical_line(figure: Figure, at: float, *, color: str = INK, dash: str = "dash") -> Figure:
    """Add a line upright across a figure."""
    line = {"color": color, "width": 1.5 if color == INK else 2, "dash": dash}
    figure["layout"]["shapes"].append(
        {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": at, "x1": at, "line": line}
    )
    return figure


def band_style() -> Figure:
    """Return how the band of a target looks."""
    return {"fillcolor": TARGET, "opacity": 0.15, "line": {"width": 0}, "layer": "below"}


def bars(
    places: Sequence[str], series: Sequence[Series], *, y_format: str, y_title: str, stacked: bool = False
) -> Figure:
    """Return upright bars, one group per place; stacked bars below zero go down."""
    if not (values := _known(series)):
        return note(HIDDEN, HEIGHT + 2 * LEGEND_LINE)
    found = _by_place(series, y_format, y_title)
    if y_format == ",d" and max(values) <= FEW:
        found["yaxis"] |= {"dtick": 1, "rangemode": "tozero"}
    found |= {"barmode": "relative" if stacked else "group", "bargap": 0.35}
    data = [
        {"type": "bar", "marker": {"color": one.color}, **_values(one, places, len(series))} for one in series
    ]
    return {"data": data, "layout": found}


def lines(
    places: Sequence[str],
    series: Sequence[Series],
    *,
    y_format: str,
    y_title: str,
    legend: bool = False,
    reference: tuple[str, float] | None = None,
) -> Figure:
    """Return lines over places, one per series; a single one has a legend only with `legend`.

    `reference` is the text and value of a dashed line.
    """
    if not (values := _known(series)):
        return note(HIDDEN, HEIGHT + 2 * LEGEND_LINE)
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "line": {"color": one.color, "width": 2.5, "dash": one.dash},
            "marker": {"color": one.color, "size": 7},
            **_values(one, places, len(series)),
        }
        for one in series
    ]
    found = _by_place(series, y_format, y_title)
    found["showlegend"] |= legend
    return _with_range({"data": data, "layout": found}, values, reference)


def count_bars(
    names: Sequence[str], counts: Sequence[int | None], hover: Sequence[str], colors: Sequence[str]
) -> Figure:
    """Return people in bands of a value; None is not drawn. The axis names about ten bands."""
    found = layout(y_format=",d", y_title="People")
    found["xaxis"] |= {"type": "category", "automargin": True, "nticks": 10, "tickangle": -30}
    found["bargap"] = 0.08
    trace = {
        "type": "bar",
        "x": [label(name) for name in names],
        "y": list(counts),
        "marker": {"color": list(colors)},
        "customdata": [label(text) for text in hover],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    return {"data": [trace], "layout": found}


def ranked(
    names: Sequence[str],
    values: Sequence[float],
    texts: Sequence[str],
    color: str | Sequence[str] = TOTAL,
    *,
    x_format: str,
    x_title: str = "",
    x_range: tuple[float, float] | None = None,
) -> Figure:
    """Return horizontal bars, the first on top, each with its text; the pointer shows long names in full."""
    height = 60 + BAR_LINE * max(len(names), 3)
    if not any(value is not None and value == value for value in values):
        return note(HIDDEN, height)
    margin = {"l": 16, "r": 72, "t": 8}
    found = layout(height=height, x_title=x_title, x_format=x_format, margin=margin)
    places = [str(place) for place in range(len(names))]
    found["yaxis"] |= {
        "type": "category",
        "autorange": "reversed",
        "tickvals": places,
        "ticktext": [f"{label(_cut(name))}{NBSP}" for name in names],
        "showgrid": False,
    }
    found["xaxis"] |= {"showgrid": True, "zeroline": True, "nticks": 5, "tickangle": 0}
    if x_range is not None:
        found["xaxis"]["range"] = list(x_range)
    data = {
        "type": "bar",
        "orientation": "h",
        "x": list(values),
        "y": places,
        "text": list(texts),
        **_OUTSIDE,
        "marker": {"color": color if isinstance(color, str) else list(color)},
        "width": 0.66,
        "customdata": [label(name) for name in names],
        "hovertemplate": "%{customdata}: %{text}<extra></extra>",
    }
    return {"data": [data], "layout": found}


def scenario_lines(
    series: Mapping[str, tuple[Sequence[Any], Sequence[float]]],
    *,
    chosen: str,
    y_format: str,
    y_title: str,
    hover: str,
    reference: tuple[str, float] | None = None,
) -> Figure:
    """Return one line per scenario by year; the chosen one is heavy, and a reference is a dashed line.

    `hover` is Plotly's format of a value, `reference` a text and its value.
    """
    names = sorted(series)
    data = []
    for name, (xs, ys) in sorted(series.items(), key=lambda item: item[0] == chosen):
        place = names.index(name)  # a dash and a symbol as well: colour is not for all
        heavy = name == chosen
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": label(name),
                "x": list(xs),
                "y": list(ys),
                "line": {
                    "color": color_of(name, names),
                    "width": 3 if heavy else 1.5,
                    "dash": DASHES[place // len(PALETTE) % len(DASHES)],
                },
                "marker": {
                    "color": color_of(name, names),
                    "size": 8 if heavy else 6,
                    "symbol": SYMBOLS[place % len(SYMBOLS)],
                },
                "hovertemplate": f"%{{y:{hover}}}<extra>{label(name)}</extra>",
                "opacity": 1 if heavy else 0.85,
                "legendrank": 1 if heavy else 1000,
            }
        )
    many = len(series) > 1
    found = layout(
        y_format=y_format,
        y_title=y_title,
        legend="below" if many else "",
        height=HEIGHT + (LEGEND_LINE * len(series) if many else 0),
    )
    found["hovermode"] = "x unified" if many else "closest"
    years = sorted({x for xs, _ in series.values() for x in xs})
    found["xaxis"] |= {"tickvals": years, "ticktext": [str(year) for year in years]}
    figure = {"data": data, "layout": found}
    return _with_range(figure, [y for _, ys in series.values() for y in ys], reference)


def waterfall(
    steps: Sequence[tuple[str, float]],
    total: str,
    texts: Sequence[str],
    *,
    target: tuple[str, float] | None = None,
    y_format: str = ".1%",
    y_title: str = "",
) -> Figure:
    """Return steps that add up to a total. `texts` has one text a step and one for the total."""
    names = [*(name for name, _ in steps), total]
    trace = _waterfall("", names, [*(value for _, value in steps), 0.0], texts) | {
        "connector": {"line": {"color": "rgba(127,127,127,0.6)", "width": 1}},
        "hovertemplate": "%{x}: %{text}<extra></extra>",
        "width": 0.62,
    }
    found = layout(y_format=y_format, y_title=y_title, height=HEIGHT + 4 * LEGEND_LINE, margin={"t": 28})
    found["yaxis"]["rangemode"] = "tozero"
    return _with_total_target({"data": [trace], "layout": found}, names, target)


def two_waterfalls(
    names: Sequence[str],
    base: tuple[str, Sequence[float]],
    now: Sequence[float],
    texts: Sequence[str],
    *,
    target: tuple[str, float] | None,
) -> Figure:
    """Return two bridges side by side: parts that add up to a total, the last of each. Rates."""
    name, before = base
    data = [
        _waterfall(side, names, values, shown, colors)
        | {
            "connector": {"visible": False},
            "hovertemplate": f"%{{x}}: %{{delta:.2%}}<extra>{label(side)}</extra>",
        }
        for side, values, shown, colors in (
            (name, before, [""] * len(names), (BASE_COLOR,) * 3),
            (DRAFT, now, texts, (UP, DOWN, TOTAL)),
        )
    ]
    found = layout(y_format=".1%", legend="below", margin={"t": 28}) | {"waterfallgap": 0.25}
    found["yaxis"]["rangemode"] = "tozero"
    found["xaxis"] |= {"tickangle": 0, "tickfont": {"size": 11}}
    return _with_total_target({"data": data, "layout": found}, names, target)


def with_legend(found: Figure, entries: int) -> Figure:
    """Make room below for a legend; a chart without one is as high, so that two side by side match."""
    found["height"] = HEIGHT + 2 * LEGEND_LINE
    found["margin"]["b"] += 0 if entries > 1 else LEGEND_LINE
    return found


def _by_place(series: Sequence[Series], y_format: str, y_title: str) -> Figure:
    many = len(series) > 1
    found = layout(y_format=y_format, y_title=y_title, legend="below" if many else "")
    found["hovermode"] = "x unified" if many else "closest"
    found["xaxis"]["type"] = "category"
    return with_legend(found, len(series))


def _values(one: Series, places: Sequence[str], entries: int) -> Figure:
    return {
        "name": label(one.name),
        "x": list(places),
        "y": list(one.values),
        "customdata": [label(text) for text in one.hover],
        "hovertemplate": f"%{{customdata}}<extra>{label(one.name) if entries > 1 else ''}</extra>",
    }


def _waterfall(
    name: str,
    names: Sequence[str],
    values: Sequence[float],
    texts: Sequence[str],
    colors: tuple[str, str, str] = (UP, DOWN, TOTAL),
) -> Figure:
    more, less, total = ({"marker": {"color": color}} for color in colors)
    return {
        "type": "waterfall",
        "name": label(name),
        "x": list(names),
        "y": [*values[:-1], 0],
        "measure": [*["relative"] * (len(names) - 1), "total"],
        "text": list(texts),
        **_OUTSIDE,
        "increasing": more,
        "decreasing": less,
        "totals": total,
    }


def _with_total_target(figure: Figure, names: Sequence[str], target: tuple[str, float] | None) -> Figure:
    """Add a target across the last bar, the total; it does not apply to the parts."""
    if target is None:
        return figure
    found = with_reference(figure, *target)["layout"]
    found["shapes"][-1] |= {"xref": "x", "x0": len(names) - 1.5, "x1": len(names) - 0.5}
    found["annotations"][-1]["text"] = label(target[0]).replace(" ", "<br>", 1)
    found["margin"]["r"] = TWO_LINES_MARGIN
    return figure


def _with_range(
    figure: Figure, values: Sequence[float | None], reference: tuple[str, float] | None
) -> Figure:
    """Add a reference line, and let the axis reach it."""
    if reference is None:
        return figure
    seen = [value for value in (*values, reference[1]) if value is not None and value == value]
    pad = (max(seen) - min(seen)) * PAD or abs(max(seen)) * PAD or 0.01
    figure["layout"]["yaxis"]["range"] = [min(seen) - pad, max(seen) + pad]
    return with_reference(figure, *reference)


def _known(series: Sequence[Series]) -> list[float]:
    """Return all values that are not missing."""
    return [value for one in series for value in one.values if value is not None and value == value]


def _cut(name: str) -> str:
    return name if len(name) <= NAME_MAX else f"{name[: NAME_MAX - 1].rstrip()}…"
