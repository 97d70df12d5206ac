"""The marts with one row a person: events, and what everybody is at the end of a year."""

from collections import Counter
from datetime import date
from typing import Any

import pandas as pd
from reference.market import place
from reference.people import money, years_of
from reference.rules import GROUPINGS, Person, completed_years, rounded, years_between
from reference.simulate import Simulation

KINDS = ("cola", "merit")
EVENT_ORDER = ("HIRE", "COLA", "DRIFT", "PROMOTION", "MERIT", "TERMINATION")


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
    for kind in ("cola", "drift", "merit"):
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
    return pd.DataFrame([_status(s, year, p) for year, people in years_of(s) for p in people])


def _status(s: Simulation, year: int, p: Person) -> dict[str, Any]:
    stays = p["termination_date"] is None
    status = {
        (True, True): "new_hire_active",
        (True, False): "new_hire_termination",
        (False, True): "continuous_active",
        (False, False): "experienced_termination",
    }[p["is_hire"], stays]
    low, mid, high = (p["ranges"][k] for k in ("minimum", "midpoint", "maximum"))
    kept = ("employee_id", "level_id", "job_title", "department", "gender", "hire_date", "performance_rating")
    kept += GROUPINGS
    market = place(s, year, p)
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
        "market_reference": money(market["reference"]),
        "market_ratio": money(market["ratio"]),
        "market_position": money(market["position"]),
        "market_reason": market["reason"],
        "compa_ratio": float(p["base_pay"] / mid),
        "range_penetration": float((p["base_pay"] - low) / (high - low)),
        "range_minimum": money(low),
        "range_maximum": money(high),
    }


def increases(s: Simulation) -> pd.DataFrame:
    """Return the increase list: the census's people in the first year, as if nothing were drawn."""
    return pd.DataFrame([_increase(s, s.effective.years[0], p) for p in before_the_draws(s)])


def before_the_draws(s: Simulation) -> list[Person]:
    """Return the census's people, paid in the first year with no exit, no promotion and no drift."""
    people = [
        p | {"is_hire": False, "opening_level_id": p["level_id"], "starting_pay": p["base_pay"]}
        for p in s.census
    ]
    people = [p | {"promotion_date": None, "termination_date": None} for p in people]
    s._pay(s.effective.years[0], people, drifts=False)
    return people


def added(p: Person) -> dict[str, Any]:
    """Return what COLA and merit add to base pay, and the lump sum."""
    raised = {k: p["raises"][k]["pay"] - p["raises"][k]["previous"] if k in p["raises"] else 0 for k in KINDS}
    return raised | {"lump_sum": p["lump_sum"]}


def increase_bridge(s: Simulation) -> pd.DataFrame:
    """Return what leads from the increase list to the increase budget, by cause and group."""
    year = s.effective.years[0]
    paid = {p["employee_id"]: p for p in s.rows[year]}
    sums: dict[tuple[str, str, str], Counter[str]] = {}
    for listed in before_the_draws(s):
        person = paid[listed["employee_id"]]
        rises, on_list, got = person["promotion_date"], added(listed), added(person)
        causes = {}
        for kind in KINDS:
            day = s.day(kind, year)
            is_promoted = rises is not None and (rises < day or (kind == "merit" and rises == day))
            left = person["termination_date"] is not None and person["termination_date"] < day
            causes[kind] = "exits" if left else "promotions" if is_promoted else "draws"
        causes["lump_sum"] = causes["merit"]
        for kind, amount in on_list.items():
            change = got[kind] - amount
            for attribute in ("all", "level", "department", "job_family", "location"):
                group = {"all": "all", "level": str(listed["level_id"])}.get(attribute, listed.get(attribute))
                for part, cost in (("list", amount), (causes[kind], change)):
                    if attribute == "all" or part in ("list", "promotions"):
                        key = (attribute, group or "not stated", part)
                        sums.setdefault(key, Counter())[kind] += cost * listed["fte"]
    stated = {attribute for attribute, group, _ in sums if group != "not stated"}
    return pd.DataFrame(
        {"simulation_year": year, "attribute": attribute, "group": group, "part": part}
        | {f"{kind}_cost": money(cost[kind]) for kind in (*KINDS, "lump_sum")}
        | {"increase_cost": money(sum(cost.values()))}
        for (attribute, group, part), cost in sums.items()
        if attribute in stated
    )


def _increase(s: Simulation, year: int, p: Person) -> dict[str, Any]:
    level, old = p["opening_level_id"], p["starting_pay"]
    before, after = s.levels[level], s.pay_range(level, year)
    raised = added(p)
    new = old + raised["cola"] + raised["merit"]
    spread = before["maximum"] - before["minimum"]
    market = [place(s, y, p | {"base_pay": pay}) for y, pay in ((0, old), (year, new))]
    kept = ("employee_id", "job_title", "department", *GROUPINGS, "performance_rating")
    return {k: p[k] for k in kept} | {
        "simulation_year": year,
        "level_id": level,
        "fte": float(p["fte"]),
        "range_penetration": float((old - before["minimum"]) / spread),
        "compa_ratio_before": float(old / before["midpoint"]),
        "compa_ratio_after": float(new / after["midpoint"]),
        "market_reference": money(market[1]["reference"] if market[1]["ratio"] else None),
        "market_ratio_before": money(market[0]["ratio"]),
        "market_ratio_after": money(market[1]["ratio"]),
        "old_pay": money(old),
        "cola": money(raised["cola"]),
        "merit": money(raised["merit"]),
        "lump_sum": money(p["lump_sum"]),
        "new_pay": money(new),
        "cola_date": s.day("cola", year) if raised["cola"] else None,
        "merit_date": s.day("merit", year) if raised["merit"] + p["lump_sum"] else None,
        "merit_eligible": p["due"]["merit"],
    }
