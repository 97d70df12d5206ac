"""By level and department in a year: the same figures, small groups without pay."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from ui.components import html
from ui.components.card import Card, Content
from ui.components.charts import PALETTE, ranked
from ui.components.layout import STACK
from ui.store import Store
from ui.values.formatting import money_short
from ui.values.people import ACTIVE
from ui.values.results import SUPPRESSED_UNDER
from ui.views.results.asked import Asked
from ui.views.results.section import fill
from ui.views.results.years import BY_NAME, COLUMNS, WHOSE_FLOWS

BARS_AT_MOST = 20  # the table has every group
FORMATS = {"payroll": "$,~s", "mean_base_pay": "$,~s", "median_base_pay": "$,~s", "mean_compa_ratio": ".2f"}
RATES = ("growth", "own_growth", "turnover_rate")
SHORT: dict[str, Callable[[Any], str]] = {"payroll": money_short}


class Groups:
    """The section's cards; one choice says which figure both charts show."""

    key, title = "groups", "Levels and departments"
    by_people, by_status, status = True, True, ACTIVE

    def __init__(self) -> None:
        self._figure = pmui.Select(
            label="Figure on the charts",
            options={column.heading: column.name for column in COLUMNS},
            value="mean_base_pay",
            size="small",
            width=280,
            margin=(6, 0, 4, 0),
        )
        self._figure.param.watch(lambda _: self._draw(), "value")
        self._cards = (Card(name="levels"), Card(name="departments", height=520))
        self._found: tuple[Asked, pd.DataFrame, pd.DataFrame] | None = None
        self.layout = pn.Column(self._figure, *(card.layout for card in self._cards), **STACK)

    def read(self, store: Store, asked: Asked) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return both tables."""
        return (
            store.people.by_group(asked.scenario, asked.people, asked.year, "level"),
            store.people.by_group(asked.scenario, asked.people, asked.year, "department"),
        )

    def show(self, asked: Asked, found: Any) -> None:
        """Show them."""
        self._found = (asked, *found)
        self._draw()

    def _draw(self) -> None:
        if self._found is not None:
            asked, levels, departments = self._found
            name = self._figure.value
            fill(self._cards, (by_level(asked, levels, name), by_department(asked, departments, name)))


def by_level(asked: Asked, frame: pd.DataFrame, figure: str) -> Content:
    """Return the card of levels."""
    named = frame.rename(columns={"group_name": "level_id"})
    return _content(asked, named, "level_id", "Levels", asked.level, figure)


def by_department(asked: Asked, frame: pd.DataFrame, figure: str) -> Content:
    """Return the card of departments, the largest first."""
    named = frame.rename(columns={"group_name": "department"})
    named = named.sort_values(["people", "department"], ascending=[False, True]).reset_index(drop=True)
    return _content(asked, named, "department", "Departments", str, figure)


def _content(
    asked: Asked, frame: pd.DataFrame, key: str, title: str, name: Callable[[Any], str], figure: str
) -> Content:
    shown = frame.head(BARS_AT_MOST)
    write = SHORT.get(figure, BY_NAME[figure].write)
    chart = ranked(
        [name(value) for value in shown[key]],
        list(shown[figure].astype(float)),
        [write(value) for value in shown[figure]],
        PALETTE[0],
        x_format=".1%" if figure in RATES else FORMATS.get(figure, ",d"),
    )
    hidden = int((frame["mean_base_pay"].isna() & (frame["people"] > 0)).sum())
    heading = BY_NAME[figure].heading
    return Content(
        title,
        asked.subtitle(heading)
        + (
            f" · the {BARS_AT_MOST} largest of {len(frame)}, all in the table"
            if len(frame) > len(shown)
            else ""
        )
        + f" · {WHOSE_FLOWS}"
        + (
            f" · pay of {hidden} small {'group' if hidden == 1 else 'groups'} is not shown: "
            f"under {SUPPRESSED_UNDER} people, or what would tell it"
            if hidden
            else ""
        ),
        frame[[key, *(column.name for column in COLUMNS)]].assign(simulation_year=asked.year),
        (html.Column(key, title.removesuffix("s"), name, is_text=True), *COLUMNS),
        f"{title.lower()}_{asked.scenario}_{asked.year}.csv",
        chart,
    )
