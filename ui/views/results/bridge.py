"""The growth bridge: what moved mean pay in a year, over all years, and what moved the payroll."""

from typing import Any

import pandas as pd
import panel as pn

from ui.components import html
from ui.components.card import Card, Content
from ui.components.charts import INK, PALETTE, Series, bars, lines, waterfall
from ui.components.layout import PAIR, STACK
from ui.store import Store
from ui.values.formatting import goal, money, money_short, percent, points
from ui.values.people import ACTIVE
from ui.values.results import BRIDGE
from ui.views.results.asked import Asked
from ui.views.results.section import fill

PAYROLL = {
    "exit_savings": "Exits",
    "cola_cost": "COLA",
    "merit_cost": "Merit",
    "promotion_cost": "Promotion",
    "hire_cost": "Hires",
}
# Neither green nor red: a part may go up in one year and down in another.
COLORS = (PALETTE[6], PALETTE[0], PALETTE[5], PALETTE[3], PALETTE[1])
PERCENT = 100
WHOLE = "whole workforce, filters do not apply"
MEANING = (
    "Exits: those who stay earned more or less than all did at the opening. COLA, merit and "
    "promotion: raises of those who stay. Hires: all at the close earn more or less than those who "
    "stay. The five sum to the growth exactly."
)


class Bridge:
    """The section's cards."""

    key, title = "bridge", "Growth bridge"
    by_people, by_status, status = False, False, ACTIVE

    def __init__(self) -> None:
        self._cards = (
            Card(name="growth bridge of the year"),
            Card(name="growth bridge of all years"),
            Card(name="payroll bridge"),
        )
        layouts = [card.layout for card in self._cards]
        self.layout = pn.Column(
            pn.Column(*layouts[:2], **PAIR),
            layouts[2],
            html.pane(html.notice(MEANING)),
            **STACK,
        )

    def read(self, store: Store, asked: Asked) -> tuple[Content, ...]:
        """Return the contents of the cards."""
        return growth_of_year(asked), growth_of_years(asked), payroll(asked)

    def show(self, asked: Asked, found: Any) -> None:
        """Show them."""
        fill(self._cards, found)


def growth_of_year(asked: Asked) -> Content:
    """Return what growth of mean pay is made of in the year."""
    kpi = asked.result.kpi(asked.year)
    steps = [(text, float(kpi[name])) for name, text in BRIDGE.items()]
    total = float(kpi["growth_all"])
    target = asked.result.target
    figure = waterfall(
        steps,
        "Growth",
        [*(points(value) for _, value in steps), percent(total, 2)],
        target=None if target is None else (f"Target {goal(target)}", target),
    )
    return Content(
        f"Growth bridge {asked.year}",
        f"What moved mean base pay, percentage points · {asked.year} · {WHOLE} · {asked.scenario}",
        _growth_frame(asked),
        _growth_columns(),
        f"growth_bridge_{asked.scenario}.csv",
        figure,
        chosen=asked.year,
    )


def growth_of_years(asked: Asked) -> Content:
    """Return the same over all years: bars that add up to the growth of each."""
    frame = _growth_frame(asked)
    places = [str(year) for year in frame["simulation_year"]]
    series = [
        Series(
            text,
            list(frame[name] * PERCENT),
            [f"{y}: {points(v)}" for y, v in zip(places, frame[name], strict=True)],
            color,
        )
        for (name, text), color in zip(BRIDGE.items(), COLORS, strict=True)
    ]
    figure = bars(places, series, y_format=".0f", y_title="Percentage points", stacked=True)
    line = lines(
        places,
        [
            Series(
                "Growth",
                list(frame["growth_all"] * PERCENT),
                [percent(v, 2) for v in frame["growth_all"]],
                INK,
                "dot",
            )
        ],
        y_format=".0f",
        y_title="",
    )
    figure["data"] += line["data"]
    return Content(
        "Growth bridge by year",
        f"Parts of mean base pay's growth; the line is their sum · {places[0]}–{places[-1]} · {WHOLE} · "
        f"{asked.scenario}",
        frame,
        _growth_columns(),
        f"growth_bridge_{asked.scenario}.csv",
        figure,
        chosen=asked.year,
    )


def payroll(asked: Asked) -> Content:
    """Return what moved the annual payroll in the year, in dollars."""
    budget = asked.result.budget
    frame = budget[["simulation_year", *PAYROLL, "payroll_change"]].reset_index(drop=True)
    row = frame.loc[frame["simulation_year"] == asked.year].iloc[0]
    steps = [
        (text, -float(row[name]) if name == "exit_savings" else float(row[name]))
        for name, text in PAYROLL.items()
    ]
    figure = waterfall(
        steps,
        "Payroll change",
        [
            *(money_short(value, sign=True) for _, value in steps),
            money_short(row["payroll_change"], sign=True),
        ],
        y_format="$,~s",
    )
    return Content(
        f"Payroll bridge {asked.year}",
        f"What moved the annual payroll (base pay × FTE), $ · {asked.year} · {WHOLE} · {asked.scenario}",
        frame,
        (
            html.Column("simulation_year", "Year"),
            *(html.Column(name, f"{text}, $", money) for name, text in PAYROLL.items()),
            html.Column("payroll_change", "Payroll change, $", lambda v: money(v, sign=True)),
        ),
        f"payroll_bridge_{asked.scenario}.csv",
        figure,
        chosen=asked.year,
    )


def _growth_frame(asked: Asked) -> pd.DataFrame:
    return asked.result.kpis[["simulation_year", *BRIDGE, "growth_all"]].reset_index(drop=True)


def _growth_columns() -> tuple[html.Column, ...]:
    return (
        html.Column("simulation_year", "Year"),
        *(html.Column(name, f"{text}, pp", points) for name, text in BRIDGE.items()),
        html.Column("growth_all", "Growth", lambda v: percent(v, 2)),
    )
