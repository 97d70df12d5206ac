"""What a scenario resolves to, year by year, with the tier each value came from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from planwise.errors import InputError
from planwise.parameters.catalogue import Catalogue, catalogue, unknown_name
from planwise.parameters.declaration import Chain, Value

Tier = Literal["scenario", "dynamic", "default", "fallback"]
HORIZON_ONLY = frozenset({"years"})  # a way to say the years, which the digest has already


@dataclass(frozen=True)
class ParameterRow:
    """One effective value; `year` is None for a parameter that is one value for all years."""

    parameter: str
    level_id: int | None
    year: int | None
    value: Value
    tier: Tier


@dataclass(frozen=True, eq=False)
class EffectiveParameters:
    """Every parameter's value in every simulated year; equal when all values are, whatever their tiers."""

    years: tuple[int, ...]
    cells: Mapping[tuple[str, int | None], ParameterRow] = field(repr=False)
    scenario: Mapping[str, Value] = field(repr=False)
    dynamic: Mapping[str, Value] = field(repr=False)
    declared: Catalogue = field(repr=False)

    def row(self, name: str, year: int | None = None) -> ParameterRow:
        """Return the row of a parameter in a year; without a year, the value must be the same in all.

        Raises InputError for an unknown name, a year that is not simulated, or a value that differs by year.
        """
        if name not in self.declared.parameters:
            raise unknown_name(name, self.declared.names())
        if year is not None and year not in self.years:
            raise InputError(
                f"{name}: {year} is not simulated.",
                remedy=f"The simulated years are {', '.join(map(str, self.years))}.",
            )
        for key in ((name, year), (name, None)):
            if key in self.cells:
                return self.cells[key]
        by_year = [self.cells[name, simulated] for simulated in self.years]
        if any(row.value != by_year[0].value for row in by_year):
            raise InputError(f"{name} differs by year.", remedy="Ask for one year.")
        return by_year[0]

    def value(self, name: str, year: int | None = None) -> Value:
        """Return the canonical value; see `row` for what is raised."""
        return self.row(name, year).value

    def number(self, name: str, year: int | None = None) -> float:
        """Return a numeric value as float; raises InputError when it is not a number or not set."""
        number = self.number_or_none(name, year)
        if number is None:
            raise InputError(f"{name} is not set.", remedy=f"Set {name} in the scenario.")
        return number

    def number_or_none(self, name: str, year: int | None = None) -> float | None:
        """Return a numeric value as float, None when not set; raises InputError for another kind of value."""
        value = self.value(name, year)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{name} is not a number (got {value!r}).", remedy="Name a numeric parameter.")
        return float(value)

    def tier(self, name: str, year: int | None = None) -> Tier:
        """Return where the value came from; see `row` for what is raised."""
        return self.row(name, year).tier

    def rows(self) -> list[ParameterRow]:
        """Return every value, by parameter, then year."""
        return sorted(self.cells.values(), key=lambda row: (row.parameter, row.year or 0))

    @property
    def seed(self) -> int:
        """The seed of every draw."""
        seed = self.value("seed")
        assert isinstance(seed, int)  # declared a count
        return seed

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the years and all values; tiers are left out."""
        return self.digest_of(*Chain)

    def digest_of(self, *chains: Chain) -> str:
        """Return the SHA-256 (hex) of the years and the values of these chains only.

        `digest_of(Chain.DYNAMICS, Chain.PAY)` is what a simulation depends on, whatever a study aims at.
        """
        declared = self.declared.parameters
        values = [
            [row.parameter, row.year, row.value]
            for row in self.rows()
            if row.parameter not in HORIZON_ONLY and declared[row.parameter].chain in chains
        ]
        text = json.dumps([list(self.years), values], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def overrides(self) -> dict[str, Value]:
        """Return the scenario's overrides, canonical."""
        return dict(self.scenario)

    def with_levers(self, levers: Mapping[str, object]) -> "EffectiveParameters":
        """Return these parameters with levers set by the scenario; an all-years key sets every year."""
        from planwise.parameters.resolution import override  # resolution builds this class

        return override(self, levers, kind="lever")

    def with_assumptions(self, assumptions: Mapping[str, object]) -> "EffectiveParameters":
        """Return these parameters with assumptions set by the scenario, such as another seed."""
        from planwise.parameters.resolution import override  # resolution builds this class

        return override(self, assumptions, kind="assumption")

    def __getstate__(self) -> dict[str, object]:
        """Leave out the program's own catalogue: another process has it too, and it is most of the size."""
        state = dict(self.__dict__)
        if self.declared is catalogue():
            del state["declared"]
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update({"declared": catalogue(), **state})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EffectiveParameters) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)
