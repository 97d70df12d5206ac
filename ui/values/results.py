"""Published results, past runs, sweeps and the status of scenarios, as pages show them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import pandas as pd

from planwise.formatting import Local, is_missing
from planwise.governance.publications import PROD
from planwise.parameters import Finding, Value, resolve, validate
from planwise.parameters.values import Key
from planwise.small_groups import SMALLEST_GROUP, small_groups

RELEASE_IN_FORCE = "Release in force"  # what the result of `prod` is called
SUPPRESSED_UNDER = SMALLEST_GROUP
SMALL_NOT_SHOWN = (
    f"pay of groups under {SUPPRESSED_UNDER} people, and of those that would reveal it, is not shown"
)
BRIDGE = {  # columns of a KPI row that sum to the year's growth of mean pay, and what they are called
    "bridge_exits": "Exits",
    "bridge_cola": "COLA",
    "bridge_merit": "Merit",
    "bridge_promotion": "Promotion",
    "bridge_hires": "Hires",
}
DRIFT = {"bridge_drift": "Drift"}


def parts_of_growth(kpis: pd.DataFrame) -> dict[str, str]:
    """Return the parts of growth and what they are called; drift only where a calibration gave some."""
    has_drift = "bridge_drift" in kpis and bool((kpis["bridge_drift"].fillna(0) != 0).any())
    parts = dict(BRIDGE)
    if has_drift:
        names = list(BRIDGE)
        place = names.index("bridge_cola") + 1
        parts = {name: (BRIDGE | DRIFT)[name] for name in (*names[:place], *DRIFT, *names[place:])}
    return parts


PAY_OF_LEVEL = (
    "mean_base_pay",
    "median_base_pay",
    "cv",
    "mean_compa_ratio",
    "below_minimum",
    "above_maximum",
)
MARKET_OF_LEVEL = ("mean_market_ratio", "mean_market_position")


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
    label: str = ""  # the scenario's title, else its name
    local: Local = field(default_factory=Local)  # how its figures are written: currency, names of levels

    @property
    def census(self) -> str:
        """The name of the census that was simulated."""
        return str(self.manifest["census"]["name"])

    @property
    def first_year(self) -> int:
        """The first planned year: the next year's cycle."""
        return self.years[0]

    @property
    def years(self) -> tuple[int, ...]:
        """The simulated years; the census, year 0, is not one of them."""
        return tuple(int(year) for year in self.kpis["simulation_year"])

    @property
    def span(self) -> str:
        """The simulated years."""
        return f"{self.years[0]}–{self.last_year}"

    @property
    def last_year(self) -> int:
        """The end of the horizon, which a study aims at."""
        return self.years[-1]

    @property
    def census_year(self) -> int:
        """The year whose end the census represents on a time axis."""
        return self.years[0] - 1

    def kpi(self, year: int) -> Mapping[str, Any]:
        """Return the KPIs of a simulated year."""
        return self._kpis[year]

    @cached_property
    def _kpis(self) -> Mapping[int, Mapping[str, Any]]:
        rows: list[dict[Any, Any]] = self.kpis.to_dict("records")
        return {int(row["simulation_year"]): row for row in rows}

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

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the rules find in its levers, the worst first; raises InputError for unknown levers."""
        own = {
            str(Key(row["parameter"], row["year"])): row["value"]
            for row in self.manifest["parameters"]
            if row["tier"] != "default"
        }
        rates: dict[int, Any] = {year: kpi.get("increase_rate") for year, kpi in self._kpis.items()}
        measured = {year: None if is_missing(rate) else float(rate) for year, rate in rates.items()}
        return tuple(validate(resolve(self.years, scenario=own), measured))

    @property
    def target(self) -> float | None:
        """The yearly growth of mean base pay that was set as a target; a default is no one's aim."""
        own = any(
            row["parameter"] == "target_growth" and row["tier"] != "default"
            for row in self.manifest["parameters"]
        )
        return self.assumption("target_growth") if own else None

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


def common_local(found: Iterable[Local]) -> Local:
    """Return how figures of several results are written: without a mark where currencies differ."""
    every = list(found)
    first = every[0] if every else Local()
    return first if all(one.mark == first.mark for one in every) else replace(first, mark="")


def suppress_small_groups(levels: pd.DataFrame) -> pd.DataFrame:
    """Return level rows without the pay figures of each year's `small_groups`."""
    counted: dict[str, tuple[str, ...]] = {"headcount": PAY_OF_LEVEL}
    if "market_people" in levels:  # an earlier version has none
        counted["market_people"] = MARKET_OF_LEVEL
    shown = levels
    for people, figures in counted.items():
        small = pd.Series(False, index=levels.index)
        for _, rows in levels.groupby("simulation_year"):
            small |= levels.index.isin(small_groups(rows[people].astype(int).to_dict()))
        shown = shown.astype(dict.fromkeys(figures, "float64"))
        shown.loc[small, list(figures)] = float("nan")
    return shown


