"""Figures by group, and the pay equity of groups."""

from collections.abc import Callable
from math import exp
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.formatting import count, money, money_short, percent
from ui.components import html
from ui.components.card import Card, Content
from ui.components.charts import PALETTE, Series, lines, ranked, with_reference
from ui.components.page import PAIR, STACK, UpdateGuard
from ui.pages.results.request import CENSUS_YEAR, ResultsView, Section
from ui.pages.results.years import BY_NAME, COLUMNS, WHOSE_FLOWS
from ui.store import Store
from ui.values.results import SUPPRESSED_UNDER

BARS_AT_MOST = 20  # the table has every group
FORMATS = {"payroll": "$,~s", "mean_base_pay": "$,~s", "median_base_pay": "$,~s", "mean_compa_ratio": ".2f"}
RATES = ("growth", "own_growth", "turnover_rate")
SHORT: dict[str, Callable[[Any], str]] = {"payroll": money_short}


class Groups(Section):
    """The section's cards; one choice says which figure both charts show."""

    key, title = "groups", "Levels and departments"

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
        self._found: tuple[ResultsView, pd.DataFrame, pd.DataFrame] | None = None
        self.layout = pn.Column(self._figure, *(card.layout for card in self._cards), **STACK)

    def read(self, store: Store, view: ResultsView) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return both tables."""
        return (
            store.people.by_group(view.scenario, view.people, view.year, "level"),
            store.people.by_group(view.scenario, view.people, view.year, "department"),
        )

    def show(self, view: ResultsView, found: Any) -> None:
        """Show them."""
        self._found = (view, *found)
        self._draw()

    def _draw(self) -> None:
        if self._found is not None:
            view, levels, departments = self._found
            name = self._figure.value
            contents = (by_level(view, levels, name), by_department(view, departments, name))
            super().show(view, contents)


def by_level(view: ResultsView, frame: pd.DataFrame, figure: str) -> Content:
    """Return the card of levels."""
    named = frame.rename(columns={"group_name": "level_id"})
    return _content(view, named, "level_id", "Levels", view.level, figure)


def by_department(view: ResultsView, frame: pd.DataFrame, figure: str) -> Content:
    """Return the card of departments, the largest first."""
    named = frame.rename(columns={"group_name": "department"})
    named = named.sort_values(["people", "department"], ascending=[False, True]).reset_index(drop=True)
    return _content(view, named, "department", "Departments", str, figure)


def _content(
    view: ResultsView, frame: pd.DataFrame, key: str, title: str, name: Callable[[Any], str], figure: str
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
        view.subtitle(heading)
        + (
            f" · the {BARS_AT_MOST} largest of {len(frame)}, all in the table"
            if len(frame) > len(shown)
            else ""
        )
        + f" · {WHOSE_FLOWS}"
        + (
            f" · pay of {hidden} small {'group' if hidden == 1 else 'groups'} is not shown: "
            f"under {SUPPRESSED_UNDER} people, or they would reveal it"
            if hidden
            else ""
        ),
        frame[[key, *(column.name for column in COLUMNS)]].assign(simulation_year=view.year),
        (html.TableColumn(key, title.removesuffix("s"), name, is_text=True), *COLUMNS),
        f"{title.lower()}_{view.scenario}_{view.year}.csv",
        chart,
    )


FIRST = "gender"  # of the attributes
NEAR = 0.005  # under half a percent a gap is called none
WHOLE = "whole active workforce, filters do not apply"
MEANING = (
    "The raw gap compares mean log pay of a group with the reference, the census's largest group. The "
    "adjusted gap compares like with like: people of the same level, department and tenure band. "
    f"Above zero, the group earns less. Groups under {SUPPRESSED_UNDER} people are not published. "
    "There is no interval: these are whole groups, not samples."
)
NONE = (
    '<div class="empty"><h2>No pay equity here</h2><p>The census of this result has no gender and no '
    f"ethnicity, or no group of {SUPPRESSED_UNDER} people. Gaps are never guessed: import a census "
    "with one of them and simulate again.</p></div>"
)


class Equity(Section):
    """The section's cards; one choice says which attribute is meant."""

    key, title = "equity", "Pay equity"
    by_people, by_status = False, False

    def __init__(self, changed: Callable[[], None]) -> None:
        self._attribute = pmui.Select(
            label="Groups by", options=[], size="small", width=200, margin=(6, 0, 4, 0)
        )
        self._attribute.param.watch(lambda _: None if self._filling else changed(), "value")
        self._filling = UpdateGuard()
        self._words = html.pane("")
        self._raw = Card(name="raw gap")
        self._adjusted = Card(name="adjusted gap")
        self._table = Card(name="pay equity", with_chart=False, height=560)
        self._body = pn.Column(
            self._attribute,
            self._words,
            pn.Column(self._raw.layout, self._adjusted.layout, **PAIR),
            self._table.layout,
            html.pane(html.notice(MEANING)),
            **STACK,
        )
        self._none = html.pane(NONE)
        self.layout = pn.Column(self._none, self._body, **STACK)

    def read(self, store: Store, view: ResultsView) -> pd.DataFrame:
        """Return the mart."""
        return store.people.equity(view.scenario)

    def show(self, view: ResultsView, found: Any) -> None:
        """Show it."""
        names = list(
            dict.fromkeys(sorted(found["attribute"], reverse=True))
        )  # of the two, gender comes first
        self._none.visible, self._body.visible = not names, bool(names)
        if not names:
            return
        chosen = self._attribute.value if self._attribute.value in names else names[0]
        with self._filling:
            self._attribute.param.update(options={name.capitalize(): name for name in names}, value=chosen)
        frame = found[found["attribute"] == chosen].reset_index(drop=True)
        self._words.object = html.notice(words(view, frame))
        self._raw.show(gap(view, frame, "raw_gap", "Raw gap"))
        self._adjusted.show(gap(view, frame, "adjusted_gap", "Adjusted gap"))
        self._table.show(table(view, frame))


