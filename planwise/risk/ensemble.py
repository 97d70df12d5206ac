"""A scenario in many worlds: P10, P50, P90 of each KPI."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from planwise.engine.outcome import Kpis
from planwise.equity.reasons import SUFFIX
from planwise.errors import CheckFailed
from planwise.parameters import EffectiveParameters
from planwise.risk.assessment import Spread, spread_of
from planwise.risk.decisions import decided_by
from planwise.risk.worlds import LUCK, RATES_AND_LUCK, in_world, luck_alone, replicate_seeds

Simulate = Callable[[EffectiveParameters], Kpis]
YEAR = "simulation_year"


@dataclass(frozen=True)
class Step:
    """Progress of an ensemble: `done` of `total` worlds."""

    done: int
    total: int


def _ignore(step: Step) -> None:
    return None


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Watch:
    """Callbacks: progress, and whether to stop between two worlds."""

    on_step: Callable[[Step], None] = _ignore
    should_stop: Callable[[], bool] = _never


UNWATCHED = Watch()


@dataclass(frozen=True)
class Ensemble:
    """The KPIs of one scenario in each world, in the order of the seeds.

    `requested` is the number of worlds to run; `seeds` has fewer when it was stopped. `drawn` is what differs
    between the worlds: rates and luck, or luck alone.
    """

    seeds: tuple[int, ...]
    runs: tuple[Kpis, ...]
    requested: int
    drawn: str = RATES_AND_LUCK

    @property
    def stopped(self) -> bool:
        """Whether it was stopped before the last world."""
        return len(self.seeds) < self.requested

    def sample(self, kpi: str, year: int) -> list[float | None]:
        """Return one KPI of one year, world by world."""
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
    simulate: Simulate,
    effective: EffectiveParameters,
    count: int,
    watch: Watch = UNWATCHED,
    *,
    drawn: str = RATES_AND_LUCK,
) -> Ensemble:
    """Simulate a scenario in `count` worlds, its own seed first; raises like `run_drawn`."""
    (only,) = run_paired(simulate, (effective,), count, watch, drawn=drawn)
    return only


def run_paired(
    simulate: Simulate,
    scenarios: Sequence[EffectiveParameters],
    count: int,
    watch: Watch = UNWATCHED,
    *,
    drawn: str = RATES_AND_LUCK,
) -> tuple[Ensemble, ...]:
    """Simulate scenarios in the same worlds; raises like `run_drawn`."""
    (only,) = run_drawn(simulate, scenarios, count, watch, (drawn,))
    return only


def run_drawn(
    simulate: Simulate,
    scenarios: Sequence[EffectiveParameters],
    count: int,
    watch: Watch,
    drawn: Sequence[str],
) -> tuple[tuple[Ensemble, ...], ...]:
    """Simulate scenarios in the same worlds, those of the first, for each thing that is `drawn`.

    Seeds and the deviations of rates are common to all scenarios (common random numbers), and what one of
    them decides is drawn for none. World by world, so that a stopped run has comparable results. Raises
    InputError
    for an invalid number of worlds, CheckFailed when it is stopped before the first one has ended, and the
    engine's errors.
    """
    own = scenarios[0].seed
    seeds, decided = replicate_seeds(own, count), decided_by(*scenarios)
    runs: list[list[list[Kpis]]] = [[[] for _ in scenarios] for _ in drawn]
    done, total = 0, len(seeds) * len(drawn)
    for world in range(count):
        if watch.should_stop():
            break
        for kind, kept in zip(drawn, runs, strict=True):
            for scenario, found in zip(scenarios, kept, strict=True):
                draw = (
                    luck_alone(scenario, world, own)
                    if kind == LUCK
                    else in_world(scenario, world, decided, own)
                )
                found.append(simulate(draw))
            done += 1
            watch.on_step(Step(done, total))
    if not runs[0][0]:
        raise CheckFailed("Stopped before the first draw had ended.", remedy="Run it again.")
    ended = seeds[: len(runs[0][0])]
    return tuple(
        tuple(Ensemble(ended, tuple(found), len(seeds), kind) for found in kept)
        for kind, kept in zip(drawn, runs, strict=True)
    )


def spreads_json(
    spreads: Mapping[str, Mapping[int, Spread | None]],
) -> dict[str, dict[str, dict[str, float | int | None] | None]]:
    """Return spreads as JSON values: KPI, then year, then percentiles; null where no seed had the KPI."""
    return {
        name: {str(year): None if spread is None else spread.as_json() for year, spread in by_year.items()}
        for name, by_year in spreads.items()
    }