@dataclass(frozen=True)
class PastRun:
    """One simulation of the ledger: seconds of its models; growth and payroll of the last year, or None.

    `by` is who started it in the dashboard, empty for the command line.
    """

    scenario: str
    started_at: datetime
    seconds: float
    models_run: int
    models_reused: int
    gate: str
    published: bool
    by: str
    growth: float | None
    payroll: float | None


AS_IT_IS = "as it is"  # the stored variant of a scenario with its saved values, which is published
SAVED = "saved values"
State = Literal["never", "stale", "deleted"]


@dataclass(frozen=True)
class StoredSweepRow:
    """What one scenario (or variant) came to: compound growth and payroll of the last year, as published.

    `growth`, `payroll`, `headcount` and `gate` are None where it could not be simulated; `reasons` say why it
    is not feasible.
    """

    scenario: str
    variant: str
    feasible: bool
    reasons: tuple[str, ...]
    growth: float | None
    payroll: float | None
    headcount: int | None
    fingerprint: str | None
    gate: str | None

    @property
    def label(self) -> str:
        """The scenario, with the variant where there is one."""
        return self.scenario if self.variant == AS_IT_IS else f"{self.scenario} ({self.variant})"


@dataclass(frozen=True)
class StoredSweep:
    """One sweep: `at` is ISO, UTC; `complete` is false when it was stopped before its end.

    `why` are the inputs that differ from the sweep that it was compared with, by label of the row.
    """

    at: str
    request: str
    complete: bool
    rows: tuple[StoredSweepRow, ...]
    why: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_label(self) -> Mapping[str, StoredSweepRow]:
        """The rows by what they are called."""
        return {row.label: row for row in self.rows}

    @property
    def published(self) -> Mapping[str, StoredSweepRow]:
        """The rows of scenarios as they are, by scenario: those that the sweep published."""
        return {row.scenario: row for row in self.rows if row.variant == AS_IT_IS}


@dataclass(frozen=True)
class Sweeps:
    """The newest sweep, the complete one before it with the same request, and files that cannot be read."""

    last: StoredSweep | None
    before: StoredSweep | None
    unreadable: tuple[Unreadable, ...] = ()


@dataclass(frozen=True)
class ScenarioStatus:
    """A scenario whose published result is not what it would give now; `why` and `remedy` say more."""

    scenario: str
    state: State
    why: str
    remedy: str


@dataclass(frozen=True)
class ScenarioInfo:
    """A scenario's definition; `census` None follows the one in use."""

    name: str
    census: str | None
    description: str
    overrides: Mapping[str, Value]
    created_at: datetime | None
    created_by: str | None
    parent: str | None
    title: str
    archived_at: datetime | None
    published: bool


@dataclass(frozen=True)
class ScenarioLabels:
    """What scenarios are called, by name: their titles, and whether they are archived or deleted."""

    stored: Mapping[str, ScenarioInfo]
    census_in_use: str = ""

    def is_archived(self, name: str) -> bool:
        """Whether it was taken off the lists."""
        return name in self.stored and self.stored[name].archived_at is not None

    def is_deleted(self, name: str) -> bool:
        """Whether only its published result is left."""
        return bool(self.stored) and name not in self.stored and name != PROD

    def of(self, name: str) -> str:
        """Return a scenario's title, else its name, and what has become of it."""
        if name == PROD:
            return RELEASE_IN_FORCE
        found = self.stored.get(name)
        title = (found.title if found is not None else "") or name
        if self.is_archived(name):
            return f"{title} (archived)"
        return f"{title} (deleted)" if self.is_deleted(name) else title

    def full(self, name: str) -> str:
        """Return a scenario's label with its name in brackets, where that is another."""
        label = self.of(name)
        return label if name in (PROD, label) or label.startswith(f"{name} (") else f"{label} ({name})"

    def options(self, names: Iterable[str]) -> dict[str, str]:
        """Return names by their labels, for a menu; equal titles have their names, others their census."""
        found: dict[str, str] = {}
        wanted = list(names)
        titles = Counter(map(self.of, wanted))
        for name in wanted:
            label = self.of(name)
            label = label if titles[label] == 1 else f"{label} · {name}"
            census = self.census(name)
            found[f"{label} · {census}" if census != self.census_in_use else label] = name
        return found

    def census(self, name: str) -> str:
        """Return the census of a scenario's definition."""
        found = self.stored.get(name)
        return (found.census if found is not None else None) or self.census_in_use
