"""A scenario under many seeds: P10, P50, P90 of each KPI."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from planwise.engine.outcome import Kpis
from planwise.equity.reasons import SUFFIX
from planwise.errors import CheckFailed, InputError
from planwise.parameters import EffectiveParameters
from planwise.risk.assessment import Spread, spread_of

SEED_LIMIT = 2**31  # the declared bounds of the assumption `seed` end below it
SEEDS_MAX = 10_000  # by then P10 and P90 are known to a hundredth of a standard deviation


def replicate_seeds(own: int, count: int) -> tuple[int, ...]:
    """Return `count` different seeds, the same for the same `own` whatever the count: own first.

    The i-th further one is the first four bytes of SHA-256 of "own:i", modulo 2³¹; one that was there already
    is skipped. Raises InputError for a count outside 1 to 10,000.
    """
    if not 1 <= count <= SEEDS_MAX:
        raise InputError(
            f"{count} seeds are outside 1 to {SEEDS_MAX:,}.", remedy="Give a number of seeds in between."
        )
    found, tried = {own: None}, 0
    while len(found) < count:
        tried += 1
        digest = hashlib.sha256(f"{own}:{tried}".encode()).digest()
        found.setdefault(int.from_bytes(digest[:4], "big") % SEED_LIMIT)
    return tuple(found)


Simulate = Callable[[EffectiveParameters], Kpis]
YEAR = "simulation_year"


@dataclass(frozen=True)
class Step:
    """Progress of an ensemble: `done` of `total` seeds."""

    done: int
    total: int


def _ignore(step: Step) -> None:
    return None


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Watch:
    """Callbacks: progress, and whether to stop between two seeds."""

    on_step: Callable[[Step], None] = _ignore
    should_stop: Callable[[], bool] = _never


UNWATCHED = Watch()


@dataclass(frozen=True)
class Ensemble:
    """The KPIs of one scenario under each seed, in the order of the seeds.

    `requested` is the number of seeds to run; `seeds` has fewer when it was stopped.
    """

    seeds: tuple[int, ...]
    runs: tuple[Kpis, ...]
    requested: int

    @property
    def stopped(self) -> bool:
        """Whether it was stopped before the last seed."""
        return len(self.seeds) < self.requested

    def sample(self, kpi: str, year: int) -> list[float | None]:
        """Return one KPI of one year, seed by seed."""
        return [next(row[kpi] for row in kpis if row[YEAR] == year) for kpis in self.runs]

    @property
    def names(self) -> list[str]:
        """The KPIs that are numbers, in the engine's order."""
        rows = [row for kpis in self.runs for row in kpis]
        return [
            name
            for name in self.runs[0][0]
            if name != YEAR
            and not name.endswith(SUFFIX)
            and all(isinstance(row[name], int | float | None) for row in rows)
        ]

    @property
    def years(self) -> list[int]:
        """The simulated years."""
        return [row[YEAR] for row in self.runs[0]]

    def spreads(self) -> dict[str, dict[int, Spread | None]]:
        """Return P10, P50, P90, mean and standard deviation of each KPI and year."""
        return {
            name: {year: spread_of(self.sample(name, year)) for year in self.years} for name in self.names
        }


def run_ensemble(
    simulate: Simulate, effective: EffectiveParameters, count: int, watch: Watch = UNWATCHED
) -> Ensemble:
    """Simulate a scenario under `count` seeds, its own first; raises like `run_paired`."""
    (only,) = run_paired(simulate, (effective,), count, watch)
    return only


def run_paired(
    simulate: Simulate, scenarios: Sequence[EffectiveParameters], count: int, watch: Watch = UNWATCHED
) -> tuple[Ensemble, ...]:
    """Simulate scenarios under the same seeds, those of the first: common random numbers.

    Seed by seed, so that a stopped run has comparable results. Raises InputError for an invalid number of
    seeds, CheckFailed when it is stopped before the first seed has ended, and the engine's errors.
    """
    seeds = replicate_seeds(scenarios[0].seed, count)
    runs: list[list[Kpis]] = [[] for _ in scenarios]
    for done, seed in enumerate(seeds):
        if watch.should_stop():
            break
        found = [simulate(under_seed(scenario, seed)) for scenario in scenarios]
        for kept, kpis in zip(runs, found, strict=True):
            kept.append(kpis)
        watch.on_step(Step(done + 1, len(seeds)))
    if not runs[0]:
        raise CheckFailed("Stopped before the first seed had ended.", remedy="Run it again.")
    ended = seeds[: len(runs[0])]
    return tuple(Ensemble(ended, tuple(kept), len(seeds)) for kept in runs)


def under_seed(effective: EffectiveParameters, seed: int) -> EffectiveParameters:
    """Return the parameters with another seed; the same object when it is their own."""
    return effective if seed == effective.seed else effective.with_assumptions({"seed": seed})


def spreads_json(
    spreads: Mapping[str, Mapping[int, Spread | None]],
) -> dict[str, dict[str, dict[str, float | int | None] | None]]:
    """Return spreads as JSON values: KPI, then year, then percentiles; null where no seed had the KPI."""
    return {
        name: {str(year): None if spread is None else spread.as_json() for year, spread in by_year.items()}
        for name, by_year in spreads.items()
    }
