"""A comparison as flat tables: figures, levels, winners and losers, bands of differences."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import duckdb
import pandas as pd

from planwise.comparison import Comparison
from planwise.comparison.people import (
    SMALLEST_GROUP,
    Statistics,
    WinnersAndLosers,
    can_match,
    matched,
    winners_and_losers,
)
from planwise.comparison.sources import Source, damage_named, load_sources, reader, rows
from planwise.settings import Settings
from ui.values.comparison import ComparedScenarios, ComparedSource, PayrollStep, PeopleCompared
from ui.values.results import PAY_OF_LEVEL, SUPPRESSED_UNDER

TOTAL = 0  # stands for the sum over the years


def viewed(found: Comparison) -> ComparedScenarios:
    """Return a comparison as the values of `ui.values.comparison`."""
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
        caveats=found.remarks,
        parameters=found.parameters,
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


BANDS_MAX = 24
EDGE = 1e-9  # a share of 5 % that comes as 4.999… % is 5 %
STEPS = (
    0.00001,
    0.00002,
    0.00005,
    0.0001,
    0.0002,
    0.0005,
    0.001,
    0.002,
    0.0025,
    0.005,
    0.01,
    0.02,
    0.025,
    0.05,
    0.1,
    0.2,
    0.5,
    1.0,
)  # rates
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
    base, *others = load_sources(settings, names)
    with reader() as connection:
        return tuple(
            _compared(connection, base, other, year)
            for other in others
            if can_match(base, other) and year in base.years and year in other.years
        )


def _compared(
    connection: duckdb.DuckDBPyConnection, base: Source, other: Source, year: int
) -> PeopleCompared:
    found = winners_and_losers(connection, base, other, year, movers=0)
    with damage_named(base.publication, other.publication), matched(connection, base, other, year):
        bands = pd.DataFrame(_bands(connection), columns=BAND_COLUMNS)
    overall = found.overall
    return PeopleCompared(
        scenario=other.name,
        against=base.name,
        year=year,
        people=overall.people,
        gain=overall.gain,
        lose=overall.lose,
        same=overall.same,
        net=float(overall.net),
        median_relative=overall.median_relative,
        groups=pd.DataFrame(_groups(found), columns=GROUP_COLUMNS),
        payroll=_payroll(found),
        distribution=bands,
    )


def _groups(found: WinnersAndLosers) -> Iterator[dict[str, Any]]:
    yield _row(EVERYBODY, EVERYBODY, found.overall)
    for group in found.groups:
        yield _row(group.attribute, group.group, group.statistics)


def _row(attribute: str, group: str, statistics: Statistics) -> dict[str, Any]:
    values = asdict(statistics)
    few = statistics.people < SMALLEST_GROUP  # all there are, where a whole scenario is that small
    figures = {name: None if few else values[name] for name in ("p10", "median", "p90", "median_relative")}
    counts = {name: values[name] for name in ("people", "gain", "lose", "same")}
    return {"attribute": attribute, "group": group, **counts, "net": float(statistics.net), **figures}


def _payroll(found: WinnersAndLosers) -> tuple[PayrollStep, ...]:
    bridge = found.payroll
    return (
        PayrollStep("The same people", found.overall.people, float(bridge.matched)),
        PayrollStep(f"Only in {found.scenario}", bridge.only_other_people, float(bridge.only_other)),
        PayrollStep(f"Only in {found.against}", bridge.only_base_people, -float(bridge.only_base)),
    )


def _bands(connection: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
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
    return people if people >= SMALLEST_GROUP or people == 0 else None
