"""Levers and assumptions that differ between scenarios, by year, with their tiers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, Protocol

from planwise.comparison.metrics import difference, numeric
from planwise.parameters import EffectiveParameters, Value, catalogue
from planwise.parameters.declaration import Unit
from planwise.parameters.values import DECIMALS

HORIZON = "years"  # said as the years themselves, not as a parameter
ALL_YEARS: tuple[int, ...] = ()
UNKNOWN_UNIT = ""


@dataclass(frozen=True)
class Setting:
    """A parameter's value in a year, and the tier it came from."""

    value: Value
    tier: str


class Parametrised(Protocol):
    """Something with a name and a parameter setting in each year: a published result, a scenario."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def parameters(self) -> frozenset[str]: ...  # noqa: D102

    def setting(self, name: str, year: int) -> Setting | None: ...  # noqa: D102


@dataclass(frozen=True)
class ComparedParameters:
    """A scenario as it resolves now, published or not."""

    name: str
    effective: EffectiveParameters

    @property
    def parameters(self) -> frozenset[str]:
        """The names of all parameters."""
        return frozenset(self.effective.declared.parameters)

    def setting(self, name: str, year: int) -> Setting | None:
        """Return a parameter in a year."""
        row = self.effective.row(name, year)
        return Setting(row.value, row.tier)


@dataclass(frozen=True)
class ParameterDifference:
    """One parameter over neighbouring years in which nothing changes; `years` is empty for all years.

    `settings` are by scenario, None where a result was published without the parameter.
    """

    parameter: str
    kind: Literal["lever", "assumption"]
    label: str
    unit: str
    years: tuple[int, ...]
    settings: Mapping[str, Setting | None]

    @property
    def when(self) -> str:
        """The years as people write them."""
        if not self.years:
            return "all"
        first, last = self.years[0], self.years[-1]
        return str(first) if first == last else f"{first}-{last}"

    def as_json(self) -> dict[str, Any]:
        """Return values with their tiers, and differences from the first scenario where there are numbers."""
        base, *others = self.settings
        first = self.settings[base]
        return {
            "parameter": self.parameter,
            "kind": self.kind,
            "label": self.label,
            "unit": self.unit,
            "years": list(self.years) or None,
            "values": {
                name: None if setting is None else {"value": setting.value, "tier": setting.tier}
                for name, setting in self.settings.items()
            },
            "differences": {name: parameter_change(self.settings[name], first) for name in others},
        }


def parameter_change(setting: Setting | None, base: Setting | None) -> float | int | None:
    """Return the difference of two settings, in the decimals that parameters have; None without numbers."""
    change = difference(numeric(_value(setting)), numeric(_value(base)))
    return None if change is None else change if isinstance(change, int) else round(float(change), DECIMALS)


def parameter_differences(
    sources: Sequence[Parametrised], years: Sequence[int]
) -> tuple[ParameterDifference, ...]:
    """Return what differs in these years: levers first, then assumptions; tiers alone are no difference."""
    declared = catalogue()
    known = list(declared.parameters)
    names = sorted(
        frozenset[str]().union(*(source.parameters for source in sources)) - {HORIZON},
        key=lambda name: (known.index(name) if name in declared.parameters else len(known), name),
    )
    return tuple(found for name in names for found in _differences_of(name, sources, years))


def _differences_of(
    name: str, sources: Sequence[Parametrised], years: Sequence[int]
) -> Iterator[ParameterDifference]:
    declared = catalogue().parameters.get(name)
    by_year = [(year, tuple(source.setting(name, year) for source in sources)) for year in years]
    for settings, members in groupby(by_year, key=lambda entry: entry[1]):
        if _equal(settings):
            continue
        span = tuple(year for year, _ in members)
        yield ParameterDifference(
            parameter=name,
            kind=catalogue().kind(name),
            label=declared.label if declared else name,
            unit=_unit(declared.unit) if declared else UNKNOWN_UNIT,
            years=ALL_YEARS if len(span) == len(years) else span,
            settings={source.name: setting for source, setting in zip(sources, settings, strict=True)},
        )


def _unit(unit: Unit) -> str:
    return unit.value


def _equal(settings: Iterable[Setting | None]) -> bool:
    return len({repr(_value(setting)) for setting in settings}) == 1


def _value(setting: Setting | None) -> Any:
    return None if setting is None else setting.value
