"""Comparisons of what is published: figures, levers, people; the workbook and the files of people."""

import tempfile
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from planwise.comparison import Comparison, compare
from planwise.comparison.people_csv import write_people_csv
from planwise.engine.publications import CURRENT
from planwise.errors import InputError
from planwise.settings import Settings
from ui.cache import BoundedCache
from ui.compared import (
    Caveat,
    Chance,
    ComparedScenarios,
    ComparedSource,
    ParameterChange,
    PeopleCompared,
    Setting,
)
from ui.reading.chance import chances, seeds_of
from ui.reading.people_compared import people_compared
from ui.results import PAY_OF_LEVEL, SUPPRESSED_UNDER

KEPT = 32  # a comparison of six is a few thousand rows
EMPLOYEES = 1_000  # most moved people in the workbook, each pair
TOTAL = 0  # stands for the sum over the years
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
        return self._compared.get(key, lambda: self._again(lambda: _viewed(compare(self._settings, names))))

    def people(self, names: Sequence[str], year: int) -> tuple[PeopleCompared, ...]:
        """Compare the pay of the same people at the end of a year, each scenario with the first."""
        key = (tuple(names), year, self.version(names))
        return self._people.get(
            key, lambda: self._again(lambda: people_compared(self._settings, names, year))
        )

    def workbook(self, names: Sequence[str]) -> bytes:
        """Return the comparison as an Excel workbook."""
        from planwise.comparison.workbook import write_workbook

        def write() -> bytes:
            found = compare(self._settings, names, employees=EMPLOYEES)
            with tempfile.TemporaryDirectory(prefix="planwise-") as folder:
                return write_workbook(found, Path(folder) / "comparison.xlsx").read_bytes()

        return self._again(write)

    def people_file(self, names: Sequence[str]) -> bytes:
        """Return every matched person's pay at the end of the horizon as CSV, one row a person and pair."""

        def write() -> bytes:
            found = compare(self._settings, names)
            with tempfile.TemporaryDirectory(prefix="planwise-") as folder:
                file = Path(folder) / "people.csv"
                write_people_csv(found, file)
                return file.read_bytes()

        return self._again(write)

    def seeds(self, own: int, count: int) -> tuple[int, ...]:
        """Return seeds to simulate scenarios with as a pair, a scenario's own first."""
        return seeds_of(own, count)

    def chances(
        self, samples: Mapping[str, Mapping[str, Sequence[float | None]]], base: str, metrics: Sequence[str]
    ) -> tuple[Chance, ...]:
        """Return how much of each difference is policy; see `ui.reading.chance.chances`."""
        return chances(samples, base, metrics)

    def _again(self, work: Any) -> Any:
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


def _viewed(found: Comparison) -> ComparedScenarios:
    return ComparedScenarios(
        sources=tuple(
            ComparedSource(
                name=source.name,
                fingerprint=source.fingerprint,
                published_at=source.published_at,
                census=str(source.census["name"]),
                census_rows=int(source.census["rows"]),
                years=source.years,
                gate=source.gate,
                target=_target(source),
            )
            for source in found.sources
        ),
        years=found.years,
        caveats=tuple(Caveat(remark.about, remark.what, remark.remedy or "") for remark in found.remarks),
        parameters=tuple(
            ParameterChange(
                parameter=row.parameter,
                kind=row.kind,
                label=row.label,
                unit=row.unit,
                when="all years" if not row.years else row.when.replace("-", "\N{EN DASH}"),
                settings={
                    name: None if setting is None else Setting(setting.value, setting.tier)
                    for name, setting in row.settings.items()
                },
            )
            for row in found.parameters
        ),
        figures=pd.DataFrame(_figures(found), columns=FIGURE_COLUMNS),
        levels=_without_small(pd.DataFrame(_levels(found), columns=LEVEL_COLUMNS)),
        matched=tuple(pair.scenario for pair in found.people),
    )


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


def _target(source: Any) -> float | None:
    setting = source.setting("target_growth", source.years[-1])
    return None if setting is None or setting.value is None else float(setting.value)


def _figures(found: Comparison) -> Iterator[dict[str, Any]]:
    for metric in found.metrics:
        for year in found.years:
            yield from _rows(found, found.kpi(metric, year), year)
        if metric.flow and found.years:
            yield from _rows(found, found.total(metric), TOTAL)


def _levels(found: Comparison) -> Iterator[dict[str, Any]]:
    if not found.years:
        return
    for row in found.as_json()["levels"]:
        for name, value in row["values"].items():
            yield {
                "metric": row["metric"],
                "label": row["label"],
                "unit": row["unit"],
                "level_id": row["level_id"],
                "simulation_year": row["simulation_year"],
                "scenario": name,
                "value": _number(value),
                "difference": _number(row["differences"].get(name)),
                "relative": row["relative"].get(name),
            }


def _rows(found: Comparison, compared: Any, year: int) -> Iterator[dict[str, Any]]:
    for name in found.names:
        is_base = name == found.base.name
        yield {
            "metric": compared.metric.name,
            "label": compared.metric.label,
            "unit": compared.metric.kind.value,
            "simulation_year": year,
            "scenario": name,
            "value": _number(compared.values[name]),
            "difference": None if is_base else _number(compared.difference(name)),
            "relative": None if is_base else compared.relative(name),
        }


def _without_small(levels: pd.DataFrame) -> pd.DataFrame:
    """Take the pay figures out where either side has fewer than ten people."""
    if levels.empty:
        return levels
    where = ["simulation_year", "level_id"]
    people = levels.loc[levels["metric"] == "headcount"]
    small = people.loc[people["value"].fillna(0) < SUPPRESSED_UNDER, [*where, "scenario"]]
    small_keys: set[tuple[Any, ...]] = set(small.itertuples(index=False, name=None))
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


def _stamp(file: Path) -> Hashable:
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size
