"""Risk and impact of a change: a scenario against the levers in force, by what both simulate."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Literal

from planwise.comparison.compare import common_years, out_of_date
from planwise.comparison.differences import ComparedParameters, ParameterDifference, parameter_differences
from planwise.comparison.people import WinnersAndLosers, people_affected, winners_and_losers
from planwise.comparison.sources import Source, damage_named, mart_rows, reader
from planwise.engine.outcome import Kpis
from planwise.equity.reasons import MARKET_REASONS, NO_SURVEY
from planwise.formatting import exact_percent
from planwise.governance import Ledger, effective_parameters
from planwise.governance.publications import PROD, load_publication, published_scenarios
from planwise.parameters import BASELINE, Chain, EffectiveParameters, Finding, Risk, catalogue, resolve
from planwise.parameters.catalogue import Unit
from planwise.risk.assessment import assess
from planwise.risk.impact import CostImpact, cost_impact
from planwise.settings import Settings

BUDGET = "payroll_budget"
ROUNDED = 9  # decimals of a share: 0.033 to 0.0363 is 10 %, not a bit more
SIGNIFICANT_RATE = 0.01
# Points for a figure above the limit, the highest limit first.
COST_POINTS = ((5_000_000, 3), (1_000_000, 2), (100_000, 1))
PEOPLE_POINTS = ((1_000, 2), (100, 1))
LEVER_POINTS = ((0.20, 2), (0.10, 1))
HIGH_POINTS, MEDIUM_POINTS = 6, 3
HIGH_COST, MEDIUM_COST = 1_000_000, 100_000  # impact class; above HIGH_COST two people approve
PARAMETER_RISK = {Risk.OK: 0.0, Risk.LOW: 0.2, Risk.MEDIUM: 0.5, Risk.HIGH: 0.8, Risk.CRITICAL: 1.0}
BUDGET_SHARE, OVER_BUDGET = 0.95, 0.3
P25, P75, UNDER_MARKET, OVER_MARKET = 0.25, 0.75, 0.2, 0.1
STAFF_SHARE, MOST_STAFF = 0.80, 0.2
CHANGE_RISK = ((0.20, 0.8), (0.10, 0.5), (0.05, 0.3))
LITTLE_CHANGE = 0.1
VOLATILITY = 0.3  # of the market, where it is not given
HIGH_RISK, MEDIUM_RISK, MITIGATED_FROM = 0.7, 0.4, 0.5
MITIGATIONS = {
    "parameter": "Bring the levers named here back towards their recommended ranges.",
    "business": "Raise the budget or lower the increases, and inform managers before their staff.",
    "implementation": "Release in phases, each of which changes less: rehearse them on the page Release.",
    "market": "Review against the market again before the raises are paid.",
}


def lever_text(name: str, value: float) -> str:
    """Return a lever's value with its unit."""
    lever = catalogue().levers.get(name)
    return exact_percent(value) if lever is not None and lever.unit is Unit.RATE else f"{value:g}"


@dataclass(frozen=True)
class MeasuredFigure:
    """A figure, or why it cannot be measured."""

    value: float | None
    why: str | None = None


def unmeasured(why: str) -> MeasuredFigure:
    """Return a figure that cannot be measured."""
    return MeasuredFigure(None, why)


