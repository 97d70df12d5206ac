"""The marts of a reference simulation, counted person by person."""

from collections import defaultdict
from datetime import date
from fractions import Fraction
from math import log
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from reference.simulate import Person, Simulation, completed_years, rounded, years_between

KINDS = ("cola", "merit", "promotion")
EVENT_ORDER = ("HIRE", "COLA", "PROMOTION", "MERIT", "TERMINATION")
SMALLEST_GROUP = 10


def money(value: Fraction | None) -> float:
    return float("nan") if value is None else float(value)


def stayed(person: Person) -> bool:
    return not person["is_hire"] and person["termination_date"] is None


def active(people: list[Person]) -> list[Person]:
    return [p for p in people if p["termination_date"] is None]


def census_year(s: Simulation) -> list[Person]:
    """Return the census as people of year 0."""
    return [
        p
        | {
            "is_hire": False,
            "termination_date": None,
            "promotion_date": None,
            "first_day": None,
            "last_day": s.as_of,
            "starting_pay": p["base_pay"],
            "exact_prorated": p["base_pay"] * p["fte"],
            "ranges": s.levels[p["level_id"]] | {"market": s.levels[p["level_id"]]["midpoint"]},
            "raises": {},
            "lump_sum": Fraction(0),
        }
        for p in s.census
    ]


def events(s: Simulation) -> pd.DataFrame:
    return pd.DataFrame([e for year, people in s.rows.items() for p in people for e in _events(s, year, p)])


def _events(s: Simulation, year: int, p: Person) -> list[dict[str, Any]]:
    found = []
    opening, level, rises = p["opening_level_id"], p["level_id"], p["promotion_date"]

    def at(kind: str) -> int:
        """Return the level a raise finds; on one day, COLA comes first, then the promotion, then merit."""
        day = s.day(kind, year)
        risen = rises is None or rises < day or (kind == "merit" and rises == day)
        return level if risen else opening

    def add(event_type: str, reason: str, when: date, levels: tuple[Any, Any], pay: Any, **more: Any) -> None:
        found.append(
            {
                "event_id": f"{year}/{p['employee_id']}/{event_type}/{reason}",
                "employee_id": p["employee_id"],
                "simulation_year": year,
                "event_type": event_type,
                "event_reason": reason,
                "effective_date": when,
                "previous_level_id": levels[0],
                "level_id": levels[1],
                "compensation_amount": money(pay),
                "previous_compensation": money(more.get("previous")),
                "applied_rate": money(more.get("rate")),
                "probability": more.get("probability"),
                "draw": more.get("draw"),
                "order": (when, EVENT_ORDER.index(reason if event_type == "RAISE" else event_type)),
            }
        )

    if p["is_hire"]:
        add("HIRE", "growth", p["hire_date"], (None, level), p["starting_pay"])
    for kind in ("cola", "merit"):
        r = p["raises"].get(kind)
        if r and r["pay"] != r["previous"]:
            add(
                "RAISE",
                kind.upper(),
                s.day(kind, year),
                (at(kind), at(kind)),
                r["pay"],
                previous=r["previous"],
                rate=r["rate"],
            )
    if rises:
        r = p["raises"]["promotion"]
        drawn = {"probability": p["promotion_probability"], "draw": p["promotion_draw"]}
        add(
            "PROMOTION",
            "promotion",
            rises,
            (opening, level),
            r["pay"],
            previous=r["previous"],
            rate=r["rate"],
            **drawn,
        )
    if p["termination_date"]:
        drawn = {"probability": p["termination_probability"], "draw": p["termination_draw"]}
        reason = p["termination_reason"]
        add(
            "TERMINATION",
            reason,
            p["termination_date"],
            (level, level),
            p["base_pay"],
            previous=p["base_pay"],
            **drawn,
        )
    found.sort(key=lambda e: e.pop("order"))
    return [e | {"event_sequence": n} for n, e in enumerate(found, 1)]


def snapshot(s: Simulation) -> pd.DataFrame:
    return pd.DataFrame([_status(year, p) for year, people in _years(s) for p in people])


