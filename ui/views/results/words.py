"""What events and employment statuses are called, and the rule behind each kind of event."""

from collections.abc import Mapping
from typing import Any

from ui.components.charts import DOWN, PALETTE, UP

REASONS: Mapping[str, str] = {
    "growth": "Hire",
    "voluntary": "Exit, voluntary",
    "new_hire": "Exit, new hire",
    "reduction": "Exit, reduction",
    "promotion": "Promotion",
    "COLA": "COLA",
    "MERIT": "Merit",
}
COLORS: Mapping[str, str] = {
    "growth": UP,
    "voluntary": DOWN,
    "new_hire": DOWN,
    "reduction": DOWN,
    "promotion": PALETTE[3],
    "COLA": PALETTE[0],
    "MERIT": PALETTE[1],
}
RULES: Mapping[str, str] = {
    "growth": "Headcount target minus who stayed; pay by place in the level's range × new-hire adjustment",
    "voluntary": "Draw under the probability: rate × tenure, age and level multipliers",
    "new_hire": "Of the year's hires, those with the lowest draws leave again",
    "reduction": "The headcount target is under who stayed: those with the lowest draws leave",
    "promotion": "Draw under the probability: pay × (1 + raise), at least the new range's minimum",
    "COLA": "Everybody employed on its date: pay × (1 + COLA rate)",
    "MERIT": "Rate of the level × rating × place in range, within the level's budget",
}
STATUSES: Mapping[str, str] = {
    "continuous_active": "Continuing",
    "new_hire_active": "New hire",
    "experienced_termination": "Left, experienced",
    "new_hire_termination": "Left, new hire",
}


def reason(name: Any) -> str:
    """Return what an event's reason is called; one that nobody named stays as it is."""
    return REASONS.get(str(name), str(name))


def status(name: Any) -> str:
    """Return what an employment status is called."""
    return STATUSES.get(str(name), str(name))


def levels(before: Any, after: Any, write: Any) -> str:
    """Return a level, or the change of it: L2 Manager → L3 Senior Manager."""
    if before is None or before != before or int(before) == int(after):
        return str(write(after))
    return f"{write(before)} → {write(after)}"
