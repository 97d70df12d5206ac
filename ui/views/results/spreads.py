"""How raises, pay and compa-ratios are spread: histograms by level with P10, P50 and P90."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import panel as pn
import panel_material_ui as pmui

from ui.components import html
from ui.components.card import Card, Content
from ui.components.charts import color_of_level
from ui.components.layout import PAIR, STACK
from ui.components.point_charts import Bins, histogram
from ui.store import Store
from ui.values.formatting import count, money, percent, ratio
from ui.values.people import ACTIVE, Spread
from ui.values.results import SUPPRESSED_UNDER
from ui.views.results.asked import Asked

ALL = "All"


@dataclass(frozen=True)
class Figure:
    """A figure of a person: what it is called, its axis, how it and a bin's width are written."""

    name: str
    title: str
    what: str
    axis: str
    axis_format: str
    write: Callable[[Any], str]
    write_width: Callable[[float], str]


def _percent(value: Any) -> str:
    return percent(value, 2)


def _points(width: float) -> str:
    return f"{width * 100:g} pp"


RAISES = {
    "raise": Figure(
        "raise", "Raises", "All raises over the year, % of the opening pay, of people with an opening pay",
        "Raise over the year", ".0%", _percent, _points,
    ),
    "merit": Figure(
        "merit", "Merit raises", "Merit rate, % of the pay before", "Merit rate", ".1%", _percent, _points
    ),
    "promotion": Figure(
        "promotion", "Promotion raises", "Promotion raise, % of the pay before", "Promotion raise", ".0%",
        _percent, _points,
    ),
}  # fmt: skip
PAY = Figure(
    "base_pay",
    "Base pay",
    "Annual full-time base pay, $",
    "Base pay, $",
    "$,~s",
    money,
    lambda w: f"${w:,.0f}",
)
COMPA = Figure(
    "compa_ratio",
    "Compa-ratio",
    "Base pay ÷ midpoint of the range",
    "Compa-ratio",
    ".2f",
    ratio,
    lambda w: f"{w:g}",
)


class Spreads:
    """The section's cards; one choice says which raises are meant."""

    key, title = "spreads", "Distributions"
    by_people, by_status, status = True, True, ACTIVE

    def __init__(self, changed: Callable[[], None]) -> None:
        self._kind = pmui.Select(
            label="Which raises",
            options={
                figure.title if name != "raise" else "All raises": name for name, figure in RAISES.items()
            },
            value="raise",
            size="small",
            width=220,
            margin=(10, 0, 8, 0),
        )
        self._kind.param.watch(lambda _: changed(), "value")
        self._raises = Card(name="distribution of raises", control=self._kind)
        self._pay = Card(name="distribution of base pay")
        self._compa = Card(name="distribution of compa-ratio")
        self.layout = pn.Column(
            self._raises.layout, pn.Column(self._pay.layout, self._compa.layout, **PAIR), **STACK
        )

    def read(self, store: Store, asked: Asked) -> tuple[Content, ...]:
        """Return the contents of the cards."""
        figures = (RAISES[self._kind.value], PAY, COMPA)
        return tuple(
            content(asked, figure, store.people.spread(asked.scenario, asked.people, asked.year, figure.name))
            for figure in figures
        )

    def show(self, asked: Asked, found: Any) -> None:
        """Show them."""
        for card, shown in zip((self._raises, self._pay, self._compa), found, strict=True):
            card.show(shown)


