"""Compare published scenarios: figures, levers, people, noise; the workbook and files."""

import math
import tempfile
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from planwise.errors import InputError
from planwise.governance.publications import CURRENT, MANIFEST, fingerprint_in_force
from planwise.risk.assessment import spread_of
from planwise.risk.decisions import decided_by
from planwise.risk.worlds import LUCK, in_world, luck_alone
from planwise.settings import Settings
from planwise.small_groups import small_groups
from ui.cache import BoundedCache
from ui.values.comparison import Chance, ComparedScenarios, PeopleCompared, Reach
from ui.values.results import PAY_OF_LEVEL, SUPPRESSED_UNDER

if TYPE_CHECKING:  # DuckDB, which they bring, takes half a second; the readers import it on their thread
    import duckdb

    from planwise.comparison.compare import Compared, Comparison
    from planwise.comparison.people import Statistics, WinnersAndLosers
    from planwise.comparison.sources import Source
    from planwise.parameters import EffectiveParameters

Found = TypeVar("Found")
KEPT = 32  # a comparison of six is a few thousand rows
TRIES = 3  # publications in a row may remove what was in force a moment ago
SEEDS_MIN = 2  # one difference has no scatter


class ComparisonReader:
    """Compares the results in force of one home; blocking, so to be called on a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._compared: BoundedCache[ComparedScenarios] = BoundedCache(KEPT)
        self._people: BoundedCache[tuple[PeopleCompared, ...]] = BoundedCache(KEPT)

    def version(self, names: Sequence[str]) -> Hashable:
        """Return what changes when one of these is published again, or its manifest is another."""
        return tuple(stamp for name in names for stamp in self._stamps_of(name))

    def compare(self, names: Sequence[str]) -> ComparedScenarios:
        """Compare scenarios, the first is the base; raises InputError when one cannot be read."""
        key = (tuple(names), self.version(names), self._ledger_stamp())

        def read() -> ComparedScenarios:
            from planwise.comparison import compare

            return compared_scenarios(compare(self._settings, names))

        return self._compared.get(key, lambda: _again(read))

    def people(self, names: Sequence[str], year: int) -> tuple[PeopleCompared, ...]:
        """Compare the pay of the same people at the end of a year, each scenario with the first."""
        key = (tuple(names), year, self.version(names))
        return self._people.get(key, lambda: _again(lambda: people_compared(self._settings, names, year)))

    def workbook(self, names: Sequence[str]) -> bytes:
        """Return the comparison as an Excel workbook without levels, groups and single people."""
        from planwise.app.exports import record_export
        from planwise.comparison import compare
        from planwise.comparison.workbook import write_workbook

        def write(file: Path) -> None:
            write_workbook(compare(self._settings, names), file, with_people=False)
            record_export(self._settings, file, "comparison", scenario=names[0])

        return written(write, "xlsx")

    def summary(self, names: Sequence[str], suffix: str) -> bytes:
        """Return a result on one page, pdf or html; of two names the second, with the first beside it."""
        from planwise.app.papers import SummaryRequest, write_scenario_summary

        request = SummaryRequest(scenario=names[-1], against=names[0] if len(names) > 1 else None)
        return written(
            lambda file: write_scenario_summary(self._settings, request.model_copy(update={"output": file})),
            suffix,
        )

    def worlds(
        self, plans: Mapping[str, "EffectiveParameters"], count: int, drawn: str
    ) -> list[dict[str, "EffectiveParameters"]]:
        """Return the parameters of every scenario, draw by draw; those that `planwise ensemble` has.

        Seed and deviations of rates are those of the first, and what one scenario decides is drawn for none.
        """
        own, decided = next(iter(plans.values())).seed, decided_by(*plans.values())
        return [
            {
                name: luck_alone(plan, world, own) if drawn == LUCK else in_world(plan, world, decided, own)
                for name, plan in plans.items()
            }
            for world in range(count)
        ]

    def reaches(
        self, samples: Mapping[str, Mapping[str, Sequence[float | None]]], metrics: Sequence[str], drawn: str
    ) -> tuple[Reach, ...]:
        """Return P10, P50 and P90 of each scenario and metric; one that no draw has is left out."""
        return tuple(
            Reach(scenario, metric, drawn, spread.p10, spread.p50, spread.p90, spread.n)
            for metric in metrics
            for scenario, found in samples.items()
            if (spread := spread_of(found[metric])) is not None
        )

    def chances(
        self, samples: Mapping[str, Mapping[str, Sequence[float | None]]], base: str, metrics: Sequence[str]
    ) -> tuple[Chance, ...]:
        """Return each other scenario's difference from the base by metric, over seeds that both ran with.

        `samples` are by scenario and metric, seed by seed. A metric that fewer than two pairs have is left
        out. Raises InputError for fewer than two seeds.
        """
        if any(len(values) < SEEDS_MIN for found in samples.values() for values in found.values()):
            raise InputError(
                "At least two seeds are needed to estimate noise.", remedy=f"Use {SEEDS_MIN} or more draws."
            )
        return tuple(
            chance
            for scenario in samples
            if scenario != base
            for metric in metrics
            if (chance := _chance(scenario, metric, samples[scenario][metric], samples[base][metric]))
        )

    def _stamps_of(self, name: str) -> tuple[Hashable, ...]:
        folder = self._settings.published_dir / name
        try:
            manifest = folder / fingerprint_in_force(self._settings, name) / MANIFEST
        except InputError:  # none, or damaged: reading it says so
            return (_stamp(folder / CURRENT),)
        return _stamp(folder / CURRENT), _stamp(manifest)

    def _ledger_stamp(self) -> Hashable:
        """Return what changes when scenarios are edited: remarks say what is out of date."""
        folder = self._settings.root
        return tuple(_stamp(folder / f"ledger.sqlite{suffix}") for suffix in ("", "-wal"))


def written(write: Callable[[Path], object], suffix: str) -> bytes:
    """Return what `write` writes into a file; it is tried again when results change meanwhile."""

    def content() -> bytes:
        with tempfile.TemporaryDirectory(prefix="planwise-") as folder:
            file = Path(folder) / f"comparison.{suffix}"
            write(file)
            return file.read_bytes()

    return _again(content)


def _again(work: Callable[[], Found]) -> Found:
    for left in reversed(range(TRIES)):
        try:
            return work()
        except InputError:
            if not left:
                raise
    raise AssertionError("unreachable")


def _stamp(file: Path) -> Hashable:
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


def _chance(
    scenario: str, metric: str, own: Sequence[float | None], base: Sequence[float | None]
) -> Chance | None:
    pairs = [(a, b) for a, b in zip(own, base, strict=True) if a is not None and b is not None]
    if len(pairs) < SEEDS_MIN:
        return None
    from planwise.risk.noise import difference_of  # SciPy is slow to import

    return Chance(scenario, metric, difference_of(*np.array(pairs, dtype=float).T))


TOTAL = 0  # the year that means the sum over the years
FIGURE_COLUMNS = (
    "metric",
    "label",
    "unit",
    "simulation_year",
    "scenario",
    "value",
    "difference",
    "relative",
)
LEVEL_COLUMNS = (*FIGURE_COLUMNS[:3], "level_id", *FIGURE_COLUMNS[3:])


def compared_scenarios(found: "Comparison") -> ComparedScenarios:
    """Return a comparison with its figures as tables."""
    by_year = (found.kpi(metric, year) for metric in found.metrics for year in found.years)
    totals = (found.total(metric) for metric in found.metrics if metric.flow and found.years)
    figures = [row for compared in (*by_year, *totals) for row in _figures(compared)]
    levels = [row for compared in found.levels() for row in _figures(compared)]
    return ComparedScenarios(
        sources=found.sources,
        years=found.years,
        caveats=found.remarks,
        parameters=found.parameters,
        figures=pd.DataFrame(figures, columns=FIGURE_COLUMNS),
        levels=_without_small(pd.DataFrame(levels, columns=LEVEL_COLUMNS)),
        matched=tuple(pair.scenario for pair in found.people),
    )


def _figures(compared: "Compared") -> Iterator[dict[str, Any]]:
    """Yield a row for each scenario; the first, the base, has no difference."""
    base = next(iter(compared.values))
    for name, value in compared.values.items():
        yield {
            "metric": compared.metric.name,
            "label": compared.metric.label,
            "unit": compared.metric.kind.value,
            "simulation_year": compared.year or TOTAL,
            "level_id": compared.level_id,
            "scenario": name,
            "value": _number(value),
            "difference": None if name == base else _number(compared.difference(name)),
            "relative": None if name == base else compared.relative(name),
        }


def _without_small(levels: pd.DataFrame) -> pd.DataFrame:
    """Remove the pay figures where a level is among the `small_groups` of either side."""
    if levels.empty:
        return levels
    where = ["simulation_year", "level_id"]
    people = levels.loc[levels["metric"] == "headcount"]
    small_keys = {
        (year, level, scenario)
        for (year, scenario), rows in people.groupby(["simulation_year", "scenario"])
        for level in small_groups(rows.set_index("level_id")["value"].fillna(0).astype(int).to_dict())
    }
    base = levels["scenario"].iloc[0]
    pay = levels["metric"].isin(PAY_OF_LEVEL)
    own = [key in small_keys for key in levels[[*where, "scenario"]].itertuples(index=False, name=None)]
    of_base = [(*key, base) in small_keys for key in levels[where].itertuples(index=False, name=None)]
    shown = levels.astype({"value": "float64", "difference": "float64", "relative": "float64"})
    hidden = pay & pd.Series(own, index=levels.index)
    either = pay & (pd.Series(own, index=levels.index) | pd.Series(of_base, index=levels.index))
    shown.loc[hidden, "value"] = float("nan")
    shown.loc[either, ["difference", "relative"]] = float("nan")
    return shown


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


BANDS_MAX = 24
EDGE = 1e-9  # a share of 5 % that comes as 4.999… % is 5 %
STEPS = (
    1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 0.001, 0.002, 0.0025, 0.005, 0.01, 0.02, 0.025, 0.05, 0.1, 0.2, 0.5,
    1.0,
)  # fmt: skip
EVERYBODY = "everybody"
GROUP_COLUMNS = (
    "attribute",
    "group",
    "people",
    "gain",
    "lose",
    "same",
    "net",
    "p10",
    "median",
    "p90",
    "median_relative",
)
AMOUNTS = ("net", "p10", "median", "p90", "median_relative")
BAND_COLUMNS = ("low", "high", "people")
SPREAD = """
SELECT
    quantile_cont(share, 0.005) FILTER (difference <> 0) AS low,
    min(share) FILTER (difference <> 0) AS lowest,
    quantile_cont(share, 0.995) FILTER (difference <> 0) AS high,
    max(share) FILTER (difference <> 0) AS highest,
    count(*) FILTER (difference = 0) AS same
