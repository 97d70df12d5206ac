"""A comparison as the views see it: what differs between published scenarios, the first being the base."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from planwise.formatting import Local, local
from planwise.risk.worlds import LUCK, MEANS

if TYPE_CHECKING:  # DuckDB and SciPy, which they bring, take a second
    from planwise.comparison.compare import Remark
    from planwise.comparison.differences import ParameterDifference
    from planwise.comparison.people import PayrollBridge, WinnersAndLosers
    from planwise.comparison.sources import Source
    from planwise.risk.noise import Difference

FEWEST, MOST = 2, 6  # scenarios that are compared at once
LUCK_ALONE = LUCK
DRAWN = {drawn: " ".join(means) for drawn, means in MEANS.items()}  # what may be drawn, and what that means


@dataclass(frozen=True)
class ComparedScenarios:
    """Scenarios side by side in the years that all of them simulate.

    `figures` has one row per metric, year (0: the sum over the years, of flows) and scenario: metric, label,
    unit, simulation_year, scenario, value, difference, relative. `levels` has the same and level_id, without
    the pay of levels of fewer than ten people. `matched` are the scenarios whose people are the base's.
    """

    sources: "tuple[Source, ...]"
    years: tuple[int, ...]
    caveats: "tuple[Remark, ...]"
    parameters: "tuple[ParameterDifference, ...]"
    figures: pd.DataFrame
    levels: pd.DataFrame
    matched: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    locals: Mapping[str, Local] = field(default_factory=dict)  # how each one's figures are written

    def local(self, name: str) -> Local:
        """Return how a scenario's figures are written."""
        return self.locals.get(name) or local()

    @property
    def one_currency(self) -> bool:
        """Whether all amounts are in one currency, so that they can be compared."""
        return len({one.mark for one in self.locals.values()}) <= 1

    def label(self, name: str) -> str:
        """Return what a scenario is called."""
        return self.labels.get(name, name)

    @property
    def base_label(self) -> str:
        """What the base is called."""
        return self.label(self.base)

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
class PeopleCompared:
    """The same people's base pay in a scenario against the base, at the end of a year.

    `groups` has one row per group (the first is all people): attribute, group, people, gain, lose, same, net,
    p10, median, p90, median_relative; groups of fewer than ten are counted together, and amounts are missing
    where fewer than ten differ. `distribution` has one row per band of relative difference: low, high (rates;
    None where open), people (None: fewer than ten). `payroll` is None where one side alone employs one to
    nine people.
    """

    pair: "WinnersAndLosers"
    groups: pd.DataFrame
    distribution: pd.DataFrame
    payroll: "PayrollBridge | None"
    names: tuple[str, str] = ("", "")  # what the scenario and the base are called

    @property
    def label(self) -> str:
        """What the scenario is called."""
        return self.names[0] or self.pair.scenario

    @property
    def base_label(self) -> str:
        """What the base is called."""
        return self.names[1] or self.pair.against


@dataclass(frozen=True)
class Chance:
    """How much of a scenario's difference from the base is policy, and how much random variation."""

    scenario: str
    metric: str
    difference: "Difference"


@dataclass(frozen=True)
class Reach:
    """Between which figures a scenario's own lies in eight of ten draws, and in the middle."""

    scenario: str
    metric: str
    drawn: str
    p10: float
    p50: float
    p90: float
    draws: int
