"""Cards of the overview: budgets, growth, payroll, scenarios side by side, levels, provenance."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from planwise.formatting import (
    count,
    exact_percent,
    level,
    moment,
    money,
    percent,
    points,
    ratio,
    written_for,
)
from ui.components import html
from ui.components.card import Content
from ui.components.charts import BASE_COLOR, TOTAL, ranked
from ui.components.html import TableColumn
from ui.components.scenario_lines import scenario_lines
from ui.values.results import SMALL_NOT_SHOWN, Result

PP = 100.0
BARS_MAX = 12  # scenarios on a chart
BUDGET = (
    "increase_rate",
    "increase_cost",
    "increase_cost_in_year",
    "lump_sum_cost",
    "promotion_rate_of_payroll",
)


def budgets(results: Sequence[Result], chosen: Result, year: int) -> Content:
    """Return every scenario's increase budget in a year, the largest first, with the market's."""
    shown = [result for result in results if year in result.years]
    frame = pd.DataFrame(
        [
            {"scenario": r.scenario, "title": r.label, "simulation_year": year}
            | {name: r.kpi(year).get(name) for name in BUDGET}
            for r in shown
        ]
    ).sort_values("increase_rate", ascending=False, kind="stable")
    top = _with_chosen(frame, chosen.scenario)
    market = chosen.assumption("market_budget")
    figure = ranked(
        top["title"].tolist(),
        top["increase_rate"].astype(float).tolist(),
        [percent(value, 2) for value in top["increase_rate"]],
        [TOTAL if name == chosen.scenario else BASE_COLOR for name in top["scenario"]],
        x_format=".1%",
        line=None if market is None else (f"Market {exact_percent(market)}", market),
    )
    more = f" · {len(top)} of {len(frame)}, all in the table" if len(frame) > len(top) else ""
    return Content(
        f"Increase budgets {year}",
        f"COLA and merit a year, % of the pay of those employed on each date · {chosen.census}{more}",
        frame,
        (
            TableColumn("title", "Scenario", is_text=True),
            TableColumn("increase_rate", "Increase budget", lambda v: percent(v, 2)),
            TableColumn("increase_cost", "Increases, $", money),
            TableColumn("increase_cost_in_year", "In the year, $", money),
            TableColumn("lump_sum_cost", "Lump sums, $", money),
            TableColumn("promotion_rate_of_payroll", "Promotions", lambda v: percent(v, 2)),
        ),
        f"increase_budgets_{year}.csv",
        figure,
        chosen.label,
    )


def _with_chosen(frame: pd.DataFrame, chosen: str) -> pd.DataFrame:
    """Return the largest, the chosen scenario among them."""
    top = frame.head(BARS_MAX)
    if chosen not in set(top["scenario"]):
        top = pd.concat([top.head(BARS_MAX - 1), frame[frame["scenario"] == chosen]])
    return top


def growth(results: Sequence[Result], chosen: Result) -> Content:
    """Return growth of mean base pay by year against the chosen scenario's target."""
    rows = [
        {
            "scenario": result.scenario,
            "title": result.label,
            "simulation_year": year,
            "growth_all": (kpi := result.kpi(year))["growth_all"],
            "growth_compound": kpi["growth_compound"],
            "target_growth": result.target,
            "growth_minus_target_pp": None
            if result.target is None
            else (kpi["growth_all"] - result.target) * PP,
        }
        for result in results
        for year in result.years
    ]
    frame = pd.DataFrame(rows)
    columns = (
        TableColumn("title", "Scenario", is_text=True),
        TableColumn("simulation_year", "Year", str),
        TableColumn("growth_all", "Growth in the year", lambda v: percent(v, 2)),
        TableColumn(
            "growth_compound", "Change in average pay a year since the census", lambda v: percent(v, 2)
        ),
        TableColumn("target_growth", "Target", percent),
        TableColumn("growth_minus_target_pp", "Growth minus target", lambda v: points(v / PP)),
    )
    figure = scenario_lines(
        {r.scenario: (r.years, list(r.kpis["growth_all"])) for r in results},
        chosen=chosen.scenario,
        y_format=".1%",
        y_title="",
        labels={r.scenario: r.label for r in results},
        reference=None
        if chosen.target is None
        else (f"Target {exact_percent(chosen.target)}", chosen.target),
    )
    return Content(
        "Change in average pay",
        f"Mean year-end base pay, mix included, % on the year before · {chosen.span} · {_scenarios(results)}",
        frame,
        columns,
        "growth_against_target.csv",
        figure,
        chosen.label,
    )


def payroll(results: Sequence[Result], chosen: Result) -> Content:
    """Return the annual payroll by year, from the census on."""
    frame = pd.concat(
        [
            result.growth.assign(scenario=result.scenario, title=result.label, year_end=_calendar(result))[
                [
                    "scenario",
                    "title",
                    "simulation_year",
                    "year_end",
                    "headcount",
                    "payroll",
                    "prorated_payroll",
                ]
            ]
            for result in results
        ],
        ignore_index=True,
    )
    columns = (
        TableColumn("title", "Scenario", is_text=True),
        TableColumn("year_end", "End of", str),
        TableColumn("headcount", "Headcount", lambda v: f"{v:,.0f}"),
        TableColumn("payroll", "Annual payroll, $", money),
        TableColumn("prorated_payroll", "Paid in the year, $", money),
    )
    budget = chosen.payroll_budget
    figure = scenario_lines(
        {r.scenario: (_calendar(r), list(r.growth["payroll"])) for r in results},
        chosen=chosen.scenario,
        y_format="$",
        y_title="",
        labels={r.scenario: r.label for r in results},
        reference=None if budget is None else ("Budget", budget),
    )
    return Content(
        "Annual payroll",
        f"Base pay × FTE at year end · {chosen.census_year} (census)–{chosen.last_year} · "
        f"{_scenarios(results)}",
        frame,
        columns,
        "payroll.csv",
        figure,
        chosen.label,
    )


