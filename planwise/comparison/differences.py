"""Metrics and parameters that are compared between scenarios, and their differences."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from typing import Any, Literal, Protocol

from planwise.parameters import EffectiveParameters, Value, catalogue
from planwise.parameters.values import DECIMALS


class Kind(StrEnum):
    """What a figure measures; decides how it and its differences are shown."""

    COUNT = "people"
    MONEY = "currency a year"
    RATE = "rate"  # share: 0.03 = 3 %; differences are in percentage points
    RATIO = "ratio"  # factor: 1.02


@dataclass(frozen=True)
class Metric:
    """One column; `flow` metrics add up over the years, others are a state at year end or a rate."""

    name: str
    label: str
    kind: Kind
    flow: bool = False


METRICS = (
    Metric("increase_rate", "Increase budget", Kind.RATE),
    Metric("increase_cost", "Cost of the increase budget", Kind.MONEY, flow=True),
    Metric("increase_cost_in_year", "Cost of increases in the year's books", Kind.MONEY, flow=True),
    Metric("increase_share_of_opening_payroll", "Increase budget of opening payroll", Kind.RATE),
    Metric("promotion_rate_of_payroll", "Promotion budget", Kind.RATE),
    Metric("headcount", "Headcount at year end", Kind.COUNT),
    Metric("opening_headcount", "Headcount at the opening", Kind.COUNT),
    Metric("hires", "Hires", Kind.COUNT, flow=True),
    Metric("terminations", "Terminations", Kind.COUNT, flow=True),
    Metric("experienced_terminations", "Voluntary exits of the experienced", Kind.COUNT, flow=True),
    Metric("new_hire_terminations", "Hires who left again in the year", Kind.COUNT, flow=True),
    Metric("reductions", "Reductions", Kind.COUNT, flow=True),
    Metric("promotions", "Promotions", Kind.COUNT, flow=True),
    Metric("mean_base_pay", "Mean base pay at year end", Kind.MONEY),
    Metric("median_base_pay", "Median base pay at year end", Kind.MONEY),
    Metric("payroll", "Payroll at year end", Kind.MONEY),
    Metric("prorated_payroll", "Pay earned in the year", Kind.MONEY, flow=True),
    Metric("growth_all", "Change in average pay", Kind.RATE),
    Metric("growth_compound", "Change in average pay a year since the census", Kind.RATE),
    Metric("growth_continuing", "Growth of those who stay", Kind.RATE),
    Metric("growth_prorated", "Growth of pay per FTE-year worked", Kind.RATE),
    Metric("bridge_exits", "Growth from exits", Kind.RATE),
    Metric("bridge_cola", "Growth from COLA", Kind.RATE),
    Metric("bridge_drift", "Growth from drift", Kind.RATE),
    Metric("bridge_merit", "Growth from merit", Kind.RATE),
    Metric("bridge_promotion", "Growth from promotions", Kind.RATE),
    Metric("bridge_hires", "Growth from hires", Kind.RATE),
    Metric("cola_cost", "Cost of COLA", Kind.MONEY, flow=True),
    Metric("drift_cost", "Cost of drift, without a decision", Kind.MONEY, flow=True),
    Metric("drift_rate", "Drift, share of opening payroll", Kind.RATE),
    Metric("merit_cost", "Cost of merit", Kind.MONEY, flow=True),
    Metric("promotion_cost", "Cost of promotions", Kind.MONEY, flow=True),
    Metric("hire_cost", "Pay of hires", Kind.MONEY, flow=True),
    Metric("exit_savings", "Pay of those who left", Kind.MONEY, flow=True),
    Metric("payroll_change", "Change of payroll", Kind.MONEY, flow=True),
    Metric("total_cash", "Total cash: payroll with bonus", Kind.MONEY),
    Metric("employer_cost", "Employer cost of total cash", Kind.MONEY),
    Metric("lump_sum_cost", "Lump sums", Kind.MONEY, flow=True),
    Metric("mean_compa_ratio", "Mean compa-ratio", Kind.RATIO),
    Metric("mean_market_ratio", "Mean compa-ratio to market", Kind.RATIO),
    Metric("mean_market_position", "Mean percentile in the market", Kind.RATIO),
    Metric("market_people", "People with a market reference", Kind.COUNT),
    Metric("market_share", "Share of people with a market reference", Kind.RATE),
    Metric("within_level_cv", "Pay spread within levels (CV)", Kind.RATIO),
    Metric("adjusted_gap_max", "Largest adjusted pay gap", Kind.RATE),
    Metric("median_gap", "Median pay gap of women against men", Kind.RATE),
    Metric("below_minimum", "People under the range minimum", Kind.COUNT),
    Metric("above_maximum", "People at or over the range maximum", Kind.COUNT),
    Metric("raise_min", "Smallest raise", Kind.RATE),
    Metric("raise_max", "Largest raise", Kind.RATE),
    Metric("turnover_total", "Turnover, all separations", Kind.RATE),
    Metric("termination_rate", "Voluntary turnover", Kind.RATE),
    Metric("turnover_first_year", "First-year turnover", Kind.RATE),
    Metric("promotion_rate", "Promotion rate", Kind.RATE),
    Metric("promotion_raise_mean", "Mean promotion raise", Kind.RATE),
    Metric("promotion_raise_largest", "Largest promotion raise", Kind.RATE),
    Metric("promoted_below_range", "Promoted, still below the range", Kind.COUNT, flow=True),
)
LEVEL_METRICS = (
    Metric("headcount", "Headcount", Kind.COUNT),
    Metric("hires", "Hires", Kind.COUNT, flow=True),
    Metric("terminations", "Terminations", Kind.COUNT, flow=True),
    Metric("promotions_in", "Promotions into the level", Kind.COUNT, flow=True),
    Metric("mean_base_pay", "Mean base pay", Kind.MONEY),
    Metric("median_base_pay", "Median base pay", Kind.MONEY),
    Metric("cv", "Pay spread (CV)", Kind.RATIO),
    Metric("mean_compa_ratio", "Mean compa-ratio", Kind.RATIO),
    Metric("below_minimum", "Under the minimum", Kind.COUNT),
    Metric("above_maximum", "At or over the maximum", Kind.COUNT),
)
BUDGET = (
    "cola_cost",
    "drift_cost",
    "merit_cost",
    "promotion_cost",
    "hire_cost",
)  # minus exit_savings = payroll_change
SAVINGS = "exit_savings"
BRIDGE = ("bridge_exits", "bridge_cola", "bridge_drift", "bridge_merit", "bridge_promotion", "bridge_hires")


def metrics_of(columns: Iterable[str]) -> tuple[Metric, ...]:
    """Return the known metrics among a mart's columns, in the order that people read them."""
    present = frozenset(columns)
    return tuple(metric for metric in METRICS if metric.name in present)


