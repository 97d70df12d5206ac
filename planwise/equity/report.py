"""Pay equity of one group of people at one time: gaps, quartile pay bands, categories, cost to close."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from planwise.equity.adjusted import adjusted_gap
from planwise.equity.gaps import FLAG_RATE, GapEstimate, mean_gap, median_gap, quartile_bands
from planwise.equity.reasons import NO_GENDER, NO_PAY, NO_PEOPLE, ONE_GROUP, SMALL_GROUP, reason_text
from planwise.small_groups import SMALLEST_GROUP, small_groups

MEN, WOMEN = "M", "F"
ATTRIBUTE = "gender"
OTHERS = "other groups"  # too small to be shown
CLOSING_COLUMNS = ("people", "cost", "share_of_payroll", "mean_increase_rate", "largest_increase_rate")


@dataclass(frozen=True)
class ComparedGroup:
    """One group against the reference; `regression` and `cells` are both estimates of the adjusted gap.

    `closing` is what closing the gap of the regression costs in annual pay, and how many it raises; None
    where that gap is unmeasured. Fewer than ten people are too few for their raises to be shown: it then has
    a reason, and only that. By level and department, small groups are counted together.
    """

    group: str
    mean: GapEstimate
    median: GapEstimate
    regression: GapEstimate
    cells: GapEstimate
    closing: Mapping[str, Any] | None
    closing_by_level: tuple[Mapping[str, Any], ...]
    closing_by_department: tuple[Mapping[str, Any], ...]

    @property
    def gaps(self) -> dict[str, GapEstimate]:
        """The gaps by name, in the order that people read them."""
        return {
            "mean": self.mean,
            "median": self.median,
            "adjusted, by regression": self.regression,
            "adjusted, within cells": self.cells,
        }

    def as_json(self) -> dict[str, Any]:
        """Return the gaps with their intervals, and the cost to close the adjusted one."""
        return {
            "group": self.group,
            "mean_gap": self.mean.as_json(),
            "median_gap": self.median.as_json(),
            "adjusted_gap": self.regression.as_json(),
            "adjusted_gap_cells": self.cells.as_json(),
            "cost_to_close": self.closing,
            "cost_to_close_by_level": self.closing_by_level,
            "cost_to_close_by_department": self.closing_by_department,
        }


@dataclass(frozen=True)
class EquityReport:
    """Pay equity at the end of a year (0: the census); `reason` is why nothing can be measured.

    `bands` and `categories` are tables as `quartile_bands` and `categories_of` return them; `category` says
    what a category is. `unknown` counts the people whose group is not known. `raises` are the single people
    whom closing the gaps would raise, for those who may see their pay; `without_people` leaves them out.
    """

    year: int
    people: int
    unknown: int
    reference: str | None
    groups: tuple[ComparedGroup, ...]
    bands: pd.DataFrame
    categories: pd.DataFrame
    category: str
    reason: str | None
    raises: pd.DataFrame

    @property
    def why(self) -> str | None:
        """Why nothing can be measured, in words."""
        return None if self.reason is None else reason_text(self.reason)

    @property
    def flagged(self) -> int:
        """How many categories have a gap of 5 % or more."""
        return int(self.categories["flagged"].eq(True).sum())

    def without_people(self) -> "EquityReport":
        """Return the report without single people."""
        return replace(self, raises=self.raises.iloc[:0])

    def as_json(self) -> dict[str, Any]:
        """Return the figures; pay of single people is not among them."""
        return {
            "year": self.year,
            "attribute": ATTRIBUTE,
            "reference": self.reference,
            "people": self.people,
            "unknown": self.unknown,
            "reason": self.why,
            "groups": [one.as_json() for one in self.groups],
            "quartiles": _records(self.bands),
            "category": self.category,
            "flag_rate": FLAG_RATE,
            "flagged": self.flagged,
            "categories": _records(self.categories),
        }


def equity_report(people: pd.DataFrame, year: int, category: str = "department") -> EquityReport:
    """Measure the pay equity of men and everyone else.

    Takes one row per active person: employee_id, group (their gender, None where unknown), level_id,
    department, tenure_years, base_pay, fte, and the column of the job family, `category`. People with no pay
    are left out. The reference is men, or without any the largest group.
    """
    known = people[people["group"].notna() & (people["base_pay"] > 0)].astype(
        {"base_pay": float, "fte": float}
    )
    sizes = {str(group): int(size) for group, size in known["group"].value_counts().items()}
    payroll = float((people["base_pay"].astype(float) * people["fte"].astype(float)).sum())
    reference = MEN if MEN in sizes else min(sizes, key=lambda name: (-sizes[name], name), default=None)
    compared = [
        group for group, size in sorted(sizes.items()) if size >= SMALLEST_GROUP and group != reference
    ]
    reason = None
    if len(people) == 0:
        reason = NO_PEOPLE
    elif reference is None:
        reason = NO_PAY if people["group"].notna().any() else NO_GENDER
    elif len(sizes) == 1:
        reason = ONE_GROUP
    elif not compared or sizes[reference] < SMALLEST_GROUP:
        reason = SMALL_GROUP
    found: list[tuple[ComparedGroup, pd.DataFrame]] = []
    shown = known.iloc[:0]
    if reason is None:
        found = [_compared(known, str(reference), group, payroll) for group in compared]
        small = ~known["group"].isin([reference, *compared])
        shown = known.assign(group=known["group"].mask(small, OTHERS))
    return EquityReport(
        year=year,
        people=len(people),
        unknown=int(people["group"].isna().sum()),
        reference=reference,
        groups=tuple(group for group, _ in found),
        bands=quartile_bands(shown),
        categories=categories_of(shown, reference, compared, category),
        category=f"level and {category.replace('_', ' ')}",
        reason=reason,
        raises=pd.concat([raised for _, raised in found], ignore_index=True) if found else pd.DataFrame(),
    )


def _compared(
    people: pd.DataFrame, reference: str, group: str, payroll: float
) -> tuple[ComparedGroup, pd.DataFrame]:
    """Return a group's gaps and cost to close, and the single people to raise."""
    pay = [people.loc[people["group"] == name, "base_pay"].to_numpy() for name in (reference, group)]
    adjusted = adjusted_gap(people, reference, group)
    raised = adjusted.closing
    compared = ComparedGroup(
        group,
        mean_gap(*pay),
        median_gap(*pay),
        adjusted.regression,
        adjusted.cells,
        None if raised is None else _closing(raised, payroll),
        _closing_by(raised, "level_id"),
        _closing_by(raised, "department"),
    )
    return compared, pd.DataFrame() if raised is None else raised


