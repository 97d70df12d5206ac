"""Which levers growth depends on over a study's trials, where its result does not say it (yet)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planwise.risk.sensitivity import importance
from ui.values.searches import Search


@dataclass(frozen=True)
class _Dimension:
    name: str
    low: float
    high: float
    start: float
    scale: float
    dynamics: bool = False

    def clamp(self, value: float) -> float:
        return min(max(value, self.low), self.high)


def importance_of(search: Search) -> Mapping[str, Any]:
    """Return method, reason, number of distinct trials and each lever's share, from the trials there are."""
    tried = search.trials.loc[(search.trials["role"] == "search") & search.trials["growth"].notna()]
    levers = [lever for lever in search.levers if lever.start is not None]
    if not levers:
        reason = "the scenario as it is has not been evaluated yet"
        return {"method": "none", "reason": reason, "trials": 0, "shares": {}}
    space = [
        _Dimension(
            lever.name,
            lever.low,
            lever.high,
            float(lever.start or 0.0),
            lever.recommended[1] - lever.recommended[0],
        )
        for lever in levers
    ]
    columns = {lever.column: lever.name for lever in levers}
    points = [
        {columns[str(name)]: float(value) for name, value in row.items()}
        for row in tried[list(columns)].to_dict("records")
    ]
    return importance(space, points, tried["growth"].tolist(), None).as_json()
