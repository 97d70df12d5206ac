"""Multipliers of exit and promotion hazards: fitted together, each shrunk by what its dimension shows."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from planwise.calibration.years import NO_BAND
from planwise.parameters import catalogue

Floats = npt.NDArray[np.float64]
DIMENSIONS = {
    "tenure": "tenure_band",
    "age": "age_band",
    "level": "level_id",
    "department": "department",
    "job_title": "job_title",
}
FAMILIES = {"tenure": "tenure", "age": "age", "level": "levels"}
OWN_CURVE = "department_tenure"
OWN_CURVE_HEADS = 1000  # a year: from here a department's tenure curve is its own, shrunk towards everybody's
LAST_BAND, LAST_HEADS = "over_34", 100  # with fewer heads it is pooled with the band before it
# A number behind a department's name, such as that of a cost center: `Police (416)`. It may be in one year's
# file and not in the next.
NUMBER_BEHIND = re.compile(r"\s*\(\d*\)?\s*$")
# A multiplier is (events + k) / (expected + k): the mean of a gamma posterior. k is the prior's events, by
# maximum marginal likelihood over the groups of the dimension; these where there are too few groups to say.
PRIOR_EVENTS: Mapping[str, float] = {
    "tenure": 5.0, "age": 5.0, OWN_CURVE: 5.0, "job_title": 10.0, "department": 20.0, "level": 30.0
}  # fmt: skip
PRIOR_BOUNDS = (1.0, 2000.0)
GROUPS_MIN = 3
ROUNDS_MAX, ROUNDS_OF_PRIORS, SETTLED = 500, 20, 1e-10
Priors = Mapping[str, float]


@dataclass(frozen=True)
class Multiplier:
    """A band's or group's relative hazard given the other dimensions; head-weighted mean 1 in its dimension.

    `department` is that of an own tenure curve, whose value is relative to everybody's in the band.
    """

    dimension: str
    band: str
    value: float
    heads: int
    events: int
    prior_events: float = 0.0
    department: str | None = None


def prior_events(events: Floats, expected: Floats, fallback: float) -> float:
    """Return the k in [1, 2000] that makes the events of the groups likeliest, a negative binomial each.

    With n ~ Poisson(m E) and m ~ Gamma(k, k), log P(n) = lnΓ(n+k) − lnΓ(k) + k ln k + n ln E − (n+k) ln(E+k)
    but for a constant. Fewer than three groups, or no events, give the fallback.
    """
    seen = expected > 0
    n, due = events[seen], expected[seen]
    if len(n) < GROUPS_MIN or not n.any():
        return fallback

    def surprise(log_k: float) -> float:
        k = np.exp(log_k)
        return float(-(gammaln(n + k) - gammaln(k) + k * log_k - (n + k) * np.log(due + k)).sum())

    low, high = np.log(PRIOR_BOUNDS)
    found = minimize_scalar(surprise, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    best = min((low, float(found.x), high), key=surprise)
    return float(np.exp(best))


def fit_multipliers(
    people: pd.DataFrame,
    event: str,
    dimensions: Sequence[str],
    base: pd.Series | None = None,
    priors: Priors | None = None,
) -> list[Multiplier]:
    """Return the multipliers of all bands and groups, fitted together.

    p = base × Π multipliers, `base` the rate of each row (default: the overall rate). Iterative proportional
    fitting (Bailey and Simon's minimum bias; Poisson maximum likelihood with a log link), each step shrunk
    towards 1: by `priors`, or by what the dimension's groups show. A dimension without bands (no birth dates)
    is left out; people without a band have multiplier 1, as in the simulation.
    """
    rate = pd.Series(people[event].mean(), index=people.index) if base is None else base
    groups = pd.DataFrame({d: _groups(people, d) for d in dimensions})
    used = [d for d in dimensions if (groups[d] != NO_BAND).any()]
    if not used:
        return []
    cells = (
        groups[used]
        .assign(events=people[event].astype(float), expected=rate.astype(float), heads=1)
        .groupby(used, as_index=False, sort=False)[["events", "expected", "heads"]]
        .sum()
    )
    events, expected = cells["events"].to_numpy(), cells["expected"].to_numpy()
    coded = {d: pd.factorize(cells[d]) for d in used}
    known = {d: names != NO_BAND for d, (_, names) in coded.items()}
    factors = {d: np.ones(len(cells)) for d in used}
    chosen = {d: (priors or PRIOR_EVENTS)[d] for d in used}
    values: dict[str, Floats] = {d: np.ones(len(names)) for d, (_, names) in coded.items()}
    for round_ in range(ROUNDS_MAX):
        before = {d: fitted.copy() for d, fitted in values.items()}
        for d, (codes, names) in coded.items():
            others = np.prod([factors[o] for o in used if o != d], axis=0)
            seen = np.bincount(codes, events, len(names)).astype(np.float64)
            due = np.bincount(codes, expected * others, len(names)).astype(np.float64)
            if priors is None and round_ < ROUNDS_OF_PRIORS:
                chosen[d] = prior_events(seen[known[d]], due[known[d]], PRIOR_EVENTS[d])
            values[d] = np.where(known[d], (seen + chosen[d]) / (due + chosen[d]), 1.0)
            factors[d] = values[d][codes]
        if (priors is not None or round_ >= ROUNDS_OF_PRIORS) and all(
            np.allclose(before[d], values[d], rtol=0, atol=SETTLED) for d in used
        ):
            break
    return [
        row
        for d in used
        for row in _rows(d, people, event, dict(zip(coded[d][1], values[d], strict=True)), chosen[d])
    ]


def _groups(people: pd.DataFrame, dimension: str) -> pd.Series:
    """Return the band or group of each person in a dimension, NO_BAND where there is none."""
    if dimension == OWN_CURVE:
        departments = _names(people, "department")
        heads = departments.value_counts().drop(NO_BAND, errors="ignore")
        years = people["year"].nunique() if "year" in people else 1
        large = heads.index[heads >= OWN_CURVE_HEADS * years]
        return (departments + "\n" + _groups(people, "tenure")).where(departments.isin(large), NO_BAND)
    found = _names(people, dimension)
    if dimension == "tenure" and (found == LAST_BAND).sum() < LAST_HEADS:
        found = found.replace(LAST_BAND, _band_before(LAST_BAND))
    return found


def _names(people: pd.DataFrame, dimension: str) -> pd.Series:
    found = people[DIMENSIONS[dimension]]
    names = found.astype(str).where(found.notna(), NO_BAND)
    return without_numbers(names) if dimension == "department" else names


def without_numbers(departments: pd.Series) -> pd.Series:
    """Return departments without a number in brackets behind the name."""
    return departments.str.replace(NUMBER_BEHIND, "", regex=True)


def _band_before(band: str) -> str:
    members = list(catalogue().bands["tenure"])
    return members[members.index(band) - 1]


def _rows(
    dimension: str, people: pd.DataFrame, event: str, values: Mapping[str, float], prior: float
) -> list[Multiplier]:
    """Return a dimension's multipliers with head-weighted mean 1; own curves stay around everybody's."""
    if dimension == OWN_CURVE:
        counts = people.groupby(_groups(people, OWN_CURVE))[event].agg(["sum", "size"])
        parts = [(*str(key).split("\n"), key) for key in sorted(counts.index) if key != NO_BAND]
        return [
            Multiplier(
                OWN_CURVE, band, float(values[key]), int(counts["size"][key]), int(counts["sum"][key]),
                prior, department,
            )
            for department, band, key in parts
        ]  # fmt: skip
    counts = people.groupby(_names(people, dimension))[event].agg(["sum", "size"])
    counts = counts[counts.index != NO_BAND]
    fitted = {b: values[b if b in values else _band_before(b)] for b in map(str, counts.index)}
    mean = float(sum(fitted[str(b)] * counts["size"][b] for b in counts.index) / counts["size"].sum())
    order = (
        [b for b in catalogue().bands[FAMILIES[dimension]] if b in counts.index]
        if dimension in FAMILIES
        else sorted(counts.index)
    )
    return [
        Multiplier(
            dimension, b, float(fitted[b] / mean), int(counts["size"][b]), int(counts["sum"][b]), prior
        )
        for b in order
    ]


def exit_multiplier_rows(found: Sequence[Multiplier], departments: Iterable[str]) -> pd.DataFrame:
    """Return multipliers as the rows that are stored, those of departments under each name that is written.

    Columns: dimension, key, bounds of the band, multiplier, heads and events of the band or group.
    """
    written = pd.Series(sorted(set(departments)), dtype=object)
    spellings = written.groupby(without_numbers(written)).agg(list).to_dict()
    rows = []
    for one in found:
        family = "tenure" if one.dimension == OWN_CURVE else FAMILIES.get(one.dimension)
        band = catalogue().bands[family][one.band] if family else None
        low, high = (None, None) if band is None else (band.start, band.end)
        group = one.department or one.band
        named = spellings.get(group, [group]) if one.dimension in ("department", OWN_CURVE) else [group]
        rows += [(one.dimension, key, low, high, one.value, one.heads, one.events) for key in named]
    columns = ["dimension", "key", "lower_bound", "upper_bound", "multiplier", "heads", "events"]
    return pd.DataFrame(rows, columns=columns).astype({"lower_bound": "Int64", "upper_bound": "Int64"})
