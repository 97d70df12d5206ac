"""Policy against noise: the seeds to draw with, and what the differences under them say."""

from collections.abc import Mapping, Sequence

import numpy as np

from planwise.errors import InputError
from planwise.risk.ensemble import replicate_seeds
from ui.values.compared import Chance

FEWEST_SEEDS = 2  # one difference has no scatter


def seeds_of(own: int, count: int) -> tuple[int, ...]:
    """Return the seeds of a scenario's replicates, its own first; the same as `planwise ensemble` takes."""
    return replicate_seeds(own, count)


def chances(
    samples: Mapping[str, Mapping[str, Sequence[float | None]]], base: str, metrics: Sequence[str]
) -> tuple[Chance, ...]:
    """Return each other scenario's difference from the base for each metric, over seeds that both ran with.

    `samples` are by scenario and metric, seed by seed. A metric that fewer than two pairs have is left out.
    Raises InputError for fewer than two seeds.
    """
    if any(len(values) < FEWEST_SEEDS for found in samples.values() for values in found.values()):
        raise InputError(
            "One seed cannot tell policy from noise.", remedy=f"Let it draw {FEWEST_SEEDS} times or more."
        )
    return tuple(
        chance
        for scenario in samples
        if scenario != base
        for metric in metrics
        if (chance := _chance(scenario, metric, samples[scenario][metric], samples[base][metric])) is not None
    )


def _chance(
    scenario: str, metric: str, own: Sequence[float | None], base: Sequence[float | None]
) -> Chance | None:
    pairs = [(a, b) for a, b in zip(own, base, strict=True) if a is not None and b is not None]
    if len(pairs) < FEWEST_SEEDS:
        return None
    from planwise.risk.noise import difference_of  # SciPy is slow to import

    found = difference_of(*np.array(pairs, dtype=float).T)
    return Chance(
        scenario=scenario,
        metric=metric,
        mean=found.mean,
        low=found.low,
        high=found.high,
        sd=found.sd,
        policy_share=found.policy_share,
        policy_share_error=found.policy_share_standard_error,
        share_without_pairs=found.policy_share_without_crn,
        n=found.n,
    )
