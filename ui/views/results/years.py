"""By year: headcount, pay, growth and movement of the people that are chosen."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import panel as pn

from ui.components import html
from ui.components.card import Card, Content
from ui.components.charts import DOWN, PALETTE, UP, Series, bars, lines, with_reference
from ui.components.layout import PAIR, STACK
from ui.store import Store
from ui.values.formatting import count, goal, money, money_short, percent, ratio
from ui.values.people import ACTIVE
from ui.values.results import SUPPRESSED_UNDER
from ui.views.results.asked import Asked
from ui.views.results.section import fill

MILLION = 1e6
COLUMNS = (
    html.Column("people", "People", count),
    html.Column("payroll", "Annual payroll, $", money),
    html.Column("mean_base_pay", "Mean base pay, $", money),
    html.Column("median_base_pay", "Median base pay, $", money),
    html.Column("growth", "Growth of mean pay", lambda v: percent(v, 2)),
    html.Column("own_growth", "Growth, same people", lambda v: percent(v, 2)),
    html.Column("mean_compa_ratio", "Compa-ratio", ratio),
    html.Column("opening_headcount", "Opening headcount", count),
    html.Column("hires", "Hires", count),
    html.Column("experienced_exits", "Exits, experienced", count),
    html.Column("new_hire_exits", "Exits, new hires", count),
    html.Column("turnover_rate", "Turnover", percent),
    html.Column("promotions", "Promotions", count),
)
WHOSE_FLOWS = "Hires, exits and promotions count everybody there, whatever the status"
BY_NAME = {column.name: column for column in COLUMNS}


def headline(asked: Asked, frame: pd.DataFrame) -> Sequence[html.Kpi]:
    """Return the figures of the chosen people at the end of the year."""
    row = frame.loc[frame["simulation_year"] == asked.year].iloc[0]
    exits = row["experienced_exits"] + row["new_hire_exits"]
    moved = ((row["hires"], "hire"), (exits, "exit"), (row["promotions"], "promotion"))
    small = row["people"] < SUPPRESSED_UNDER
    hidden = f"under {SUPPRESSED_UNDER} people: pay is not shown"
    return (
        html.Kpi(
            f"People, {asked.year}",
            count(row["people"]),
            f"{', '.join(_many(*one) for one in moved)}; turnover {percent(row['turnover_rate'])}",
        ),
        html.Kpi(
            f"Annual payroll, {asked.year}",
            money_short(row["payroll"]),
            hidden if small else "base pay × FTE at year end, or at exit",
        ),
        html.Kpi(
            f"Mean base pay, {asked.year}",
            money(row["mean_base_pay"]),
            hidden
            if small
            else f"median {money(row['median_base_pay'])}; compa-ratio {ratio(row['mean_compa_ratio'])}",
        ),
        html.Kpi(
            f"Growth of mean pay, {asked.year}",
            percent(row["growth"], 2),
            hidden if small else f"the same people {percent(row['own_growth'], 2)}",
        ),
    )


def _many(number: Any, noun: str) -> str:
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


class Years:
    """The section's cards."""

    key, title = "years", "By year"
    by_people, by_status, status = True, True, ACTIVE

    def __init__(self) -> None:
        self._cards = (
            Card(name="people by year"),
            Card(name="movement by year"),
            Card(name="base pay by year"),
            Card(name="growth by year"),
            Card(name="payroll by year"),
            Card(name="compa-ratio by year"),
            Card(name="all figures by year", with_chart=False),
        )
        layouts = [card.layout for card in self._cards]
        self.layout = pn.Column(
            pn.Column(*layouts[:2], **PAIR),
            pn.Column(*layouts[2:4], **PAIR),
            pn.Column(*layouts[4:6], **PAIR),
            layouts[6],
            **STACK,
        )

    def read(self, store: Store, asked: Asked) -> tuple[Content, ...]:
        """Return the contents of the cards."""
        return contents(asked, store.people.by_year(asked.scenario, asked.people))

    def show(self, asked: Asked, found: Any) -> None:
        """Show them."""
        fill(self._cards, found)


