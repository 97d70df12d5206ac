"""From a scenario to its effective parameters: its overrides, the levers in force, the census's years."""

from collections.abc import Mapping

from planwise.governance.ledger import Ledger
from planwise.governance.scenario import Scenario
from planwise.parameters import (
    EffectiveParameters,
    canonical_overrides,
    catalogue,
    merged_overrides,
    resolve,
    simulated_years,
)

HORIZON = "years"
NOTHING: Mapping[str, object] = {}


def years_of(overrides: Mapping[str, object], first_year: int) -> tuple[int, ...]:
    """Return the years that overrides simulate on a census with this first year."""
    horizon = overrides.get(HORIZON, catalogue().assumptions[HORIZON].default)
    return simulated_years(horizon, first_year)


def effective_parameters(
    ledger: Ledger, scenario: Scenario, first_year: int, changes: Mapping[str, object] = NOTHING
) -> EffectiveParameters:
    """Return what a scenario resolves to, with `changes` on top that are not stored."""
    overrides = merged_overrides(scenario.overrides, canonical_overrides(changes))
    return resolve(
        years_of(overrides, first_year), scenario=overrides, dynamic=ledger.dynamic_levers.current()
    )
