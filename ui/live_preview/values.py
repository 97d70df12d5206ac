"""What live simulation answers: plain values, small groups suppressed where they are made."""

from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Previewed:
    """KPIs of every employee's simulation: one dictionary per simulated year (columns of fct_scenario_kpis).

    `seconds` is what the evaluation took when it was made, `waited_seconds` the waiting time in total,
    `employees` the headcount of the census. `key` names what was simulated: equal keys, equal figures.
    """

    kpis: list[dict[str, Any]]
    seconds: float
    employees: int
    from_cache: bool
    waited_seconds: float
    key: str

    @property
    def census(self) -> str:
        """The content hash of the census that was simulated."""
        return self.key.partition(":")[0]


@dataclass(frozen=True)
class LevelYear:
    """One level at the end of one year, as the scenario has it (`_before`) and with the changes.

    Pay is mean annual base pay of the active, growth its change on the year before; None for `small_groups`.
    """

    simulation_year: int
    level_id: int
    headcount_before: int
    headcount: int
    mean_base_pay_before: float | None
    mean_base_pay: float | None
    growth_before: float | None
    growth: float | None


@dataclass(frozen=True)
class Affected:
    """Some people by what they were before the changes: how many of them get more and less at year end.

    Compared are those active in both simulations. Amounts are of those whose pay differs: currency a year,
    and a rate of the old pay. All is None in a group of fewer than ten, amounts also where fewer differ.
    """

    dimension: str
    member: str
    compared: int | None
    winners: int | None
    losers: int | None
    p10: float | None
    median: float | None
    p90: float | None
    median_rate: float | None


@dataclass(frozen=True)
class Impact:
    """What changes do to people and levels, against the same scenario without them.

    `year` is the last simulated year, which `everybody` and `groups` are about. `only_before` and
    `only_after` were active in one of the two only: other people are promoted, leave or join.
    """

    year: int
    levels: tuple[LevelYear, ...]
    everybody: Affected
    groups: tuple[Affected, ...]
    only_before: int
    only_after: int
    seconds: float
    from_cache: bool
    key: str


@dataclass(frozen=True)
class PlanDetail:
    """What a plan's raises are made of: the rows of `plan_detail.COLUMNS`, no amounts of small groups."""

    rows: pd.DataFrame
    from_cache: bool
    key: str
    seconds: float = 0.0

    def of(self, part: str, year: int, attribute: str | None = None) -> list[Any]:
        """Return a part's rows of a year, perhaps of one attribute."""
        rows = self.rows
        chosen = (rows["part"] == part) & (rows["simulation_year"] == year)
        return list(
            rows[chosen if attribute is None else chosen & (rows["attribute"] == attribute)].itertuples()
        )