def contents(asked: Asked, frame: pd.DataFrame) -> tuple[Content, ...]:
    """Return what the cards show of the frame of `PeopleReader.by_year`."""
    frame = frame.assign(year_end=[asked.place(year) for year in frame["simulation_year"]])
    simulated = frame[frame["simulation_year"] > 0].reset_index(drop=True)
    growth = _card(asked, simulated, "Growth of pay", "% on the year before", ("growth", "own_growth"), ".1%")
    if asked.unfiltered and asked.result.target is not None and growth.figure is not None:
        with_reference(growth.figure, f"Target {goal(asked.result.target)}", asked.result.target)
    return (
        _card(asked, frame, "People", "Number of people", ("people",), ",d", upright=True),
        _movement(asked, simulated),
        _card(
            asked,
            frame,
            "Base pay",
            "Annual full-time base pay, $",
            ("mean_base_pay", "median_base_pay"),
            "$,~s",
        ),
        growth,
        _payroll(asked, frame),
        _card(
            asked,
            frame,
            "Compa-ratio",
            "Mean of base pay ÷ range midpoint",
            ("mean_compa_ratio",),
            ".2f",
        ),
        Content(
            "All figures by year",
            asked.subtitle(
                f"{WHOSE_FLOWS}; level at year end, or at exit",
                period=f"{frame['year_end'].iloc[0]}–{asked.result.last_year}",
            )
            + f" · n/a: under {SUPPRESSED_UNDER} people, or no year before",
            frame.drop(columns=["year_end"]),
            (html.Column("simulation_year", "End of", asked.place), *COLUMNS),
            f"by_year_{asked.scenario}.csv",
            chosen=asked.year,
        ),
    )


def _card(
    asked: Asked,
    frame: pd.DataFrame,
    title: str,
    unit: str,
    names: Sequence[str],
    y_format: str,
    *,
    upright: bool = False,
) -> Content:
    places = list(frame["year_end"])
    series = [
        Series(
            BY_NAME[name].heading.removesuffix(", $"),
            list(frame[name]),
            [
                f"{place}: {BY_NAME[name].write(value)}"
                for place, value in zip(places, frame[name], strict=True)
            ],
            PALETTE[place],
        )
        for place, name in enumerate(names)
    ]
    draw = bars if upright else lines
    return Content(
        title,
        asked.subtitle(unit, period=f"{places[0]}–{places[-1]}"),
        frame[["simulation_year", *names]],
        (html.Column("simulation_year", "End of", asked.place), *(BY_NAME[name] for name in names)),
        f"{title.lower().replace(' ', '_')}_{asked.scenario}.csv",
        draw(places, series, y_format=y_format, y_title=""),
        chosen=asked.year,
    )


def _payroll(asked: Asked, frame: pd.DataFrame) -> Content:
    content = _card(
        asked, frame, "Annual payroll", "Base pay × FTE, $ million", ("payroll",), ",~f", upright=True
    )
    for series in content.figure["data"] if content.figure else ():
        series["y"] = [value / MILLION for value in series["y"]]
    return content


def _movement(asked: Asked, frame: pd.DataFrame) -> Content:
    places = list(frame["year_end"])
    names = ("hires", "experienced_exits", "new_hire_exits", "promotions")
    series = [
        Series(
            BY_NAME[name].heading,
            list(frame[name]),
            [f"{place}: {count(value)}" for place, value in zip(places, frame[name], strict=True)],
            color,
        )
        for name, color in zip(names, (UP, DOWN, "#e2a0a0", PALETTE[3]), strict=True)
    ]
    return Content(
        "Hires, exits, promotions",
        asked.subtitle("People in the year, whatever their status", period=asked.span, by_status=False),
        frame[["simulation_year", "opening_headcount", *names, "turnover_rate"]],
        (
            html.Column("simulation_year", "Year", asked.place),
            *(BY_NAME[name] for name in ("opening_headcount", *names, "turnover_rate")),
        ),
        f"movement_{asked.scenario}.csv",
        bars(places, series, y_format=",d", y_title=""),
        chosen=asked.year,
    )
