"""The simulation again, in plain Python and exact fractions, written from the rules and not from the SQL.

One person is a dict; a year is a pass over people. Obvious on purpose: the engine is compared with it.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from reference.movements import Movements
from reference.pay import Pay
from reference.rules import Person


class Simulation(Movements, Pay):
    """One run: `rows` has by year a dict per person, with all that was decided; `census` the opening."""

    def __init__(
        self,
        census: Iterable[Mapping[str, Any]],
        levels: Iterable[Mapping[str, Any]],
        as_of: date,
        effective: Any,
        rates: Iterable[Mapping[str, Any]] = (),
        donors: Iterable[tuple[str, str, int, Any]] = (),
        market: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(census, levels, as_of, effective, rates, donors, market)
        self.rows: dict[int, list[Person]] = {}
        opening = self.census
        for year in effective.years:
            people = self._dynamics(year, opening)
            self._pay(year, people)
            self.rows[year] = people
            opening = [p for p in people if p["termination_date"] is None]
