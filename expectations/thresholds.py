"""The declared thresholds of all gates: packaged YAML, and an operator's file over it."""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from planwise.errors import InputError
from planwise.gate import Severity

DECLARED = Path(__file__).with_name("thresholds.yaml")
OVERRIDE_VARIABLE = "PLANWISE_GATE_THRESHOLDS"


class Threshold(BaseModel):
    """A range for an observed value, and the conditions for checking it.

    `minimum_population` people are needed before the range means anything; `minimum_continuing_share` (0–1)
    of them must have been there at both year ends; `mostly` (0–1) is the share of rows that must conform.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    reason: str
    severity: Severity
    minimum: float | None = None
    maximum: float | None = None
    minimum_population: int = Field(default=0, ge=0)
    minimum_continuing_share: float = Field(default=0, ge=0, le=1)
    mostly: float = Field(default=1, gt=0, le=1)

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.minimum is None and self.maximum is None:
            raise ValueError("a threshold needs a minimum or a maximum")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self


class Thresholds(RootModel[dict[str, Threshold]]):
    """All thresholds by name, e.g. `growth_all_possible`."""

    model_config = ConfigDict(frozen=True)

    def __getitem__(self, name: str) -> Threshold:
        return self.root[name]


def load_thresholds(override: Path | None = None) -> Thresholds:
    """Load the declared thresholds; a file may replace single fields of single thresholds.

    Raises InputError when the file is missing, is no mapping, names an unknown threshold or breaks
    the schema.
    """
    stamp = None
    if override is not None:
        if not override.is_file():
            raise InputError(
                f"{OVERRIDE_VARIABLE} names {override}, which is no file.",
                remedy=f"Correct or unset {OVERRIDE_VARIABLE}.",
            )
        stamp = override.stat().st_mtime_ns
    return _load(override, stamp)


def thresholds_in_force(environment: Mapping[str, str] | None = None) -> Thresholds:
    """Load the thresholds that the environment selects (`os.environ` unless given)."""
    named = (os.environ if environment is None else environment).get(OVERRIDE_VARIABLE)
    return load_thresholds(Path(named) if named else None)


@lru_cache(maxsize=8)
def _load(override: Path | None, _stamp: int | None) -> Thresholds:
    declared = _read(DECLARED)
    for name, fields in (_read(override) if override else {}).items():
        if name not in declared:
            near = get_close_matches(name, declared, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"The names are: {', '.join(sorted(declared))}."
            raise InputError(f"{override} sets the unknown gate threshold {name!r}.", remedy=hint)
        if not isinstance(fields, dict):
            raise InputError(
                f"{override}: {name} is {fields!r}, not a mapping.",
                remedy="Write e.g. `maximum: 0.1` under the name.",
            )
        declared[name] = {**declared[name], **fields}
    try:
        return Thresholds.model_validate(declared)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{override or DECLARED}: {where}: {first['msg']}.", remedy="Correct the threshold."
        ) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not readable YAML: {error}", remedy="Correct the file.") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{file} is no mapping of threshold names.", remedy="Write `name:` and its fields under it."
        )
    return content