@dataclass(frozen=True)
class LeverImpact:
    """One lever over neighbouring years of equal values; `years` is empty for all years.

    `rate` is the change as a share of the old value, None where that is 0; such a change is significant, and
    counts as more than any limit.
    """

    lever: str
    label: str
    years: tuple[int, ...]
    old: float
    new: float
    sensitive: bool
    risk: Risk

    @property
    def change(self) -> float:
        """New minus old, in the lever's unit."""
        return round(self.new - self.old, ROUNDED)

    @property
    def rate(self) -> float | None:
        """The change as a share of the old value."""
        return round((self.new - self.old) / abs(self.old), ROUNDED) if self.old else None

    @property
    def significant(self) -> bool:
        """Whether it changes by more than 1 %."""
        return self.rate is None or abs(self.rate) > SIGNIFICANT_RATE

    @property
    def direction(self) -> Literal["higher", "lower"]:
        """Where the lever goes."""
        return "higher" if self.new > self.old else "lower"

    def as_json(self) -> dict[str, Any]:
        """Return the row of the impact analysis."""
        derived = {name: getattr(self, name) for name in ("change", "rate", "significant", "direction")}
        why = {} if self.rate is not None else {"why": "the old value is 0"}
        return asdict(self) | {"years": list(self.years) or None} | derived | why


@dataclass(frozen=True)
class ChangeEffects:
    """What a change does, as simulated: money is currency a year, shares are 0 to 1.

    `cost` is the largest difference of any year's payroll, up or down; `employees` have other pay in some
    year, `staff` is their share of those compared. `market_position` is a percentile of the market's pay.
    """

    cost: MeasuredFigure
    employees: MeasuredFigure
    staff: MeasuredFigure
    payroll: MeasuredFigure
    budget: MeasuredFigure
    market_position: MeasuredFigure
    volatility: float = VOLATILITY


@dataclass(frozen=True)
class RiskScore:
    """Points of a change, by what gives them; the total and level are None when one cannot be measured."""

    points: Mapping[str, int | None]
    why: str | None = None

    @property
    def total(self) -> int | None:
        """All points."""
        found = [points for points in self.points.values() if points is not None]
        return sum(found) if len(found) == len(self.points) else None

    @property
    def level(self) -> Risk | None:
        """The level that decides how many approve."""
        if self.total is None:
            return None
        return (
            Risk.HIGH
            if self.total >= HIGH_POINTS
            else Risk.MEDIUM
            if self.total >= MEDIUM_POINTS
            else Risk.LOW
        )

    def as_json(self) -> dict[str, Any]:
        """Return points, total and level."""
        return {"points": dict(self.points), "total": self.total, "level": self.level, "why": self.why}


@dataclass(frozen=True)
class RiskFactor:
    """One reason of a risk; `weight` is what it adds to its component, or to the mean of the component."""

    component: str
    weight: float
    text: str


@dataclass(frozen=True)
class RiskReport:
    """Four risks between 0 and 1, and their mean over those that can be measured; factors by weight."""

    components: Mapping[str, MeasuredFigure]
    factors: tuple[RiskFactor, ...]
    not_measured: tuple[str, ...]

    @property
    def overall(self) -> float | None:
        """The mean of the components."""
        found = [one.value for one in self.components.values() if one.value is not None]
        return round(fmean(found), ROUNDED) if found else None

    @property
    def level(self) -> Risk | None:
        """The overall risk as a level."""
        if self.overall is None:
            return None
        return (
            Risk.HIGH if self.overall > HIGH_RISK else Risk.MEDIUM if self.overall > MEDIUM_RISK else Risk.LOW
        )

    @property
    def mitigations(self) -> tuple[str, ...]:
        """What lowers the components that are over one half."""
        return tuple(
            MITIGATIONS[name]
            for name, one in self.components.items()
            if one.value is not None and one.value > MITIGATED_FROM
        )

    def as_json(self) -> dict[str, Any]:
        """Return components, overall risk, factors and mitigations."""
        return {
            "components": {name: asdict(one) for name, one in self.components.items()},
            "overall": self.overall,
            "level": self.level,
            "factors": [asdict(factor) for factor in self.factors],
            "mitigations": list(self.mitigations),
            "not_measured": list(self.not_measured),
        }


