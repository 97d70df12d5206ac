"""The pay-equity mart: the adjusted gap is a regression here."""

from collections import defaultdict
from math import log
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
        reference = _largest([p[attribute] for p in s.census if p[attribute] is not None])
        for year, people in years_of(s):
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
                        "mean_base_pay": money(mean_of([p["base_pay"] for p in members])),
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
