"""What is to be run: a scenario, perhaps with edits that are not saved yet; and what differs by it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from planwise.parameters import EffectiveParameters, Value, catalogue
from ui.components.html import Column
from ui.values.formatting import with_levels
from ui.values.parameter_text import written

COLUMNS = ("parameter", "years", "before", "after")
HORIZON = "years"


@dataclass(frozen=True)
class Wanted:
    """A scenario's name, and canonical changes on top of it that are stored nowhere."""

    scenario: str
    changes: Mapping[str, Value] = field(default_factory=dict)

    def request(self) -> dict[str, Any]:
        """Return what the flow `simulate` takes."""
        kinds: dict[str, dict[str, Value]] = {"levers": {}, "assumptions": {}}
        for key, value in self.changes.items():
            kinds[f"{catalogue().kind(key.partition('@')[0])}s"][key] = value
        return {"scenario": self.scenario, **{kind: values for kind, values in kinds.items() if values}}


def difference(base: EffectiveParameters, proposed: EffectiveParameters) -> pd.DataFrame:
    """Return one row per parameter and span of years in which it differs; years that both simulate."""
    shared = [year for year in proposed.years if year in base.years]
    rows = []
    if base.years != proposed.years:
        rows.append(_row("Simulated years", "", _span(base.years), _span(proposed.years)))
    for name, parameter in proposed.declared.parameters.items():
        if name == HORIZON:
            continue
        changed: dict[tuple[Value, Value], list[int]] = {}
        for year in shared:
            pair = (base.value(name, year), proposed.value(name, year))
            if pair[0] != pair[1]:
                changed.setdefault(pair, []).append(year)
        rows += [
            _row(
                with_levels(parameter.label),
                _years(years, shared),
                written(parameter, old),
                written(parameter, new),
            )
            for (old, new), years in changed.items()
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def columns(base: str) -> tuple[Column, ...]:
    """Return how a difference from a scenario is shown."""
    return (
        Column("parameter", "Lever or assumption", is_text=True),
        Column("years", "Years", is_text=True),
        Column("before", base),
        Column("after", "This run"),
    )


def suggested_name(base: str, taken: Iterable[str], longest: int = 48) -> str:
    """Return a free name for what is made of a scenario: higher_cola_2, then higher_cola_3."""
    known = set(taken)
    stem, _, number = base.rpartition("_")
    if not (stem and number.isdecimal()):
        stem, number = base, "1"
    counter = int(number)
    while True:
        counter += 1
        name = f"{stem[: longest - len(str(counter)) - 1]}_{counter}"
        if name not in known:
            return name


def _row(parameter: str, years: str, before: str, after: str) -> dict[str, str]:
    return {"parameter": parameter, "years": years, "before": before, "after": after}


def _years(years: list[int], all_years: list[int]) -> str:
    if years == all_years:
        return "all"
    if years == list(range(years[0], years[-1] + 1)):
        return _span(years)
    return ", ".join(map(str, years))


def _span(years: Iterable[int]) -> str:
    first, *others = list(years)
    return f"{first}–{others[-1]}" if others else str(first)
