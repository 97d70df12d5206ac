"""The marts of a reference simulation, counted person by person."""

from datetime import date
from fractions import Fraction
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from reference.market import kpis, market_position, means
from reference.pay_equity import kpi_gaps, pay_equity
from reference.people import active, mean_of, money, stayed, years_of
from reference.person_marts import events, increase_bridge, increases, snapshot
from reference.rules import GROUPINGS, Person, completed_years, rounded
from reference.simulate import Simulation

KINDS = ("cola", "drift", "merit", "promotion")
MOMENTS = ("opening", "cola", "merit")
Members = dict[str, list[Person]]  # by moment


def binary_ties(s: Simulation) -> set[tuple[int, str]]:
    """Return whose prorated pay is exactly half a cent, which binary arithmetic may round down."""
    return {
        (year, p["employee_id"])
        for year, people in years_of(s)
        for p in people
        if (p["exact_prorated"] * 100) % 1 == Fraction(1, 2)
    }


def growth(s: Simulation) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    previous_prorated: float | None = None
    for year, people in years_of(s):
        close = active(people)
        opening = [] if year == 0 else [p for p in people if not p["is_hire"]]
        stay = [p for p in people if stayed(p)] if year else []
        mean = mean_of([p["base_pay"] for p in close])
        m0 = mean_of([p["starting_pay"] for p in opening])
        fte_years = sum(p["fte"] * _share_of_year(p, year) for p in people)
        prorated = sum(rounded(p["exact_prorated"]) for p in people)
        prorated_mean = prorated / fte_years if fte_years else None
        row: dict[str, Any] = {
            "simulation_year": year,
            "headcount": len(close),
            "mean_base_pay": money(mean),
            "payroll": money(sum(p["base_pay"] * p["fte"] for p in close)),
            "prorated_payroll": money(prorated),
            "growth_all": money(mean / m0 - 1 if mean and m0 else None),
            "growth_continuing": float("nan"),
            "growth_prorated": float("nan"),
        } | {f"bridge_{k}": float("nan") for k in ("exits", *KINDS, "hires")}
        if stay:
            row["growth_continuing"] = float(
                sum(p["base_pay"] for p in stay) / sum(p["starting_pay"] for p in stay) - 1
            )
        if year and prorated_mean and previous_prorated:
            row["growth_prorated"] = float(prorated_mean / previous_prorated - 1)
        if m0 and mean:
            row |= _bridge(stay, m0, mean)
        rows.append(row)
        previous_prorated = prorated_mean
    return pd.DataFrame(rows)


def _bridge(stay: list[Person], m0: Fraction, m1: Fraction) -> dict[str, float]:
    if not stay:
        return {f"bridge_{k}": 0.0 for k in ("exits", *KINDS)} | {"bridge_hires": float((m1 - m0) / m0)}
    s0, s1 = mean_of([p["starting_pay"] for p in stay]), mean_of([p["base_pay"] for p in stay])
    assert s0 and s1
    parts = {f"bridge_{kind}": float(_delta(stay, kind) / len(stay) / m0) for kind in KINDS}
    return parts | {"bridge_exits": float((s0 - m0) / m0), "bridge_hires": float((m1 - s1) / m0)}


def _delta(people: list[Person], kind: str, by_fte: bool = False) -> Fraction:
    found = [(p["raises"][kind], p["fte"] if by_fte else 1) for p in people if kind in p["raises"]]
    return sum(((r["pay"] - r["previous"]) * weight for r, weight in found), Fraction(0))


def _share_of_year(p: Person, year: int) -> Fraction:
    if year == 0:
        return Fraction(1)
    return Fraction(
        (p["last_day"] - p["first_day"]).days + 1, (date(year, 12, 31) - date(year, 1, 1)).days + 1
    )


def budget(s: Simulation) -> pd.DataFrame:
    rows = []
    for year, people in s.rows.items():
        opening = [p for p in people if not p["is_hire"]]
        close = active(people)
        row = _increases(s, year, dict.fromkeys(MOMENTS, opening))
        row["hire_cost"] = sum((p["base_pay"] * p["fte"] for p in close if p["is_hire"]), Fraction(0))
        row["exit_savings"] = sum((p["base_pay"] * p["fte"] for p in opening if not stayed(p)), Fraction(0))
        factors = {k: _cash_factors(s, k) for k in {p["level_id"] for p in close}}
        paid = [(p["base_pay"] * p["fte"], *factors[p["level_id"]]) for p in close]
        row["total_cash"] = sum((pay * cash for pay, cash, _ in paid), Fraction(0))
        row["employer_cost"] = sum((pay * cost for pay, _, cost in paid), Fraction(0))
        row["payroll_change"] = sum(p["base_pay"] * p["fte"] for p in close) - row["opening_payroll"]
        rows.append({"simulation_year": year} | {k: money(v) for k, v in row.items()})
    return pd.DataFrame(rows)


