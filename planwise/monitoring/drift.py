"""Drift against what is in force: the population stability index of pay, levels and departments, by year."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from planwise.errors import InputError
from planwise.governance.publications import PROD, load_publication, published_scenarios
from planwise.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

BINS = 10  # deciles of the reference
EMPTY_BIN_SHARE = 1e-4  # share of an empty bin, whose logarithm would be infinite; the usual convention
# Siddiqi, Credit Risk Scorecards (2006): below 0.10 is stable, from 0.25 on a major shift. The gate's
# thresholds are declared with its others, in `expectations/thresholds.yaml`.
SNAPSHOT = "fct_workforce_snapshot"
ACTIVE = ("continuous_active", "new_hire_active")
YEAR, STATUS, PAY = "simulation_year", "employment_status", "base_pay"
GROUPS = ("level_id", "department")
COLUMNS = (YEAR, STATUS, PAY, *GROUPS)
UNNAMED = ""  # people without a department are a group of their own
NOTHING_RELEASED = "nothing was released yet"
NOT_COMPARED = "it was not compared with a release"

Numbers = npt.NDArray[np.float64]


def population_stability_index(
    reference: npt.ArrayLike, current: npt.ArrayLike, *, bins: int = BINS
) -> float | None:
    """Compare two samples of a number by the population stability index over the bins of `reference`.

    Return None when either sample is empty.
    """
    expected, actual = (_finite(sample) for sample in (reference, current))
    if not len(expected) or not len(actual):
        return None
    edges = inner_edges(expected, bins)
    return stability_index(shares_of(expected, edges), shares_of(actual, edges))


def stability_index(reference: Numbers, current: Numbers) -> float:
    """Return Σ (c - r) · ln(c / r) over the shares of two populations in the same bins.

    An empty bin counts as `EMPTY_BIN_SHARE`. Of two samples of one population of n and m people, the
    expected value is about (bins - 1) · (1/n + 1/m) (Yurdakul and Naranjo, J. Risk Model Validation, 2020).
    """
    r, c = (np.maximum(shares, EMPTY_BIN_SHARE) for shares in (reference, current))
    return float(np.sum((c - r) * np.log(c / r)))


def inner_edges(sample: Numbers, bins: int = BINS) -> Numbers:
    """Return the quantiles that part a sample into equal bins, merged where they coincide."""
    edges: Numbers = np.unique(np.quantile(sample, np.linspace(0, 1, bins + 1)[1:-1]))
    return edges


def shares_of(sample: Numbers, edges: Numbers) -> Numbers:
    """Return the share of a sample in each bin; the first and the last bin are open."""
    counts = np.bincount(np.searchsorted(edges, sample, side="right"), minlength=len(edges) + 1)
    shares: Numbers = counts / len(sample)
    return shares


def _finite(sample: npt.ArrayLike) -> Numbers:
    values = np.asarray(sample, dtype=float)
    finite: Numbers = values[np.isfinite(values)]
    return finite


@dataclass(frozen=True)
class YearProfile:
    """The people employed at the end of a year of the release: shares by pay, level and department."""

    population: int
    edges: Numbers
    pay: Numbers
    groups: Mapping[str, Mapping[Any, float]]


@dataclass(frozen=True)
class ReleaseProfile:
    """What a simulation is compared with; without years there is a `reason`."""

    years: Mapping[int, YearProfile]
    reason: str = ""

    def drift(self, rows: "pd.DataFrame") -> Iterator[dict[str, Any]]:
        """Yield the drift of each year of a snapshot: its indices, and the smaller of the two populations.

        Indices that cannot be computed are None, with a reason. The columns are those of `COLUMNS`.
        """
        active = rows[rows[STATUS].isin(ACTIVE)]
        for year in sorted(active[YEAR].unique().tolist()):
            yield {YEAR: int(year), **self._drift_of(int(year), active[active[YEAR] == year])}

    def _drift_of(self, year: int, people: "pd.DataFrame") -> dict[str, Any]:
        before, pay = self.years.get(year), _finite(people[PAY])
        if before is None or not len(pay):
            reason = self.reason or (
                "no one is employed" if before else f"{year} is not a year of the release"
            )
            return {"population": len(pay), **no_drift(reason)}
        return {
            "population": min(before.population, len(pay)),
            "pay_psi": stability_index(before.pay, shares_of(pay, before.edges)),
            **{f"{name}_psi": _group_index(before.groups[name], people[name]) for name in GROUPS},
            "reason": "",
        }


INDICES = ("pay_psi", *(f"{name}_psi" for name in GROUPS))
NO_PROFILE = ReleaseProfile({}, NOT_COMPARED)


def no_drift(reason: str) -> dict[str, Any]:
    """Return the indices of a year that cannot be compared."""
    return {**dict.fromkeys(INDICES), "reason": reason}


def year_profile(people: "pd.DataFrame") -> YearProfile | None:
    """Return the profile of people who are employed; None without any."""
    pay = _finite(people[PAY])
    if not len(pay):
        return None
    edges = inner_edges(pay)
    groups = {name: _group_shares(people[name]) for name in GROUPS}
    return YearProfile(len(pay), edges, shares_of(pay, edges), groups)


def release_profile(settings: Settings) -> ReleaseProfile:
    """Return the profile of what is in force; one that cannot be read is a reason, as is none."""
    if PROD not in published_scenarios(settings):
        return ReleaseProfile({}, NOTHING_RELEASED)
    try:
        file = load_publication(settings, PROD).file(SNAPSHOT)
    except InputError as error:
        return ReleaseProfile({}, f"the release cannot be read: {error.what}")
    import duckdb

    named, listed = ", ".join(COLUMNS), ", ".join(f"'{status}'" for status in ACTIVE)
    found = {}
    with closing(duckdb.connect()) as database:
        rows = database.read_parquet(str(file)).filter(f"{STATUS} IN ({listed})").project(named)
        for (year,) in rows.project(YEAR).distinct().order(YEAR).fetchall():
            profile = year_profile(rows.filter(f"{YEAR} = {int(year)}").df())
            if profile is not None:
                found[int(year)] = profile
    return ReleaseProfile(found)


def _group_shares(names: "pd.Series[Any]") -> Mapping[Any, float]:
    filled = names.astype(object).where(names.notna(), UNNAMED)
    return {name: float(share) for name, share in filled.value_counts(normalize=True).items()}


def _group_index(reference: Mapping[Any, float], names: "pd.Series[Any]") -> float:
    current = _group_shares(names)
    every = sorted({*reference, *current}, key=str)
    r, c = (np.array([shares.get(name, 0.0) for name in every]) for shares in (reference, current))
    return stability_index(r, c)
