"""Figures by year, by level and by department, and bridges of growth and payroll."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.formatting import (
    count,
    counted,
    exact_percent,
    money,
    money_short,
    percent,
    points,
    ratio,
    with_unit,
)
from ui.components import html
from ui.components.card import Card, Content, bridge_columns, bridge_frame, growth_bridge
from ui.components.charts import (
    DOWN,
    INK,
    PALETTE,
    UP,
    Series,
    bars,
    lines,
    ranked,
    waterfall,
    with_reference,
)
from ui.components.page import PAIR, STACK
from ui.pages.results.request import ResultsView, Section
from ui.store import Store
from ui.values.results import SUPPRESSED_UNDER, parts_of_growth

COLUMNS = (
    html.TableColumn("people", "People", count),
    html.TableColumn("payroll", "Annual payroll, $", money),
    html.TableColumn("mean_base_pay", "Mean base pay, $", money),
    html.TableColumn("median_base_pay", "Median base pay, $", money),
    html.TableColumn("growth", "Change in average pay", lambda v: percent(v, 2)),
    html.TableColumn("own_growth", "Growth of those who stay", lambda v: percent(v, 2)),
    html.TableColumn("mean_compa_ratio", "Compa-ratio", ratio),
    html.TableColumn("opening_headcount", "Opening headcount", count),
    html.TableColumn("hires", "Hires", count),
    html.TableColumn("experienced_exits", "Exits, experienced", count),
    html.TableColumn("new_hire_exits", "Exits, new hires", count),
    html.TableColumn("turnover_rate", "Turnover, experienced", percent),
    html.TableColumn("promotions", "Promotions", count),
)
WHOSE_FLOWS = "Hires, exits and promotions count all employees of the year, whatever the status"
BY_NAME = {column.name: column for column in COLUMNS}


def headline(view: ResultsView, frame: pd.DataFrame) -> Sequence[html.Kpi]:
    """Return the figures of the chosen people at the end of the year."""
    row = frame.loc[frame["simulation_year"] == view.year].iloc[0]
    exits = row["experienced_exits"] + row["new_hire_exits"]
    moved = ((row["hires"], "hire"), (exits, "exit"), (row["promotions"], "promotion"))
    small = row["people"] < SUPPRESSED_UNDER
    hidden = f"under {SUPPRESSED_UNDER} people: pay is not shown"
    return (
        html.Kpi(
            f"People, {view.year}",
            count(row["people"]),
            f"{', '.join(counted(*one) for one in moved)}; {percent(row['turnover_rate'])} of experienced "
            "staff left",
        ),
        html.Kpi(
            f"Annual payroll, {view.year}",
            money_short(row["payroll"]),
            hidden if small else _paid_at_the_end(row),
        ),
        html.Kpi(
            f"Mean base pay, {view.year}",
            money(row["mean_base_pay"]),
            hidden
            if small
            else f"median {money(row['median_base_pay'])}; compa-ratio {ratio(row['mean_compa_ratio'])}",
        ),
        html.Kpi(
            f"Growth of those who stay, {view.year}",
            percent(row["own_growth"], 2),
            hidden if small else f"change in average pay (mix included) {percent(row['growth'], 2)}",
        ),
    )


def _paid_at_the_end(row: Any) -> str:
    leavers = row["people"] - row["active_people"]
    if not leavers:
        return "base pay × FTE at year end"
    return f"base pay × FTE of the {count(row['active_people'])} active at year end; leavers have none"


class Years(Section):
    """The section's cards."""

    key, title = "years", "By year"

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

    def read(self, store: Store, view: ResultsView) -> tuple[Content, ...]:
        """Return the contents of the cards."""
        return contents(view, store.people.by_year(view.scenario, view.people))


def contents(view: ResultsView, frame: pd.DataFrame) -> tuple[Content, ...]:
    """Return what the cards show of the frame of `PeopleReader.by_year`."""
    frame = frame.assign(year_end=[view.place(year) for year in frame["simulation_year"]])
    simulated = frame[frame["simulation_year"] > 0].reset_index(drop=True)
    growth = _card(view, simulated, "Growth of pay", "% on the year before", ("own_growth", "growth"), ".1%")
    if view.unfiltered and view.result.target is not None and growth.figure is not None:
        with_reference(growth.figure, f"Target {exact_percent(view.result.target)}", view.result.target)
    return (
        _card(view, frame, "People", "Number of people", ("people",), ",d", upright=True),
        _movement(view, simulated),
        _card(
            view,
            frame,
            "Base pay",
            "Annual full-time base pay, $",
            ("mean_base_pay", "median_base_pay"),
            "$,~s",
        ),
        growth,
        _card(view, frame, "Annual payroll", "Base pay × FTE at year end", ("payroll",), "$", upright=True),
        _card(view, frame, "Compa-ratio", "Mean of base pay ÷ range midpoint", ("mean_compa_ratio",), ".2f"),
        Content(
            "All figures by year",
            view.subtitle(
                f"{WHOSE_FLOWS}; level at year end, or at exit",
                period=f"{frame['year_end'].iloc[0]}–{view.result.last_year}",
            )
            + f" · n/a: under {SUPPRESSED_UNDER} people, or no year before",
            frame.drop(columns=["year_end"]),
            (html.TableColumn("simulation_year", "End of", view.place), *COLUMNS),
            f"by_year_{view.scenario}.csv",
            chosen=view.year,
        ),
    )


