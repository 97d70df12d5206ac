"""Pay equity: gaps between groups of people, with intervals, and the reasons why some cannot be measured."""

from planwise.equity.reasons import gap_reason, reason_text

__all__ = ["gap_reason", "reason_text"]
