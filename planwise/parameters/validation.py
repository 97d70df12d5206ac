"""Validate levers and targets: bounds, risk bands, business rules."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from planwise.parameters.catalogue import Lever, Unit
from planwise.parameters.effective import EffectiveParameters


class Risk(StrEnum):
    """Risk of one value, in ascending order."""

    OK = "OK"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """Position in ascending order, from 0."""
        return list(Risk).index(self)


# Share of the way from the edge of the recommended range to the hard bound, at most: the risk up to there.
# Quarters, so that the four levels divide the way equally; the bound itself is CRITICAL.
RISK_UP_TO = ((0.0, Risk.OK), (0.25, Risk.LOW), (0.5, Risk.MEDIUM), (0.75, Risk.HIGH))
ROUNDING = 1e-9  # an edge computed in floating point is still on the edge


def distance_share(lever: Lever, value: float) -> float:
    """Return 0 within the recommended range, rising to 1 at the hard bound (above 1 beyond it)."""
    low, high = lever.recommended
    if low <= value <= high:
        return 0.0
    edge, bound = (low, lever.bounds[0]) if value < low else (high, lever.bounds[1])
    return float("inf") if edge == bound else (value - edge) / (bound - edge)


def risk_of(lever: Lever, value: float) -> Risk:
    """Return the risk of a lever's value: OK, then quarters of the way to the hard bound."""
    share = distance_share(lever, value)
    return next((risk for limit, risk in RISK_UP_TO if share <= limit + ROUNDING), Risk.CRITICAL)


MERIT_SPREAD_MAX_RATE = 0.03
COLA_HIGH_RATE = 0.05
NEW_HIRE_PREMIUM_MAX = 1.25
NEW_HIRE_PREMIUM_MIN = 1.05
MERIT = "merit_rate_level_{}"
LEVELS = (1, 2, 3, 4, 5)
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Finding:
    """A warning about a value; `year` None is every simulated year."""

    parameter: str
    year: int | None
    risk: Risk
    message: str


Rule = Callable[[EffectiveParameters, int], Iterator[Finding]]


def merit_falls_with_level(effective: EffectiveParameters, year: int) -> Iterator[Finding]:
    """Warn where a level's merit rate is below the next lower level's."""
    for lower, higher in pairwise(LEVELS):
        below, above = (effective.number(MERIT.format(level), year) for level in (lower, higher))
        if above < below:
            yield Finding(
                MERIT.format(higher),
                year,
                Risk.MEDIUM,
                f"Merit falls with level: {above:.2%} in level {higher}, {below:.2%} in level {lower}.",
            )


def merit_spread_is_wide(effective: EffectiveParameters, year: int) -> Iterator[Finding]:
    """Warn where the highest and the lowest merit rate differ by more than 3 percentage points."""
    by_level = {level: effective.number(MERIT.format(level), year) for level in LEVELS}
    highest = max(by_level, key=lambda level: by_level[level])
    spread = by_level[highest] - min(by_level.values())
    if spread > MERIT_SPREAD_MAX_RATE + TOLERANCE:
        yield Finding(
            MERIT.format(highest),
            year,
            Risk.MEDIUM,
            f"Merit rates spread over {spread * 100:.2f} pp, above {MERIT_SPREAD_MAX_RATE * 100:g} pp.",
        )


def cola_is_unusual(effective: EffectiveParameters, year: int) -> Iterator[Finding]:
    """Warn about a cost-of-living raise above 5 %, or none at all."""
    cola = effective.number("cola_rate", year)
    if cola > COLA_HIGH_RATE:
        message = f"COLA of {cola:.2%} is above {COLA_HIGH_RATE:.0%}."
        yield Finding("cola_rate", year, Risk.HIGH, message)
    elif cola <= 0:
        yield Finding("cola_rate", year, Risk.MEDIUM, "There is no COLA: real pay falls with inflation.")


def new_hire_premium_is_unusual(effective: EffectiveParameters, year: int) -> Iterator[Finding]:
    """Warn about a new-hire adjustment over 125 % (compression) or under 105 % (hard to hire)."""
    name = "new_hire_salary_adjustment"
    adjustment = effective.number(name, year)
    if adjustment > NEW_HIRE_PREMIUM_MAX:
        message = f"New hires at {adjustment:.1%}, over {NEW_HIRE_PREMIUM_MAX:.0%}: pay compression."
        yield Finding(name, year, Risk.HIGH, message)
    elif adjustment < NEW_HIRE_PREMIUM_MIN:
        message = f"New hires at {adjustment:.1%}, under {NEW_HIRE_PREMIUM_MIN:.0%}: hard to hire."
        yield Finding(name, year, Risk.MEDIUM, message)


