"""Pay in its range: the merit matrix as it came out, and people's compa-ratios."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from ui.components import html
from ui.components.card import Card, Content
from ui.components.charts import Figure, color_of_level, with_reference
from ui.components.layout import STACK
from ui.components.point_charts import Points, heat_map, points
from ui.store import Store
from ui.values.formatting import count, percent, ratio
from ui.values.people import ACTIVE, Sample
from ui.values.results import SUPPRESSED_UNDER
from ui.views.results.asked import Asked

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
X_AXES = {
    "tenure_years": ("Tenure, years", ",d", ".1f"),
    "base_pay": ("Annual base pay, $", "$,~s", "$,.0f"),
}
LOW, HIGH = "Below 0.80", "Over 1.20"


class Ranges:
    """The section's cards; `people_allowed` says whether single people may be drawn."""

    key, title = "ranges", "Merit and range"
    by_people, by_status, status = True, True, ACTIVE

    def __init__(self, changed: Callable[[], None], *, people_allowed: bool) -> None:
        self._allowed = people_allowed
        self._axis = pmui.Select(
            label="Compa-ratio against",
            options={text: name for name, (text, *_) in X_AXES.items()},
            value="tenure_years",
            size="small",
            width=220,
            margin=(10, 0, 8, 0),
        )
        self._axis.param.watch(lambda _: changed(), "value")
        self._matrix = Card(name="merit matrix")
        self._compa = Card(name="compa-ratio", with_chart=people_allowed, control=self._axis)
        self._axis.visible = people_allowed
        self.layout = pn.Column(self._matrix.layout, self._compa.layout, **STACK)

    def read(self, store: Store, asked: Asked) -> tuple[Content, Content]:
        """Return the contents of the cards."""
        sample = store.people.sample(asked.scenario, asked.people, asked.year, POINTS_SHOWN)
        compa_ratios = compa(asked, sample, self._axis.value, drawn=self._allowed)
        try:
            frame = store.people.merit_matrix(asked.scenario, asked.people, asked.year)
        except InputError as error:  # published without ranges: the rest of the page can still be read
            return replace(
                matrix(asked, NO_CELLS), lead=html.notice(error.what, error.remedy or "", "bad")
            ), compa_ratios
        return matrix(asked, frame), compa_ratios

    def show(self, asked: Asked, found: Any) -> None:
        """Show them."""
        self._matrix.show(found[0])
        self._compa.show(found[1])


def matrix(asked: Asked, frame: pd.DataFrame) -> Content:
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
        html.Column("performance_rating", "Performance rating", str),
        *(html.Column(name, POSITIONS[name], str) for name in positions),
    )
    people, hidden = int(frame["people"].sum()), int((frame["people"] < SUPPRESSED_UNDER).sum())
    known = asked.result.manifest["census"].get("availability", {}).get("performance_rating", True)
    lead = "" if known else html.notice("The census has no ratings: everybody counts as 3.")
    if not people:
        lead = html.notice("Nobody of those chosen has a merit raise in this year.")
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
        y_title="",
    )
    return Content(
        "Merit matrix",
        asked.subtitle(
            "Mean merit rate, and people, by rating and position in the range when merit was given"
        )
        + f" · {count(people)} merit raises"
        + (f" · {hidden} cells of under {SUPPRESSED_UNDER} people are not shown" if hidden else ""),
        wide,
        columns,
        f"merit_matrix_{asked.scenario}_{asked.year}.csv",
        figure,
        lead=lead,
    )


def compa(asked: Asked, sample: Sample, axis: str, *, drawn: bool) -> Content:
    """Return people as points by level, or the levels alone where single people may not be drawn."""
    shown = len(sample.points)
    title, axis_format, hover = X_AXES[axis]
    levels = sample.levels
    figure: Figure | None = None
    if drawn:
        people: Iterable[tuple[Any, pd.DataFrame]] = sample.points.groupby("level_id")
        groups = [
            Points(
                asked.level(level),
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
        asked.subtitle("Base pay ÷ midpoint of the range")
        + (f" · {which}, without ids" if drawn else " · single people are for analysts and auditors")
        + left_out,
        levels,
        (
            html.Column("level_id", "Level", asked.level, is_text=True),
            html.Column("people", "People", count),
            html.Column("p10", "P10", ratio),
            html.Column("p50", "P50 (median)", ratio),
            html.Column("p90", "P90", ratio),
            html.Column("below", LOW, count),
            html.Column("above", HIGH, count),
        ),
        f"compa_ratio_{asked.scenario}_{asked.year}.csv",
        figure,
        lead=""
        if sample.people
        else html.notice("Nobody is chosen: no one in this year with these filters."),
    )


def _few(cell: dict[Any, Any]) -> bool:
    return bool(cell["people"] < SUPPRESSED_UNDER)


def _cell(cell: dict[Any, Any] | None) -> str:
    if cell is None:
        return "nobody"
    return (
        f"{FEW} people" if _few(cell) else f"{percent(cell['mean_merit_rate'], 2)} ({count(cell['people'])})"
    )


def _short(cell: dict[Any, Any] | None) -> str:
    if cell is None:
        return ""
    return FEW if _few(cell) else f"{percent(cell['mean_merit_rate'], 2)}<br>{count(cell['people'])}"
