"""Tables of a comparison: figures and levers, a column for each scenario."""

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Literal

import pandas as pd

from planwise.comparison.differences import ParameterDifference, Setting
from planwise.formatting import (
    NOT_AVAILABLE,
    count,
    is_missing,
    money,
    percent,
    points,
    ratio,
    with_levels,
    written_for,
)
from planwise.parameters import catalogue
from ui.components.card import Content
from ui.components.html import Tone, breakable
from ui.values.comparison import ComparedScenarios
from ui.values.parameter_text import written

NAMES_IN_FILE = 3  # more would make a name that no disk takes
NAME_MAX = 48  # characters of a scenario, as the ledger has it
UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def side_by_side(caption: str, head: str, body: str) -> str:
    """Return a table of ours; `head` and `body` are HTML, escaped by who made them."""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="compare"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def heads(found: ComparedScenarios) -> str:
    """Return a heading for each scenario; the first is marked as the base."""
    base, *others = found.names
    first = f'<th scope="col">{breakable(found.label(base))}<br><span class="quiet">base</span></th>'
    return first + "".join(f'<th scope="col">{breakable(found.label(name))}</th>' for name in others)


def file_name(what: str, names: Sequence[str], suffix: str) -> str:
    """Return a file's name after its content; letters that a disk may reject are replaced."""
    more = [f"and_{len(names) - NAMES_IN_FILE}_more"] if len(names) > NAMES_IN_FILE else []
    parts = [what, *(UNSAFE.sub("-", name)[:NAME_MAX] for name in names[:NAMES_IN_FILE]), *more]
    return f"{'_'.join(parts)}.{suffix}"


TIERS = {
    "scenario": "set in the scenario",
    "dynamic": "dynamic lever",
    "default": "default",
    "fallback": "fallback",
}


def levers(found: ComparedScenarios) -> Content:
    """Return the parameters that differ, levers first; what equals the base is quiet."""
    years = _span(found)
    subtitle = f"Only what differs, {years}; below each value the tier it came from"
    table = _table(found) if found.parameters else _nothing(found)
    return Content(
        "Levers and assumptions",
        subtitle,
        levers_frame(found),
        (),
        file_name("levers", found.names, "csv"),
        table=table,
    )


def levers_frame(found: ComparedScenarios) -> pd.DataFrame:
    """Return one row per parameter, years and scenario: the stored value, and its tier."""
    rows = [
        {
            "parameter": change.parameter,
            "kind": change.kind,
            "label": with_levels(change.label),
            "unit": change.unit,
            "years": years_text(change),
            "scenario": name,
            "value": None if setting is None else setting.value,
            "tier": None if setting is None else setting.tier,
        }
        for change in found.parameters
        for name, setting in change.settings.items()
    ]
    columns = ["parameter", "kind", "label", "unit", "years", "scenario", "value", "tier"]
    return pd.DataFrame(rows, columns=columns)


def years_text(change: ParameterDifference) -> str:
    """Return the years in which a parameter differs: all years, 2026, 2026–2028."""
    return change.when.replace("-", "\N{EN DASH}") if change.years else "all years"


def value_text(parameter: str, setting: Setting | None) -> str:
    """Return a value with its unit; n/a where a result was published without the parameter."""
    if setting is None:
        return NOT_AVAILABLE
    declared = catalogue().parameters.get(parameter)
    return str(setting.value) if declared is None else written(declared, setting.value)


def _table(found: ComparedScenarios) -> str:
    caption = f"Levers and assumptions that differ from {found.base_label}"
    first = '<th scope="col">Parameter</th><th scope="col" class="text">Years</th>'
    return side_by_side(
        caption, first + heads(found), "".join(_lever_row(found, one) for one in found.parameters)
    )


def _lever_row(found: ComparedScenarios, change: ParameterDifference) -> str:
    base = change.settings[found.base]
    cells = []
    for name, setting in change.settings.items():
        same = name != found.base and setting is not None and base is not None and setting.value == base.value
        tier = "" if setting is None else TIERS.get(setting.tier, setting.tier)
        text = (
            '<span class="by">= base</span>'
            if same
            else f'<span class="value">{escape(value_text(change.parameter, setting))}</span>'
            f'<span class="by">{escape(tier)}</span>'
        )
        cells.append(f"<td>{text}</td>")
    kind = "" if change.kind == "lever" else '<span class="by">assumption</span>'
    return (
        f'<tr><th scope="row">{escape(with_levels(change.label))}{kind}</th>'
        f'<td class="text">{escape(years_text(change))}</td>{"".join(cells)}</tr>'
    )


def _nothing(found: ComparedScenarios) -> str:
    return f'<p class="quiet">No lever and no assumption differs, {escape(_span(found))}.</p>'


def _span(found: ComparedScenarios) -> str:
    if not found.years:
        return "no common year"
    return f"{found.years[0]}\N{EN DASH}{found.years[-1]}"


PEOPLE, MONEY, RATE, RATIO = "people", "currency a year", "rate", "ratio"
Direction = Literal["lower", "target"]
# Only where a direction is agreed on: the cost of a raise is neither good nor bad.
BETTER: Mapping[str, Direction] = {
    "growth_compound": "target",
    "adjusted_gap_max": "lower",
    "below_minimum": "lower",
    "above_maximum": "lower",
    "termination_rate": "lower",
}
LEAST: Mapping[str, float] = {PEOPLE: 0.5, MONEY: 0.5, RATE: 0.00005, RATIO: 0.0005}  # less shows as nothing


