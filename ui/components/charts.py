"""Charts by year, level or group as Plotly figures: plain dictionaries in one template.

The only template is here; `Plot` adds it to each figure in the browser. Text, grid and hover boxes take the
colours of the page from `assets/plot.css`, so that a chart follows the light and the dark theme.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from typing import Any, Literal

from planwise.formatting import NBSP, money_short, percent, ratio, with_unit
from ui.values.axes import axis

Figure = dict[str, Any]
Legend = Literal["", "below", "above"]

# Distinct for any colour vision, and at 3:1 or better on both backgrounds.
PALETTE = ("#3b82d6", "#d9792b", "#2f9e6b", "#a06cd5", "#d4567f", "#1f9aa8", "#8d8b3a", "#8a7f77")
UP, DOWN, TOTAL, TARGET = (
    "#1f9aa8",
    "#d9792b",
    "#3b82d6",
    "#b9770e",
)  # directions, which are neither good nor bad
GOOD, BAD = "#2f9e6b", "#d45b5b"
GREY, BASE_COLOR = "#8a7f77", "#8a8f98"
INK = "rgb(1, 1, 1)"  # `plot.css` replaces it with the text colour of the page
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")
DASHES = ("solid", "dash", "dot", "dashdot")
HEIGHT = 300
NOTE_HEIGHT = 160
LEGEND_LINE = 19  # pixels
REFERENCE_MARGIN, TWO_LINES_MARGIN = 84, 56  # pixels on the right for the text of a reference line
WORDS_WIDTH = 13  # characters of a line of an axis title
BAR_LINE = 26  # pixels of a horizontal bar
NAME_MAX = 40  # characters of a name beside a bar
INSIDE_SHARE = 0.3  # of the axis, which a bar must have for a text in it
TEXT_PAD = 0.14  # of the range of values, for a text at the end of a bar
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
    legend: Legend = "",
    margin: Mapping[str, int] | None = None,
) -> Figure:
    """Return what a figure adds to the template: titles, and where the legend is."""
    found: Figure = {
        "height": height,
        "margin": {**TEMPLATE["layout"]["margin"], **({"b": 46} if x_title else {}), **(margin or {})},
        "showlegend": bool(legend),
        "xaxis": {"title": {"text": with_unit(x_title)}},
        "yaxis": {"title": {"text": with_unit(y_title)}},
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


def with_vertical_line(
    figure: Figure, at: float, *, color: str = INK, dash: str = "dash", text: str = ""
) -> Figure:
    """Add a line upright across a figure, its text above it."""
    line = {"color": color, "width": 1.5 if color == INK else 2, "dash": dash}
    figure["layout"]["shapes"].append(
        {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": at, "x1": at, "line": line}
    )
    if text:
        figure["layout"]["margin"]["t"] += LEGEND_LINE
        place = {"x": at, "yref": "paper", "y": 1, "yanchor": "bottom"}
        figure["layout"]["annotations"].append({**place, "text": label(text)})
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
    found = _by_place(series, y_title)
    found["yaxis"] |= axis(_stacked(series) if stacked else values, y_format, zero=True)
    found["xaxis"] |= {
        "tickvals": list(places),
        "ticktext": [wrapped(place) for place in places],
        "tickangle": 0,
    }
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
    found = _by_place(series, y_title)
    found["showlegend"] |= legend
    return with_range({"data": data, "layout": found}, values, y_format, reference)


def count_bars(
    centres: Sequence[float],
    width: float,
    counts: Sequence[int | None],
    hover: Sequence[str],
    colors: Sequence[str],
    *,
    x_format: str,
    x_title: str = "",
) -> Figure:
    """Return people in bands of a value, each as wide as the others; None is not drawn."""
    found = layout(x_title=x_title, y_title="People")
    ends = (centres[0] - width / 2, centres[-1] + width / 2) if centres else ()
    found["xaxis"] |= axis(ends, x_format, pad=0.02)
    found["yaxis"] |= axis(counts, ",d", zero=True)
    trace = {
        "type": "bar",
        "x": list(centres),
        "y": list(counts),
        "width": width * 0.92,
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
    line: tuple[str, float] | None = None,
) -> Figure:
    """Return horizontal bars, the first on top, each with its text; the pointer shows long names in full.

    `line` is the text and value of an upright line; texts are then in the bars, where it does not cross them.
    """
    height = 60 + BAR_LINE * max(len(names), 3)
    if not (known := [value for value in values if value is not None and value == value]):
        return note(HIDDEN, height)
    margin = {"l": 16, "r": 72, "t": 8}
    found = layout(height=height, x_title=x_title, margin=margin)
    places = [str(place) for place in range(len(names))]
    found["yaxis"] |= {
        "type": "category",
        "autorange": "reversed",
        "tickvals": places,
        "ticktext": [f"{label(cut(name))}{NBSP}" for name in names],
        "showgrid": False,
    }
    pad = TEXT_PAD if min(known) < 0 else 0.02  # at the right, the margin has room
    found["xaxis"] |= {"showgrid": True, "zeroline": True, "tickangle": 0}
    reached = [*known, *(x_range or ()), *(() if line is None else (line[1],))]
    found["xaxis"] |= axis(reached, x_format, zero=True, pad=pad, most=5)
    longest = max(map(abs, reached))
    outside = [line is None or value is None or abs(value) < INSIDE_SHARE * longest for value in values]
    data = {
        "type": "bar",
        "orientation": "h",
        "x": list(values),
        "y": places,
        "text": list(texts),
        **_OUTSIDE,
        "textposition": ["outside" if one else "inside" for one in outside],
        "insidetextanchor": "start",
        "insidetextfont": {"color": "#ffffff"},
        "marker": {"color": color if isinstance(color, str) else list(color)},
        "width": 0.66,
        "customdata": [label(name) for name in names],
        "hovertemplate": "%{customdata}: %{text}<extra></extra>",
    }
    figure = {"data": [data], "layout": found}
    return figure if line is None else with_vertical_line(figure, line[1], text=line[0])


def written(value: Any, form: str) -> str:
    """Return a figure as the pointer shows it, by the format of its axis."""
    if "%" in form:
        return percent(value, 2, sign=form.startswith("+"))
    return money_short(value) if "$" in form else ratio(value, 0 if form.endswith("d") else 2)


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
    found = layout(y_title=y_title, height=HEIGHT + 4 * LEGEND_LINE, margin={"t": 28})
    reached = [*_cumulated([value for _, value in steps]), *([target[1]] if target else [])]
    found["yaxis"] |= axis(reached, y_format, zero=True, pad=TEXT_PAD)
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
            "customdata": [percent(value, 2, sign=True) for value in values],
            "hovertemplate": f"%{{x}}: %{{customdata}}<extra>{label(side)}</extra>",
        }
        for side, values, shown, colors in (
            (name, before, [""] * len(names), (BASE_COLOR,) * 3),
            (DRAFT, now, texts, (UP, DOWN, TOTAL)),
        )
    ]
    found = layout(legend="below", margin={"t": 28}) | {"waterfallgap": 0.25}
    reached = [*_cumulated(before[:-1]), *_cumulated(now[:-1]), *([target[1]] if target else [])]
    found["yaxis"] |= axis(reached, ".1%", zero=True, pad=TEXT_PAD)
    found["xaxis"] |= {"tickangle": 0, "tickfont": {"size": 11}}
    return _with_total_target({"data": data, "layout": found}, names, target)


def wrapped(title: str) -> str:
    """Return a text of an axis in short lines, escaped."""
    words, lines = title.split(" "), [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > WORDS_WIDTH:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(label(line) for line in lines)


def with_legend(found: Figure, entries: int) -> Figure:
    """Make room below for a legend; a chart without one is as high, so that two side by side match."""
    found["height"] = HEIGHT + 2 * LEGEND_LINE
    found["margin"]["b"] += 0 if entries > 1 else LEGEND_LINE
    return found


def _by_place(series: Sequence[Series], y_title: str) -> Figure:
    many = len(series) > 1
    found = layout(y_title=y_title, legend="below" if many else "")
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


def with_range(
    figure: Figure, values: Sequence[float | None], form: str, reference: tuple[str, float] | None
) -> Figure:
    """Add the axis of the values, and a reference line that it reaches."""
    figure["layout"]["yaxis"] |= axis([*values, *([reference[1]] if reference else [])], form)
    return figure if reference is None else with_reference(figure, *reference)


def _stacked(series: Sequence[Series]) -> list[float]:
    """Return how far stacked bars reach up and down."""
    places = zip(*(one.values for one in series), strict=True)
    known = [[value for value in place if value is not None and value == value] for place in places]
    return [sum(v for v in place if (v > 0) is up) for place in known for up in (True, False)]


def _cumulated(values: Sequence[float]) -> list[float]:
    return list(accumulate(values, initial=0.0))


def _known(series: Sequence[Series]) -> list[float]:
    """Return all values that are not missing."""
    return [value for one in series for value in one.values if value is not None and value == value]


def cut(name: str, longest: int = NAME_MAX) -> str:
    """Return a name of no more characters than these."""
    return name if len(name) <= longest else f"{name[: longest - 1].rstrip()}…"
