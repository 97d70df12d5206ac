"""The market of job titles: what a title is paid, and where a pay is in it."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pandas as pd
from reference.people import active, mean_of, money, years_of
from reference.rules import Person, rounded
from reference.simulate import Simulation

ATTRIBUTES = ("all", "level", "job_title", "department")
OPTIONAL = ("job_family", "gender")  # of which a census may have none


def place(s: Simulation, year: int, p: Person) -> dict[str, Any]:
    """Return reference, compa-ratio to the market, percentile and the reason why there is none."""
    index = s.market_index(year) if year else Fraction(1)
    if not s.market:
        return _none(rounded(s.levels[p["level_id"]]["midpoint"] * index), "no_survey")
    title = s.market.get(p["job_title"])
    if title is None or title["p50"] is None:
        return _none(None, "unmatched" if title is None else title["market_reason"])
    reference = rounded(title["p50"] * index)
    known = [(q, title[f"p{q}"] * index) for q in (10, 25, 50, 75, 90) if title[f"p{q}"] is not None]
    return {
        "reference": reference,
        "ratio": p["base_pay"] / reference,
        "position": _percentile(p["base_pay"], known) if len(known) > 1 else None,
        "reason": None,
    }


def _none(reference: Fraction | None, reason: str) -> dict[str, Any]:
    return {"reference": reference, "ratio": None, "position": None, "reason": reason}


def _percentile(pay: Fraction, known: list[tuple[int, Fraction]]) -> Fraction:
    if pay <= known[0][1]:
        return Fraction(known[0][0])
    for (low, less), (high, more) in pairwise(known):
        if pay <= more:
            return low + (high - low) * (pay - less) / (more - less)
    return Fraction(known[-1][0])


def means(s: Simulation, year: int, people: list[Person]) -> dict[str, Any]:
    """Return how many of the people have a reference, and the means of their ratios and percentiles."""
    places = [place(s, year, p) for p in people]
    return {
        "market_people": sum(one["ratio"] is not None for one in places),
        "mean_market_ratio": money(mean_of([one["ratio"] for one in places if one["ratio"] is not None])),
        "mean_market_position": money(
            mean_of([one["position"] for one in places if one["position"] is not None])
        ),
    }


def kpis(s: Simulation, year: int, people: list[Person]) -> dict[str, Any]:
    found = means(s, year, people)
    reason = None if found["market_people"] else "no_match"
    if not people:
        reason = "no_people"
    return found | {
        "market_share": found["market_people"] / len(people) if people else None,
        "market_reason": reason if s.market else "no_survey",
    }


def market_position(s: Simulation) -> pd.DataFrame:
    attributes = (*ATTRIBUTES, *(name for name in OPTIONAL if any(p[name] for p in s.census)))
    rows = []
    for year, everyone in years_of(s):
        people = active(everyone)
        for attribute in attributes:
            groups: dict[str, list[Person]] = {}
            for p in people:
                groups.setdefault(_group(p, attribute), []).append(p)
            rows += [_row(s, year, attribute, group, members) for group, members in groups.items()]
    return pd.DataFrame(rows)


def _group(p: Person, attribute: str) -> str:
    if attribute == "all":
        return "all"
    return str(p["level_id"]) if attribute == "level" else p[attribute] or "not stated"


def _row(s: Simulation, year: int, attribute: str, group: str, people: list[Person]) -> dict[str, Any]:
    matched = [(p, one) for p in people if (one := place(s, year, p))["ratio"] is not None]
    reason = None if matched else "no_match"
    if not matched and attribute == "job_title":
        reason = place(s, year, people[0])["reason"]
    if not s.market:
        reason = "no_survey"
    return {
        "simulation_year": year,
        "attribute": attribute,
        "group": group,
        "headcount": len(people),
        "mean_base_pay": money(mean_of([p["base_pay"] for p, _ in matched])),
        "mean_market_reference": money(mean_of([one["reference"] for _, one in matched])),
        "market_reason": reason,
        **means(s, year, people),
    }