def _cash_factors(s: Simulation, level: int) -> tuple[Fraction, Fraction]:
    """Return total cash and employer cost of a level as multiples of base pay."""
    cash = 1 + s.rate(f"bonus_rate_level_{level}")
    return cash, rounded(cash * (1 + s.rate(f"employer_cost_rate_level_{level}")), 6)


def increase_budget(s: Simulation) -> pd.DataFrame:
    rows = []
    for year, people in s.rows.items():
        opening = [p for p in people if not p["is_hire"]]
        for attribute in ("all", "level", "department", *GROUPINGS):
            if (
                all(p.get(attribute) is None for rows in s.rows.values() for p in rows)
                and attribute in GROUPINGS
            ):
                continue
            for group, people_at in sorted(_members(s, year, opening, attribute).items()):
                row = _increases(s, year, people_at)
                left = people_at["opening"]
                counts = {
                    "headcount": len(left),
                    "promotions": sum(p["promotion_date"] is not None for p in left),
                }
                rows.append(
                    {"simulation_year": year, "attribute": attribute, "group": group}
                    | counts
                    | _promotion_raises(left)
                    | {"merit_pool": money(_weighted(people_at["merit"], "merit_pool"))}
                    | {k: money(v) for k, v in row.items()}
                )
    return pd.DataFrame(rows)


def _members(s: Simulation, year: int, opening: list[Person], attribute: str) -> dict[str, Members]:
    """Return each group with who counts in it at each moment."""
    found: dict[str, Members] = {}
    for p in opening:
        for moment, group in _groups(s, year, p, attribute).items():
            found.setdefault(group, {m: [] for m in MOMENTS})[moment].append(p)
    return found


def _weighted(people: list[Person], key: str) -> Fraction:
    return sum((p[key] * p["fte"] for p in people), Fraction(0))


def _promotion_raises(people: list[Person]) -> dict[str, float | int | None]:
    promoted = [(p, p["raises"]["promotion"]) for p in people if "promotion" in p["raises"]]
    rates = [raised["rate"] for _, raised in promoted]
    return {
        "promotion_raise_mean": money(mean_of(rates)),
        "promotion_raise_largest": float(max(rates)) if rates else None,
        "promoted_below_range": sum(raised["pay"] < p["ranges"]["minimum"] for p, raised in promoted),
    }


def _groups(s: Simulation, year: int, p: Person, attribute: str) -> dict[str, str]:
    """Return the group in which a person counts at the opening and at either raise."""
    if attribute != "level":
        group = "all" if attribute == "all" else p[attribute] or "not stated"
        return dict.fromkeys(MOMENTS, group)
    rises, opening, level = p["promotion_date"], p["opening_level_id"], p["level_id"]
    cola = level if rises and rises < s.day("cola", year) else opening
    merit = level if rises and rises <= s.day("merit", year) else opening
    return {"opening": str(opening), "cola": str(cola), "merit": str(merit)}


def _increases(s: Simulation, year: int, people_at: Members) -> dict[str, Fraction | None]:
    days = Fraction((date(year, 12, 31) - date(year, 1, 1)).days + 1)
    in_year = sum(
        (
            (p["raises"][k]["pay"] - p["raises"][k]["previous"])
            * p["fte"]
            * ((p["last_day"] - s.day(k, year)).days + 1)
            for k in ("cola", "merit")
            for p in people_at[k]
            if k in p["raises"]
        ),
        Fraction(0),
    )
    cola, merit = (_delta(people_at[kind], kind, by_fte=True) for kind in ("cola", "merit"))
    lump_sum = _weighted(people_at["merit"], "lump_sum")
    promotion = _delta(people_at["opening"], "promotion", by_fte=True)
    drift = _delta(people_at["cola"], "drift", by_fte=True)
    payroll = _weighted(people_at["opening"], "starting_pay")
    cola_payroll = _weighted([p for p in people_at["cola"] if p["due"]["cola"]], "pay_before_cola")
    merit_payroll = _weighted([p for p in people_at["merit"] if p["on_merit_date"]], "pay_before_merit")
    increase = cola + merit + lump_sum
    rate = (cola / cola_payroll if cola_payroll else 0) + (
        (merit + lump_sum) / merit_payroll if merit_payroll else 0
    )
    return {
        "increase_rate": rate if cola_payroll or merit_payroll else None,
        "increase_cost": increase,
        "increase_cost_in_year": in_year / days + lump_sum,
        "increase_share_of_opening_payroll": increase / payroll if payroll else None,
        "opening_payroll": payroll,
        "cola_cost": cola,
        "merit_cost": merit,
        "lump_sum_cost": lump_sum,
        "drift_cost": drift,
        "drift_rate": drift / payroll if payroll else None,
        "promotion_cost": promotion,
        "promotion_rate_of_payroll": promotion / payroll if payroll else None,
    }


