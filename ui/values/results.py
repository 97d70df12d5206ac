"""A published result as the views see it: a value that never changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

SUPPRESSED_UNDER = 10  # people; pay figures of a smaller group could tell a person's pay
BRIDGE = {  # columns of a KPI row that sum to the year's growth of mean pay, and what they are called
    "bridge_exits": "Exits",
    "bridge_cola": "COLA",
    "bridge_merit": "Merit",
    "bridge_promotion": "Promotion",
    "bridge_hires": "Hires",
}
PAY_OF_LEVEL = (
    "mean_base_pay",
    "median_base_pay",
    "cv",
    "mean_compa_ratio",
    "below_minimum",
    "above_maximum",
)


@dataclass(frozen=True)
class Result:
    """One scenario's result in force. Frames have one row per year (levels: per year and level)."""

    scenario: str
    fingerprint: str
    manifest: Mapping[str, Any]
    kpis: pd.DataFrame
    growth: pd.DataFrame
    budget: pd.DataFrame
    levels: pd.DataFrame

    @property
    def years(self) -> tuple[int, ...]:
        """The simulated years; the census, year 0, is not one of them."""
        return tuple(int(year) for year in self.kpis["simulation_year"])

    @property
    def last_year(self) -> int:
        """The end of the horizon, which a study aims at."""
        return self.years[-1]

    @property
    def census_year(self) -> int:
        """The year whose end the census stands for on a time axis."""
        return self.years[0] - 1

    def kpi(self, year: int) -> Mapping[str, Any]:
        """Return the KPIs of a simulated year."""
        row = self.kpis.loc[self.kpis["simulation_year"] == year].iloc[0]
        return {str(name): value for name, value in row.items()}

    def opening(self, year: int) -> Mapping[str, Any]:
        """Return the growth mart's row before a year: the year before, or the census."""
        before = 0 if year == self.years[0] else year - 1
        row = self.growth.loc[self.growth["simulation_year"] == before].iloc[0]
        return {str(name): value for name, value in row.items()}

    def assumption(self, name: str) -> float | None:
        """Return an assumption that holds for all years."""
        for row in self.manifest["parameters"]:
            if row["parameter"] == name:
                return None if row["value"] is None else float(row["value"])
        return None

    @property
    def target(self) -> float | None:
        """The growth of mean base pay that the scenario is measured against, a yearly rate."""
        return self.assumption("target_growth")

    @property
    def payroll_budget(self) -> float | None:
        """The highest yearly payroll allowed, or None."""
        return self.assumption("payroll_budget")


@dataclass(frozen=True)
class Unreadable:
    """Something in the home that cannot be shown, and what to do about it."""

    name: str
    what: str
    remedy: str


def suppress_small_groups(levels: pd.DataFrame) -> pd.DataFrame:
    """Return level rows without the pay figures of levels that have fewer than ten people."""
    small = levels["headcount"] < SUPPRESSED_UNDER
    shown = levels.astype(dict.fromkeys(PAY_OF_LEVEL, "float64"))
    shown.loc[small, list(PAY_OF_LEVEL)] = float("nan")
    return shown
