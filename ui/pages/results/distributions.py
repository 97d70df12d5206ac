"""Distributions of pay, and positions in pay ranges."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from planwise.formatting import count, money, percent, ratio, with_unit
from ui.components import html
from ui.components.card import Card, Content
from ui.components.charts import Figure, color_of_level, with_reference
from ui.components.page import PAIR, STACK
from ui.components.point_charts import Bins, Points, heat_map, histogram, points
from ui.pages.results.request import ResultsView, Section
from ui.session import Session
from ui.store import Store
from ui.values.people import FigureDistribution, Sample
from ui.values.results import SUPPRESSED_UNDER

ALL = "All"


@dataclass(frozen=True)
class Distribution:
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
    "raise": Distribution(
        "raise", "Raises", "All raises over the year, % of the opening pay, of people with an opening pay",
        "Raise over the year", ".0%", _percent, _points,
    ),
    "merit": Distribution(
        "merit", "Merit raises", "Merit rate, % of the pay before", "Merit rate", ".1%", _percent, _points
    ),
    "promotion": Distribution(
        "promotion", "Promotion raises", "Promotion raise, % of the pay before", "Promotion raise", ".0%",
        _percent, _points,
    ),
}  # fmt: skip
PAY = Distribution(
    "base_pay",
    "Base pay",
    "Annual full-time base pay, $",
    "Base pay, $",
    "$,~s",
    money,
    money,
)
COMPA = Distribution(
    "compa_ratio",
    "Compa-ratio",
    "Base pay ÷ midpoint of the range",
    "Compa-ratio",
    ".2f",
    ratio,
    lambda w: f"{w:g}",
)


class Spreads(Section):
    """The section's cards; one choice says which raises are meant."""

    key, title = "spreads", "Distributions"

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
        self._cards = (
            Card(name="distribution of raises", control=self._kind),
            Card(name="distribution of base pay"),
            Card(name="distribution of compa-ratio"),
        )
        raises, *others = (card.layout for card in self._cards)
        self.layout = pn.Column(raises, pn.Column(*others, **PAIR), **STACK)

    def read(self, store: Store, view: ResultsView) -> tuple[Content, ...]:
        """Return the contents of the cards."""
        figures = (RAISES[self._kind.value], PAY, COMPA)
        return tuple(
            content(view, figure, store.people.spread(view.scenario, view.people, view.year, figure.name))
            for figure in figures
        )


def content(view: ResultsView, figure: Distribution, spread: FigureDistribution) -> Content:
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
        subtitle = view.subtitle(with_unit(figure.what)) + left_out
        return Content(title, subtitle, spread.bins, (), _file(view, figure), _nothing(), lead=_none(spread))
    parts = [_bins(view, figure, spread, row) for row in levels.to_dict("records")]
    centres = _centres({centre for _, found in parts for centre in found}, spread.width)
    chart = histogram(
        centres,
        spread.width,
        [_with(centres, part, found, figure, spread) for part, found in parts],
        x_format=figure.axis_format,
        x_title=figure.axis,
    )
    return Content(
        title,
        view.subtitle(with_unit(figure.what))
        + f" · bins of {width}, the first and the last open; below: P10, median, P90{left_out}",
        spread.bins,
        (
            html.TableColumn("level_id", "Level", view.level, is_text=True),
            html.TableColumn("bin_from", "From", lambda v: "lowest" if v != v else figure.write(v)),
            html.TableColumn("bin_to", "Below", lambda v: "highest" if v != v else figure.write(v)),
            html.TableColumn("people", "People", count),
        ),
        _file(view, figure),
        chart,
        lead=_percentiles(view, figure, spread),
    )


def _percentiles(view: ResultsView, figure: Distribution, spread: FigureDistribution) -> str:
    frame = spread.percentiles.assign(
        level=[ALL if value != value else view.level(value) for value in spread.percentiles["level_id"]]
    )
    columns = (
        html.TableColumn("level", "Level", str, is_text=True),
        html.TableColumn("people", "People", count),
        html.TableColumn("mean", "Mean", figure.write),
        html.TableColumn("p10", "P10", figure.write),
        html.TableColumn("p50", "P50 (median)", figure.write),
        html.TableColumn("p90", "P90", figure.write),
    )
    return html.table(frame, columns, f"{figure.title}: percentiles by level, {view.year}", chosen=ALL)