def _calendar(result: Result) -> list[int]:
    """Return calendar years of the growth mart, where the census is year 0."""
    return [int(year) or result.census_year for year in result.growth["simulation_year"]]


def _scenarios(results: Sequence[Result]) -> str:
    return results[0].label if len(results) == 1 else f"{len(results)} scenarios"


def comparison(results: Sequence[Result], chosen: Result, year: int) -> Content:
    """Return every published scenario in one year; a scenario with another horizon is left out."""
    every = (result for result in results if year in result.years)
    shown = sorted(every, key=lambda result: result.scenario != chosen.scenario)
    frame = pd.DataFrame(
        [{**r.kpi(year), "scenario": r.scenario, "title": r.label, "census": r.census} for r in shown]
    )
    own = frame["census"] == chosen.census
    frame["shown"] = frame["title"].where(own, frame["title"] + " · " + frame["census"])
    columns = (
        TableColumn("shown", "Scenario", is_text=True),
        TableColumn("increase_rate", "Increase budget", _rate),
        TableColumn("increase_cost", "Increases", money),
        TableColumn("promotion_rate_of_payroll", "Promotions", _rate),
        TableColumn("payroll", "Annual payroll", money),
        TableColumn("payroll_change", "Payroll change", lambda v: money(v, sign=True)),
        TableColumn("headcount", "Headcount", count),
        TableColumn("growth_continuing", "Growth of those who stay", _rate),
        TableColumn("growth_all", "Change in average pay", _rate),
        TableColumn("adjusted_gap_max", "Adjusted pay gap", _rate),
    )
    missing = len(results) - len(shown)
    lead = html.notice(f"{missing} more do not simulate {year}.") if missing else ""
    title, subtitle = "Scenarios side by side", f"{year} · {len(shown)} published · the chosen one first"
    return Content(
        title,
        subtitle,
        frame.drop(columns="shown"),
        (),
        f"scenarios_{year}.csv",
        lead=lead,
        table=html.table(
            _written(frame, columns, shown), _as_texts(columns), f"{title}. {subtitle}", chosen.label
        ),
    )


def _written(frame: pd.DataFrame, columns: Sequence[TableColumn], results: Sequence[Result]) -> pd.DataFrame:
    """Return rows as texts, each in the currency of its result."""
    rows = []
    for row, result in zip(frame.to_dict("records"), results, strict=True):
        with written_for(result.local):
            rows.append({column.name: column.write(row.get(column.name)) for column in columns})
    return pd.DataFrame(rows)


def _as_texts(columns: Sequence[TableColumn]) -> tuple[TableColumn, ...]:
    return tuple(replace(column, write=str) for column in columns)


def _rate(value: Any) -> str:
    return percent(value, 2)


def levels(result: Result, year: int) -> Content:
    """Return headcount, movement and pay by level in one year."""
    frame = result.levels.loc[result.levels["simulation_year"] == year].reset_index(drop=True)
    columns = (
        TableColumn("level_id", "Level", level),
        TableColumn("headcount", "Headcount", count),
        TableColumn("hires", "Hires", count),
        TableColumn("terminations", "Exits", count),
        TableColumn("promotions_in", "Promoted in", count),
        TableColumn("mean_base_pay", "Mean base pay, $", money),
        TableColumn("median_base_pay", "Median base pay, $", money),
        TableColumn("cv", "Spread (CV)", percent),
        TableColumn("mean_compa_ratio", "Compa-ratio", ratio),
        TableColumn("below_minimum", "Below range", count),
        TableColumn("above_maximum", "Above range", count),
    )
    hidden = int((frame["mean_base_pay"].isna() & (frame["headcount"] > 0)).sum())
    note = f" · {SMALL_NOT_SHOWN}" if hidden else ""
    return Content(
        "Levels",
        f"End of {year}; movement in {year} · {result.label}{note}",
        frame,
        columns,
        f"levels_{result.scenario}_{year}.csv",
    )


def provenance(result: Result) -> dict[str, str]:
    """Return where the figures are from: enough to reproduce them."""
    manifest = result.manifest
    census, versions = manifest["census"], manifest["versions"]
    return {
        "Scenario": result.scenario
        if result.label == result.scenario
        else f"{result.label} ({result.scenario})",
        "Published": moment(str(manifest["published_at"])),
        "Census": f"{census['name']}, {count(census['rows'])} employees as of {census['as_of']}",
        "Census content": str(census["content_hash"]),
        "Fingerprint": result.fingerprint,
        "Horizon": result.span,
        "Versions": ", ".join(f"{name} {number}" for name, number in versions.items()),
    }
