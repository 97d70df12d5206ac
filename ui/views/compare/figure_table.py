"""The figures side by side: the base, and each other scenario with its difference."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from ui.components.card import Content
from ui.values.compared import ComparedScenarios
from ui.views.compare.table import file_name, heads, side_by_side
from ui.views.compare.writing import PEOPLE, RATE, UNITS, change, figure, share, verdict

TOTAL = 0
SPREAD = "within_level_cv"  # a coefficient of variation, in per cent as on the other pages
KEY = (
    "growth_compound",
    "growth_all",
    "mean_base_pay",
    "payroll",
    "prorated_payroll",
    "headcount",
    "promotions",
    "mean_compa_ratio",
    "within_level_cv",
    "adjusted_gap_max",
    "below_minimum",
    "above_maximum",
    "termination_rate",
)
COST = ("cola_cost", "merit_cost", "promotion_cost", "hire_cost", "exit_savings", "payroll_change")


def figures(found: ComparedScenarios, year: int, *, everything: bool = False) -> Content:
    """Return the figures of a year and what raises cost over all of them, with differences."""
    names = list(dict.fromkeys(found.figures["metric"])) if everything else [*KEY]
    flows = [m for m in COST if m in set(found.figures["metric"])]
    span = f"{found.years[0]}\N{EN DASH}{found.years[-1]}"
    body = _rows(found, names, year) + _section(found, f"In total, {span}") + _rows(found, flows, TOTAL)
    caption = f"Figures of {year}, differences from {found.base}"
    table = side_by_side(caption, f'<th scope="col">Figure</th>{heads(found)}', body)
    return Content(
        "Figures",
        f"End of {year} · difference from {found.base} and its share; better or worse where a direction is "
        "agreed on · the file has every year and figure",
        download(found),
        (),
        file_name("figures", found.names, "csv"),
        table=table,
    )


def download(found: ComparedScenarios) -> pd.DataFrame:
    """Return every figure of every year, one row each and scenario; the sum over the years is `total`."""
    frame = found.figures.copy()
    frame["simulation_year"] = (
        frame["simulation_year"].astype(object).where(frame["simulation_year"] != TOTAL, "total")
    )
    return frame


def _section(found: ComparedScenarios, title: str) -> str:
    return (
        f'<tr class="section"><th scope="rowgroup" colspan="{len(found.names) + 1}">{escape(title)}</th></tr>'
    )


def _rows(found: ComparedScenarios, metrics: Sequence[str], year: int) -> str:
    at = found.figures.loc[found.figures["simulation_year"] == year]
    by_metric = {metric: rows for metric, rows in at.groupby("metric", sort=False)}
    return "".join(_row(found, by_metric[metric]) for metric in metrics if metric in by_metric)


def _row(found: ComparedScenarios, rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    metric, base = str(first["metric"]), first["value"]
    unit = RATE if metric == SPREAD else str(first["unit"])
    targets = {source.name: source.target for source in found.sources}
    same_target = len(set(targets.values())) == 1
    cells = []
    for row in rows.itertuples(index=False):
        text = f'<span class="value">{escape(figure(row.value, unit))}</span>'
        if row.scenario != found.base:
            target = targets[str(row.scenario)] if same_target else None
            word, tone = verdict(metric, unit, row.value, base, target)
            parts = [change(row.difference, unit), share(row.relative, unit)]
            told = " · ".join(part for part in parts if part)
            judged = f' <span class="{tone}">{escape(word)}</span>' if word else ""
            text += f'<span class="by">{escape(told)}{judged}</span>'
        cells.append(f"<td>{text}</td>")
    label = f"{first['label']}, {UNITS[unit]}" if unit == PEOPLE else str(first["label"])  # others say it
    return f'<tr><th scope="row">{escape(label)}</th>{"".join(cells)}</tr>'