def _bins(
    view: ResultsView, figure: Distribution, spread: FigureDistribution, row: dict[Any, Any]
) -> tuple[Bins, dict[float, tuple[int, str]]]:
    name = view.level(row["level_id"])
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


def _centres(found: Iterable[float], width: float) -> list[float]:
    """Return the middles of all bins from the first to the last, the empty ones too."""
    known = sorted(found)
    return [round(known[0] + place * width, 9) for place in range(round((known[-1] - known[0]) / width) + 1)]


def _with(
    centres: list[float],
    part: Bins,
    found: dict[float, tuple[int, str]],
    figure: Distribution,
    spread: FigureDistribution,
) -> Bins:
    counts = [found.get(centre, (0, ""))[0] for centre in centres]
    hover = [found.get(centre, (0, ""))[1] for centre in centres]
    return Bins(part.name, part.color, counts, hover, part.p10, part.p50, part.p90, part.percentiles)


def _none(spread: FigureDistribution) -> str:
    if not spread.people:
        return html.notice("No employees match the filters: this figure does not exist for this year.")
    return html.notice(
        f"Only {count(spread.people)} people, none in a level of {SUPPRESSED_UNDER} or more: not shown."
    )


def _nothing() -> dict[str, Any]:
    return {"data": [], "layout": {"height": 40, "xaxis": {"visible": False}, "yaxis": {"visible": False}}}


def _file(view: ResultsView, figure: Distribution) -> str:
    return f"distribution_{figure.name}_{view.scenario}_{view.year}.csv"


POINTS_SHOWN = 5000
POSITIONS = {
    "below_range": "Below the range",
    "quartile_1": "1st quarter",
    "quartile_2": "2nd quarter",
    "quartile_3": "3rd quarter",
    "quartile_4": "4th quarter",
    "above_range": "At or over the maximum",
    "unknown": "Range not known",
}
NO_CELLS = pd.DataFrame(columns=["performance_rating", "position", "people", "mean_merit_rate"])
FEW = f"< {SUPPRESSED_UNDER}"
MERIT_SCALE = (0.0, 0.08)  # rates of the lightest and the darkest cell
X_AXES: dict[str, tuple[str, str, Callable[[Any], str]]] = {
    "tenure_years": ("Tenure, years", ".1f", lambda v: f"{ratio(v, 1)} years"),
    "base_pay": ("Annual base pay, $", "$", money),
}
LOW, HIGH = "Below 0.80", "Over 1.20"


class Ranges(Section):
    """The section's cards; single people are drawn for those who may see their pay."""

    key, title = "ranges", "Merit and range"

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self._session, self._allowed = session, session.can_see_individual_pay
        self._axis = pmui.Select(
            label="Compa-ratio against",
            options={text: name for name, (text, *_) in X_AXES.items()},
            value="tenure_years",
            size="small",
            width=220,
            margin=(10, 0, 8, 0),
        )
        self._axis.param.watch(lambda _: changed(), "value")
        self._axis.visible = self._allowed
        self._cards = (
            Card(name="merit matrix"),
            Card(name="compa-ratio", with_chart=self._allowed, control=self._axis),
        )
        self.layout = pn.Column(*(card.layout for card in self._cards), **STACK)

    def read(self, store: Store, view: ResultsView) -> tuple[Content, Content]:
        """Return the contents of the cards."""
        place = (view.scenario, view.people, view.year)
        sample = (
            self._session.individual_pay.sample(*place, POINTS_SHOWN)
            if self._allowed
            else store.people.levels(*place)
        )
        compa_ratios = compa(view, sample, self._axis.value, drawn=self._allowed)
        try:
            frame = store.people.merit_matrix(view.scenario, view.people, view.year)
        except InputError as error:  # published without ranges: the rest of the page can still be read
            return replace(
                matrix(view, NO_CELLS), lead=html.notice(error.what, error.remedy or "", "bad")
            ), compa_ratios
        return matrix(view, frame), compa_ratios