def _status(year: int, p: Person) -> dict[str, Any]:
    stays = p["termination_date"] is None
    status = {
        (True, True): "new_hire_active",
        (True, False): "new_hire_termination",
        (False, True): "continuous_active",
        (False, False): "experienced_termination",
    }[p["is_hire"], stays]
    low, mid, high = (p["ranges"][k] for k in ("minimum", "midpoint", "maximum"))
    kept = ("employee_id", "level_id", "job_title", "department", "gender", "hire_date", "performance_rating")
    return {k: p[k] for k in kept} | {
        "simulation_year": year,
        "employment_status": status,
        "termination_date": p["termination_date"],
        "age": p["birth_date"] and completed_years(p["birth_date"], p["last_day"]),
        "tenure_years": years_between(p["hire_date"], p["last_day"]),
        "fte": float(p["fte"]),
        "opening_base_pay": money(None if p["is_hire"] else p["starting_pay"]),
        "base_pay": money(p["base_pay"]),
        "prorated_pay": money(rounded(p["exact_prorated"])),
        "market_reference": money(p["ranges"]["market"]),
        "compa_ratio": float(p["base_pay"] / mid),
        "range_penetration": float((p["base_pay"] - low) / (high - low)),
    }


def binary_ties(s: Simulation) -> set[tuple[int, str]]:
    """Return whose prorated pay is exactly half a cent, which binary arithmetic may round down."""
    return {
        (year, p["employee_id"])
        for year, people in _years(s)
        for p in people
        if (p["exact_prorated"] * 100) % 1 == Fraction(1, 2)
    }


def _years(s: Simulation) -> list[tuple[int, list[Person]]]:
    return [(0, census_year(s)), *s.rows.items()]


def growth(s: Simulation) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    previous_prorated: float | None = None
    for year, people in _years(s):
        close = active(people)
        opening = [] if year == 0 else [p for p in people if not p["is_hire"]]
        stay = [p for p in people if stayed(p)] if year else []
        mean = _mean([p["base_pay"] for p in close])
        m0 = _mean([p["starting_pay"] for p in opening])
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
    s0, s1 = _mean([p["starting_pay"] for p in stay]), _mean([p["base_pay"] for p in stay])
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


def _mean(values: list[Fraction]) -> Fraction | None:
    return sum(values, Fraction(0)) / len(values) if values else None


def budget(s: Simulation) -> pd.DataFrame:
    rows = []
    for year, people in s.rows.items():
        stay = [p for p in people if stayed(p)]
        opening = [p for p in people if not p["is_hire"]]
        close = active(people)
        row = {f"{kind}_cost": _delta(stay, kind, by_fte=True) for kind in KINDS}
        row["hire_cost"] = sum((p["base_pay"] * p["fte"] for p in close if p["is_hire"]), Fraction(0))
        row["exit_savings"] = sum(
            (p["starting_pay"] * p["fte"] for p in opening if not stayed(p)), Fraction(0)
        )
        change = sum(p["base_pay"] * p["fte"] for p in close) - sum(
            p["starting_pay"] * p["fte"] for p in opening
        )
        rows.append(
            {"simulation_year": year}
            | {k: money(v) for k, v in row.items()}
            | {"payroll_change": money(change)}
        )
    return pd.DataFrame(rows)


def level_summary(s: Simulation) -> pd.DataFrame:
    rows = []
    for year, people in _years(s):
        for level in sorted({p["level_id"] for p in people}):
            here = [p for p in people if p["level_id"] == level]
            close = active(here)
            pay = [p["base_pay"] for p in close]
            mean = _mean(pay)
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
                    "mean_compa_ratio": money(_mean(compa)),
                    "below_minimum": sum(p["base_pay"] < p["ranges"]["minimum"] for p in close),
                    "above_maximum": sum(p["base_pay"] >= p["ranges"]["maximum"] for p in close),
                }
            )
    return pd.DataFrame(rows)


