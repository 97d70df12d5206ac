"""The pay-equity mart: the adjusted gap is a regression here."""

from collections import Counter, defaultdict
from math import log
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from reference.people import active, mean_of, money, years_of
from reference.rules import Person
from reference.simulate import Simulation

SMALLEST_GROUP = 10


def pay_equity(s: Simulation) -> pd.DataFrame:
    """Return the gaps; the adjusted one as a regression with a fixed effect for every cell."""
    rows = []
    for attribute in ("gender", "ethnicity"):
        known = [p[attribute] for p in s.census if p[attribute] is not None]
        reference = "M" if attribute == "gender" and "M" in known else _largest(known)
        for year, people in years_of(s):
            groups = defaultdict(list)
            for p in active(people):
                if p[attribute] is not None and p["base_pay"] > 0:
                    groups[p[attribute]].append(p)
            base = groups.get(reference, [])
            for group, members in groups.items():
                if len(members) < SMALLEST_GROUP:
                    continue
                raw = adjusted = reason = None
                if group == reference:
                    reason = "reference"
                elif len(base) < SMALLEST_GROUP:
                    reason = "small_group"
                else:
                    raw = float(np.mean(_logs(base)) - np.mean(_logs(members)))
                    adjusted = _regression(base, members)
                    reason = "few_comparable" if adjusted is None else None
                rows.append(
                    {
                        "simulation_year": year,
                        "attribute": attribute,
                        "group": group,
                        "headcount": len(members),
                        "mean_base_pay": money(mean_of([p["base_pay"] for p in members])),
                        "raw_gap": raw,
                        "adjusted_gap": adjusted,
                        "adjusted_gap_reason": reason,
                    }
                )
    columns = ["simulation_year", "attribute", "group", "headcount", "mean_base_pay"]
    columns += ["raw_gap", "adjusted_gap", "adjusted_gap_reason"]
    return pd.DataFrame(rows, columns=columns).astype({"raw_gap": float, "adjusted_gap": float})


def kpi_gaps(people: list[Person], equity: pd.DataFrame) -> dict[str, Any]:
    """Return a year's gaps in the KPIs, and why there are none, from its active people and its pay_equity."""
    by_group = {
        attribute: Counter(p[attribute] for p in people if p[attribute] is not None)
        for attribute in ("gender", "ethnicity")
    }
    pay = {g: [float(p["base_pay"]) for p in people if p["gender"] == g] for g in "MF"}
    gaps = equity.adjusted_gap.abs()
    adjusted = why = median_gap = None
    if not people:
        why = adjusted = "no_people"
    else:
        if not by_group["gender"]:
            why = "no_gender"
        elif not pay["M"] or not pay["F"]:
            why = "one_group"
        elif min(map(len, pay.values())) < SMALLEST_GROUP:
            why = "small_group"
        else:
            median_gap = 1 - median(pay["F"]) / median(pay["M"])
        of_gender = equity[equity.attribute == "gender"]
        needed = {"F", "M"} if pay["M"] and pay["F"] else set(of_gender.group)
        if of_gender[of_gender.group.isin(needed)].adjusted_gap.notna().any():
            adjusted = None
        elif not any(by_group.values()):
            adjusted = "no_groups"
        elif not by_group["gender"]:
            adjusted = "no_gender"
        elif len(by_group["gender"]) < 2:
            adjusted = "one_group"
        else:
            few = (of_gender.adjusted_gap_reason == "few_comparable").any()
            adjusted = "few_comparable" if few else "small_group"
    return {
        "adjusted_gap_max": gaps.max() if adjusted is None else None,
        "adjusted_gap_reason": adjusted,
        "median_gap": median_gap,
        "median_gap_reason": why,
    }


def _largest(groups: list[str]) -> str | None:
    return min(set(groups), key=lambda g: (-groups.count(g), g)) if groups else None


def _logs(people: list[Person]) -> list[float]:
    return [log(p["base_pay"]) for p in people]


def _cell(p: Person) -> tuple[Any, ...]:
    days = (p["last_day"] - p["hire_date"]).days
    return p["level_id"], p["department"], sum(days >= years * 365.25 for years in (1, 3, 6, 11))


def _regression(base: list[Person], members: list[Person]) -> float | None:
    shared = {_cell(p) for p in base} & {_cell(p) for p in members}
    if any(sum(_cell(p) in shared for p in side) < SMALLEST_GROUP for side in (base, members)):
        return None
    people = pd.DataFrame({"cell": [_cell(p) for p in base + members], "log_pay": _logs(base + members)})
    people["member"] = [0.0] * len(base) + [1.0] * len(members)
    within = people[["log_pay", "member"]] - people.groupby("cell")[["log_pay", "member"]].transform("mean")
    return -float((within.log_pay * within.member).sum() / (within.member**2).sum())
