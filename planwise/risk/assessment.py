"""Risk of a set of levers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from planwise.engine.outcome import Kpis
from planwise.formatting import money
from planwise.parameters import (
    EffectiveParameters,
    Finding,
    Risk,
    risks,
    target_class,
    validate,
    validate_target,
)


@dataclass(frozen=True)
class Assessment:
    """Risks for an approver: `level` is the worst finding's risk, `levers` each lever's own.

    `added` is the worst of the findings that the levers started from do not have already, such as those about
    calibrated rates, which no one chose. `levers` has the worst risk over the years, and where it is not the
    same in all also that of each year, as `name@year`. `target` is the class of the growth target, None
    without one. `findings` are worst first; one that holds in all years has the year None.
    """

    level: Risk
    added: Risk
    levers: Mapping[str, Risk]
    target: str | None
    findings: Sequence[Finding]

    def as_json(self) -> dict[str, Any]:
        """Return the assessment as JSON values."""
        return {
            "level": self.level.value,
            "added": self.added.value,
            "levers": {name: risk.value for name, risk in self.levers.items()},
            "target": self.target,
            "findings": [
                {"parameter": f.parameter, "year": f.year, "risk": f.risk.value, "message": f.message}
                for f in self.findings
            ],
        }


def assess(
    effective: EffectiveParameters,
    kpis: Kpis,
    *,
    target_growth: float | None,
    payroll_budget: float | None,
    start: EffectiveParameters | None = None,
) -> Assessment:
    """Assess parameters and the KPIs they give.

    `target_growth` is a rate or None; `payroll_budget` is the highest annual payroll allowed in any year
    (currency) or None. `start` has the levers that these were changed from, if any.
    """
    findings = validate(effective, {int(year["simulation_year"]): year.get("increase_rate") for year in kpis})
    if target_growth is not None:
        findings += validate_target(
            target_growth,
            market_budget=effective.number_or_none("market_budget"),
            payroll=max((float(year["payroll"]) for year in kpis), default=None),
            payroll_budget=payroll_budget,
        )
    elif payroll_budget is not None:
        findings += _over_budget(kpis, payroll_budget)
    worst_first = sorted(
        (f for f in findings if f.risk is not Risk.OK), key=lambda f: (-f.risk.rank, f.parameter)
    )
    there = () if start is None else validate(start)
    known = {(finding.parameter, finding.message) for finding in there}
    return Assessment(
        level=_worst(findings),
        added=_worst(f for f in findings if (f.parameter, f.message) not in known),
        levers=_by_lever(effective),
        target=None if target_growth is None else target_class(target_growth)[0],
        findings=tuple(worst_first),
    )


def _worst(findings: Iterable[Finding]) -> Risk:
    return max((finding.risk for finding in findings), key=lambda risk: risk.rank, default=Risk.OK)


def _over_budget(kpis: Kpis, budget: float) -> list[Finding]:
    payroll = max((float(year["payroll"]) for year in kpis), default=0.0)
    if payroll <= budget:
        return []
    message = f"Payroll of {money(payroll)} is {money(payroll - budget)} over the budget of {money(budget)}."
    return [Finding("payroll_budget", None, Risk.CRITICAL, message)]


def _by_lever(effective: EffectiveParameters) -> dict[str, Risk]:
    by_year: dict[str, dict[int, Risk]] = {}
    for (name, year), risk in risks(effective).items():
        by_year.setdefault(name, {})[year] = risk
    found: dict[str, Risk] = {}
    for name, years in by_year.items():
        found[name] = max(years.values(), key=lambda risk: risk.rank)
        if len(set(years.values())) > 1:
            found |= {f"{name}@{year}": risk for year, risk in years.items()}
    return found


CONFIDENCE = 0.95


def wilson(successes: int, n: int) -> list[float]:
    """Return Wilson's 95 % score interval of a share (Wilson 1927, JASA 22)."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, scale = successes / n, 1 + z**2 / n
    middle = (share + z**2 / (2 * n)) / scale
    reach = z / scale * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return [max(0.0, middle - reach), min(1.0, middle + reach)]


PERCENTILES = (10, 50, 90)


@dataclass(frozen=True)
class Spread:
    """The spread of one metric over replicates, in its own unit.

    Percentiles are linearly interpolated between the sorted values; `sd` is the sample standard deviation
    (n − 1), None for a single value; `n` counts the replicates that had the figure, of those that ran.
    """

    p10: float
    p50: float
    p90: float
    mean: float
    sd: float | None
    n: int

    def as_json(self) -> dict[str, float | int | None]:
        """Return the summary as JSON values."""
        return asdict(self)


def spread_of(values: Iterable[float | int | None]) -> Spread | None:
    """Summarise the values that are finite; None when there are none."""
    sample = np.array([value for value in values if value is not None and math.isfinite(value)], dtype=float)
    if not len(sample):
        return None
    p10, p50, p90 = (float(p) for p in np.percentile(sample, PERCENTILES))
    constant = sample.min() == sample.max()  # a sum of equal doubles, divided, need not be the same double
    mean = float(sample[0]) if constant else float(sample.mean())
    sd = 0.0 if constant else float(sample.std(ddof=1))
    return Spread(p10, p50, p90, mean, sd if len(sample) > 1 else None, len(sample))
