"""Business rules across levers: each is one function, each finding is a warning, none forbids."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from planwise.parameters.effective import EffectiveParameters
from planwise.parameters.risk import Risk

MERIT_SPREAD_MAX_RATE = 0.03
COLA_HIGH_RATE = 0.05
NEW_HIRE_PREMIUM_MAX = 1.25
NEW_HIRE_PREMIUM_MIN = 1.05
MERIT = "merit_rate_level_{}"
LEVELS = (1, 2, 3, 4, 5)
ROUNDING = 1e-9


@dataclass(frozen=True)
class Finding:
    """Something an analyst should know about a value; `year` None is every simulated year."""

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
    if spread > MERIT_SPREAD_MAX_RATE + ROUNDING:
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