def level_summary(s: Simulation) -> pd.DataFrame:
    rows = []
    for year, people in years_of(s):
        for level in sorted({p["level_id"] for p in people}):
            here = [p for p in people if p["level_id"] == level]
            close = active(here)
            pay = [p["base_pay"] for p in close]
            mean = mean_of(pay)
            squares = sum((x / mean - 1) ** 2 for x in pay) / len(pay) if mean else None
            compa = [p["base_pay"] / p["ranges"]["midpoint"] for p in close]
            rows.append(
                {
                    "simulation_year": year,
                    "level_id": level,
                    "headcount": len(close),
                    "hires": sum(p["is_hire"] for p in here),
                    "terminations": len(here) - len(close),
                    "promotions_in": sum(p["promotion_date"] is not None for p in here),
                    "mean_base_pay": money(mean),
                    "median_base_pay": money(median(pay) if pay else None),
                    "cv": money(squares) ** 0.5,
                    "mean_compa_ratio": money(mean_of(compa)),
                    "below_minimum": sum(p["base_pay"] < p["ranges"]["minimum"] for p in close),
                    "above_maximum": sum(p["base_pay"] >= p["ranges"]["maximum"] for p in close),
                    **means(s, year, close),
                }
            )
    return pd.DataFrame(rows)


def scenario_kpis(s: Simulation, marts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    by_year = marts["fct_compensation_growth"].merge(
        marts["fct_budget"].drop(columns="opening_payroll"), on="simulation_year"
    )
    first = float(marts["fct_compensation_growth"].mean_base_pay[0])
    levels, equity = marts["fct_level_summary"], marts["fct_pay_equity"]
    rows = []
    for n, row in enumerate(by_year.to_dict("records"), 1):
        year = row["simulation_year"]
        people = s.rows[year]
        close, stay = active(people), [p for p in people if stayed(p)]
        opening = sum(not p["is_hire"] for p in people)
        reasons = [p["termination_reason"] for p in people]
        raises = [float(p["base_pay"] / p["starting_pay"] - 1) for p in stay]
        here = levels[(levels.simulation_year == year) & (levels.headcount > 0)]
        promotions = sum(p["promotion_date"] is not None for p in people)
        hires = sum(p["is_hire"] for p in people)
        some = len(close) > 0
        rows.append(
            row
            | {
                "opening_headcount": opening,
                "hires": hires,
                "terminations": len(people) - len(close),
                "experienced_terminations": reasons.count("voluntary"),
                "new_hire_terminations": reasons.count("new_hire"),
                "reductions": reasons.count("reduction"),
                "promotions": promotions,
                **_promotion_raises(people),
                "median_base_pay": money(median(p["base_pay"] for p in close) if some else None),
                "growth_compound": (row["mean_base_pay"] / first) ** (1 / n) - 1,
                "within_level_cv": np.average(here.cv, weights=here.headcount) if some else None,
                **kpi_gaps(close, equity[equity.simulation_year == year]),
                "mean_compa_ratio": np.average(here.mean_compa_ratio, weights=here.headcount)
                if some
                else None,
                "below_minimum": here.below_minimum.sum(),
                "above_maximum": here.above_maximum.sum(),
                **kpis(s, year, close),
                "raise_min": min(raises, default=None),
                "raise_max": max(raises, default=None),
                "termination_rate": reasons.count("voluntary") / opening if opening else None,
                "promotion_rate": promotions / opening if opening else None,
                "turnover_total": 2 * (len(people) - len(close)) / (opening + len(close))
                if opening + len(close)
                else None,
                "turnover_voluntary": reasons.count("voluntary") / opening if opening else None,
                "turnover_first_year": sum(
                    p["termination_date"] is not None
                    and completed_years(p["hire_date"], p["termination_date"]) == 0
                    for p in people
                )
                / hires
                if hires
                else None,
            }
        )
    return pd.DataFrame(rows)


def all_marts(s: Simulation) -> dict[str, pd.DataFrame]:
    marts = {
        "fct_yearly_events": events(s),
        "fct_workforce_snapshot": snapshot(s),
        "fct_compensation_growth": growth(s),
        "fct_budget": budget(s),
        "fct_increase_budget": increase_budget(s),
        "fct_increase_bridge": increase_bridge(s),
        "fct_increases": increases(s),
        "fct_level_summary": level_summary(s),
        "fct_market_position": market_position(s),
        "fct_pay_equity": pay_equity(s),
    }
    return marts | {"fct_scenario_kpis": scenario_kpis(s, marts)}