Figure = int | float | Decimal | None


def difference(value: Figure, base: Figure) -> Figure:
    """Return value - base; None when either is missing."""
    if value is None or base is None:
        return None
    if isinstance(value, float) or isinstance(base, float):
        return float(value) - float(base)
    return value - base


def relative(value: Figure, base: Figure) -> float | None:
    """Return (value - base) / |base|; None when either is missing or the base is 0."""
    change = difference(value, base)
    if change is None or not base:
        return None
    return float(change) / abs(float(base))


def numeric(value: Any) -> Figure:
    """Return a parameter's value as a figure; None for a flag, a date or nothing."""
    return value if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None


HORIZON = "years"  # its difference is shown by the compared years
ALL_YEARS: tuple[int, ...] = ()


@dataclass(frozen=True)
class Setting:
    """A parameter's value in a year, and the tier it came from."""

    value: Value
    tier: str


class Parametrised(Protocol):
    """Something with a name and a parameter setting in each year: a published result, a scenario."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def parameters(self) -> frozenset[str]: ...  # noqa: D102

    def setting(self, name: str, year: int) -> Setting | None: ...  # noqa: D102


@dataclass(frozen=True)
class ComparedParameters:
    """A scenario as it resolves now, published or not."""

    name: str
    effective: EffectiveParameters

    @property
    def parameters(self) -> frozenset[str]:
        """The names of all parameters."""
        return frozenset(self.effective.declared.parameters)

    def setting(self, name: str, year: int) -> Setting | None:
        """Return a parameter in a year; None for one of an earlier version."""
        if name not in self.effective.declared.parameters:
            return None
        row = self.effective.row(name, year)
        return Setting(row.value, row.tier)


@dataclass(frozen=True)
class ParameterDifference:
    """One parameter over neighbouring years in which nothing changes; `years` is empty for all years.

    `settings` are by scenario, None where a result was published without the parameter.
    """

    parameter: str
    kind: Literal["lever", "assumption"]
    label: str
    unit: str
    years: tuple[int, ...]
    settings: Mapping[str, Setting | None]

    @property
    def when(self) -> str:
        """The years as people write them."""
        if not self.years:
            return "all"
        first, last = self.years[0], self.years[-1]
        return str(first) if first == last else f"{first}-{last}"

    def as_json(self) -> dict[str, Any]:
        """Return values with their tiers, and differences from the first scenario where there are numbers."""
        base, *others = self.settings
        first = self.settings[base]
        return {
            "parameter": self.parameter,
            "kind": self.kind,
            "label": self.label,
            "unit": self.unit,
            "years": list(self.years) or None,
            "values": {
                name: None if setting is None else {"value": setting.value, "tier": setting.tier}
                for name, setting in self.settings.items()
            },
            "differences": {name: parameter_change(self.settings[name], first) for name in others},
        }


def parameter_change(setting: Setting | None, base: Setting | None) -> float | int | None:
    """Return the difference of two settings, in the decimals that parameters have; None without numbers."""
    change = difference(numeric(_value(setting)), numeric(_value(base)))
    return None if change is None else change if isinstance(change, int) else round(float(change), DECIMALS)


def parameter_differences(
    sources: Sequence[Parametrised], years: Sequence[int]
) -> tuple[ParameterDifference, ...]:
    """Return what differs in these years: levers first, then assumptions; tiers alone are no difference."""
    declared = catalogue()
    known = list(declared.parameters)
    names = sorted(
        frozenset[str]().union(*(source.parameters for source in sources)) - {HORIZON},
        key=lambda name: (known.index(name) if name in declared.parameters else len(known), name),
    )
    return tuple(found for name in names for found in _differences_of(name, sources, years))


def _differences_of(
    name: str, sources: Sequence[Parametrised], years: Sequence[int]
) -> Iterator[ParameterDifference]:
    declared = catalogue().parameters.get(name)
    by_year = [(year, tuple(source.setting(name, year) for source in sources)) for year in years]
    for settings, members in groupby(by_year, key=lambda entry: entry[1]):
        if _equal(settings):
            continue
        span = tuple(year for year, _ in members)
        yield ParameterDifference(
            parameter=name,
            kind=catalogue().kind(name),
            label=declared.label if declared else name,
            unit=declared.unit.value if declared else "",
            years=ALL_YEARS if len(span) == len(years) else span,
            settings={source.name: setting for source, setting in zip(sources, settings, strict=True)},
        )


def _equal(settings: Iterable[Setting | None]) -> bool:
    return len({repr(_value(setting)) for setting in settings}) == 1


def _value(setting: Setting | None) -> Any:
    return None if setting is None else setting.value