@dataclass(frozen=True)
class ChangeAssessment:
    """The risk and impact of releasing a scenario; `against` is the result it was measured against."""

    scenario: str
    against: str | None
    levers: tuple[LeverImpact, ...]
    assumptions: tuple[ParameterDifference, ...]
    effects: ChangeEffects
    costs: CostImpact | None
    people: WinnersAndLosers | None
    score: RiskScore
    report: RiskReport

    @property
    def impact_class(self) -> Risk | None:
        """The size of the cost; None where it cannot be measured."""
        if self.effects.cost.value is None:
            return None
        cost = abs(self.effects.cost.value)
        return Risk.HIGH if cost > HIGH_COST else Risk.MEDIUM if cost > MEDIUM_COST else Risk.LOW

    @property
    def approvals_needed(self) -> int:
        """Two people for a change of high risk or cost, and for one that cannot be measured."""
        return 1 if self.score.level in (Risk.LOW, Risk.MEDIUM) and self.impact_class is not Risk.HIGH else 2

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "scenario": self.scenario,
            "against": self.against,
            "levers": [row.as_json() for row in self.levers],
            "assumptions": [row.as_json() for row in self.assumptions],
            "effects": asdict(self.effects),
            "costs": None if self.costs is None else self.costs.as_json(),
            "people": None if self.people is None else _people_json(self.people),
            "impact_class": self.impact_class,
            "risk": self.score.as_json() | {"report": self.report.as_json()},
            "approvals_needed": self.approvals_needed,
        }


def _people_json(people: WinnersAndLosers) -> dict[str, Any]:
    """Return who is affected as groups, those of fewer than ten people together."""
    groups = [("all", "everyone", people.overall)]
    groups += [(one.attribute, one.group, one.statistics) for one in people.groups]
    listed = [
        {
            "attribute": attribute,
            "group": group,
            "people": of.people,
            "gain": of.gain,
            "lose": of.lose,
            "difference": float(of.net),
            "median_rate": of.median_relative,
        }
        for attribute, group, of in groups
    ]
    return {"simulation_year": people.year, "groups": listed}


def assess_change(settings: Settings, ledger: Ledger, scenario: str) -> ChangeAssessment:
    """Assess the release of a scenario; raises InputError when it does not exist or has no published result.

    Costs and people are compared with a published result of the levers in force, on the same census.
    """
    stored = ledger.scenarios.get(scenario)
    own = Source(load_publication(settings, scenario))
    effective = effective_parameters(ledger, stored, own.years[0])
    in_force = resolve(effective.years, scenario={}, dynamic=ledger.dynamic_levers.current())
    stale = [str(one) for one in out_of_date(settings, ledger, own)]
    base = f"What is published of {scenario} is not the scenario: {stale[0]}" if stale else None
    against = base or _in_force(settings, in_force, own)
    kpis = _kpis(own)
    differ = parameter_differences(
        (ComparedParameters("in force", in_force), ComparedParameters(scenario, effective)), effective.years
    )
    levers = tuple(_lever_changes(differ, effective, kpis))
    effects, costs, people = _effects(own, kpis, against, effective.number_or_none(BUDGET))
    return ChangeAssessment(
        scenario=scenario,
        against=against.name if isinstance(against, Source) else None,
        levers=levers,
        assumptions=tuple(
            row
            for row in differ
            if row.kind == "assumption" and catalogue().parameters[row.parameter].chain is not Chain.STUDY
        ),
        effects=effects,
        costs=costs,
        people=people,
        score=risk_score(levers, effects),
        report=risk_report(levers, effects),
    )


def _in_force(settings: Settings, in_force: EffectiveParameters, own: Source) -> Source | str:
    """Return a published result of the levers in force on the census, the released one first, or why not."""
    published = published_scenarios(settings)
    for name in (PROD, BASELINE):
        if name not in published:
            continue
        found = Source(load_publication(settings, name))
        if found.has_census_of(own) and all(
            (setting := found.setting(lever, year)) is not None
            and setting.value == in_force.value(lever, year)
            for lever in in_force.declared.levers
            for year in common_years((found, own))
        ):
            return found
    return (
        f"no result of the levers in force is published on census {own.census['name']}: "
        f"run `planwise simulate --scenario {BASELINE} --census {own.census['name']}`"
    )