def _closing(raised: pd.DataFrame, payroll: float) -> dict[str, Any]:
    found: dict[str, Any] = {"raises": None, **dict.fromkeys(CLOSING_COLUMNS), "reason": None}
    if 0 < len(raised) < SMALLEST_GROUP:
        return found | {"reason": f"it would raise fewer than {SMALLEST_GROUP} people"}
    rates = raised["increase"] / raised["base_pay"]
    cost = float(raised["cost"].sum())
    some = len(raised) > 0
    return found | {
        "raises": str(raised["group"].iloc[0]) if some else None,
        "people": len(raised),
        "cost": cost,
        "share_of_payroll": cost / payroll if payroll > 0 else None,
        "mean_increase_rate": float(rates.mean()) if some else 0.0,
        "largest_increase_rate": float(rates.max()) if some else 0.0,
    }


def _closing_by(raised: pd.DataFrame | None, attribute: str) -> tuple[dict[str, Any], ...]:
    if raised is None or len(raised) < SMALLEST_GROUP:
        return ()
    small = set(small_groups(raised[attribute].value_counts().to_dict()))
    names = [OTHERS if group in small else str(group) for group in raised[attribute]]
    return tuple(
        {attribute: name, "people": len(rows), "cost": float(rows["cost"].sum())}
        for name, rows in raised.groupby(names)
    )


def categories_of(
    people: pd.DataFrame, reference: str | None, groups: Sequence[str], category: str
) -> pd.DataFrame:
    """Return one row per group and category of workers of either group: gaps, 5 % flag, or the reason."""
    rows = []
    for (level, name), members in people.groupby(["level_id", category], sort=True):
        pay = {group: rows["base_pay"].to_numpy() for group, rows in members.groupby("group")}
        none = np.array([])
        for group in groups:
            if group not in pay and reference not in pay:
                continue
            sides = (pay.get(str(reference), none), pay.get(group, none))
            mean, median = mean_gap(*sides), median_gap(*sides)
            rows.append(
                {
                    "level_id": level,
                    category: name,
                    "group": group,
                    "people": mean.people,
                    "reference_people": mean.reference_people,
                    "mean_gap": mean.value,
                    "mean_low": mean.low,
                    "mean_high": mean.high,
                    "median_gap": median.value,
                    "median_low": median.low,
                    "median_high": median.high,
                    "flagged": mean.is_flagged,
                    "reason": mean.why,
                }
            )
    columns = ["level_id", category, "group", "people", "reference_people"]
    columns += ["mean_gap", "mean_low", "mean_high", "median_gap", "median_low", "median_high"]
    return pd.DataFrame(rows, columns=[*columns, "flagged", "reason"])


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object)
    return [dict(zip(frame.columns, row, strict=True)) for row in plain.where(plain.notna(), None).to_numpy()]
