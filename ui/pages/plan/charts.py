"""Charts of the draft against its base with the tables behind them: years, bridge, levels, people, levers."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd

from planwise.formatting import count, exact_percent, level, money, percent, points, ratio
from planwise.parameters import EffectiveParameters, Lever
from planwise.parameters.catalogue import Unit
from ui.components.card import Content
from ui.components.charts import (
    BASE_COLOR,
    DRAFT,
    PALETTE,
    TOTAL,
    Series,
    bars,
    lines,
    ranked,
    two_waterfalls,
)
from ui.components.html import TableColumn
from ui.components.point_charts import intervals
from ui.live_preview.values import Affected, Impact
from ui.pages.plan.tiles import Side
from ui.values.parameter_text import full_label
from ui.values.results import SMALL_NOT_SHOWN, parts_of_growth

PP = 100.0
MILLION = 1e6
DIMENSIONS = {"level": "Level", "department": "Department", "gender": "Gender"}
ALL_EMPLOYEES = "All employees"
STEP_TEXTS = {Unit.RATE: "+1 pp", Unit.MULTIPLIER: "+0.01×"}


def growth(name: str, base: Side, now: Side, target: float | None) -> Content:
    """Return growth of mean base pay by year on both sides, against the target."""
    frame = _by_year(base, now, "growth_all")
    frame["difference_pp"] = (frame["draft"] - frame["base"]) * PP
    frame["target_growth"] = target
    figure = lines(
        [str(year) for year in now.years],
        _sides(name, frame, partial(percent, decimals=2)),
        y_format=".1%",
        y_title="Growth in the year",
        reference=None if target is None else (f"Target {exact_percent(target)}", target),
    )
    return Content(
        "Growth by year",
        f"Mean year-end base pay, % on the year before · against {name}",
        frame,
        (
            TableColumn("simulation_year", "Year", str),
            TableColumn("base", name, lambda v: percent(v, 2)),
            TableColumn("draft", DRAFT, lambda v: percent(v, 2)),
            TableColumn("difference_pp", "Difference", lambda v: points(v / PP)),
            TableColumn("target_growth", "Target", lambda v: percent(v, 2)),
        ),
        "draft_growth.csv",
        figure,
    )


def payroll(name: str, base: Side, now: Side, budget: float | None) -> Content:
    """Return the annual payroll by year on both sides, against the budget."""
    frame = _by_year(base, now, "payroll")
    frame["difference"] = frame["draft"] - frame["base"]
    frame["payroll_budget"] = budget
    figure = lines(
        [str(year) for year in now.years],
        _sides(name, frame[["base", "draft"]] / MILLION, lambda value: f"{ratio(value, 1)} million"),
        y_format="$,~f",
        y_title="$ million",
        reference=None if budget is None else ("Budget", budget / MILLION),
    )
    return Content(
        "Annual payroll by year",
        f"Base pay × FTE at year end, $ million · against {name}",
        frame,
        (
            TableColumn("simulation_year", "End of", str),
            TableColumn("base", f"{name}, $", money),
            TableColumn("draft", f"{DRAFT}, $", money),
            TableColumn("difference", "Difference, $", lambda v: money(v, sign=True)),
            TableColumn("payroll_budget", "Budget, $", money),
        ),
        "draft_payroll.csv",
        figure,
    )


def bridge(name: str, base: Side, now: Side, year: int, target: float | None) -> Content:
    """Return what growth of mean pay is made of in one year, on both sides; the parts sum to it exactly."""
    sides = pd.DataFrame([side.of(year) for side in (base, now) for year in now.years])
    parts = {**parts_of_growth(sides), "growth_all": "Growth"}
    frame = pd.DataFrame(
        [
            {
                "simulation_year": year,
                "part": text,
                "base": float(old[part]),
                "draft": float(new[part]),
                "difference_pp": (float(new[part]) - float(old[part])) * PP,
            }
            for year in now.years
            for old, new in [(base.of(year), now.of(year))]
            for part, text in parts.items()
        ]
    )
    shown = frame[frame["simulation_year"] == year]
    texts = [ratio(value * PP, sign=True) for value in shown["draft"][:-1]]  # short: bars are narrow
    figure = two_waterfalls(
        list(parts.values()),
        (name, list(shown["base"])),
        list(shown["draft"]),
        [*texts, percent(shown["draft"].iloc[-1], 2)],
        target=None if target is None else (f"Target {exact_percent(target)}", target),
    )
    return Content(
        "Growth bridge",
        f"What moves mean base pay in {year}, percentage points · against {name}",
        frame,
        (
            TableColumn("simulation_year", "Year", str),
            TableColumn("part", "Part", str, is_text=True),
            TableColumn("base", name, points),
            TableColumn("draft", DRAFT, points),
            TableColumn("difference_pp", "Difference", lambda v: points(v / PP)),
        ),
        "draft_growth_bridge.csv",
        figure,
        year,
    )


def levels(name: str, impact: Impact, year: int) -> Content:
    """Return headcount, mean pay and growth by year and level on both sides."""
    frame = pd.DataFrame(
        [
            {
                "simulation_year": row.simulation_year,
                "level_id": row.level_id,
                "headcount_base": row.headcount_before,
                "headcount": row.headcount,
                "headcount_difference": row.headcount - row.headcount_before,
                "mean_base_pay_base": row.mean_base_pay_before,
                "mean_base_pay": row.mean_base_pay,
                "mean_base_pay_difference": _difference(row.mean_base_pay_before, row.mean_base_pay),
                "growth_base": row.growth_before,
                "growth": row.growth,
                "growth_difference_pp": _times(_difference(row.growth_before, row.growth), PP),
            }
            for row in impact.levels
        ]
    )
    shown = frame[frame["simulation_year"] == year]
    sides = shown.rename(columns={"growth_base": "base", "growth": "draft"})
    figure = bars(
        [f"L{number}" for number in shown["level_id"]],
        _sides(name, sides, partial(percent, decimals=2)),
        y_format=".1%",
        y_title=f"Growth in {year}",
    )
    return Content(
        "Levels",
        f"Growth of mean base pay by level in {year}, % on the year before; the table has every year · "
        f"against {name} · {SMALL_NOT_SHOWN}",
        frame,
        (
            TableColumn("simulation_year", "End of", str),
            TableColumn("level_id", "Level", level, is_text=True),
            TableColumn("headcount", "Headcount", count),
            TableColumn("headcount_difference", "Difference", partial(count, sign=True)),
            TableColumn("mean_base_pay", "Mean base pay, $", money),
            TableColumn("mean_base_pay_difference", "Difference, $", lambda v: money(v, sign=True)),
            TableColumn("growth", "Growth", lambda v: percent(v, 2)),
            TableColumn("growth_difference_pp", "Difference", lambda v: points(_times(v, 1 / PP))),
        ),
        "draft_levels.csv",
        figure,
        year,
    )


def affected(name: str, impact: Impact, dimension: str) -> Content:
    """Return how many earn more and less at the end of the last year, by groups of one dimension."""
    groups = [group for group in impact.groups if group.dimension == dimension]
    frame = pd.DataFrame(
        [
            {
                "group": _member(group),
                "people_compared": group.compared,
                "earn_more": group.winners,
                "earn_less": group.losers,
                "p10_change": group.p10,
                "median_change": group.median,
                "p90_change": group.p90,
                "median_change_rate": group.median_rate,
            }
            for group in (impact.everybody, *groups)
        ]
    )
    marks = [
        {"name": _member(g), "value": g.median, "low": g.p10, "high": g.p90, "text": _hover(g)}
        for g in (impact.everybody, *groups)
        if g.median is not None
    ]
    return Content(
        "Who is affected",
        f"Change of annual base pay at the end of {impact.year} of those whose pay differs, median and "
        f"P10–P90, $ · against {name}",
        frame,
        (
            TableColumn("group", DIMENSIONS[dimension], str),
            TableColumn("people_compared", "People compared", count),
            TableColumn("earn_more", "Earn more", count),
            TableColumn("earn_less", "Earn less", count),
            TableColumn("median_change", "Median change, $", lambda v: money(v, sign=True)),
            TableColumn("p10_change", "P10, $", lambda v: money(v, sign=True)),
            TableColumn("p90_change", "P90, $", lambda v: money(v, sign=True)),
            TableColumn("median_change_rate", "Median change", lambda v: percent(v, 2, sign=True)),
        ),
        f"draft_affected_by_{dimension}.csv",
        intervals(marks, x_title="Change of base pay, $ a year", x_format="$,~s", zero_based=True),
        ALL_EMPLOYEES,
        _lead(impact),
    )


def effect_texts(slopes: Mapping[str, float], effective: EffectiveParameters) -> dict[str, str]:
    """Return each lever's effect as a text: +0.10 pp of annual growth per +1 pp."""
    levers = effective.declared.levers
    return {
        name: f"{points(slope / PP)} of annual growth per {STEP_TEXTS[levers[name].unit]}"
        for name, slope in slopes.items()
        if name in levers
    }


