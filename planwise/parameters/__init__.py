"""Levers and assumptions: declared once as data, resolved by tier, validated."""

from planwise.parameters.assignment import Overrides, canonical_overrides, parse_assignments
from planwise.parameters.catalogue import Catalogue, catalogue
from planwise.parameters.declaration import Assumption, Lever, Value
from planwise.parameters.effective import EffectiveParameters, ParameterRow, Tier
from planwise.parameters.horizon import simulated_years
from planwise.parameters.resolution import resolve

__all__ = [
    "Assumption",
    "Catalogue",
    "EffectiveParameters",
    "Lever",
    "Overrides",
    "ParameterRow",
    "Tier",
    "Value",
    "canonical_overrides",
    "catalogue",
    "parse_assignments",
    "resolve",
    "simulated_years",
]
