"""People of a published result as the views ask for them: which ones, and what an answer looks like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

NOT_GIVEN = "not given"  # how a missing department or gender is called


@dataclass(frozen=True)
class EmploymentStatus:
    """A choice of the employment-status filter: what it is called, and the mart's statuses in it."""

    label: str
    statuses: tuple[str, ...]


STATUSES: Mapping[str, EmploymentStatus] = {
    "active": EmploymentStatus("All active", ("continuous_active", "new_hire_active")),
    "continuing": EmploymentStatus("Active, continuing", ("continuous_active",)),
    "new_hires": EmploymentStatus("Active, new hires", ("new_hire_active",)),
    "exits": EmploymentStatus("Exits, all", ("experienced_termination", "new_hire_termination")),
    "experienced_exits": EmploymentStatus("Exits, experienced", ("experienced_termination",)),
    "new_hire_exits": EmploymentStatus("Exits, new hires", ("new_hire_termination",)),
    "everyone": EmploymentStatus(
        "All in the year",
        ("continuous_active", "new_hire_active", "experienced_termination", "new_hire_termination"),
    ),
}
ACTIVE = "active"


@dataclass(frozen=True)
class Filter:
    """Which people: an employment status, and a level, departments and a gender; empty is every one."""

    status: str = ACTIVE
    level: int | None = None
    departments: tuple[str, ...] = ()
    gender: str = ""

    @property
    def statuses(self) -> tuple[str, ...]:
        """The mart's employment statuses."""
        return STATUSES[self.status].statuses


@dataclass(frozen=True)
class Population:
    """Whom a published result has: what the filters can choose from, and the names of the levels.

    `departments` are by headcount in the last year, the largest first; `genders` is empty when the census
    has none.
    """

    scenario: str
    fingerprint: str
    years: tuple[int, ...]
    levels: tuple[int, ...]
    level_names: Mapping[int, str]
    departments: tuple[str, ...]
    genders: tuple[str, ...]


@dataclass(frozen=True)
class FigureDistribution:
    """How a figure is spread over people: percentiles, and counts in bins, by level.

    `percentiles` has one row per level with ten people or more, and one of all of them (level_id missing):
    people, mean, p10, p50, p90. `bins` has one row per bin and level: bin_from, bin_to (excluded), people;
    the first bin has everything below `bin_to`, the last everything from `bin_from` on: no extreme shows.
    `left_out` are people of smaller levels.
    """

    percentiles: pd.DataFrame
    bins: pd.DataFrame
    width: float
    people: int
    left_out: int


@dataclass(frozen=True)
class Sample:
    """People as points, without ids: level_id, tenure_years, base_pay, compa_ratio.

    `people` are all that the filter chooses, `left_out` those of levels with too few. `levels` has one row
    per level of all its people, shown or not: people, p10, p50, p90 of the compa-ratio, below, above.
    """

    points: pd.DataFrame
    levels: pd.DataFrame
    people: int
    left_out: int


EVENT_KINDS: Mapping[str, tuple[str, str]] = {  # in the address: what it is called, the mart's event_reason
    "hires": ("Hires", "growth"),
    "exits": ("Exits, voluntary", "voluntary"),
    "new_hire_exits": ("Exits, new hires", "new_hire"),
    "reductions": ("Exits, reduction", "reduction"),
    "promotions": ("Promotions", "promotion"),
    "cola": ("COLA", "COLA"),
    "drift": ("Drift", "DRIFT"),
    "merit": ("Merit", "MERIT"),
}
EVENT_COLUMNS = (
    "event_id",
    "employee_id",
    "simulation_year",
    "event_type",
    "event_reason",
    "effective_date",
    "event_sequence",
    "level_id",
    "previous_level_id",
    "compensation_amount",
    "previous_compensation",
    "applied_rate",
    "probability",
    "draw",
    "department",
    "employment_status",
)
SORTABLE = (
    "effective_date",
    "employee_id",
    "event_reason",
    "level_id",
    "department",
    "employment_status",
    "previous_compensation",
    "compensation_amount",
    "applied_rate",
    "probability",
)


@dataclass(frozen=True)
class EventQuery:
    """Which events, in which order: of the filter's people, a year (None: all), a kind ("": all), an id."""

    people: Filter
    year: int | None = None
    kind: str = ""
    employee: str = ""
    sort: str = "effective_date"
    descending: bool = False


@dataclass(frozen=True)
class EventPage:
    """Some of the events found: EVENT_COLUMNS, in the requested order; `total` counts all of them."""

    frame: pd.DataFrame
    total: int


@dataclass(frozen=True)
class PeopleFound:
    """People whose id, title or department has a text in it: the first of `total`."""

    rows: Sequence[Mapping[str, Any]]
    total: int


@dataclass(frozen=True)
class IncreaseBudget:
    """What the raises of the first planned year cost: the budget mart's row, and costs by group.

    `bridge` leads from the list (listed) to the increase budget: promotions, exits, draws. `groups` has one
    row per level and department: headcount, opening_payroll, list_cost, list_share, promotion_cost,
    promotion_share, with_promotions_cost, drift_cost, drift_share; those that are too small are one row.
    """

    year: int
    totals: Mapping[str, Any]
    bridge: Mapping[str, Any]
    groups: pd.DataFrame


@dataclass(frozen=True)
class IncreaseQuery:
    """Which people of the increase list, by a text in id, title or department, and in which order."""

    text: str = ""
    sort: str = "employee_id"
    descending: bool = False