def _kpis(source: Source) -> Kpis:
    with reader() as connection:
        found = mart_rows(connection, source.publication, "fct_scenario_kpis")
    return sorted(found, key=lambda row: int(row["simulation_year"]))


def _lever_changes(
    differ: Sequence[ParameterDifference], effective: EffectiveParameters, kpis: Kpis
) -> Iterator[LeverImpact]:
    assessed = assess(effective, kpis, target_growth=None, payroll_budget=None)
    for row in differ:
        if row.kind != "lever":
            continue
        lever = catalogue().levers[row.parameter]
        old, new = (float(str(one.value)) for one in row.settings.values() if one is not None)
        judged_by = {row.parameter} | ({"market_budget"} if lever.judged_in_total else set())
        found = [one.risk for one in assessed.findings if one.parameter in judged_by and _within(one, row)]
        yield LeverImpact(
            lever=row.parameter,
            label=lever.label,
            years=row.years,
            old=old,
            new=new,
            sensitive=lever.sensitive,
            risk=max(found, key=lambda risk: risk.rank, default=Risk.OK),
        )


def _within(finding: Finding, row: ParameterDifference) -> bool:
    return finding.year is None or not row.years or finding.year in row.years


def _effects(
    own: Source, kpis: Kpis, against: Source | str, budget: float | None
) -> tuple[ChangeEffects, CostImpact | None, WinnersAndLosers | None]:
    payroll = MeasuredFigure(max(float(year["payroll"]) for year in kpis))
    allowed = unmeasured("no payroll budget is set") if budget is None else MeasuredFigure(budget)
    years = () if isinstance(against, str) else common_years((against, own))
    if isinstance(against, str) or not years:
        why = against if isinstance(against, str) else f"{against.name} and {own.name} have no year in common"
        nothing = unmeasured(why)
        return ChangeEffects(nothing, nothing, nothing, payroll, allowed, _market_position(kpis)), None, None
    before, after = (
        [year for year in found if year["simulation_year"] in years] for found in (_kpis(against), kpis)
    )
    costs = cost_impact(before, after)
    with reader() as connection, damage_named(against.publication, own.publication):
        affected, compared = people_affected(connection, against, own, years)
        people = winners_and_losers(connection, against, own, years[-1], movers=0)
    return (
        ChangeEffects(
            cost=MeasuredFigure(_largest(costs)),
            employees=MeasuredFigure(affected),
            staff=MeasuredFigure(affected / compared)
            if compared
            else unmeasured("no person is in both results"),
            payroll=payroll,
            budget=allowed,
            market_position=_market_position(kpis),
        ),
        costs,
        people,
    )


def _market_position(kpis: Kpis) -> MeasuredFigure:
    """Return the mean percentile in the market at the end of the last year, as a share."""
    position = kpis[-1].get("mean_market_position")
    if position is None:
        return unmeasured(MARKET_REASONS[kpis[-1].get("market_reason") or NO_SURVEY])
    return MeasuredFigure(round(float(position) / 100, ROUNDED))


def _largest(costs: CostImpact) -> float:
    by_year = [cost.payroll.difference for cost in costs.years.values()]
    return max((round(amount, 2) for amount in by_year if amount is not None), key=abs)


def points_of(value: float | None, limits: Sequence[tuple[float, int]]) -> int | None:
    """Return the points of a figure above one of the limits, the highest first; None without a figure."""
    if value is None:
        return None
    return next((points for limit, points in limits if abs(value) > limit), 0)


