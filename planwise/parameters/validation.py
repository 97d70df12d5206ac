"""Validate effective parameters: risk per value and business rules. Hard bounds are refused earlier."""

from collections.abc import Iterable
from dataclasses import replace

from planwise.parameters.declaration import Lever, Unit
from planwise.parameters.effective import EffectiveParameters
from planwise.parameters.risk import Risk, risk_of
from planwise.parameters.rules import RULES, Finding


def validate(effective: EffectiveParameters) -> list[Finding]:
    """Return what is not OK about the levers, worst first; alike in all years is one finding of year None."""
    found = [finding for year in effective.years for finding in _of_year(effective, year)]
    return sorted(_every_year_once(found, effective.years), key=_worst_first)


def risks(effective: EffectiveParameters) -> dict[tuple[str, int], Risk]:
    """Return the risk of every lever's value in every year, OK included."""
    return {
        (lever.name, year): risk_of(lever, effective.number(lever.name, year))
        for lever in effective.declared.levers.values()
        for year in effective.years
    }


def _of_year(effective: EffectiveParameters, year: int) -> Iterable[Finding]:
    for lever in effective.declared.levers.values():
        value = effective.number(lever.name, year)
        risk = risk_of(lever, value)
        if risk is not Risk.OK:
            yield Finding(lever.name, year, risk, _message(lever, value))
    for rule in RULES:
        yield from rule(effective, year)


def _message(lever: Lever, value: float) -> str:
    side = "below" if value < lever.recommended[0] else "above"
    told, low, high, lowest, highest = (
        f"{number:.2%}" if lever.unit is Unit.RATE else f"{number:g}"
        for number in (value, *lever.recommended, *lever.bounds)
    )
    return (
        f"{lever.label}: {told} is {side} the recommended {low} to {high} "
        f"(hard bounds {lowest} to {highest})."
    )


def _every_year_once(found: list[Finding], years: tuple[int, ...]) -> list[Finding]:
    by_text: dict[Finding, list[int]] = {}
    for finding in found:
        assert finding.year is not None  # found year by year
        by_text.setdefault(replace(finding, year=None), []).append(finding.year)
    merged = []
    for finding, its_years in by_text.items():
        everywhere = len(its_years) == len(years)
        merged += [finding] if everywhere else [replace(finding, year=year) for year in its_years]
    return merged


def _worst_first(finding: Finding) -> tuple[int, str, int]:
    return (-finding.risk.rank, finding.parameter, finding.year or 0)
