"""Awards by group, and drift: what people got beyond the award without a decision.

An award is the raise that a group of stayers shares; drift x is the rest, (1 + raise) = (1 + award)(1 + x):
steps, new titles, corrections, raises that did not come. Drift is kept person by person, as a pool of donors.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from planwise.calibration.raises import COMPARABLE_RATES, MODE_SHARE_MIN, MODE_STEP, common_raise
from planwise.calibration.rates import THIN_HEADS
from planwise.calibration.years import Transition, YearlyCensus
from planwise.census.schema import GROUPINGS
from planwise.errors import InputError
from planwise.parameters.catalogue import Value, catalogue
from planwise.parameters.values import AWARD_MAX_RATE, DECIMALS, awards_text

DEFAULT_ATTRIBUTE = "department"
ATTRIBUTES = (DEFAULT_ATTRIBUTE, *GROUPINGS)
GROUP_HEADS_MIN = 100  # smaller groups share one award
POOLED = ""  # everyone of no group of their own; their award is the COLA of the simulation
AWARDS_RULE = (
    f"An award is the most common raise (to {MODE_STEP:.1%}; the median where fewer than "
    f"{MODE_SHARE_MIN:.0%} share it) of the stayers of a group with the same job title, renamed or not; "
    f"groups under {GROUP_HEADS_MIN} people share one. Drift is what stayers got beyond it, promotions "
    "apart: each simulated person draws that of a person of the same group, tenure and level."
)


@dataclass(frozen=True)
class Award:
    """What one group shared in one year: a rate, by how many with the same title, or why it is the pool's."""

    year: str
    group: str
    heads: int
    rate: float
    share: float
    is_mode: bool
    pooled: bool


@dataclass(frozen=True)
class MeanDrift:
    """What a year's donors got beyond the award, weighted by pay, and the share who got less than it."""

    year: str
    group: str
    heads: int
    mean: float
    below_share: float


@dataclass(frozen=True)
class AwardsFound:
    """Awards and drift of the years; `groups` as the last census writes them.

    `donors` has the columns of the calibrated rates' `drift_donors`.
    """

    attribute: str
    groups: tuple[str, ...]
    awards: tuple[Award, ...]
    drift: tuple[MeanDrift, ...]
    donors: pd.DataFrame = field(repr=False)

    def expected(self, years: Iterable[str]) -> dict[str, float]:
        """Return the mean award of these years by group, within the bounds."""
        wanted = set(years)
        found: dict[str, list[float]] = {}
        for award in self.awards:
            if award.year in wanted:
                found.setdefault(award.group, []).append(award.rate)
        return {group: bounded(sum(rates) / len(rates)) for group, rates in found.items()}

    def rate_of(self, year: str) -> dict[str, float]:
        """Return a year's award by group."""
        return {award.group: award.rate for award in self.awards if award.year == year}


def bounded(rate: float) -> float:
    """Return an award within its bounds."""
    return round(min(max(rate, 0.0), AWARD_MAX_RATE), DECIMALS)


def find_awards(
    steps: Sequence[Transition],
    stayers: Mapping[str, pd.DataFrame],
    last: YearlyCensus,
    attribute: str = DEFAULT_ATTRIBUTE,
    donors_of: Iterable[str] = (),
) -> AwardsFound:
    """Return awards and drift; donors come from the years of `donors_of` (labels; all without any).

    `stayers` are by year, as `with_promotions` returns them. Raises InputError for an attribute that the
    censuses lack.
    """
    groups = _groups(last, attribute)
    chosen = set(donors_of) or {step.label for step in steps}
    awards: list[Award] = []
    drift: list[MeanDrift] = []
    donors: list[pd.DataFrame] = []
    for step in steps:
        people = stayers[step.label]
        people = people[people["raise_rate"].between(*COMPARABLE_RATES)]
        people = people.assign(award_group=award_groups(people, attribute, groups))
        of_year = _awards_of(step.label, people, groups)
        awards += of_year
        # The promoted whom the simulation promotes get a promotion raise there; others' promotions are drift.
        people = people[~(people["promoted"] & people["eligible"])]
        rates = people["award_group"].map({award.group: award.rate for award in of_year})
        people = people.assign(drift=(1 + people["raise_rate"]) / (1 + rates) - 1)
        drift += _mean_drift(step.label, people)
        if step.label in chosen:
            donors.append(people[["award_group", "tenure_band", "level_id", "drift"]])
    pool = pd.concat(donors, ignore_index=True)
    named = pool["award_group"].map(lambda group: f"{attribute}: {group}" if group else POOLED)
    return AwardsFound(attribute, groups, tuple(awards), tuple(drift), pool.assign(award_group=named))