def figure(value: Any, unit: str) -> str:
    """Return a figure in its unit."""
    writers: Mapping[str, Callable[[Any], str]] = {
        PEOPLE: count,
        MONEY: money,
        RATE: lambda v: percent(v, 2),
        RATIO: lambda v: ratio(v, 3),
    }
    return writers[unit](value)


def change(value: Any, unit: str) -> str:
    """Return a difference with its sign: percentage points for rates; an equals sign for none."""
    if is_missing(value):
        return NOT_AVAILABLE
    if abs(value) < LEAST[unit]:
        return "="
    if unit == MONEY:
        return money(value, sign=True)
    if unit == RATE:
        return points(value)
    return ratio(value, 3, sign=True) if unit == RATIO else count(value, sign=True)


def share(value: Any, unit: str) -> str:
    """Return a relative difference of amounts and counts; empty for other units."""
    if is_missing(value) or unit not in (MONEY, PEOPLE) or abs(value) < LEAST[RATE]:
        return ""
    return percent(value, sign=True)


def verdict(metric: str, unit: str, value: Any, base: Any, target: float | None) -> tuple[str, Tone]:
    """Return better, worse or nothing: whether a figure is, where a direction is agreed on."""
    direction = BETTER.get(metric)
    if direction is None or is_missing(value) or is_missing(base) or abs(value - base) < LEAST[unit]:
        return "", ""
    if direction == "target":
        if target is None:
            return "", ""
        gain = abs(base - target) - abs(value - target)
        words = ("nearer target", "further from target")
    else:
        gain = base - value
        words = ("better", "worse")
    if abs(gain) < LEAST[unit]:
        return "", ""
    return (words[0], "good") if gain > 0 else (words[1], "bad")


TOTAL = 0
SPREAD = "within_level_cv"  # a coefficient of variation, in per cent as on the other pages
KEY = (
    "increase_rate",
    "increase_cost",
    "increase_cost_in_year",
    "promotion_rate_of_payroll",
    "payroll",
    "payroll_change",
    "growth_continuing",
    "growth_compound",
    "growth_all",
    "mean_base_pay",
    "prorated_payroll",
    "headcount",
    "promotions",
    "mean_compa_ratio",
    "mean_market_ratio",
    "mean_market_position",
    "within_level_cv",
    "adjusted_gap_max",
    "below_minimum",
    "above_maximum",
    "termination_rate",
)
COST = (
    "cola_cost",
    "drift_cost",
    "merit_cost",
    "promotion_cost",
    "hire_cost",
    "exit_savings",
    "payroll_change",
)


def figures(found: ComparedScenarios, year: int, *, everything: bool = False) -> Content:
    """Return the figures of a year and what raises cost over all of them, with differences."""
    names = list(dict.fromkeys(found.figures["metric"])) if everything else [*KEY]
    flows = [m for m in COST if m in set(found.figures["metric"])]
    span = f"{found.years[0]}\N{EN DASH}{found.years[-1]}"
    body = (
        _figure_rows(found, names, year)
        + _section(found, f"In total, {span}")
        + _figure_rows(found, flows, TOTAL)
    )
    caption = f"Figures of {year}, differences from {found.base_label}"
    table = side_by_side(caption, f'<th scope="col">Figure</th>{heads(found)}', body)
    return Content(
        "Figures",
        f"End of {year} · difference from {found.base_label} and its share; better or worse where a "
        "direction is agreed on · the file has every year and figure",
        figures_frame(found),
        (),
        file_name("figures", found.names, "csv"),
        table=table,
    )


def figures_frame(found: ComparedScenarios) -> pd.DataFrame:
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


def _figure_rows(found: ComparedScenarios, metrics: Sequence[str], year: int) -> str:
    at = found.figures.loc[found.figures["simulation_year"] == year]
    by_metric = {metric: rows for metric, rows in at.groupby("metric", sort=False)}
    return "".join(_figure_row(found, by_metric[metric]) for metric in metrics if metric in by_metric)


def _figure_row(found: ComparedScenarios, rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    metric, base = str(first["metric"]), first["value"]
    unit = RATE if metric == SPREAD else str(first["unit"])
    targets = {source.name: source.target for source in found.sources}
    same_target = len(set(targets.values())) == 1
    cells = []
    comparable = unit != MONEY or found.one_currency
    for row in rows.itertuples(index=False):
        with written_for(found.local(str(row.scenario))):
            text = f'<span class="value">{escape(figure(row.value, unit))}</span>'
        if row.scenario != found.base and comparable:
            target = targets[str(row.scenario)] if same_target else None
            word, tone = verdict(metric, unit, row.value, base, target)
            known = not (is_missing(row.value) or is_missing(first["value"]))
            parts = [change(row.difference, unit), share(row.relative, unit)] if known else []
            texts = " · ".join(part for part in parts if part)
            judged = f' <span class="{tone}">{escape(word)}</span>' if word else ""
            text += f'<span class="by">{escape(texts)}{judged}</span>'
        cells.append(f"<td>{text}</td>")
    label = f"{first['label']}, people" if unit == PEOPLE else str(first["label"])  # others say it
    return f'<tr><th scope="row">{escape(label)}</th>{"".join(cells)}</tr>'
