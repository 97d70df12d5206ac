"""What the cards show of levels and of the people who are affected; small groups come suppressed."""

from typing import Any

import pandas as pd

from ui.components.card import Content
from ui.components.charts import two_bars
from ui.components.html import Column
from ui.components.point_charts import intervals
from ui.live_preview.values import Affected, Impact
from ui.values.formatting import NOT_AVAILABLE, count, level, money, percent, points
from ui.values.results import SUPPRESSED_UNDER

PP = 100.0
DIMENSIONS = {"level": "Level", "department": "Department", "gender": "Gender"}
EVERYBODY = "Everybody"


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
    figure = two_bars(
        [f"L{number}" for number in shown["level_id"]],
        (name, [_or_none(value) for value in shown["growth_base"]]),
        [_or_none(value) for value in shown["growth"]],
        y_format=".1%",
        y_title=f"Growth in {year}",
        hover=".2%",
    )
    return Content(
        "Levels",
        f"Growth of mean base pay by level in {year}, % on the year before; the table has every year · "
        f"against {name} · groups under {SUPPRESSED_UNDER} people are not shown",
        frame,
        (
            Column("simulation_year", "End of", str),
            Column("level_id", "Level", level, is_text=True),
            Column("headcount", "Headcount", count),
            Column("headcount_difference", "Difference", _signed_count),
            Column("mean_base_pay", "Mean base pay, $", money),
            Column("mean_base_pay_difference", "Difference, $", lambda v: money(v, sign=True)),
            Column("growth", "Growth", lambda v: percent(v, 2)),
            Column("growth_difference_pp", "Difference", lambda v: points(_times(v, 1 / PP))),
        ),
        "what_if_levels.csv",
        figure,
        year,
    )


def affected(name: str, impact: Impact, dimension: str) -> Content:
    """Return who earns more and who less at the end of the horizon, by groups of one dimension."""
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
        {"name": _member(g), "value": g.median, "low": g.p10, "high": g.p90, "text": _spoken(g)}
        for g in (impact.everybody, *groups)
        if g.median is not None
    ]
    return Content(
        "Who is affected",
        f"Change of annual base pay at the end of {impact.year} of those whose pay differs, median and "
        f"P10–P90, $ · against {name}",
        frame,
        (
            Column("group", DIMENSIONS[dimension], str),
            Column("people_compared", "People compared", count),
            Column("earn_more", "Earn more", count),
            Column("earn_less", "Earn less", count),
            Column("median_change", "Median change, $", lambda v: money(v, sign=True)),
            Column("p10_change", "P10, $", lambda v: money(v, sign=True)),
            Column("p90_change", "P90, $", lambda v: money(v, sign=True)),
            Column("median_change_rate", "Median change", lambda v: percent(v, 2, sign=True)),
        ),
        f"what_if_affected_by_{dimension}.csv",
        intervals(
            marks,
            x_title=f"Change of base pay at the end of {impact.year}, $ a year",
            x_format="$,~s",
            zero_based=True,
        ),
        EVERYBODY,
        _lead(impact),
    )


def _lead(impact: Impact) -> str:
    """Return the whole in one sentence; figures only, so nothing to escape."""
    whole = impact.everybody
    if whole.compared is None:
        return ""
    if not whole.winners and not whole.losers:
        return f'<p class="card-subtitle">Nobody\'s pay differs at the end of {impact.year}.</p>'
    same = whole.compared - (whole.winners or 0) - (whole.losers or 0)
    moved = ""
    if impact.only_before or impact.only_after:
        moved = (
            f" {count(impact.only_before)} are active in the base only and {count(impact.only_after)} in the "
            "what-if only: they are not compared."
        )
    return (
        f'<p class="card-subtitle"><b class="good">{count(whole.winners)} earn more</b>, '
        f'<b class="bad">{count(whole.losers)} earn less</b>, {count(same)} the same.{moved}</p>'
    )


def _member(group: Affected) -> str:
    if group.dimension == "everybody":
        return EVERYBODY
    return level(int(group.member)) if group.dimension == "level" else group.member


def _spoken(group: Affected) -> str:
    median = f"{money(group.median, sign=True)} ({percent(group.median_rate, 2, sign=True)})"
    return (
        f"{_member(group)}: median {median}, "
        f"P10 {money(group.p10, sign=True)}, P90 {money(group.p90, sign=True)}; "
        f"{count(group.winners)} more, {count(group.losers)} less"
    )


def _signed_count(value: Any) -> str:
    text = count(value)
    return f"+{text}" if text != NOT_AVAILABLE and float(value) > 0 else text


def _difference(old: float | None, new: float | None) -> float | None:
    return None if old is None or new is None else new - old


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _or_none(value: Any) -> float | None:
    return None if value is None or value != value else float(value)