FROM matched
"""
BANDS = """
SELECT CAST(greatest(?, least(?, floor(share / ? + ?))) AS INTEGER) AS band, count(*) AS people
FROM matched WHERE difference <> 0 GROUP BY band
"""


def people_compared(settings: Settings, names: Sequence[str], year: int) -> tuple[PeopleCompared, ...]:
    """Compare each scenario that has the base's census with the base; raises InputError for damage."""
    from planwise.comparison.sources import load_sources, reader

    base, *others = load_sources(settings, names)
    with reader() as connection:
        return tuple(
            _compared(connection, base, other, year)
            for other in others
            if other.has_census_of(base) and year in base.years and year in other.years
        )


def _compared(
    connection: "duckdb.DuckDBPyConnection", base: "Source", other: "Source", year: int
) -> PeopleCompared:
    from planwise.comparison.people import matched, winners_and_losers
    from planwise.comparison.sources import damage_named

    found = winners_and_losers(connection, base, other, year, movers=0)
    with damage_named(base.publication, other.publication), matched(connection, base, other, year):
        bands = pd.DataFrame(_bands(connection), columns=BAND_COLUMNS)
    groups = pd.DataFrame(amounts_of(found), columns=GROUP_COLUMNS)
    payroll = found.payroll
    alone = (payroll.only_other_people, payroll.only_base_people)
    return PeopleCompared(found, groups, bands, None if any(map(_few, alone)) else payroll)


