"""Compare published scenarios: figures, levers, people, noise; the workbook and files."""

import tempfile
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from planwise.engine.publishing import CURRENT
from planwise.errors import InputError
from planwise.risk.ensemble import replicate_seeds
from planwise.settings import Settings
from ui.cache import BoundedCache
from ui.values.comparison import Chance, ComparedScenarios, PeopleCompared

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
            "At least two seeds are needed to estimate noise.", remedy=f"Use {FEWEST_SEEDS} or more draws."
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


Found = TypeVar("Found")
KEPT = 32  # a comparison of six is a few thousand rows
EMPLOYEES = 1_000  # most moved people in the workbook, each pair
TRIES = 3  # publications in a row may remove what was in force a moment ago


class ComparisonReader:
    """Compares the results in force of one home; blocking, so to be called on a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._compared: BoundedCache[ComparedScenarios] = BoundedCache(KEPT)
        self._people: BoundedCache[tuple[PeopleCompared, ...]] = BoundedCache(KEPT)

    def version(self, names: Sequence[str]) -> Hashable:
        """Return what changes when one of these is published again, or scenarios are edited."""
        return tuple(_stamp(self._settings.published_dir / name / CURRENT) for name in names)

    def compare(self, names: Sequence[str]) -> ComparedScenarios:
        """Compare scenarios, the first is the base; raises InputError when one cannot be read."""
        key = (tuple(names), self.version(names), self._ledger_stamp())

        def read() -> ComparedScenarios:
            from planwise.comparison import compare  # DuckDB takes half a second, once, on this thread
            from ui.queries.comparison_tables import viewed

            return viewed(compare(self._settings, names))

        return self._compared.get(key, lambda: self._again(read))

    def people(self, names: Sequence[str], year: int) -> tuple[PeopleCompared, ...]:
        """Compare the pay of the same people at the end of a year, each scenario with the first."""
        key = (tuple(names), year, self.version(names))

        def read() -> tuple[PeopleCompared, ...]:
            from ui.queries.comparison_tables import people_compared

            return people_compared(self._settings, names, year)

        return self._people.get(key, lambda: self._again(read))

    def workbook(self, names: Sequence[str]) -> bytes:
        """Return the comparison as an Excel workbook."""
        from planwise.comparison import compare
        from planwise.comparison.workbook import write_workbook

        def write() -> bytes:
            found = compare(self._settings, names, employees=EMPLOYEES)
            with tempfile.TemporaryDirectory(prefix="planwise-") as folder:
                return write_workbook(found, Path(folder) / "comparison.xlsx").read_bytes()

        return self._again(write)

    def people_file(self, names: Sequence[str]) -> bytes:
        """Return every matched person's pay at the end of the horizon as CSV, one row a person and pair."""
        from planwise.comparison import compare
        from planwise.comparison.people import write_people_csv

        def write() -> bytes:
            found = compare(self._settings, names)
            with tempfile.TemporaryDirectory(prefix="planwise-") as folder:
                file = Path(folder) / "people.csv"
                write_people_csv(found.sources, found.people, file)
                return file.read_bytes()

        return self._again(write)

    def seeds(self, own: int, count: int) -> tuple[int, ...]:
        """Return seeds to simulate scenarios with as a pair, a scenario's own first."""
        return seeds_of(own, count)

    def chances(
        self, samples: Mapping[str, Mapping[str, Sequence[float | None]]], base: str, metrics: Sequence[str]
    ) -> tuple[Chance, ...]:
        """Return how much of each difference is policy; see `ui.queries.comparisons.chances`."""
        return chances(samples, base, metrics)

    def _again(self, work: Callable[[], Found]) -> Found:
        for left in reversed(range(TRIES)):
            try:
                return work()
            except InputError:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def _ledger_stamp(self) -> Hashable:
        """Return what changes when scenarios are edited: remarks say what is out of date."""
        folder = self._settings.root
        return tuple(_stamp(folder / f"ledger.sqlite{suffix}") for suffix in ("", "-wal"))


def _stamp(file: Path) -> Hashable:
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size