def effects(slopes: Mapping[str, float], effective: EffectiveParameters, scenario: str) -> Content:
    """Return the levers by their effect on growth, the strongest first; slopes are in points per step."""
    levers: list[Lever] = sorted(
        (effective.declared.levers[name] for name in slopes), key=lambda lever: -abs(slopes[lever.name])
    )
    frame = pd.DataFrame(
        [
            {
                "lever": lever.name,
                "label": full_label(lever),
                "step": STEP_TEXTS[lever.unit],
                "growth_pp_per_step": slopes[lever.name],
            }
            for lever in levers
        ]
    )
    columns = (
        TableColumn("label", "Lever", is_text=True),
        TableColumn("step", "Step", is_text=True),
        TableColumn("growth_pp_per_step", "Annual growth, pp per step", lambda pp: points(pp / PP, 3)),
    )
    values = [slopes[lever.name] for lever in levers]
    names = [full_label(lever).replace(" rate", "").replace("Promotion", "Prom.") for lever in levers]
    return Content(
        "Effect of each lever on growth",
        f"Annual growth of mean base pay, pp per +1 pp of a rate or +0.01× of a multiplier in all years · "
        f"{effective.years[0]}–{effective.years[-1]} · {scenario} · every employee simulated",
        frame,
        columns,
        "lever_effects.csv",
        ranked(names, values, [points(value / PP) for value in values], PALETTE[0], x_format=".2f"),
    )