def words(view: ResultsView, frame: pd.DataFrame) -> str:
    """Return what the gaps of the year say, in a sentence per group."""
    rows = frame[frame["simulation_year"] == view.year].to_dict("records")
    reference = _reference(frame)
    sentences = [
        f"{row['group']} ({count(row['headcount'])} people) is paid on average "
        f"{_against(row['raw_gap'], reference)} (raw gap {percent(row['raw_gap'], 2)}), and within the same "
        f"level, department and tenure band {_against(row['adjusted_gap'], reference)} "
        f"(adjusted gap {percent(row['adjusted_gap'], 2)})."
        for row in rows
        if row["group"] != reference
    ]
    if not sentences:
        return f"In {view.year} there is one group of {SUPPRESSED_UNDER} people or more: nothing to compare."
    return f"At the end of {view.year}: " + " ".join(sentences)


def gap(view: ResultsView, frame: pd.DataFrame, name: str, title: str) -> Content:
    """Return one gap by year, a line per group; the reference is zero."""
    reference = _reference(frame)
    groups = [group for group in dict.fromkeys(frame["group"]) if group != reference]
    years = sorted(set(frame["simulation_year"]))
    places = [view.place(year) for year in years]
    series = []
    for place, group in enumerate(sorted(groups)):
        of_group = frame[frame["group"] == group].set_index("simulation_year")[name].reindex(years)
        hover = [
            f"{group}, {where}: {percent(value, 2)}" for where, value in zip(places, of_group, strict=True)
        ]
        series.append(Series(group, list(of_group), hover, PALETTE[place % len(PALETTE)]))
    figure = lines(places, series, y_format=".1%", y_title="", legend=True)
    with_reference(figure, f"{str(reference)[:10]} = 0", 0.0)
    return Content(
        title,
        f"Mean log pay below that of {reference}, % · {places[0]}–{places[-1]} · {WHOLE} · {view.scenario}",
        frame[["simulation_year", "attribute", "group", "headcount", name]],
        (
            html.TableColumn("simulation_year", "End of", view.place),
            html.TableColumn("group", "Group", str, is_text=True),
            html.TableColumn("headcount", "People", count),
            html.TableColumn(name, title, lambda v: percent(v, 2)),
        ),
        f"{name}_{view.scenario}.csv",
        figure,
        chosen=view.year,
    )


def table(view: ResultsView, frame: pd.DataFrame) -> Content:
    """Return the mart's rows of the attribute."""
    return Content(
        "All figures of pay equity",
        f"Active people at year end · {WHOLE} · {view.scenario}",
        frame,
        (
            html.TableColumn("simulation_year", "End of", view.place),
            html.TableColumn("group", "Group", str, is_text=True),
            html.TableColumn("headcount", "People", count),
            html.TableColumn("mean_base_pay", "Mean base pay, $", money),
            html.TableColumn("raw_gap", "Raw gap", lambda v: percent(v, 2)),
            html.TableColumn("adjusted_gap", "Adjusted gap", lambda v: percent(v, 2)),
        ),
        f"pay_equity_{view.scenario}.csv",
        chosen=view.year,
    )


def _reference(frame: pd.DataFrame) -> str:
    """Return the group that the others are compared with: the census's largest, by name where equal."""
    census = frame[frame["simulation_year"] == CENSUS_YEAR]
    source = census if not census.empty else frame
    ordered = source.sort_values(["headcount", "group"], ascending=[False, True])
    return str(ordered.iloc[0]["group"])


def _against(gap_of_logs: float, reference: str) -> str:
    """Return a gap of log pay in words: how much less or more than the reference is earned."""
    if gap_of_logs != gap_of_logs:
        return f"what cannot be compared: no {reference} employee is in the same cells"
    if abs(gap_of_logs) < NEAR:
        return f"about as much as {reference}"
    side = "less" if gap_of_logs > 0 else "more"
    return f"{percent(abs(1 - exp(-gap_of_logs)))} {side} than {reference}"