def matrix(view: ResultsView, frame: pd.DataFrame) -> Content:
    """Return mean merit by rating and position in the range; `frame` is the reader's, one row per cell."""
    positions = [name for name in POSITIONS if name != "unknown" or (frame["position"] == "unknown").any()]
    ratings = sorted({int(value) for value in frame["performance_rating"].dropna()} or {3})
    cells = {(row["performance_rating"], row["position"]): row for row in frame.to_dict("records")}
    grid = [[cells.get((rating, name)) for name in positions] for rating in ratings]
    wide = pd.DataFrame(
        [
            {
                "performance_rating": rating,
                **{name: _cell(cell) for name, cell in zip(positions, line, strict=True)},
            }
            for rating, line in zip(ratings, grid, strict=True)
        ]
    )
    columns = (
        html.TableColumn("performance_rating", "Performance rating", str),
        *(html.TableColumn(name, POSITIONS[name], str) for name in positions),
    )
    people, hidden = int(frame["people"].sum()), int((frame["people"] < SUPPRESSED_UNDER).sum())
    known = view.result.manifest["census"].get("availability", {}).get("performance_rating", True)
    lead = "" if known else html.notice("The census has no ratings: a rating of 3 is used for all.")
    if not people:
        lead = html.notice("No selected employee has a merit raise in this year.")
    figure = heat_map(
        [POSITIONS[name] for name in positions],
        [f"Rating {rating}" for rating in ratings],
        [[None if cell is None or _few(cell) else cell["mean_merit_rate"] for cell in line] for line in grid],
        [[_short(cell) for cell in line] for line in grid],
        [
            [
                f"Rating {rating}, {POSITIONS[name].lower()}: {_cell(cell)}"
                for name, cell in zip(positions, line, strict=True)
            ]
            for rating, line in zip(ratings, grid, strict=True)
        ],
        scale=MERIT_SCALE,
        y_title="",
    )
    return Content(
        "Merit matrix",
        view.subtitle("Mean merit rate, and people, by rating and position in the range when merit was given")
        + f" · {count(people)} merit raises"
        + (f" · {hidden} cells of under {SUPPRESSED_UNDER} people are not shown" if hidden else ""),
        wide,
        columns,
        f"merit_matrix_{view.scenario}_{view.year}.csv",
        figure,
        lead=lead,
    )


def compa(view: ResultsView, sample: Sample, axis: str, *, drawn: bool) -> Content:
    """Return people as points by level, or the levels alone where single people may not be drawn."""
    shown = len(sample.points)
    title, axis_format, hover = X_AXES[axis]
    levels = sample.levels
    figure: Figure | None = None
    if drawn:
        people: Iterable[tuple[Any, pd.DataFrame]] = sample.points.groupby("level_id")
        groups = [
            Points(
                view.level(level),
                color_of_level(int(level)),
                list(of_level[axis]),
                list(of_level["compa_ratio"]),
            )
            for level, of_level in people
        ]
        figure = points(
            groups, x_format=axis_format, x_title=title, y_format=".2f", y_title="Compa-ratio", x_hover=hover
        )
        with_reference(figure, "Midpoint", 1.0)
    which = (
        f"{count(shown)} of {count(sample.people)} shown, drawn evenly"
        if shown < sample.people
        else (f"all {count(shown)} shown")
    )
    left_out = (
        f" · {count(sample.left_out)} people in levels under {SUPPRESSED_UNDER} are left out"
        if sample.left_out
        else ""
    )
    return Content(
        "Compa-ratio by person",
        view.subtitle("Base pay ÷ midpoint of the range")
        + (f" · {which}, without ids" if drawn else " · single people are for analysts and auditors")
        + left_out,
        levels,
        (
            html.TableColumn("level_id", "Level", view.level, is_text=True),
            html.TableColumn("people", "People", count),
            html.TableColumn("p10", "P10", ratio),
            html.TableColumn("p50", "P50 (median)", ratio),
            html.TableColumn("p90", "P90", ratio),
            html.TableColumn("below", LOW, count),
            html.TableColumn("above", HIGH, count),
        ),
        f"compa_ratio_{view.scenario}_{view.year}.csv",
        figure,
        lead="" if sample.people else html.notice("No employees match the filters in this year."),
    )


def _few(cell: dict[Any, Any]) -> bool:
    return bool(cell["people"] < SUPPRESSED_UNDER)


def _cell(cell: dict[Any, Any] | None) -> str:
    if cell is None:
        return "no one"
    return (
        f"{FEW} people" if _few(cell) else f"{percent(cell['mean_merit_rate'], 2)} ({count(cell['people'])})"
    )


def _short(cell: dict[Any, Any] | None) -> str:
    if cell is None:
        return ""
    return FEW if _few(cell) else f"{percent(cell['mean_merit_rate'], 2)}<br>{count(cell['people'])}"
