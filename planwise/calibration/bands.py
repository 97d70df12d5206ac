"""Rates by band with counts and intervals, and the multipliers that reproduce them together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from planwise.calibration.intervals import Share, share
from planwise.calibration.transitions import NO_BAND
from planwise.parameters import catalogue

ALL_YEARS = "all years"
EVERYONE = "everyone"
DIMENSIONS = {"tenure": "tenure_band", "age": "age_band", "level": "level_id"}
FAMILIES = {"tenure": "tenure", "age": "age", "level": "levels"}
# A multiplier is drawn towards 1 as if this many events had happened in the band just as expected: the mean
# of a gamma-Poisson posterior. It moves a band of 500 exits by 1 %, one of 5 halfway.
PRIOR_EVENTS = 5.0
ROUNDS_MAX, SETTLED = 500, 1e-10


@dataclass(frozen=True)
class BandShare:
    """The share of one band in one year, or in all of them."""

    dimension: str
    band: str
    label: str
    year: str
    share: Share


@dataclass(frozen=True)
class Multiplier:
    """A band's relative hazard given the other dimensions; head-weighted mean 1 within its dimension."""

    dimension: str
    band: str
    value: float
    heads: int
    events: int


def band_shares(by_year: Mapping[str, pd.DataFrame], event: str) -> list[BandShare]:
    """Return the shares of everyone and of each band, for all years together and for each.

    Each frame has the columns of `DIMENSIONS` and the boolean column `event`, one row per head at risk.
    """
    everything = {ALL_YEARS: pd.concat(by_year.values())} | dict(by_year)
    return [row for year, people in everything.items() for row in _shares(people, event, year)]


def _shares(people: pd.DataFrame, event: str, year: str) -> list[BandShare]:
    rows = [BandShare(EVERYONE, EVERYONE, EVERYONE, year, share(int(people[event].sum()), len(people)))]
    for dimension, column in DIMENSIONS.items():
        counts = people.groupby(people[column].astype(str))[event].agg(["sum", "size"])
        for member, band in catalogue().bands[FAMILIES[dimension]].items():
            if member in counts.index:
                events, heads = int(counts["sum"][member]), int(counts["size"][member])
                rows.append(BandShare(dimension, member, band.label, year, share(events, heads)))
    return rows


def multipliers(
    people: pd.DataFrame, event: str, dimensions: Sequence[str], base: pd.Series | None = None
) -> list[Multiplier]:
    """Return the multipliers of all bands, fitted together so that each band's expected events are its own.

    p = base × Π multipliers, `base` the rate of each row (default: everybody's). Fitted by iterative
    proportional fitting (Bailey and Simon's minimum bias; Poisson maximum likelihood with a log link), each
    step drawn towards 1 by `PRIOR_EVENTS`. A dimension without bands (no birth dates) is left out; people
    without a band have multiplier 1, as in the simulation.
    """
    rate = pd.Series(people[event].mean(), index=people.index) if base is None else base
    bands = pd.DataFrame({d: people[DIMENSIONS[d]].astype(str) for d in dimensions})
    used = [d for d in dimensions if (bands[d] != NO_BAND).any()]
    cells = (
        bands.assign(events=people[event].astype(float), expected=rate.astype(float), heads=1)
        .groupby(used, as_index=False)[["events", "expected", "heads"]]
        .sum()
    )
    events, expected = cells["events"].to_numpy(), cells["expected"].to_numpy()
    coded = {d: pd.factorize(cells[d]) for d in used}
    values = {d: np.ones(len(names)) for d, (_, names) in coded.items()}
    for _ in range(ROUNDS_MAX):
        before = {d: fitted.copy() for d, fitted in values.items()}
        for d, (codes, names) in coded.items():
            others = np.prod([values[o][coded[o][0]] for o in used if o != d], axis=0)
            seen, due = np.bincount(codes, events), np.bincount(codes, expected * others)
            values[d] = np.where(names == NO_BAND, 1.0, (seen + PRIOR_EVENTS) / (due + PRIOR_EVENTS))
        if all(np.allclose(before[d], values[d], rtol=0, atol=SETTLED) for d in used):
            break
    named = {d: dict(zip(map(str, coded[d][1]), map(float, values[d]), strict=True)) for d in used}
    return [row for d in used for row in _normalised(d, cells, named[d])]


def _normalised(dimension: str, cells: pd.DataFrame, values: Mapping[str, float]) -> list[Multiplier]:
    counts = cells[cells[dimension] != NO_BAND].groupby(dimension)[["heads", "events"]].sum()
    heads, events = counts["heads"], counts["events"]
    mean = float(sum(values[str(b)] * heads[b] for b in counts.index) / heads.sum())
    order = [b for b in catalogue().bands[FAMILIES[dimension]] if b in counts.index]
    return [Multiplier(dimension, b, values[b] / mean, int(heads[b]), int(events[b])) for b in order]
