"""Impact on people: whose pay differs between two simulations of the same workforce, and by how much."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

CENT = 0.005  # half of one: pay is rounded to cents, what is nearer is the same pay
PERCENTILES = {"p10": 0.1, "median": 0.5, "p90": 0.9}


@dataclass(frozen=True)
class Amounts:
    """How differences spread over the people who have one; currency a year, or a rate of the old pay."""

    low: float
    p10: float
    median: float
    p90: float
    high: float
    mean: float


@dataclass(frozen=True)
class Group:
    """Some people: how many were compared, how many earn more (winners) and less (losers) than before.

    `share` is of those compared. `difference` and `difference_rate` are of those whose pay differs, None
    where nobody's does; `total` is the sum of all differences, currency a year.
    """

    compared: int
    differ: int
    share: float
    winners: int
    losers: int
    total: float
    difference: Amounts | None
    difference_rate: Amounts | None


@dataclass(frozen=True)
class PeopleImpact:
    """Impact on everybody active at the end of `year` in both simulations, whole and by baseline level.

    `only_before` and `only_after` were active in one of the two only, and are not compared.
    """

    year: int
    only_before: int
    only_after: int
    everybody: Group
    by_level: Mapping[int, Group]

    def as_json(self) -> dict[str, Any]:
        """Return the impact as JSON values: the whole at the top, `by_level` a list."""
        levels = [{"level_id": level, **asdict(group)} for level, group in self.by_level.items()]
        counts = {"year": self.year, "only_before": self.only_before, "only_after": self.only_after}
        return {**counts, **asdict(self.everybody), "by_level": levels}


def people_impact(before: pd.DataFrame, after: pd.DataFrame) -> PeopleImpact:
    """Compare two pay frames (`Preview.pay`) of the same census and years, in their last year.

    One row a person and year: employee_id, simulation_year, level_id, is_active, base_pay (currency a year).
    """
    year = int(before["simulation_year"].max())
    old, new = (_active(frame, year) for frame in (before, after))
    both = old.join(new, how="inner", rsuffix="_after")
    return PeopleImpact(
        year=year,
        only_before=len(old) - len(both),
        only_after=len(new) - len(both),
        everybody=_group(both),
        by_level={int(str(level)): _group(rows) for level, rows in both.groupby("level_id")},
    )


def _active(frame: pd.DataFrame, year: int) -> pd.DataFrame:
    rows = frame[(frame["simulation_year"] == year) & frame["is_active"]]
    return rows.set_index("employee_id")[["level_id", "base_pay"]].astype({"base_pay": float})


def _group(rows: pd.DataFrame) -> Group:
    difference = rows["base_pay_after"] - rows["base_pay"]
    differs = difference.abs() > CENT
    amounts = difference[differs]
    count, differ = len(rows), int(differs.sum())
    return Group(
        compared=count,
        differ=differ,
        share=differ / count if count else 0.0,
        winners=int((amounts > 0).sum()),
        losers=int((amounts < 0).sum()),
        total=float(amounts.sum()),
        difference=_amounts(amounts),
        difference_rate=_amounts(amounts / rows["base_pay"][differs]),
    )


def _amounts(values: "pd.Series[float]") -> Amounts | None:
    if values.empty:
        return None
    inner = {name: float(values.quantile(share)) for name, share in PERCENTILES.items()}
    return Amounts(low=float(values.min()), high=float(values.max()), mean=float(values.mean()), **inner)
