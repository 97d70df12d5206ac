"""Levers and assumptions: declared once as data, resolved by tier, validated."""

from planwise.parameters.assignment import (
    Overrides,
    canonical_overrides,
    merged_overrides,
    parse_assignments,
)
from planwise.parameters.catalogue import Catalogue, catalogue
from planwise.parameters.declaration import Assumption, Chain, Lever, Value
from planwise.parameters.effective import EffectiveParameters, ParameterRow, Tier
from planwise.parameters.horizon import simulated_years
from planwise.parameters.resolution import check_overrides, resolve
from planwise.parameters.risk import Risk, risk_of
from planwise.parameters.rules import Finding
from planwise.parameters.target import target_class, validate_target
from planwise.parameters.validation import risks, validate

__all__ = [
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
