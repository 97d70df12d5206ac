"""The market position of a year: by level, by job or another group, and by year."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from planwise.formatting import count, money, percent, ratio
from ui.components import html
from ui.components.card import (
    MARKET_GROUPS,
    MARKET_MEANING,
    Card,
    Content,
    market_by_group,
    market_by_level,
    place,
    why_no_market,
    with_percentiles,
)
from ui.components.charts import PALETTE, Series, lines
from ui.components.page import PAIR, STACK, UpdateGuard
from ui.pages.results.request import ResultsView, Section
from ui.session import Session
from ui.store import Store

WHOLE = "all active employees, filters do not apply"


class Market(Section):
    """The section's cards; one choice says by what groups."""

    key, title = "market", "Market"
    by_people, by_status = False, False

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self._session = session
        self._filling = UpdateGuard()
        self._attribute = pmui.Select(
            label="Groups by", options={"Job": "job_title"}, size="small", width=200, margin=(6, 0, 4, 0)
        )
        self._attribute.param.watch(lambda _: None if self._filling else changed(), "value")
        self._words = html.pane("")
        self._level, self._years = Card(name="market position by level"), Card(name="market position by year")
        self._group = Card(name="compa-ratio to market by group", height=520)
        self._match = pmui.Button(
            label="Go to Census", variant="outlined", size="small", margin=0, visible=False
        )
        self._match.on_click(lambda _: session.go("census"))
        self._figures = pn.Column(
            pn.Column(self._level.layout, self._years.layout, **PAIR),
            self._attribute,
            self._group.layout,
            **STACK,
        )
        self.layout = pn.Column(
            self._words, self._match, self._figures, html.pane(html.notice(MARKET_MEANING)), **STACK
        )

    def read(self, store: Store, view: ResultsView) -> pd.DataFrame | InputError:
        """Return the mart without figures of small groups, or why an earlier version has none."""
        try:
            frame = store.people.market(view.scenario)
        except InputError as error:
            return error
        return frame.assign(why=[why_no_market(row) for row in frame.to_dict("records")])

    def show(self, view: ResultsView, found: Any) -> None:
        """Show it."""
        self._figures.visible = self._match.visible = False
        if isinstance(found, InputError):
            self._words.object = html.error_notice(found)
            return
        year = found[found["simulation_year"] == view.year]
        whole = year[year["attribute"] == "all"].iloc[0]
        survey = (view.result.manifest["census"].get("market") or {}).get("survey", "")
        has_market = whole["market_reason"] != "no_survey"
        self._words.object = html.notice(words(view, whole, survey), tone="" if has_market else "warn")
        self._match.visible = not has_market
        self._figures.visible = has_market
        if not has_market:
            return
        options = {name: key for key, name in MARKET_GROUPS.items() if key in set(year["attribute"])}
        chosen = self._attribute.value if self._attribute.value in options.values() else "job_title"
        with self._filling:
            self._attribute.param.update(options=options, value=chosen)
        subtitle = f"Mean percentile of base pay in the market · end of {view.year} · {WHOLE} · {view.label}"
        groups = {name: year[year["attribute"] == name].reset_index(drop=True) for name in ("level", chosen)}
        self._level.show(
            market_by_level(
                groups["level"],
                view.level,
                subtitle=subtitle,
                file_name=f"market_by_level_{view.scenario}_{view.year}.csv",
            )
        )
        self._group.show(
            market_by_group(
                groups[chosen],
                chosen,
                subtitle=f"Base pay / market's median · end of {view.year} · {view.label}",
                file_name=f"market_by_{chosen}_{view.scenario}_{view.year}.csv",
            )
        )
        self._years.show(by_year(view, found[found["attribute"] == "all"].reset_index(drop=True)))


def words(view: ResultsView, whole: Any, survey: str) -> str:
    """Return where the workforce is in the market, or why that is not known."""
    if reason := why_no_market(whole):
        return f"The market position at the end of {view.year} is not measured: {reason}."
    share = whole["market_people"] / whole["headcount"]
    return (
        f"At the end of {view.year}, base pay is on average {ratio(whole['mean_market_ratio'])} times the "
        f"market's median, at {place(whole['mean_market_position'])} of the market. Survey: "
        f"{survey or 'unknown'}; {count(whole['market_people'])} of {count(whole['headcount'])} people "
        f"({percent(share, 0)}) have a matched job title."
    )


def by_year(view: ResultsView, frame: pd.DataFrame) -> Content:
    """Return the mean percentile by year, the census first."""
    places = [view.place(year) for year in frame["simulation_year"]]
    values = [None if value != value else float(value) for value in frame["mean_market_position"]]
    hover = [f"{where}: {place(value)}" for where, value in zip(places, values, strict=True)]
    figure = lines(
        places, [Series("Position", values, hover, PALETTE[0])], y_format=",d", y_title="Percentile"
    )
    return Content(
        "Market position by year",
        f"Mean percentile of base pay in the market · {places[0]}–{places[-1]} · {WHOLE} · {view.label}",
        frame,
        (
            html.TableColumn("simulation_year", "End of", view.place),
            html.TableColumn("headcount", "People", count),
            html.TableColumn("market_people", "Matched", count),
            html.TableColumn("mean_base_pay", "Mean base pay, $", money),
            html.TableColumn("mean_market_reference", "Market median, $", money),
            html.TableColumn("mean_market_ratio", "Compa-ratio to market", ratio),
            html.TableColumn("mean_market_position", "Position", place),
        ),
        f"market_by_year_{view.scenario}.csv",
        with_percentiles(figure),
        chosen=view.year,
    )
