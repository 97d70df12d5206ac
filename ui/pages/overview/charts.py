"""Cards of the overview: growth, payroll, scenarios side by side, levels, provenance."""

from collections.abc import Sequence

import pandas as pd

from planwise.formatting import count, exact_percent, level, moment, money, percent, points, ratio
from ui.components import html
from ui.components.card import Content
from ui.components.charts import scenario_lines
from ui.components.html import TableColumn
from ui.values.results import SMALL_NOT_SHOWN, Result

PP = 100.0
MILLION = 1e6


def growth(results: Sequence[Result], chosen: Result) -> Content:
    """Return growth of mean base pay by year against the chosen scenario's target."""
    rows = [
        {
            "scenario": result.scenario,
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
        TableColumn("scenario", "Scenario", is_text=True),
        TableColumn("simulation_year", "Year", str),
        TableColumn("growth_all", "Growth in the year", lambda v: percent(v, 2)),
        TableColumn("growth_compound", "Annual growth (CAGR) since the census", lambda v: percent(v, 2)),
        TableColumn("target_growth", "Target", percent),
        TableColumn("growth_minus_target_pp", "Growth minus target", lambda v: points(v / PP)),
    )
    figure = scenario_lines(
        {r.scenario: (r.years, list(r.kpis["growth_all"])) for r in results},
        chosen=chosen.scenario,
        y_format=".1%",
        y_title="Growth in the year",
        hover=".2%",
        reference=None
        if chosen.target is None
        else (f"Target {exact_percent(chosen.target)}", chosen.target),
    )
    return Content(
        "Growth against target",
        f"Mean year-end base pay of all active staff, % on the year before · {_span(chosen)} · "
        f"{_scenarios(results)}",
        frame,
        columns,
        "growth_against_target.csv",
        figure,
        chosen.scenario,
    )


def payroll(results: Sequence[Result], chosen: Result) -> Content:
    """Return the annual payroll by year, from the census on."""
    frame = pd.concat(
        [
            result.growth.assign(scenario=result.scenario, year_end=_calendar(result))[
                ["scenario", "simulation_year", "year_end", "headcount", "payroll", "prorated_payroll"]
            ]
            for result in results
        ],
        ignore_index=True,
    )
    columns = (
        TableColumn("scenario", "Scenario", is_text=True),
        TableColumn("year_end", "End of", str),
        TableColumn("headcount", "Headcount", lambda v: f"{v:,.0f}"),
        TableColumn("payroll", "Annual payroll, $", money),
        TableColumn("prorated_payroll", "Paid in the year, $", money),
    )
    budget = chosen.payroll_budget
    figure = scenario_lines(
        {r.scenario: (_calendar(r), [v / MILLION for v in r.growth["payroll"]]) for r in results},
        chosen=chosen.scenario,
        y_format="$,~f",
        y_title="$ million",
        hover="$,.1f",
        reference=None if budget is None else ("Budget", budget / MILLION),
    )
    return Content(
        "Annual payroll",
        f"Base pay × FTE at year end, $ million · {chosen.census_year} (census)–{chosen.last_year} · "
        f"{_scenarios(results)}",
        frame,
        columns,
        "payroll.csv",
        figure,
        chosen.scenario,
    )


def _calendar(result: Result) -> list[int]:
    """Return calendar years of the growth mart, where the census is year 0."""
    return [int(year) or result.census_year for year in result.growth["simulation_year"]]


def _span(result: Result) -> str:
    return f"{result.years[0]}–{result.last_year}"


def _scenarios(results: Sequence[Result]) -> str:
    return results[0].scenario if len(results) == 1 else f"{len(results)} scenarios"


def comparison(results: Sequence[Result], chosen: Result, year: int) -> Content:
    """Return every published scenario in one year; a scenario with another horizon is left out."""
    shown = [result for result in results if year in result.years]
    frame = pd.DataFrame(
        [
            {"scenario": r.scenario, **r.kpi(year), "target_growth": r.target, "simulation_year": year}
            for r in shown
        ]
    )
    frame["growth_minus_target_pp"] = (frame["growth_compound"] - frame["target_growth"].astype(float)) * PP
    columns = (
        TableColumn("scenario", "Scenario", is_text=True),
        TableColumn("growth_compound", "Annual growth (CAGR) since the census", lambda v: percent(v, 2)),
        TableColumn("growth_minus_target_pp", "Minus target", lambda v: points(v / PP)),
        TableColumn("growth_all", "Growth in the year", lambda v: percent(v, 2)),
        TableColumn("headcount", "Headcount", count),
        TableColumn("payroll", "Annual payroll, $", money),
        TableColumn("payroll_change", "Payroll change, $", lambda v: money(v, sign=True)),
        TableColumn("mean_base_pay", "Mean base pay, $", money),
        TableColumn("mean_compa_ratio", "Compa-ratio", ratio),
        TableColumn("termination_rate", "Turnover", percent),
    )
    missing = len(results) - len(shown)
    lead = html.notice(f"{missing} more do not simulate {year}.") if missing else ""
    return Content(
        "Scenarios side by side",
        f"{year} · {len(shown)} published · the chosen one in bold",
        frame,
        columns,
        f"scenarios_{year}.csv",
        chosen=chosen.scenario,
        lead=lead,
    )


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
        f"End of {year}; movement in {year} · {result.scenario}{note}",
        frame,
        columns,
        f"levels_{result.scenario}_{year}.csv",
    )


def provenance(result: Result) -> dict[str, str]:
    """Return where the figures are from: enough to reproduce them."""
    manifest = result.manifest
    census, versions = manifest["census"], manifest["versions"]
    return {
        "Scenario": result.scenario,
        "Published": moment(str(manifest["published_at"])),
        "Census": f"{census['name']}, {count(census['rows'])} employees as of {census['as_of']}",
        "Census content": str(census["content_hash"]),
        "Fingerprint": result.fingerprint,
        "Horizon": f"{result.years[0]}–{result.last_year}",
        "Versions": ", ".join(f"{name} {number}" for name, number in versions.items()),
    }
