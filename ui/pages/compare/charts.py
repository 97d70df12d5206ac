"""Compared scenarios as charts: growth, payroll, what it costs more, the bridge, mean pay by level."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from planwise.formatting import count, exact_percent, level, money, percent, points
from ui.components.card import Content
from ui.components.charts import Series, bars, color_of
from ui.components.html import TableColumn
from ui.components.scenario_lines import scenario_lines
from ui.pages.compare.tables import file_name
from ui.values.comparison import ComparedScenarios
from ui.values.results import SMALL_NOT_SHOWN, parts_of_growth

PERCENT = 100


def growth(found: ComparedScenarios) -> Content:
    """Return growth of mean base pay by year, with the target when all have the same."""
    targets = {source.target for source in found.sources}
    target = next(iter(targets)) if len(targets) == 1 else None
    return _by_year(
        found,
        "growth_all",
        title="Change in average pay by year",
        subtitle=f"Mean year-end base pay, mix included, % on the year before · {_span(found)}",
        write=lambda v: percent(v, 2),
        write_change=points,
        y_format=".1%",
        y_title="",
        reference=None if target is None else (f"Target {exact_percent(target)}", target),
    )


def payroll(found: ComparedScenarios) -> Content:
    """Return payroll at year end by year."""
    return _by_year(
        found,
        "payroll",
        title="Payroll by year",
        subtitle=f"Base pay × FTE at year end · {_span(found)}",
        write=money,
        write_change=lambda v: money(v, sign=True),
        y_format="$",
        y_title="",
    )


def cost(found: ComparedScenarios) -> Content:
    """Return how much more or less is paid out in each year than in the base."""
    values = found.series("prorated_payroll", "difference")
    series = [
        Series(
            found.label(name),
            values[name],
            [f"{year}: {money(v, sign=True)}" for year, v in zip(found.years, values[name], strict=True)],
            color_of(name, found.names),
        )
        for name in found.others
    ]
    figure = bars([str(y) for y in found.years], series, y_format="$", y_title="")
    frame = _long(found, "prorated_payroll")
    return Content(
        "Cost difference",
        f"Pay earned in the year, minus that of {found.base_label} · {_span(found)}",
        frame,
        (
            TableColumn("scenario", "Scenario", found.label, is_text=True),
            TableColumn("simulation_year", "Year", str),
            TableColumn("value", "Pay earned, $", money),
            TableColumn("difference", "Difference, $", lambda v: money(v, sign=True)),
            TableColumn("relative", "Difference, %", lambda v: percent(v, 2, sign=True)),
        ),
        file_name("cost_difference", found.names, "csv"),
        figure,
    )


def bridge(found: ComparedScenarios, year: int) -> Content:
    """Return what growth is made of in one year, scenario beside scenario."""
    at = found.figures.loc[found.figures["simulation_year"] == year]
    table = at.pivot(index="scenario", columns="metric", values="value").reindex(found.names)
    names = parts_of_growth(table)
    parts = [part for part in names if part in table]
    rows = {str(name): row for name, row in table.to_dict("index").items()}
    series = [
        Series(
            found.label(name),
            [float(rows[name][part]) * PERCENT for part in parts],
            [f"{names[part]}: {points(rows[name][part])}" for part in parts],
            color_of(name, found.names),
        )
        for name in found.names
    ]
    figure = bars([names[part] for part in parts], series, y_format="+.2f", y_title="Percentage points")
    frame = table[[*parts, "growth_all"]].reset_index().assign(simulation_year=year)
    return Content(
        "Growth bridge side by side",
        f"What moved mean base pay; the parts add up to growth · {year}",
        frame,
        (
            TableColumn("scenario", "Scenario", found.label, is_text=True),
            *(TableColumn(part, f"{names[part]}, pp", points) for part in parts),
            TableColumn("growth_all", "Growth", lambda v: percent(v, 2)),
        ),
        file_name("growth_bridge", found.names, "csv"),
        figure,
    )


def levels(found: ComparedScenarios, year: int) -> Content:
    """Return mean base pay by level in one year; levels of fewer than ten people have none."""
    rows = found.levels.loc[found.levels["simulation_year"] == year]
    pay = rows.loc[rows["metric"] == "mean_base_pay"]
    heads = rows.loc[rows["metric"] == "headcount", ["scenario", "level_id", "value"]]
    ids = sorted({int(i) for i in rows["level_id"]})
    series = []
    for name in found.names:
        own = pay.loc[pay["scenario"] == name].set_index("level_id")["value"].reindex(ids)
        texts = [f"{level(i)}: {money(v)}" for i, v in zip(ids, own, strict=True)]
        values = [None if v != v else float(v) for v in own]
        series.append(Series(found.label(name), values, texts, color_of(name, found.names)))
    figure = bars([level(i) for i in ids], series, y_format="$", y_title="")
    frame = pay.merge(heads.rename(columns={"value": "headcount"}), on=["scenario", "level_id"])
    frame = frame[["level_id", "scenario", "simulation_year", "headcount", "value", "difference", "relative"]]
    return Content(
        "Mean base pay by level",
        f"Full-time annual rate · end of {year} · {SMALL_NOT_SHOWN}",
        frame.rename(columns={"value": "mean_base_pay"}),
        (
            TableColumn("level_id", "Level", level),
            TableColumn("scenario", "Scenario", found.label, is_text=True),
            TableColumn("headcount", "Headcount", count),
            TableColumn("mean_base_pay", "Mean base pay, $", money),
            TableColumn("difference", f"Minus {found.base_label}, $", lambda v: money(v, sign=True)),
            TableColumn("relative", "%", lambda v: percent(v, 2, sign=True)),
        ),
        file_name("levels", found.names, "csv"),
        figure,
    )


def _by_year(
    found: ComparedScenarios,
    metric: str,
    *,
    title: str,
    subtitle: str,
    write: Callable[[Any], str],
    write_change: Callable[[Any], str],
    y_format: str,
    y_title: str,
    reference: tuple[str, float] | None = None,
) -> Content:
    values = found.series(metric)
    figure = scenario_lines(
        {name: (found.years, series) for name, series in values.items()},
        chosen=found.base,
        y_format=y_format,
        y_title=y_title,
        labels=found.labels,
        reference=reference,
    )
    columns: Sequence[TableColumn] = (
        TableColumn("scenario", "Scenario", found.label, is_text=True),
        TableColumn("simulation_year", "Year", str),
        TableColumn("value", title.split(" by ")[0], write),
        TableColumn("difference", f"Minus {found.base_label}", write_change),
    )
    return Content(
        title,
        subtitle,
        _long(found, metric),
        columns,
        file_name(metric, found.names, "csv"),
        figure,
        found.base,
    )


def _long(found: ComparedScenarios, metric: str) -> pd.DataFrame:
    rows = found.figures.loc[(found.figures["metric"] == metric) & (found.figures["simulation_year"] > 0)]
    ordered = rows.assign(order=[found.names.index(name) for name in rows["scenario"]])
    ordered = ordered.sort_values(["order", "simulation_year"], kind="stable")
    columns = ["scenario", "simulation_year", "value", "difference", "relative"]
    return ordered[columns].reset_index(drop=True)


def _span(found: ComparedScenarios) -> str:
    return f"{found.years[0]}\N{EN DASH}{found.years[-1]}"
