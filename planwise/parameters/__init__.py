"""Levers and assumptions: declared as data, resolved by tier, validated."""

from planwise.parameters.catalogue import Assumption, Catalogue, Chain, Lever, Value, catalogue
from planwise.parameters.effective import (
    BASELINE,
    EffectiveParameters,
    ParameterRow,
    Tier,
    check_overrides,
    resolve,
)
from planwise.parameters.validation import (
    Finding,
    Risk,
    lever_increase,
    risk_of,
    risks,
    target_class,
    validate,
    validate_target,
)
from planwise.parameters.values import (
    Overrides,
    canonical_overrides,
    merged_overrides,
    parse_assignments,
    simulated_years,
)

__all__ = [
    "BASELINE",
    "Assumption",
    "Catalogue",
    "Chain",
    "EffectiveParameters",
    "Finding",
    "Lever",
    "Overrides",
    "ParameterRow",
    "Risk",
    "Tier",
    "Value",
    "canonical_overrides",
    "catalogue",
    "check_overrides",
    "lever_increase",
    "merged_overrides",
    "parse_assignments",
    "resolve",
    "risk_of",
    "risks",
    "simulated_years",
    "target_class",
    "validate",
    "validate_target",
]
