"""Validate levers and targets: bounds, risk bands, business rules."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from planwise.formatting import money
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
    """Return the risk of a lever's value: OK, then quarters of the way to the hard bound.

    A part of the increase budget is OK at any value: `increase_is_far_from_market` judges the sum.
    """
    if lever.judged_in_total:
        return Risk.OK
    share = distance_share(lever, value)
    return next((risk for limit, risk in RISK_UP_TO if share <= limit + ROUNDING), Risk.CRITICAL)


MERIT_SPREAD_MAX_RATE = 0.03
MERIT_FALL_TOLERANCE_RATE = 0.0025  # a smaller difference between two levels is none to speak of
NEW_HIRE_PREMIUM_MAX = 1.25
NEW_HIRE_PREMIUM_MIN = 1.05
MERIT = "merit_rate_level_{}"
LEVELS = (1, 2, 3, 4, 5)
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Finding:
    """A warning about a value, information where its risk is OK; `year` None is every simulated year."""

    parameter: str
    year: int | None
    risk: Risk
    message: str

    @property
    def word(self) -> str:
        """Its risk in one word; Note for information."""
        return "Note" if self.risk is Risk.OK else self.risk.value


Rule = Callable[[EffectiveParameters, int], Iterator[Finding]]


def merit_falls_with_level(effective: EffectiveParameters, year: int) -> Iterator[Finding]:
    """Inform where a level's merit rate is well below the next lower level's."""
    for lower, higher in pairwise(LEVELS):
        below, above = (effective.number(MERIT.format(level), year) for level in (lower, higher))
        if below - above > MERIT_FALL_TOLERANCE_RATE + TOLERANCE:
            yield Finding(
                MERIT.format(higher),
                year,
                Risk.OK,
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
    new_hire_premium_is_unusual,
)


# Distance of the increase budget from the market's, at most: the risk up to there; further is the last.
ABOVE_MARKET = ((0.01, Risk.OK), (0.02, Risk.MEDIUM), (0.04, Risk.HIGH), (1.0, Risk.CRITICAL))
BELOW_MARKET = ((0.01, Risk.OK), (0.02, Risk.LOW), (1.0, Risk.MEDIUM))
INCREASE_TOLERANCE_RATE = 0.0005  # a step of a study's grid: what rounding of the levers may add
MARKET = "market_budget"


def lever_increase(effective: EffectiveParameters, year: int) -> float | None:
    """Return the increase budget that the levers give: COLA and the mean of the levels' merit, a rate.

    None where groups have awards of their own: what these cost follows from who is in them.
    """
    if effective.value("awards", year):
        return None
    merit = [effective.number(MERIT.format(level), year) for level in LEVELS]
    return effective.number("cola_rate", year) + sum(merit) / len(merit)


def market_risk(gap: float) -> Risk:
    """Return the risk of an increase budget this far (a rate) above the market's, or below when negative."""
    limits = ABOVE_MARKET if gap > 0 else BELOW_MARKET
    return next(
        (risk for limit, risk in limits if abs(gap) <= limit + INCREASE_TOLERANCE_RATE), limits[-1][1]
    )


def increase_is_far_from_market(
    effective: EffectiveParameters, increases: Mapping[int, float]
) -> Iterator[Finding]:
    """Warn once where the increase budget (COLA and merit) is far from the market's, in the worst year."""
    market = effective.number_or_none(MARKET)
    if market is None or not increases:
        return
    by_year = {year: market_risk(increase - market) for year, increase in increases.items()}
    worst = max(by_year, key=lambda year: (by_year[year].rank, abs(increases[year] - market)))
    if by_year[worst] is Risk.OK:
        return
    increase = increases[worst]
    gap_pp = (increase - market) * 100
    yield Finding(
        MARKET,
        None if set(by_year.values()) == {by_year[worst]} else worst,
        by_year[worst],
        f"The increase budget of {increase:.2%} (COLA and merit) is {abs(gap_pp):.2f} pp "
        f"{'above' if gap_pp > 0 else 'below'} the market's {market:.2%}.",
    )


def validate(
    effective: EffectiveParameters, increases: Mapping[int, float | None] | None = None
) -> list[Finding]:
    """Return findings about the levers, worst first; one that holds in all years has year None.

    `increases` are the simulated increase budgets by year (rates); without one, the levers' own is judged,
    where it is known.
    """
    found = [finding for year in effective.years for finding in _of_year(effective, year)]
    measured = {year: rate for year, rate in (increases or {}).items() if rate is not None}
    totals = {
        year: rate
        for year in effective.years
        if (rate := measured.get(year, lever_increase(effective, year))) is not None
    }
    about_total = increase_is_far_from_market(effective, totals)
    return sorted([*about_total, *_every_year_once(found, effective.years)], key=_worst_first)


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
        message = f"Payroll of {money(payroll)} is {money(over)} over the budget of {money(payroll_budget)}."
        findings.append(Finding("payroll_budget", None, Risk.CRITICAL, message))
    if market_budget is not None and abs(growth - market_budget) > MARKET_GAP_NOTABLE_RATE:
        gap_pp = (growth - market_budget) * 100
        message = (
            f"The target is {abs(gap_pp):.2f} pp {'above' if gap_pp > 0 else 'below'} "
            f"the market's own budget of {market_budget:.2%}."
        )
        findings.append(Finding("market_budget", None, Risk.MEDIUM if gap_pp > 0 else Risk.LOW, message))
    return findings
