"""Lines of scenarios by year, each named at its end."""

from collections.abc import Mapping, Sequence
from typing import Any

from ui.components.charts import (
    DASHES,
    GREY,
    PALETTE,
    SYMBOLS,
    TOTAL,
    Figure,
    color_of,
    cut,
    label,
    layout,
    with_range,
    written,
)

FEW_LINES = 6  # scenarios up to which each has its colour; of more, one is coloured
END_LABEL = 15  # pixels between two labels of line ends
END_LABEL_MAX = 20  # characters
YEARS_MAX = 6  # beside each other in a card; of more, every second is named
CHARACTER = 6.6  # pixels


def scenario_lines(
    series: Mapping[str, tuple[Sequence[Any], Sequence[float]]],
    *,
    chosen: str,
    y_format: str,
    y_title: str,
    labels: Mapping[str, str] | None = None,
    reference: tuple[str, float] | None = None,
) -> Figure:
    """Return one line per scenario by year, named at its end; the chosen one is heavy.

    Of more than FEW_LINES, the others are grey. `labels` are what scenarios are called, `reference` is the
    text and value of a dashed line. Names that would cover others are left to the pointer.
    """
    names = sorted(series)
    few = len(names) <= FEW_LINES
    last = max((xs[-1] for xs, _ in series.values() if len(xs)), default=0)
    called = {name: (labels or {}).get(name, name) for name in names}
    data, ends = [], []
    for name, (xs, ys) in sorted(series.items(), key=lambda item: item[0] == chosen):
        place = names.index(name)  # a dash and a symbol as well: colour is not for all
        heavy = name == chosen
        color = color_of(name, names) if few else TOTAL if heavy else GREY
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if few or heavy else "lines",
                "name": label(called[name]),
                "x": list(xs),
                "y": list(ys),
                "line": {
                    "color": color,
                    "width": 3 if heavy else 1.5,
                    "dash": DASHES[place // len(PALETTE) % len(DASHES)] if few else "solid",
                },
                "marker": {
                    "color": color,
                    "size": 8 if heavy else 6,
                    "symbol": SYMBOLS[place % len(SYMBOLS)] if few else "circle",
                },
                "customdata": [written(value, y_format) for value in ys],
                "hovertemplate": f"%{{x}}: %{{customdata}}<extra>{label(called[name])}</extra>",
                "opacity": 1 if few or heavy else 0.55,
            }
        )
        if heavy or (len(ys) and xs[-1] == last):  # a line that ends before is named by the pointer
            ends.append((0 if heavy else 2, float(ys[-1]), called[name]))
    if reference is not None:
        ends.append((1, reference[1], reference[0]))
    found = layout(y_title=y_title)
    years = sorted({x for xs, _ in series.values() for x in xs})
    shown = years[:: 2 if len(years) > YEARS_MAX else 1]
    found["xaxis"] |= {"tickvals": shown, "ticktext": [str(year) for year in shown], "tickangle": 0}
    figure = with_range(
        {"data": data, "layout": found}, [y for _, ys in series.values() for y in ys], y_format, reference
    )
    return _with_end_labels(figure, ends) if len(names) > 1 else figure


def _with_end_labels(figure: Figure, ends: Sequence[tuple[int, float, str]]) -> Figure:
    """Name lines at the right edge, by rank, while there is room; an end is rank, height and text."""
    found = figure["layout"]
    found["annotations"] = [one for one in found["annotations"] if one.get("xref") != "paper"]
    low, high = found["yaxis"]["range"]
    room = found["height"] - found["margin"]["t"] - found["margin"]["b"]
    taken: list[float] = []
    texts = []
    few = len(figure["data"]) <= FEW_LINES  # all are named, one below the other where they are close
    for rank, value, text in sorted(ends, key=lambda end: (-end[1], end[0]) if few else end[:2]):
        at = (value - low) / (high - low) * room
        free = min([at, *(other - END_LABEL for other in taken)]) if few else at
        if all(abs(free - other) >= END_LABEL for other in taken):
            taken.append(free)
            texts.append(cut(text, END_LABEL_MAX))
            place = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 6, "y": value, "yanchor": "middle"}
            shown = f"<b>{label(texts[-1])}</b>" if rank == 0 else label(texts[-1])
            font = {"size": 11}
            found["annotations"].append(
                {**place, "yshift": free - at, "text": shown, "font": font, "align": "left"}
            )
    found["margin"]["r"] = 20 + round(CHARACTER * max(map(len, texts), default=0))
    return figure
