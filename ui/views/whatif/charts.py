"""What the cards show of both simulations: growth, payroll and the growth bridge."""

import pandas as pd

from ui.components.card import Content
from ui.components.charts import WHAT_IF, two_lines, two_waterfalls
from ui.components.html import Column
from ui.values.formatting import goal, money, percent, points
from ui.values.results import BRIDGE
from ui.views.whatif.strip import Side

PP = 100.0
MILLION = 1e6
WITH_GROWTH = {**BRIDGE, "growth_all": "Growth"}


def growth(name: str, base: Side, now: Side, target: float | None) -> Content:
    """Return growth of mean base pay by year on both sides, against the target."""
    frame = _by_year(base, now, "growth_all")
    frame["difference_pp"] = (frame["what_if"] - frame["base"]) * PP
    frame["target_growth"] = target
    figure = two_lines(
        now.years,
        (name, _values(base, "growth_all")),
        _values(now, "growth_all"),
        y_format=".1%",
        y_title="Growth in the year",
        hover=".2%",
        reference=None if target is None else (f"Target {goal(target)}", target),
    )
    return Content(
        "Growth by year",
        f"Mean year-end base pay, % on the year before · against {name}",
        frame,
        (
            Column("simulation_year", "Year", str),
            Column("base", name, lambda v: percent(v, 2)),
            Column("what_if", WHAT_IF, lambda v: percent(v, 2)),
            Column("difference_pp", "Difference", lambda v: points(v / PP)),
            Column("target_growth", "Target", lambda v: percent(v, 2)),
        ),
        "what_if_growth.csv",
        figure,
    )


def payroll(name: str, base: Side, now: Side, budget: float | None) -> Content:
    """Return the annual payroll by year on both sides, against the budget."""
    frame = _by_year(base, now, "payroll")
    frame["difference"] = frame["what_if"] - frame["base"]
    frame["payroll_budget"] = budget
    figure = two_lines(
        now.years,
        (name, [value / MILLION for value in _values(base, "payroll") if value is not None]),
        [value / MILLION for value in _values(now, "payroll") if value is not None],
        y_format="$,~f",
        y_title="$ million",
        hover="$,.1f",
        reference=None if budget is None else ("Budget", budget / MILLION),
    )
    return Content(
        "Annual payroll by year",
        f"Base pay × FTE at year end, $ million · against {name}",
        frame,
        (
            Column("simulation_year", "End of", str),
            Column("base", f"{name}, $", money),
            Column("what_if", f"{WHAT_IF}, $", money),
            Column("difference", "Difference, $", lambda v: money(v, sign=True)),
            Column("payroll_budget", "Budget, $", money),
        ),
        "what_if_payroll.csv",
        figure,
    )


def bridge(name: str, base: Side, now: Side, year: int, target: float | None) -> Content:
    """Return what growth of mean pay is made of in one year, on both sides; the parts sum to it exactly."""
    frame = pd.DataFrame(
        [
            {
                "simulation_year": year,
                "part": text,
                "base": float(old[part]),
                "what_if": float(new[part]),
                "difference_pp": (float(new[part]) - float(old[part])) * PP,
            }
            for year in now.years
            for old, new in [(base.of(year), now.of(year))]
            for part, text in WITH_GROWTH.items()
        ]
    )
    shown = frame[frame["simulation_year"] == year]
    texts = [
        percent(value, 2) if text == WITH_GROWTH["growth_all"] else points(value)
        for text, value in zip(shown["part"], shown["what_if"], strict=True)
    ]
    figure = two_waterfalls(
        list(WITH_GROWTH.values()),
        (name, list(shown["base"])),
        list(shown["what_if"]),
        texts,
        target=None if target is None else (f"Target {goal(target)}", target),
    )
    return Content(
        "Growth bridge",
        f"What moves mean base pay in {year}, percentage points · against {name}",
        frame,
        (
            Column("simulation_year", "Year", str),
            Column("part", "Part", str, is_text=True),
            Column("base", name, points),
            Column("what_if", WHAT_IF, points),
            Column("difference_pp", "Difference", lambda v: points(v / PP)),
        ),
        "what_if_growth_bridge.csv",
        figure,
        year,
    )


def _by_year(base: Side, now: Side, name: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "simulation_year": list(now.years),
            "base": _values(base, name),
            "what_if": _values(now, name),
        }
    ).astype({"base": float, "what_if": float})


def _values(side: Side, name: str) -> list[float | None]:
    return [None if kpi[name] is None else float(kpi[name]) for kpi in side.kpis]
