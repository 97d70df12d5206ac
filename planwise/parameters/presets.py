"""Presets: named sets of lever values, declared in presets.yaml, computed from the current parameters."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, model_validator

from planwise.parameters.catalogue import Declaration, Lever, Value, catalogue
from planwise.parameters.effective import EffectiveParameters, resolve
from planwise.parameters.values import DECIMALS, Key, canonical_overrides

FILE = Path(__file__).parent / "presets.yaml"
MARKET_BUDGET = "market_budget"
BUDGET_DECIMALS = 3  # a budget is split to a tenth of a percentage point
WAYS = ("value", "to", "budget_share", "budget_rest_after", "budget_plus")


class PresetSetting(Declaration):
    """Levers and the way their values are set; see presets.yaml."""

    levers: str
    value: float | dict[int, float] | None = None
    to: Literal["baseline"] | None = None
    budget_share: float | None = None
    budget_rest_after: str | None = None
    budget_plus: float | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [way for way in WAYS if getattr(self, way) is not None]
        if len(ways) != 1:
            raise ValueError(f"{self.levers}: give exactly one of {', '.join(WAYS)}")
        if not self.names:
            raise ValueError(f"{self.levers}: unknown lever")
        if isinstance(self.value, dict):
            levels = {catalogue().levers[name].level_id for name in self.names}
            if levels != set(self.value):
                raise ValueError(f"{self.levers}: give a value for each of the levels {levels}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The levers it sets, as declared."""
        return tuple(name for name in catalogue().levers if fnmatchcase(name, self.levers))


class Preset(Declaration):
    """A named set of lever values."""

    name: str
    label: str
    description: str
    source: str = Field(min_length=1, description="Where its values come from")
    sets: tuple[PresetSetting, ...]

    def title(self, effective: EffectiveParameters) -> str:
        """Return the label, with the assumptions that it names."""
        return self.label.format(market_budget=f"{_budget(effective):.1%}")

    def changes(self, effective: EffectiveParameters) -> dict[str, Value]:
        """Return the overrides that the preset sets on these parameters, canonical but not yet bounded.

        A lever that is alike in all years is one override.
        """
        found: dict[str, Value] = {}
        baseline = resolve(
            effective.years, scenario={}, dynamic=effective.dynamic, declared=effective.declared
        )
        for setting in self.sets:
            for name in setting.names:
                lever = effective.declared.levers[name]
                by_year = [_value(setting, lever, effective, baseline, found, y) for y in effective.years]
                found.update(_compressed(name, effective.years, by_year))
        return canonical_overrides(found, "lever", declared=effective.declared)


@cache
def presets() -> tuple[Preset, ...]:
    """Return the presets that PlanWise ships; a bad declaration is a ValueError."""
    return tuple(Preset(**entry) for entry in yaml.safe_load(FILE.read_text(encoding="utf-8")))


def _value(
    setting: PresetSetting,
    lever: Lever,
    effective: EffectiveParameters,
    baseline: EffectiveParameters,
    before: Mapping[str, Value],
    year: int,
) -> Value:
    if isinstance(setting.value, dict):
        return setting.value[lever.level_id or 0]
    if setting.value is not None:
        return setting.value
    if setting.budget_share is not None:
        return round(setting.budget_share * _budget(effective), BUDGET_DECIMALS)
    if setting.budget_rest_after is not None:
        rest = _budget(effective) - float(before[setting.budget_rest_after] or 0)
        return max(round(rest, DECIMALS), lever.bounds[0])
    if setting.budget_plus is not None:
        return max(_budget(effective) + setting.budget_plus, lever.bounds[0])
    return baseline.value(lever.name, year)


def _compressed(name: str, years: Sequence[int], values: Sequence[Value]) -> Iterator[tuple[str, Value]]:
    if all(value == values[0] for value in values):
        yield name, values[0]
        return
    for year, value in zip(years, values, strict=True):
        yield str(Key(name, year)), value


def _budget(effective: EffectiveParameters) -> float:
    return effective.number_or_none(MARKET_BUDGET) or 0.0