def amounts_of(found: "WinnersAndLosers") -> Iterator[dict[str, Any]]:
    """Yield a row for everybody and each group; amounts are missing where few people's pay differs."""
    yield _row(EVERYBODY, EVERYBODY, found.overall, hidden=_few(_differ(found.overall)))
    for attribute, members in groupby(found.groups, key=lambda group: group.attribute):
        groups = list(members)
        few = small_groups({group.group: _differ(group.statistics) for group in groups})
        for group in groups:
            yield _row(attribute, group.group, group.statistics, hidden=group.group in few)


def _differ(statistics: "Statistics") -> int:
    return statistics.gain + statistics.lose


def _few(people: int) -> bool:
    return 0 < people < SUPPRESSED_UNDER


def _row(attribute: str, group: str, statistics: "Statistics", *, hidden: bool) -> dict[str, Any]:
    values = asdict(statistics) | {"net": float(statistics.net)}
    few = hidden or statistics.people < SUPPRESSED_UNDER  # all there are, where a scenario is that small
    figures = {name: None if few else values[name] for name in AMOUNTS}
    counts = {name: values[name] for name in ("people", "gain", "lose", "same")}
    return {"attribute": attribute, "group": group, **counts, **figures}


def _bands(connection: "duckdb.DuckDBPyConnection") -> Iterator[dict[str, Any]]:
    from planwise.comparison.sources import rows

    (spread,) = rows(connection, SPREAD)
    if spread["same"]:
        yield {"low": 0.0, "high": 0.0, "people": _shown(spread["same"])}
    if spread["low"] is None:
        return
    step = band_width(spread["low"], spread["high"])
    first, last = (math.floor(spread[end] / step + EDGE) for end in ("low", "high"))
    counted = {row["band"]: row["people"] for row in rows(connection, BANDS, [first, last, step, EDGE])}
    for band in range(first, last + 1):
        below = band == first and spread["lowest"] < first * step - EDGE
        above = band == last and spread["highest"] >= (last + 1) * step
        yield {
            "low": None if below else band * step,
            "high": None if above else (band + 1) * step,
            "people": _shown(counted.get(band, 0)),
        }


def band_width(low: float, high: float) -> float:
    """Return the smallest round width that needs no more than BANDS_MAX bands."""
    return next((step for step in STEPS if (high - low) / step <= BANDS_MAX - 2), STEPS[-1])


def _shown(people: int) -> int | None:
    return people if people >= SUPPRESSED_UNDER or people == 0 else None