def award_groups(people: pd.DataFrame, attribute: str, groups: Sequence[str]) -> pd.Series:
    """Return each person's group, `POOLED` for everyone else."""
    known = {group.casefold(): group for group in groups}
    return people[attribute].map(lambda text: known.get(str(text).casefold(), POOLED)).astype(str)


def _groups(last: YearlyCensus, attribute: str) -> tuple[str, ...]:
    if attribute not in ATTRIBUTES or attribute not in last.people or last.people[attribute].isna().all():
        raise InputError(
            f"Awards cannot be found by {attribute}: the census {last.name} does not have it.",
            remedy=f"Use one of {', '.join(ATTRIBUTES)}, and map a column to it when importing.",
        )
    counts = last.people[attribute].dropna().astype(str).value_counts()
    return tuple(sorted(str(group) for group, heads in counts.items() if heads >= GROUP_HEADS_MIN))


def _awards_of(year: str, people: pd.DataFrame, groups: Sequence[str]) -> list[Award]:
    alike = people[~people["retitled"] | people["renamed"]]
    everyone = _award(year, POOLED, alike if len(alike) else people, pooled=True)
    found = []
    for group in (*groups, POOLED):
        own = alike[alike["award_group"] == group]
        if len(own) >= THIN_HEADS or (group == POOLED and not groups and len(own)):
            found.append(_award(year, group, own, pooled=False))
        else:
            found.append(Award(year, group, len(own), everyone.rate, everyone.share, everyone.is_mode, True))
    return found


def _award(year: str, group: str, people: pd.DataFrame, *, pooled: bool) -> Award:
    if people.empty:
        return Award(year, group, 0, 0.0, 0.0, False, pooled)
    common, share, is_mode = common_raise(people["raise_rate"])
    return Award(year, group, len(people), bounded(common), share, is_mode, pooled)


def _mean_drift(year: str, people: pd.DataFrame) -> list[MeanDrift]:
    parts = [("all", people), *people.groupby("award_group")]
    return [
        MeanDrift(
            year,
            str(group),
            len(rows),
            float((rows["drift"] * rows["base_pay"]).sum() / rows["base_pay"].sum()),
            float((rows["drift"] < -MODE_STEP / 2).mean()),
        )
        for group, rows in parts
        if len(rows)
    ]


AWARD, HEADCOUNT, ACTUAL = "award", "headcount", "actual"


@dataclass(frozen=True)
class Given:
    """What is stated about the year to forecast: awards by group, that of everyone else, the headcount.

    `actual` names what is taken from the held-out year itself.
    """

    awards: Mapping[str, float] = field(default_factory=dict)
    rest: float | None = None
    headcount: int | None = None
    actual: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.awards or self.actual) or self.rest is not None or self.headcount is not None


NOTHING_GIVEN = Given()


def parse_given(texts: Iterable[str]) -> Given:
    """Return what texts such as `award.Police=0.03`, `award=2%` and `headcount=13900` state.

    `award=actual` and `headcount=actual` take what happened. Raises InputError for another text.
    """
    awards: dict[str, float] = {}
    rest, heads, actual = None, None, set[str]()
    for text in texts:
        name, equals, value = (part.strip() for part in text.rpartition("="))
        if not equals:
            raise _unreadable(text)
        if value.lower() == ACTUAL and name in (AWARD, HEADCOUNT):
            actual.add(name)
        elif name == HEADCOUNT:
            heads = _heads(text, value)
        elif name == AWARD:
            rest = _rate(text, value)
        elif name.startswith(f"{AWARD}."):
            awards[name.removeprefix(f"{AWARD}.").strip()] = _rate(text, value)
        else:
            raise _unreadable(text)
    return Given(awards, rest, heads, frozenset(actual))


