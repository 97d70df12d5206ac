"""What an analyst should know about an answer before trusting it."""

from collections.abc import Mapping
from typing import Any

from planwise.study.answer.findings import Found
from planwise.study.constraints import PAYROLL_RISK
from planwise.study.problem import PP, Problem
from planwise.study.trials.evaluation import Evaluation

SHARE_TRUSTED = 0.5  # of seeds within the tolerance: below it the target is more often missed than met
ROUNDING = 1e-9


def caveats(
    problem: Problem, best: Evaluation, robustness: Found, changes: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the caveats, each one sentence or two."""
    found = []
    if not isinstance(robustness, str):
        found += _fragile(robustness) if problem.on_target(best) else []
        found += _risky(problem, robustness)
    by_year = [name for name, change in changes.items() if "old_by_year" in change]
    if by_year:
        found.append(
            f"Differed by year and has one value now: {', '.join(by_year)}. --by-year tunes each year alone."
        )
    return found


def _fragile(robustness: Mapping[str, Any]) -> list[str]:
    share, growth = robustness["share_within_tolerance"], robustness["growth"]
    if share is None or share >= SHARE_TRUSTED:
        return []
    seeds, near = robustness["seeds"], PP * robustness["tolerance"]
    p10, p90, mean = (f"{growth[name]:.2%}" for name in ("p10", "p90", "mean"))
    return [
        f"Only {round(share * seeds)} of {seeds} other seeds are within {near:g} pp of the target: chance "
        f"alone spreads growth over {p10} to {p90} (P10 to P90, mean {mean})."
    ]


def _risky(problem: Problem, robustness: Mapping[str, Any]) -> list[str]:
    allowed, share = problem.spec.limit(PAYROLL_RISK), robustness["share_over_payroll"]
    if allowed is None or share is None or share <= allowed.bound + ROUNDING:
        return []
    return [
        f"{share:.0%} of {robustness['seeds']} seeds are over the payroll limit, more than the "
        f"{allowed.bound:.0%} allowed: the seeds of the scenario as it was promised less."
    ]