def _sides(name: str, frame: pd.DataFrame, write: Callable[[Any], str]) -> list[Series]:
    """Return the base (grey, dashed) and the draft, columns of a frame, as series."""
    values = {side: [None if v != v else v for v in frame[side]] for side in ("base", "draft")}
    texts = {side: [write(v) for v in frame[side]] for side in values}
    return [
        Series(name, values["base"], texts["base"], BASE_COLOR, "dash"),
        Series(DRAFT, values["draft"], texts["draft"], TOTAL),
    ]


def _by_year(base: Side, now: Side, name: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"simulation_year": list(now.years), "base": _values(base, name), "draft": _values(now, name)}
    ).astype({"base": float, "draft": float})


def _values(side: Side, name: str) -> list[float | None]:
    return [None if kpi[name] is None else float(kpi[name]) for kpi in side.kpis]


def _lead(impact: Impact) -> str:
    """Return the whole in one sentence; figures only, so nothing to escape."""
    whole = impact.everybody
    if whole.compared is None:
        return ""
    if not whole.winners and not whole.losers:
        return f'<p class="card-subtitle">No one\'s pay differs at the end of {impact.year}.</p>'
    same = whole.compared - (whole.winners or 0) - (whole.losers or 0)
    moved = ""
    if impact.only_before or impact.only_after:
        moved = (
            f" {count(impact.only_before)} are active in the base only and {count(impact.only_after)} in the "
            "draft only: they are not compared."
        )
    return (
        f'<p class="card-subtitle"><b class="good">{count(whole.winners)} earn more</b>, '
        f'<b class="bad">{count(whole.losers)} earn less</b>, {count(same)} the same.{moved}</p>'
    )


def _member(group: Affected) -> str:
    if group.dimension == "everybody":
        return ALL_EMPLOYEES
    return level(int(group.member)) if group.dimension == "level" else group.member


def _hover(group: Affected) -> str:
    median = f"{money(group.median, sign=True)} ({percent(group.median_rate, 2, sign=True)})"
    return (
        f"{_member(group)}: median {median}, "
        f"P10 {money(group.p10, sign=True)}, P90 {money(group.p90, sign=True)}; "
        f"{count(group.winners)} more, {count(group.losers)} less"
    )


def _difference(old: float | None, new: float | None) -> float | None:
    return None if old is None or new is None else new - old


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
