"""A comparison as the views see it: what differs between published scenarios, the first being the base."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:  # DuckDB, which they bring, takes half a second
    from planwise.comparison.parameters import ParameterDifference
    from planwise.comparison.remarks import Remark

FEWEST, MOST = 2, 6  # scenarios that are compared at once


@dataclass(frozen=True)
class ComparedSource:
    """One published result of a comparison."""

    name: str
    fingerprint: str
    published_at: str
    census: str
    census_rows: int
    years: tuple[int, ...]
    gate: str
    target: float | None


@dataclass(frozen=True)
class ComparedScenarios:
    """Scenarios side by side in the years that all of them simulate.

    `figures` has one row per metric, year (0: the sum over the years, of flows) and scenario: metric, label,
    unit, simulation_year, scenario, value, difference, relative. `levels` has the same and level_id, without
    the pay of levels of fewer than ten people. `matched` are the scenarios whose people are the base's.
    """

    sources: tuple[ComparedSource, ...]
    years: tuple[int, ...]
    caveats: "tuple[Remark, ...]"
    parameters: "tuple[ParameterDifference, ...]"
    figures: pd.DataFrame
    levels: pd.DataFrame
    matched: tuple[str, ...]

    @property
    def base(self) -> str:
        """The scenario that the others are compared with."""
        return self.sources[0].name

    @property
    def names(self) -> tuple[str, ...]:
        """All scenarios, the base first."""
        return tuple(source.name for source in self.sources)

    @property
    def others(self) -> tuple[str, ...]:
        """The scenarios that are compared with the base."""
        return self.names[1:]

    def series(self, metric: str, column: str = "value") -> dict[str, list[float]]:
        """Return a metric by scenario over the compared years."""
        rows = self.figures.loc[(self.figures["metric"] == metric) & (self.figures["simulation_year"] > 0)]
        return {name: rows.loc[rows["scenario"] == name, column].tolist() for name in self.names}


@dataclass(frozen=True)
class PayrollStep:
    """One reason why payroll differs: so many people, so much pay a year."""

    name: str
    people: int
    amount: float


@dataclass(frozen=True)
class PeopleCompared:
    """The same people's base pay in a scenario against the base, at the end of a year.

    `groups` has one row per group (the first is everybody): attribute, group, people, gain, lose, same, net,
    p10, median, p90, median_relative; groups of fewer than ten are counted together. `distribution` has one
    row per band of relative difference: low, high (rates; None where open), people (None: fewer than ten).
    """

    scenario: str
    against: str
    year: int
    people: int
    gain: int
    lose: int
    same: int
    net: float
    median_relative: float | None
    groups: pd.DataFrame
    payroll: tuple[PayrollStep, ...]
    distribution: pd.DataFrame


@dataclass(frozen=True)
class Chance:
    """How much of a difference is policy, and how much random variation, over `n` seeds.

    `mean` is the difference (scenario minus base), `low` and `high` its 95 % interval, `sd` the scatter of
    one paired run; `policy_share` is 0 to 1, None when every seed shows no difference.
    """

    scenario: str
    metric: str
    mean: float
    low: float
    high: float
    sd: float
    policy_share: float | None
    policy_share_error: float | None
    share_without_pairs: float | None
    n: int
