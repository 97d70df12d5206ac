"""From estimates to levers and assumptions: within their bounds, each clip and each gap said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from planwise.parameters import catalogue
from planwise.parameters.declaration import Value

DECIMALS = 6  # of a rate: a tenth of a person in 100,000


@dataclass(frozen=True)
class Clip:
    """An estimate outside the hard bounds of its parameter, and the bound that is used instead."""

    name: str
    estimated: float
    used: float


@dataclass
class Overrides:
    """The parameters that were estimated, and what is to be said about them."""

    values: dict[str, Value] = field(default_factory=dict)
    clips: list[Clip] = field(default_factory=list)
    not_estimated: list[tuple[str, str]] = field(default_factory=list)

    def put(self, name: str, estimate: float | None, why_not: str = "nobody to estimate it from") -> None:
        """Take an estimate over, clipped to the bounds; without one, note why the parameter stays."""
        if estimate is None:
            self.not_estimated.append((name, why_not))
            return
        bounds = catalogue().parameters[name].bounds
        assert bounds is not None  # everything that is estimated is a number
        used = min(max(estimate, bounds[0]), bounds[1])
        if abs(used - estimate) > 0.5 * 10**-DECIMALS:
            self.clips.append(Clip(name, estimate, used))
        self.values[name] = round(float(used), DECIMALS)

    def put_shares(self, prefix: str, counts: Mapping[int, int], members: Sequence[int]) -> None:
        """Take shares over that sum to 1 exactly: the largest takes what rounding leaves."""
        total = sum(counts.values())
        if total == 0:
            self.not_estimated.append((f"{prefix}*", "nobody to estimate it from"))
            return
        rounded = {member: round(counts.get(member, 0) / total, DECIMALS) for member in members}
        largest = max(rounded, key=lambda member: rounded[member])
        rounded[largest] = round(rounded[largest] + 1 - sum(rounded.values()), DECIMALS)
        self.values.update({f"{prefix}{member}": value for member, value in rounded.items()})

    def levers(self) -> dict[str, Value]:
        """Return the levers among them."""
        return {name: value for name, value in self.values.items() if catalogue().kind(name) == "lever"}

    def assumptions(self) -> dict[str, Value]:
        """Return the assumptions among them."""
        return {name: value for name, value in self.values.items() if catalogue().kind(name) == "assumption"}
