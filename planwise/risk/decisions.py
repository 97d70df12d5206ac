"""What a plan has decided, and is therefore not drawn; what past years awarded, from which it is drawn."""

from dataclasses import dataclass

from planwise.parameters import EffectiveParameters
from planwise.parameters.catalogue import LEVELS
from planwise.parameters.values import awards

NEW_GROWTH, GROWTH_ESTIMATE = "headcount_growth", "estimated_headcount_growth"
RAISES = "raises"  # COLA, awards and merit
COLA, AWARDS, MERITS = "cola_rate", "awards", tuple(f"merit_rate_level_{level}" for level in LEVELS)
RAISE_ESTIMATES = {name: f"estimated_{name}" for name in (COLA, AWARDS, *MERITS)}
PAST_COLA, PAST_AWARDS = "past_cola_rate_", "past_awards_"


def decided_by(*plans: EffectiveParameters) -> frozenset[str]:
    """Return what any of these plans decides, and is therefore not drawn: headcount growth, raises.

    A plan decides headcount growth by stating one that is not its calibration's estimate, and a year's raises
    by setting COLA, awards or the merit of any level, in the scenario or by a release, to another value than
    its calibration's estimate or for that very year: `raises@2027`, or `raises` where it decides all years'.
    """
    found: set[str] = set()
    raised = {year for plan in plans for year in plan.years if _decides_raises(plan, year)}
    if raised:
        every = raised >= {year for plan in plans for year in plan.years}
        found |= {RAISES} if every else {f"{RAISES}@{year}" for year in raised}
    for plan in plans:
        estimate = plan.number_or_none(GROWTH_ESTIMATE)
        for year in plan.years:
            growth = plan.row(NEW_GROWTH, year)
            if growth.tier == "scenario" and growth.value != estimate:
                found.add(NEW_GROWTH)
    return frozenset(found)


def _decides_raises(plan: EffectiveParameters, year: int) -> bool:
    for name, estimate in RAISE_ESTIMATES.items():
        row = plan.row(name, year)
        if row.tier in ("scenario", "dynamic") and (
            row.value != plan.value(estimate) or plan.states(name, year)
        ):
            return True
    return False


@dataclass(frozen=True)
class Awarded:
    """What a year awarded: the COLA of everyone else, and awards of groups of an attribute, if any."""

    cola: float
    attribute: str = ""
    groups: tuple[tuple[str, float], ...] = ()

    @classmethod
    def past(cls, effective: EffectiveParameters) -> "tuple[Awarded, ...]":
        """Return the past years of a scenario that are known."""
        found = []
        for member in effective.declared.bands["past_years"]:
            cola = effective.number_or_none(f"{PAST_COLA}{member}")
            if cola is not None:
                attribute, rates = awards(effective.value(f"{PAST_AWARDS}{member}")) or ("", {})
                found.append(cls(cola, attribute, tuple(sorted(rates.items()))))
        return tuple(found)
