"""Declared thresholds, an operator's file over them; the alerts and comparisons that use them."""

import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache
from math import sqrt
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from planwise.errors import InputError
from planwise.monitoring.monitor import BlockFigures

DECLARED = Path(__file__).with_name("thresholds.yaml")
OVERRIDE_VARIABLE = "PLANWISE_PERFORMANCE_THRESHOLDS"
MAD_TO_SIGMA = 1.4826  # of normal values
MEDIAN_ERROR = 1.2533  # standard error of a median over that of a mean
BAND = 3.0  # standard errors; what is within them is noise


class Severity(StrEnum):
    """How serious an alert is."""

    WARNING = "warning"
    CRITICAL = "critical"


class Verdict(StrEnum):
    """The outcome of a comparison with a baseline."""

    PASS = "PASS"
    WARNING = "WARNING"
    FAILURE = "FAILURE"


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AlertRule(_Declared):
    """When a measure is reported; `below` is for measures of which more is better."""

    description: str
    warning: float = Field(allow_inf_nan=False)
    critical: float = Field(allow_inf_nan=False)
    records_min: int = Field(default=0, ge=0)
    below: bool = False

    def severity(self, value: float) -> Severity | None:
        """Return how serious a value is; None when it is not."""
        sign = -1 if self.below else 1
        if sign * value > sign * self.critical:
            return Severity.CRITICAL
        return Severity.WARNING if sign * value > sign * self.warning else None


class Limits(_Declared):
    """The change that is a warning and the one that is a failure."""

    warning: float = Field(gt=0)
    failure: float = Field(gt=0)

    def verdict(self, change: float, noise: float = 0.0) -> Verdict:
        """Return the verdict on a change, above 0 when it got worse; one within the noise passes."""
        if change <= noise or change <= self.warning:
            return Verdict.PASS
        return Verdict.FAILURE if change > self.failure else Verdict.WARNING


class ComparisonLimits(_Declared):
    """The limits by what is compared."""

    seconds: Limits
    memory: Limits
    match_rate: Limits


class BaselineRule(_Declared):
    """Which runs are the baseline, and what is too small to be compared."""

    runs: int = Field(ge=1)
    runs_min: int = Field(ge=1)
    seconds_min: float = Field(ge=0)
    memory_mb_min: float = Field(ge=0)


class PerformanceThresholds(_Declared):
    """All of them."""

    alerts: Mapping[str, AlertRule]
    comparison: ComparisonLimits
    baseline: BaselineRule


@dataclass(frozen=True)
class PerformanceAlert:
    """A measure beyond its threshold; `block` is the way to the block within the run."""

    severity: Severity
    measure: str
    block: str
    value: float
    threshold: float

    def as_json(self) -> dict[str, Any]:
        """Return the alert as one object."""
        return asdict(self)

    def __str__(self) -> str:
        name = self.measure.replace("_", " ")
        return f"{self.severity}: {name} of {self.block} is {self.value:.4g}, threshold {self.threshold:g}"


class AlertCollector:
    """Collects the alerts of one run: of its blocks as they end, and of the run itself."""

    def __init__(self, rules: Mapping[str, AlertRule]) -> None:
        self._rules = rules
        self._found: dict[tuple[str, str], PerformanceAlert] = {}

    @property
    def alerts(self) -> tuple[PerformanceAlert, ...]:
        """The alerts; of blocks of the same name the worst."""
        return tuple(self._found.values())

    def check_block(self, path: tuple[str, ...], figures: BlockFigures) -> None:
        """Check a block that has ended."""
        rule = self._rules["seconds_per_record"]
        if figures.records and figures.records >= rule.records_min:
            self.check("seconds_per_record", figures.seconds / figures.records, " / ".join(path))

    def check_run(self, figures: BlockFigures, pressure: float, facts: Mapping[str, Any]) -> None:
        """Check what is known at the end of the run."""
        self.check_block((figures.name,), figures)
        self.check("memory_delta_mb", figures.memory_delta_mb or 0.0, figures.name)
        self.check("memory_pressure", pressure, figures.name)
        if "match_rate" in facts:
            self.check("match_rate", float(facts["match_rate"]), figures.name)

    def check(self, measure: str, value: float, block: str) -> None:
        """Keep an alert when the value is beyond a threshold."""
        rule = self._rules[measure]
        severity = rule.severity(value)
        if severity is None:
            return
        known = self._found.get((measure, block))
        if known is None or (value < known.value) == rule.below:
            limit = rule.critical if severity is Severity.CRITICAL else rule.warning
            self._found[measure, block] = PerformanceAlert(severity, measure, block, value, limit)


def relative_noise(samples: Sequence[float]) -> float:
    """Return the standard error of the samples' median as a share of it; 0 for fewer than two samples."""
    if len(samples) < 2:
        return 0.0
    middle = statistics.median(samples)
    if not middle:
        return 0.0
    spread = MAD_TO_SIGMA * statistics.median(abs(sample - middle) for sample in samples)
    return float(MEDIAN_ERROR * spread / sqrt(len(samples)) / abs(middle))


def noise_band(*samples: Sequence[float]) -> float:
    """Return the change of a ratio of medians that these samples' own spread explains."""
    return BAND * sqrt(sum(relative_noise(each) ** 2 for each in samples))


def thresholds_in_force() -> PerformanceThresholds:
    """Return the declared thresholds with those of the operator's file over them.

    Raises InputError when the file is missing, or does not have the form.
    """
    named = os.environ.get(OVERRIDE_VARIABLE)
    if not named:
        return _load(None, None)
    file = Path(named)
    if not file.is_file():
        raise InputError(
            f"{OVERRIDE_VARIABLE} names {file}, which is no file.",
            remedy=f"Correct or unset {OVERRIDE_VARIABLE}.",
        )
    return _load(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _load(override: Path | None, _stamp: int | None) -> PerformanceThresholds:
    declared = _read(DECLARED)
    for section, entries in (_read(override) if override else {}).items():
        if section not in declared or not isinstance(entries, dict):
            raise InputError(
                f"{override}: {section!r} is no section of the performance thresholds.",
                remedy=f"The sections are {', '.join(declared)}, each a mapping.",
            )
        for name, value in entries.items():
            known = declared[section].get(name)
            merged = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
            declared[section][name] = merged
    unknown = set(declared["alerts"]) - set(_read(DECLARED)["alerts"])
    try:
        if unknown:
            raise ValueError(f"unknown alerts {', '.join(sorted(unknown))}")
        return PerformanceThresholds.model_validate(declared)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InputError(
            f"{override} is not valid: {problems}.", remedy="See planwise/monitoring/thresholds.yaml."
        ) from error
    except ValueError as error:
        raise InputError(
            f"{override}: {error}.", remedy="See planwise/monitoring/thresholds.yaml."
        ) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{file} cannot be read: {error}", remedy="Write it as YAML.") from error
    if not isinstance(content, dict):
        raise InputError(f"{file} is no mapping.", remedy="Write sections with names and numbers.")
    return content
