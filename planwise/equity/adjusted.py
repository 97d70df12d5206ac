"""The adjusted gap, by regression and within cells, and the raises that would close it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.equity.gaps import Floats, GapEstimate, Z, refusal
from planwise.equity.reasons import FEW_COMPARABLE, NOT_SEPARABLE
from planwise.small_groups import SMALLEST_GROUP

Flags = npt.NDArray[np.bool_]
TENURE_BAND_STARTS = (1, 3, 6, 11)  # years, as `fct_pay_equity` compares within
NO_VARIATION = 1e-9  # share of a group's variation that is left when rounding alone is
CENT = 0.005  # a raise below half a cent is none


@dataclass(frozen=True)
class AdjustedGap:
    """Both estimates of the adjusted gap, in log points; above 0, the group earns less.

    `regression`: log pay on group, level, department and tenure. `cells`: within level x department x tenure
    band; for two groups as in `fct_pay_equity`, which compares each group with the reference alone. With more
    groups both are pooled: one regression with an indicator for each. Standard errors are robust (HC1).
    """

    regression: GapEstimate
    cells: GapEstimate
    closing: pd.DataFrame | None = None


@dataclass(frozen=True)
class _Fit:
    """A fit of log pay; `own` is the group's indicator without what the other columns explain."""

    estimate: GapEstimate
    own: Floats
    residuals: Floats


def adjusted_gap(people: pd.DataFrame, reference: str, group: str) -> AdjustedGap:
    """Return the adjusted gap of a group against the reference, and the raises that would close it.

    Takes `group`, `level_id`, `department`, `tenure_years`, `base_pay` (above 0) and `fte`.
    """
    everyone = people.reset_index(drop=True)
    names = everyone["group"]
    member, base = (names == group).to_numpy(), (names == reference).to_numpy()
    sizes = {"people": int(member.sum()), "reference_people": int(base.sum())}
    if (reason := refusal(*sizes.values())) is not None:
        return AdjustedGap(GapEstimate(**sizes, reason=reason), GapEstimate(**sizes, reason=reason))
    band = np.searchsorted(TENURE_BAND_STARTS, everyone["tenure_years"], side="right")
    cell = everyone.groupby(["level_id", "department", band], sort=False).ngroup()
    by_cell = cell.to_numpy()
    both = _any_in(member, by_cell) & _any_in(base, by_cell)
    comparable = {"people": int((both & member).sum()), "reference_people": int((both & base).sum())}
    if min(comparable.values()) < SMALLEST_GROUP:
        refused = GapEstimate(**comparable, reason=FEW_COMPARABLE)
        return AdjustedGap(refused, refused)
    levels = pd.get_dummies(everyone["level_id"], dtype=float).iloc[:, 1:]
    further = pd.get_dummies(names[~(member | base)], dtype=float).reindex(everyone.index, fill_value=0.0)
    others = np.column_stack([levels, everyone["tenure_years"].astype(float), further])
    fit = _fit(everyone, member, everyone["department"], others, sizes)
    mixed = names.groupby(by_cell).transform("nunique") > 1
    within = _fit(
        everyone[mixed], member[mixed], cell[mixed], further[mixed].to_numpy() if further.shape[1] else None,
        comparable,
    )  # fmt: skip
    closing = None if fit.estimate.value is None else _closing(everyone, member, base, fit)
    return AdjustedGap(fit.estimate, within.estimate, closing)


def _any_in(flags: Flags, cells: npt.NDArray[np.integer[Any]]) -> Flags:
    """Return for each person whether the flag is set for any in the person's cell."""
    return np.asarray((np.bincount(cells, weights=flags) > 0)[cells], dtype=np.bool_)


def _fit(
    people: pd.DataFrame,
    member: Flags,
    absorbed: pd.Series,
    others: Floats | None,
    sizes: dict[str, int],
) -> _Fit:
    """Regress log pay on the group and other columns with a fixed effect for each value of `absorbed`.

    What the others explain is taken out of pay and group first (Frisch, Waugh and Lovell), fixed effects as
    means: that gives the coefficient and the robust standard error of the whole regression, for any number of
    them. HC1: MacKinnon and White, Journal of Econometrics 29, 1985, 305-325.
    """
    from statsmodels.regression.linear_model import OLS  # slow to import

    columns = np.column_stack([member.astype(float), np.log(people["base_pay"].to_numpy(dtype=float))])
    columns = columns if others is None else np.column_stack([columns, others])
    groups = absorbed.groupby(absorbed).ngroup().to_numpy()
    counts = np.bincount(groups)
    means = np.column_stack([np.bincount(groups, weights=column) / counts for column in columns.T])
    within = columns - means[groups]
    own, pay, rest = within[:, 0], within[:, 1], within[:, 2:]
    total = float(own @ own)
    free = len(people) - len(counts) - 1
    if rest.shape[1]:
        explained, _, rank, _ = np.linalg.lstsq(rest, within[:, :2], rcond=None)
        own, pay = (within[:, :2] - rest @ explained).T
        free -= int(rank)
    if float(own @ own) <= NO_VARIATION * max(total, 1.0) or free <= 0:
        return _Fit(GapEstimate(**sizes, reason=NOT_SEPARABLE), own, pay)
    found = OLS(pay, own).fit(cov_type="HC0")
    gap = -float(found.params[0])
    error = float(found.bse[0]) * math.sqrt(len(people) / free)
    estimate = GapEstimate(
        gap, gap - Z * error, gap + Z * error, error, sizes["people"], sizes["reference_people"]
    )
    return _Fit(estimate, own, np.asarray(found.resid))


def _closing(people: pd.DataFrame, member: Flags, base: Flags, fit: _Fit) -> pd.DataFrame:
    """Return the people to raise for a gap of 0: their pay, the pay expected, and the new pay.

    The lower paid of both groups gains. Each of its people has an expected pay: what the regression gives
    a person of the other group with the same level, department and tenure. Whoever is furthest below it is
    raised first, all to the same share of their expected pay: the lowest share that closes the gap.
    """
    gap = fit.estimate.value or 0.0
    raised = member if gap > 0 else base
    behind = fit.residuals[raised] - abs(gap)  # log pay minus the expected
    pull = fit.own[raised] * (1 if gap > 0 else -1)
    scale = float(fit.own @ fit.own)

    def remaining(floor: float) -> float:
        return abs(gap) - float(pull @ np.clip(floor - behind, 0, None)) / scale

    low, high = float(behind.min(initial=0.0)), float(behind.max(initial=0.0)) + abs(gap)
    for _ in range(100):
        floor = (low + high) / 2
        low, high = (floor, high) if remaining(floor) > 0 else (low, floor)
    found = people[raised].copy()
    pay = found["base_pay"].to_numpy(dtype=float)
    found["expected_pay"] = (pay * np.exp(-behind)).round(2)
    found["new_pay"] = (pay * np.exp(np.clip(high - behind, 0, None))).round(2)
    found["increase"] = (found["new_pay"] - pay).round(2)
    found["cost"] = (found["increase"] * found["fte"].astype(float)).round(2)
    return found[found["increase"] > CENT].sort_values("increase", ascending=False, ignore_index=True)