RULES: tuple[Rule, ...] = (
    merit_falls_with_level,
    merit_spread_is_wide,
    cola_is_unusual,
    new_hire_premium_is_unusual,
)


def validate(effective: EffectiveParameters) -> list[Finding]:
    """Return findings about the levers, worst first; one that holds in all years has year None."""
    found = [finding for year in effective.years for finding in _of_year(effective, year)]
    return sorted(_every_year_once(found, effective.years), key=_worst_first)


def risks(effective: EffectiveParameters) -> dict[tuple[str, int], Risk]:
    """Return the risk of every lever's value in every year, OK included."""
    return {
        (lever.name, year): risk_of(lever, effective.number(lever.name, year))
        for lever in effective.declared.levers.values()
        for year in effective.years
    }


def _of_year(effective: EffectiveParameters, year: int) -> Iterable[Finding]:
    for lever in effective.declared.levers.values():
        value = effective.number(lever.name, year)
        risk = risk_of(lever, value)
        if risk is not Risk.OK:
            yield Finding(lever.name, year, risk, _message(lever, value))
    for rule in RULES:
        yield from rule(effective, year)


def _message(lever: Lever, value: float) -> str:
    side = "below" if value < lever.recommended[0] else "above"
    shown, low, high, lowest, highest = (
        f"{number:.2%}" if lever.unit is Unit.RATE else f"{number:g}"
        for number in (value, *lever.recommended, *lever.bounds)
    )
    return (
        f"{lever.label}: {shown} is {side} the recommended {low} to {high} "
        f"(hard bounds {lowest} to {highest})."
    )


def _every_year_once(found: list[Finding], years: tuple[int, ...]) -> list[Finding]:
    by_text: dict[Finding, list[int]] = {}
    for finding in found:
        assert finding.year is not None  # found year by year
        by_text.setdefault(replace(finding, year=None), []).append(finding.year)
    merged = []
    for finding, its_years in by_text.items():
        everywhere = len(its_years) == len(years)
        merged += [finding] if everywhere else [replace(finding, year=year) for year in its_years]
    return merged


def _worst_first(finding: Finding) -> tuple[int, str, int]:
    return (-finding.risk.rank, finding.parameter, finding.year or 0)


TARGET = "target_growth"

# Growth up to and including this rate: description and risk of the target. Below 1 % the end is excluded.
LAGGING_BELOW = 0.01
BANDS = (
    (0.025, "is conservative", Risk.LOW),
    (0.04, "is moderate", Risk.OK),
    (0.06, "is aggressive", Risk.MEDIUM),
)
MARKET_GAP_NOTABLE_RATE = 0.01  # a percentage point from the market changes who stays and who joins


def target_class(growth: float) -> tuple[str, Risk]:
    """Return the description of a growth target, and its risk."""
    if growth < LAGGING_BELOW:
        return "lags the market", Risk.MEDIUM
    within = ((name, risk) for limit, name, risk in BANDS if growth <= limit)
    return next(within, ("is of high risk", Risk.HIGH))


def validate_target(
    growth: float,
    *,
    market_budget: float | None = None,
    payroll: float | None = None,
    payroll_budget: float | None = None,
) -> list[Finding]:
    """Return the findings about a growth target, its class first.

    `growth` and `market_budget` are rates; `payroll` is the annual payroll that meeting the target is
    expected to cost, in the same currency as `payroll_budget`. Values that are None are not checked.
    """
    name, risk = target_class(growth)
    findings = [Finding(TARGET, None, risk, f"A growth target of {growth:.2%} {name}.")]
    if payroll is not None and payroll_budget is not None and payroll > payroll_budget:
        over = payroll - payroll_budget
        message = f"Payroll of {payroll:,.0f} is {over:,.0f} over the budget of {payroll_budget:,.0f}."
        findings.append(Finding("payroll_budget", None, Risk.CRITICAL, message))
    if market_budget is not None and abs(growth - market_budget) > MARKET_GAP_NOTABLE_RATE:
        gap_pp = (growth - market_budget) * 100
        message = (
            f"The target is {abs(gap_pp):.2f} pp {'above' if gap_pp > 0 else 'below'} "
            f"the market's own budget of {market_budget:.2%}."
        )
        findings.append(Finding("market_budget", None, Risk.MEDIUM if gap_pp > 0 else Risk.LOW, message))
    return findings
