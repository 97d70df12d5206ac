"""Scenarios side by side: levers, KPIs, people; and one person through the years."""

from planwise.comparison.compare import Comparison, compare
from planwise.comparison.people import WinnersAndLosers

__all__ = ["Comparison", "WinnersAndLosers", "compare"]