def pay_equity(s: Simulation) -> pd.DataFrame:
    """Return the gaps; the adjusted one as a regression with a fixed effect for every cell."""
    rows = []
    for attribute in ("gender", "ethnicity"):
        reference = _largest([p[attribute] for p in s.census if p[attribute] is not None])
        for year, people in _years(s):
            groups = defaultdict(list)
            for p in active(people):
                if p[attribute] is not None:
                    groups[p[attribute]].append(p)
            base = groups.get(reference, [])
            for group, members in groups.items():
                if len(members) < SMALLEST_GROUP:
                    continue
                raw = adjusted = None
                if len(base) >= SMALLEST_GROUP:
                    raw = float(np.mean(_logs(base)) - np.mean(_logs(members)))
                    adjusted = 0.0 if group == reference else _regression(base, members)
                rows.append(
                    {
                        "simulation_year": year,
                        "attribute": attribute,
                        "group": group,
                        "headcount": len(members),
                        "mean_base_pay": money(_mean([p["base_pay"] for p in members])),
                        "raw_gap": raw,
                        "adjusted_gap": adjusted,
                    }
                )
    columns = [
        "simulation_year",
        "attribute",
        "group",
        "headcount",
        "mean_base_pay",
        "raw_gap",
        "adjusted_gap",
    ]
    return pd.DataFrame(rows, columns=columns).astype({"raw_gap": float, "adjusted_gap": float})


def _largest(groups: list[str]) -> str | None:
    return min(set(groups), key=lambda g: (-groups.count(g), g)) if groups else None


def _logs(people: list[Person]) -> list[float]:
    return [log(p["base_pay"]) for p in people]


def _cell(p: Person) -> tuple[Any, ...]:
    days = (p["last_day"] - p["hire_date"]).days
    return p["level_id"], p["department"], sum(days >= years * 365.25 for years in (1, 3, 6, 11))


def _regression(base: list[Person], members: list[Person]) -> float | None:
    shared = {_cell(p) for p in base} & {_cell(p) for p in members}
    if not shared:
        return None
    people = pd.DataFrame({"cell": [_cell(p) for p in base + members], "log_pay": _logs(base + members)})
    people["member"] = [0.0] * len(base) + [1.0] * len(members)
    within = people[["log_pay", "member"]] - people.groupby("cell")[["log_pay", "member"]].transform("mean")
    return -float((within.log_pay * within.member).sum() / (within.member**2).sum())


def scenario_kpis(s: Simulation, marts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    by_year = marts["fct_compensation_growth"].merge(marts["fct_budget"], on="simulation_year")
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
        gaps = equity[equity.simulation_year == year].adjusted_gap.abs()
        promotions = sum(p["promotion_date"] is not None for p in people)
        some = len(close) > 0
        rows.append(
            row
            | {
                "opening_headcount": opening,
                "hires": sum(p["is_hire"] for p in people),
                "terminations": len(people) - len(close),
                "experienced_terminations": reasons.count("voluntary"),
                "new_hire_terminations": reasons.count("new_hire"),
                "reductions": reasons.count("reduction"),
                "promotions": promotions,
                "median_base_pay": money(median(p["base_pay"] for p in close) if some else None),
                "growth_compound": (row["mean_base_pay"] / first) ** (1 / n) - 1,
                "lump_sum_cost": money(sum((p["lump_sum"] * p["fte"] for p in people), Fraction(0))),
                "within_level_cv": np.average(here.cv, weights=here.headcount) if some else None,
                "adjusted_gap_max": gaps.max(),
                "mean_compa_ratio": np.average(here.mean_compa_ratio, weights=here.headcount)
                if some
                else None,
                "below_minimum": here.below_minimum.sum(),
                "above_maximum": here.above_maximum.sum(),
                "raise_min": min(raises, default=None),
                "raise_max": max(raises, default=None),
                "termination_rate": reasons.count("voluntary") / opening if opening else None,
                "promotion_rate": promotions / opening if opening else None,
            }
        )
    return pd.DataFrame(rows)


def all_marts(s: Simulation) -> dict[str, pd.DataFrame]:
    marts = {
        "fct_yearly_events": events(s),
        "fct_workforce_snapshot": snapshot(s),
        "fct_compensation_growth": growth(s),
        "fct_budget": budget(s),
        "fct_level_summary": level_summary(s),
        "fct_pay_equity": pay_equity(s),
    }
    return marts | {"fct_scenario_kpis": scenario_kpis(s, marts)}