def _card(
    view: ResultsView,
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
        view.subtitle(with_unit(unit), period=f"{places[0]}–{places[-1]}"),
        frame[["simulation_year", *names]],
        (html.TableColumn("simulation_year", "End of", view.place), *(BY_NAME[name] for name in names)),
        f"{title.lower().replace(' ', '_')}_{view.scenario}.csv",
        draw(places, series, y_format=y_format, y_title=""),
        chosen=view.year,
    )


def _movement(view: ResultsView, frame: pd.DataFrame) -> Content:
    places = list(frame["year_end"])
    names = ("hires", "experienced_exits", "new_hire_exits", "promotions")
    series = [
        Series(
            BY_NAME[name].heading,
            list(frame[name]),
            [f"{place}: {count(value)}" for place, value in zip(places, frame[name], strict=True)],
            color,
        )
        for name, color in zip(names, (UP, DOWN, "#e9b98a", PALETTE[3]), strict=True)
    ]
    return Content(
        "Hires, exits, promotions",
        view.subtitle("People in the year, whatever their status", period=view.span, by_status=False),
        frame[["simulation_year", "opening_headcount", *names, "turnover_rate"]],
        (
            html.TableColumn("simulation_year", "Year", view.place),
            *(BY_NAME[name] for name in ("opening_headcount", *names, "turnover_rate")),
        ),
        f"movement_{view.scenario}.csv",
        bars(places, series, y_format=",d", y_title=""),
        chosen=view.year,
    )


PAYROLL = {
    "exit_savings": "Exits",
    "cola_cost": "COLA",
    "drift_cost": "Drift",
    "merit_cost": "Merit",
    "promotion_cost": "Promotion",
    "hire_cost": "Hires",
}
# Neither green nor red: a part may go up in one year and down in another.
COLORS = {
    "bridge_exits": PALETTE[6],
    "bridge_cola": PALETTE[0],
    "bridge_drift": PALETTE[4],
    "bridge_merit": PALETTE[5],
    "bridge_promotion": PALETTE[3],
    "bridge_hires": PALETTE[1],
}
PERCENT = 100
WHOLE = "whole workforce, filters do not apply"
MEANING = (
    "Exits: those who stay earned more or less than all did at the opening. COLA, merit and "
    "promotion: raises of those who stay. Drift, where a calibration found it: what their pay does beyond "
    "awards without a decision. Hires: all at the close earn more or less than those who stay. The parts "
    "sum to the growth exactly."
)


class Bridge(Section):
    """The section's cards."""

    key, title = "bridge", "Growth bridge"
    by_people, by_status = False, False

    def __init__(self) -> None:
        self._cards = (
            Card(name="growth bridge of the year"),
            Card(name="growth bridge of all years"),
            Card(name="payroll bridge"),
        )
        layouts = [card.layout for card in self._cards]
        self.layout = pn.Column(
            pn.Column(*layouts[:2], **PAIR), layouts[2], html.pane(html.notice(MEANING)), **STACK
        )

    def read(self, store: Store, view: ResultsView) -> tuple[Content, ...]:
        """Return the contents of the cards."""
        return (
            growth_bridge(view.result, view.year, scope=f"{WHOLE} · "),
            growth_of_years(view),
            payroll(view),
        )


def growth_of_years(view: ResultsView) -> Content:
    """Return the parts of growth in every year: bars that add up to the growth of each."""
    frame = bridge_frame(view.result)
    places = [str(year) for year in frame["simulation_year"]]
    series = [
        Series(
            text,
            list(frame[name] * PERCENT),
            [f"{y}: {points(v)}" for y, v in zip(places, frame[name], strict=True)],
            COLORS[name],
        )
        for name, text in parts_of_growth(view.result.kpis).items()
    ]
    figure = bars(places, series, y_format="+.2f", y_title="Percentage points", stacked=True)
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
        f"{view.label}",
        frame,
        bridge_columns(view.result),
        f"growth_bridge_{view.scenario}.csv",
        figure,
        chosen=view.year,
    )


def payroll(view: ResultsView) -> Content:
    """Return what moved the annual payroll in the year, in dollars."""
    budget = view.result.budget
    has_drift = "drift_cost" in budget and bool((budget["drift_cost"] != 0).any())
    parts = {name: text for name, text in PAYROLL.items() if has_drift or name != "drift_cost"}
    frame = budget[["simulation_year", *parts, "payroll_change"]].reset_index(drop=True)
    row = frame.loc[frame["simulation_year"] == view.year].iloc[0]
    steps = [
        (text, -float(row[name]) if name == "exit_savings" else float(row[name]))
        for name, text in parts.items()
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
        f"Payroll bridge {view.year}",
        f"What moved the annual payroll (base pay × FTE) · {view.year} · {WHOLE} · {view.label}",
        frame,
        (
            html.TableColumn("simulation_year", "Year"),
            *(html.TableColumn(name, f"{text}, $", money) for name, text in parts.items()),
            html.TableColumn("payroll_change", "Payroll change, $", lambda v: money(v, sign=True)),
        ),
        f"payroll_bridge_{view.scenario}.csv",
        figure,
        chosen=view.year,
    )


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
            options={column.heading.removesuffix(", $"): column.name for column in COLUMNS},
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
            super().show(view, (by_level(view, levels, name), by_department(view, departments, name)))


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
        view.subtitle(with_unit(heading))
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