def risk_score(levers: Sequence[LeverImpact], effects: ChangeEffects) -> RiskScore:
    """Score a change by its cost, the people it affects, and the largest change of a sensitive lever."""
    sensitive = [float("inf") if row.rate is None else abs(row.rate) for row in levers if row.sensitive]
    points = {
        "cost": points_of(effects.cost.value, COST_POINTS),
        "employees": points_of(effects.employees.value, PEOPLE_POINTS),
        "levers": points_of(max(sensitive, default=0.0), LEVER_POINTS),
    }
    return RiskScore(points, why=effects.cost.why or effects.employees.why)


def risk_report(levers: Sequence[LeverImpact], effects: ChangeEffects) -> RiskReport:
    """Assess parameter, business, implementation and market risk, with the factors, the heaviest first."""
    parts = [*_business(effects)]
    measured = [part for part in parts if isinstance(part, RiskFactor)]
    rates = _largest_by_lever({(row.lever, row.years): row.rate for row in levers})
    risks = _largest_by_lever({(row.lever, row.years): PARAMETER_RISK[row.risk] for row in levers})
    change = round(fmean(rates.values()), ROUNDED) if rates else None
    why = "every changed lever was 0 before" if levers else "no lever changes"
    components = {
        "parameter": MeasuredFigure(round(fmean(risks.values()), ROUNDED)) if risks else unmeasured(why),
        "business": MeasuredFigure(round(sum(part.weight for part in measured), ROUNDED))
        if measured
        else unmeasured("neither budget, market nor people can be measured"),
        "implementation": unmeasured(why)
        if change is None
        else MeasuredFigure(next((risk for limit, risk in CHANGE_RISK if change > limit), LITTLE_CHANGE)),
        "market": MeasuredFigure(effects.volatility),
    }
    factors = [part for part in measured if part.weight]
    factors += [
        RiskFactor(
            "parameter",
            PARAMETER_RISK[row.risk],
            f"{row.label} at {lever_text(row.lever, row.new)} is {row.risk} risk.",
        )
        for row in levers
        if PARAMETER_RISK[row.risk]
    ]
    if change is not None and components["implementation"].value is not None:
        text = f"The levers change by {change:.1%} on average."
        factors.append(RiskFactor("implementation", components["implementation"].value, text))
    factors.append(RiskFactor("market", effects.volatility, "Volatility of the market."))
    return RiskReport(
        components=components,
        factors=tuple(sorted(factors, key=lambda factor: -factor.weight)),
        not_measured=tuple(part for part in parts if isinstance(part, str)),
    )


def _largest_by_lever(values: Mapping[tuple[str, tuple[int, ...]], float | None]) -> dict[str, float]:
    """Return the largest size of a lever's values over its years, of those that there are."""
    found: dict[str, float] = {}
    for (lever, _), value in values.items():
        if value is not None:
            found[lever] = max(found.get(lever, 0.0), abs(value))
    return found


def _business(effects: ChangeEffects) -> Iterator[RiskFactor | str]:
    """Yield what adds to business risk, with a weight of 0 where it does not, or why it is unknown."""

    def factor(weight: float, text: str) -> RiskFactor:
        return RiskFactor("business", weight, text)

    payroll, budget, position, staff = (
        effects.payroll.value,
        effects.budget.value,
        effects.market_position.value,
        effects.staff.value,
    )
    if payroll is None or not budget:
        yield f"Share of the budget: {effects.budget.why or effects.payroll.why or 'the budget is 0'}."
    else:
        share = round(payroll / budget, ROUNDED)
        yield factor(OVER_BUDGET if share > BUDGET_SHARE else 0, f"Payroll uses {share:.1%} of the budget.")
    if position is None:
        yield f"Market position: {effects.market_position.why}."
    else:
        weight = UNDER_MARKET if position < P25 else OVER_MARKET if position > P75 else 0
        yield factor(weight, f"Pay is at percentile {position * 100:.0f} of the market.")
    if staff is None:
        yield f"Share of staff: {effects.staff.why}."
    else:
        yield factor(MOST_STAFF if staff > STAFF_SHARE else 0, f"The pay of {staff:.0%} of staff changes.")
