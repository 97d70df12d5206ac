"""Figures that set a what-if beside its base scenario: the base grey and dashed, the what-if in colour."""

from collections.abc import Mapping, Sequence
from typing import Any

from ui.components.figures import (
    DOWN,
    HEIGHT,
    MARGIN,
    TOTAL,
    UP,
    Figure,
    base_layout,
    label,
    line,
    with_reference,
)

BASE_COLOR = "#8a8f98"  # 3:1 on both backgrounds
WHAT_IF = "What-if"
PAD = 0.12  # of the range of values, above and below
CAP = 5  # pixels
NOTHING_HEIGHT = 40  # pixels


def two_lines(
    years: Sequence[int],
    base: tuple[str, Sequence[float | None]],
    now: Sequence[float | None],
    *,
    y_format: str,
    y_title: str,
    hover: str,
    reference: tuple[str, float] | None,
) -> Figure:
    """Return one value by year of both sides, with a dashed line to reach or to keep under."""
    name, before = base
    data = [
        line(name, years, before, hover, color=BASE_COLOR, dash="dash", heavy=False, thin=2),
        line(WHAT_IF, years, now, hover, color=TOTAL, dash="solid", heavy=True),
    ]
    layout = base_layout(y_format, y_title, legend=True)
    layout["xaxis"] |= {"tickvals": list(years), "ticktext": [str(year) for year in years]}
    layout["height"] = HEIGHT
    figure = {"data": data, "layout": layout}
    if reference:
        seen = [value for value in (*before, *now, reference[1]) if value is not None]
        pad = (max(seen) - min(seen)) * PAD or abs(max(seen)) * PAD or 0.01
        layout["yaxis"]["range"] = [min(seen) - pad, max(seen) + pad]
        with_reference(figure, *reference)
    return figure


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
    grey = {"marker": {"color": BASE_COLOR}}
    data = [
        _waterfall(name, names, before, [""] * len(names), increasing=grey, decreasing=grey, totals=grey),
        _waterfall(
            WHAT_IF,
            names,
            now,
            texts,
            increasing={"marker": {"color": UP}},
            decreasing={"marker": {"color": DOWN}},
            totals={"marker": {"color": TOTAL}},
        ),
    ]
    layout = base_layout(".1%", "", legend=True)
    layout["hovermode"] = "closest"
    layout["margin"] = MARGIN | {"t": 28}
    layout["yaxis"]["rangemode"] = "tozero"
    layout["waterfallgap"] = 0.25
    layout["height"] = HEIGHT
    figure = {"data": data, "layout": layout}
    return with_reference(figure, *target) if target else figure


def spreads(rows: Sequence[Mapping[str, Any]], x_title: str) -> Figure:
    """Return for each group the median as a mark and P10 to P90 as a line; the first row at the top.

    A row has name, median, p10, p90 and text (what the pointer shows). Without rows there are no axes either.
    """
    if not rows:
        nothing = base_layout("", "", legend=False)
        nothing |= {"height": NOTHING_HEIGHT, "xaxis": {"visible": False}, "yaxis": {"visible": False}}
        return {"data": [], "layout": nothing}
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [row["median"] for row in rows],
            "y": [label(str(row["name"])) for row in rows],
            "text": [label(str(row["text"])) for row in rows],
            "hovertemplate": "%{text}<extra></extra>",
            "marker": {"color": TOTAL, "size": 10},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": [row["p90"] - row["median"] for row in rows],
                "arrayminus": [row["median"] - row["p10"] for row in rows],
                "color": TOTAL,
                "thickness": 3,
                "width": CAP,
            },
        }
    ]
    layout = base_layout("", "", legend=False)
    layout["height"] = max(160, 76 + 30 * len(rows))
    layout["margin"] = {"l": 12, "r": 16, "t": 10, "b": 44}
    layout["xaxis"] = {
        "tickformat": "$,~s",
        "fixedrange": True,
        "showgrid": True,
        "zeroline": True,
        "rangemode": "tozero",
        "title": {"text": x_title, "font": {"size": 12}, "standoff": 8},
    }
    layout["yaxis"] = {"autorange": "reversed", "automargin": True, "fixedrange": True, "showgrid": False}
    return {"data": data, "layout": layout}


def two_bars(
    names: Sequence[str],
    base: tuple[str, Sequence[float | None]],
    now: Sequence[float | None],
    *,
    y_format: str,
    y_title: str,
    hover: str,
) -> Figure:
    """Return one value by group of both sides."""
    name, before = base
    data = [
        _bar(name, names, before, hover, BASE_COLOR),
        _bar(WHAT_IF, names, now, hover, TOTAL),
    ]
    layout = base_layout(y_format, y_title, legend=True)
    layout["barmode"] = "group"
    layout["height"] = HEIGHT
    return {"data": data, "layout": layout}


def _bar(name: str, names: Sequence[str], values: Sequence[float | None], hover: str, color: str) -> Figure:
    return {
        "type": "bar",
        "name": label(name),
        "x": [label(text) for text in names],
        "y": list(values),
        "marker": {"color": color},
        "hovertemplate": f"%{{y:{hover}}}<extra>{label(name)}</extra>",
    }


def _waterfall(
    name: str, names: Sequence[str], values: Sequence[float], texts: Sequence[str], **colors: Any
) -> Figure:
    return {
        "type": "waterfall",
        "name": label(name),
        "x": list(names),
        "y": [*values[:-1], 0],
        "measure": [*["relative"] * (len(names) - 1), "total"],
        "text": list(texts),
        "textposition": "outside",
        "cliponaxis": False,
        "constraintext": "none",
        "connector": {"visible": False},
        "hovertemplate": f"%{{x}}: %{{delta:.2%}}<extra>{label(name)}</extra>",
        **colors,
    }
