"""Cost and pay impact of a change, from two simulations."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from planwise.engine.outcome import Kpis

GROWTH, PAYROLL = "growth_compound", "payroll"
FIGURES = (GROWTH, PAYROLL)  # of the last year: a rate, and currency a year


@dataclass(frozen=True)
class Parts:
    """A metric's difference by lever: `alone` for each lever, `remainder` for their interaction."""

    before: float
    after: float
    total: float
    alone: Mapping[str, float]
    remainder: float

    def as_json(self) -> dict[str, Any]:
        """Return the parts as JSON values."""
        return asdict(self)


def one_at_a_time(changed: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return the levers to simulate: each changed one alone, by its name."""
    return {name: {name: value} for name, value in changed.items()}


def parameter_impact(before: Kpis, after: Kpis, alone: Mapping[str, Kpis]) -> dict[str, Parts]:
    """Split the last year's growth and payroll by lever, given the KPIs with each changed lever alone.

    total = after − before = Σ alone + remainder. A figure that is not available is left out.
    """
    found = {}
    for name in FIGURES:
        values = [kpis[-1].get(name) for kpis in (before, after, *alone.values())]
        if any(value is None for value in values):
            continue
        old, new, *others = (float(value) for value in values if value is not None)
        found[name] = parts_of(old, new, dict(zip(alone, others, strict=True)))
    return found


def parts_of(before: float, after: float, alone: Mapping[str, float]) -> Parts:
    """Split the difference of a figure by lever, given its value with each changed lever alone."""
    parts = {lever: value - before for lever, value in alone.items()}
    total = after - before
    return Parts(before, after, total, parts, total - math.fsum(parts.values()))


@dataclass(frozen=True)
class AmountChange:
    """An amount before and after (currency); `difference_rate` is a share of it before, None where that is 0.

    All are None where the KPIs do not have the figure.
    """

    before: float | None
    after: float | None
    difference: float | None
    difference_rate: float | None

    @classmethod
    def of(cls, before: float | None, after: float | None) -> "AmountChange":
        """Compare two amounts."""
        if before is None or after is None:
            return cls(before, after, None, None)
        difference = after - before
        return cls(before, after, difference, difference / abs(before) if before else None)


@dataclass(frozen=True)
class Cost:
    """Change of payroll (annual base pay × FTE of the active at year end) and of what a year adds to it."""

    payroll: AmountChange
    payroll_change: AmountChange


@dataclass(frozen=True)
class CostImpact:
    """Cost of a change by year and over the horizon; `highest_payroll` is the highest of any year."""

    years: Mapping[int, Cost]
    horizon: Cost
    highest_payroll: AmountChange

    def as_json(self) -> dict[str, Any]:
        """Return the impact as JSON values: `years` is a list."""
        years = [{"simulation_year": year, **asdict(cost)} for year, cost in self.years.items()]
        return {
            "years": years,
            "horizon": asdict(self.horizon),
            "highest_payroll": asdict(self.highest_payroll),
        }


def cost_impact(before: Kpis, after: Kpis) -> CostImpact:
    """Compare the payroll of two simulations of the same years."""

    def cost(*one: Kpis) -> Cost:
        return Cost(
            AmountChange.of(*(_sum(kpis, "payroll") for kpis in one)),
            AmountChange.of(*(_sum(kpis, "payroll_change") for kpis in one)),
        )

    return CostImpact(
        years={
            int(old["simulation_year"]): cost([old], [new]) for old, new in zip(before, after, strict=True)
        },
        horizon=cost(before, after),
        highest_payroll=AmountChange.of(
            *(max(float(year["payroll"]) for year in kpis) for kpis in (before, after))
        ),
    )


def _sum(kpis: Kpis, figure: str) -> float | None:
    """Return a figure's sum over years; None where a year does not have it."""
    amounts = [year.get(figure) for year in kpis]
    return None if None in amounts else math.fsum(float(a) for a in amounts if a is not None)


CENT = 0.005  # half a cent: pay is rounded to cents
PERCENTILES = {"p10": 0.1, "median": 0.5, "p90": 0.9}


@dataclass(frozen=True)
class PayDifferences:
    """How differences spread over the people who have one; currency a year, or a rate of the old pay."""

    low: float
    p10: float
    median: float
    p90: float
    high: float
    mean: float


@dataclass(frozen=True)
class ImpactGroup:
    """Some people: how many were compared, how many earn more (winners) and less (losers) than before.

    `share` is of those compared. `difference` and `difference_rate` are of those whose pay differs, None
    where no pay differs; `total` is the sum of all differences, currency a year.
    """

    compared: int
    differ: int
    share: float
    winners: int
    losers: int
    total: float
    difference: PayDifferences | None
    difference_rate: PayDifferences | None


@dataclass(frozen=True)
class PeopleImpact:
    """Impact on employees active at the end of `year` in both simulations, in total and by baseline level.

    `only_before` and `only_after` were active in one of the two only, and are not compared.
    """

    year: int
    only_before: int
    only_after: int
    everybody: ImpactGroup
    by_level: Mapping[int, ImpactGroup]

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


def _group(rows: pd.DataFrame) -> ImpactGroup:
    difference = rows["base_pay_after"] - rows["base_pay"]
    differs = difference.abs() > CENT
    amounts = difference[differs]
    count, differ = len(rows), int(differs.sum())
    return ImpactGroup(
        compared=count,
        differ=differ,
        share=differ / count if count else 0.0,
        winners=int((amounts > 0).sum()),
        losers=int((amounts < 0).sum()),
        total=float(amounts.sum()),
        difference=_amounts(amounts),
        difference_rate=_amounts(amounts / rows["base_pay"][differs]),
    )


def _amounts(values: "pd.Series[float]") -> PayDifferences | None:
    if values.empty:
        return None
    inner = {name: float(values.quantile(share)) for name, share in PERCENTILES.items()}
    return PayDifferences(
        low=float(values.min()), high=float(values.max()), mean=float(values.mean()), **inner
    )