def _unreadable(text: str) -> InputError:
    return InputError(
        f"--given {text!r} is not understood.",
        remedy="Write `award.GROUP=0.03` for a group, `award=0.02` for everyone else, `headcount=13900`, or "
        "`actual` for what happened in a backtest (`award=actual`, `headcount=actual`).",
    )


def _rate(text: str, value: str) -> float:
    try:
        rate = float(value.rstrip("% ")) / (100 if value.endswith("%") else 1)
    except ValueError as error:
        raise _unreadable(text) from error
    if not 0 <= rate <= AWARD_MAX_RATE:
        raise InputError(
            f"--given {text!r}: an award is between 0 and {AWARD_MAX_RATE:.0%}.",
            remedy="Give it as a share: 0.03 or 3%.",
        )
    return rate


def _heads(text: str, value: str) -> int:
    digits = value.replace(",", "").replace("_", "")
    if not digits.isdigit() or int(digits) < 1:
        raise InputError(
            f"--given {text!r}: a headcount is a whole number of people, at least 1.",
            remedy="Give the number of people at the end of the year, as in `headcount=13900`.",
        )
    return int(digits)


def given_values(
    given: Given,
    opening: YearlyCensus,
    found: AwardsFound,
    expected: Mapping[str, float],
    *,
    happened: Mapping[str, float] | None = None,
    closing: int | None = None,
) -> dict[str, Value]:
    """Return the parameters of a year that opens with a census, for what is stated about it.

    Groups without a statement keep the `expected` award. `happened` are the awards and `closing` is the
    headcount of a held-out year. Raises InputError for a group that has no award of its own.
    """
    values: dict[str, Value] = {}
    if (AWARD in given.actual and happened is None) or (HEADCOUNT in given.actual and closing is None):
        raise InputError(
            "`actual` is what happened in a held-out year: only a backtest has one.",
            remedy="State the awards and the headcount of the year to come.",
        )
    rates = dict(expected)
    if AWARD in given.actual:
        rates |= happened or {}
    spelled = {group.casefold(): group for group in opening.people[found.attribute].dropna().astype(str)}
    for name, rate in given.awards.items():
        group = spelled.get(name.casefold())
        if group is None:
            nearest = difflib.get_close_matches(name, sorted(spelled.values()), n=3)
            raise InputError(
                f"--given award.{name}: no {found.attribute} of {opening.name} is called that.",
                remedy=f"Did you mean {', '.join(nearest)}?"
                if nearest
                else f"Its groups are {', '.join(found.groups)}.",
            )
        rates[group] = rate
    if given.rest is not None:
        rates[POOLED] = given.rest
    if given.awards or given.rest is not None or AWARD in given.actual:
        values |= award_parameters(found.attribute, rates)
    heads = closing if HEADCOUNT in given.actual else given.headcount
    if heads is not None:
        values["headcount_growth"] = round(heads / len(opening.people) - 1, DECIMALS)
    return values


def award_parameters(attribute: str, rates: Mapping[str, float]) -> dict[str, Value]:
    """Return the parameters of awards by group: those of the groups, and the COLA of everyone else."""
    low, high = catalogue().levers["cola_rate"].bounds
    values: dict[str, Value] = {"cola_rate": round(min(max(rates.get(POOLED, 0.0), low), high), DECIMALS)}
    groups = {group: bounded(rate) for group, rate in rates.items() if group != POOLED}
    values["awards"] = awards_text(attribute, groups) if groups else None
    return values


def awards_json(found: AwardsFound) -> dict[str, Any]:
    """Return awards and drift by year and group; the pool of everyone else is called `everyone else`."""

    def named(group: str) -> str:
        return group or "everyone else"

    return {
        "rule": AWARDS_RULE,
        "attribute": found.attribute,
        "groups": list(found.groups),
        "by_year": [vars(award) | {"group": named(award.group)} for award in found.awards],
        "drift": [vars(drift) | {"group": named(drift.group)} for drift in found.drift],
        "donors": len(found.donors),
    }