def content(asked: Asked, figure: Figure, spread: Spread) -> Content:
    """Return a card: bins by level as a chart and a table, percentiles above it."""
    levels = spread.percentiles[spread.percentiles["level_id"].notna()]
    left_out = (
        f" · {count(spread.left_out)} people in levels under {SUPPRESSED_UNDER} are left out"
        if spread.left_out
        else ""
    )
    title = f"{figure.title} by level"
    width = figure.write_width(spread.width)
    if levels.empty:
        subtitle = asked.subtitle(figure.what) + left_out
        return Content(title, subtitle, spread.bins, (), _file(asked, figure), _nothing(), lead=_none(spread))
    parts = [_bins(asked, figure, spread, row) for row in levels.to_dict("records")]
    centres = sorted({centre for _, found in parts for centre in found})
    chart = histogram(
        centres,
        spread.width,
        [_with(centres, part, found, figure, spread) for part, found in parts],
        x_format=figure.axis_format,
        x_title=figure.axis,
    )
    return Content(
        title,
        asked.subtitle(figure.what)
        + f" · bins of {width}, the first and the last open; below: P10, median, P90{left_out}",
        spread.bins,
        (
            html.Column("level_id", "Level", asked.level, is_text=True),
            html.Column("bin_from", "From", lambda v: "lowest" if v != v else figure.write(v)),
            html.Column("bin_to", "Below", lambda v: "highest" if v != v else figure.write(v)),
            html.Column("people", "People", count),
        ),
        _file(asked, figure),
        chart,
        lead=_percentiles(asked, figure, spread),
    )


def _percentiles(asked: Asked, figure: Figure, spread: Spread) -> str:
    frame = spread.percentiles.assign(
        level=[ALL if value != value else asked.level(value) for value in spread.percentiles["level_id"]]
    )
    columns = (
        html.Column("level", "Level", str, is_text=True),
        html.Column("people", "People", count),
        html.Column("mean", "Mean", figure.write),
        html.Column("p10", "P10", figure.write),
        html.Column("p50", "P50 (median)", figure.write),
        html.Column("p90", "P90", figure.write),
    )
    return html.table(frame, columns, f"{figure.title}: percentiles by level, {asked.year}", chosen=ALL)


def _bins(
    asked: Asked, figure: Figure, spread: Spread, row: dict[Any, Any]
) -> tuple[Bins, dict[float, tuple[int, str]]]:
    name = asked.level(row["level_id"])
    of_level = spread.bins[spread.bins["level_id"] == row["level_id"]]
    found = {}
    for one in of_level.to_dict("records"):
        first, last = one["bin_from"] != one["bin_from"], one["bin_to"] != one["bin_to"]
        start = one["bin_to"] - spread.width if first else one["bin_from"]
        start = 0.0 if first and last else start
        if first:
            where = f"below {figure.write(one['bin_to'])}"
        elif last:
            where = f"{figure.write(one['bin_from'])} or more"
        else:
            where = f"{figure.write(one['bin_from'])} to {figure.write(one['bin_to'])}"
        text = f"{name}, {where}: {count(one['people'])} people"
        found[round(start + spread.width / 2, 9)] = (int(one["people"]), text)
    p10, p50, p90 = (figure.write(row[name]) for name in ("p10", "p50", "p90"))
    percentiles = f"{name}: P10 {p10}, median {p50}, P90 {p90}"
    color = color_of_level(int(row["level_id"]))
    return Bins(name, color, (), (), row["p10"], row["p50"], row["p90"], percentiles), found


def _with(
    centres: list[float], part: Bins, found: dict[float, tuple[int, str]], figure: Figure, spread: Spread
) -> Bins:
    counts = [found.get(centre, (0, ""))[0] for centre in centres]
    hover = [found.get(centre, (0, ""))[1] for centre in centres]
    return Bins(part.name, part.color, counts, hover, part.p10, part.p50, part.p90, part.percentiles)


def _none(spread: Spread) -> str:
    if not spread.people:
        return html.notice("Nobody is chosen: no such figure in this year with these filters.")
    return html.notice(
        f"Only {count(spread.people)} people, none in a level of {SUPPRESSED_UNDER} or more: not shown."
    )


def _nothing() -> dict[str, Any]:
    return {"data": [], "layout": {"height": 40, "xaxis": {"visible": False}, "yaxis": {"visible": False}}}


def _file(asked: Asked, figure: Figure) -> str:
    return f"distribution_{figure.name}_{asked.scenario}_{asked.year}.csv"
