"""Estimate assumptions from yearly censuses, and test them against what happened."""
