"""A comparison of the core, turned into what the page shows: flat rows, small groups without their pay."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from planwise.comparison import Comparison
from ui.values.compared import ComparedScenarios, ComparedSource
from ui.values.results import PAY_OF_LEVEL, SUPPRESSED_UNDER

TOTAL = 0  # stands for the sum over the years


def viewed(found: Comparison) -> ComparedScenarios:
    """Return a comparison as the values of `ui.values.compared`."""
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
