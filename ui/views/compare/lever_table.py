"""What was set differently: only the levers and assumptions that differ, by year, with the tier."""

from html import escape

import pandas as pd

from planwise.comparison.parameters import ParameterDifference
from planwise.comparison.sources import Setting
from planwise.parameters import catalogue
from ui.components.card import Content
from ui.values.compared import ComparedScenarios
from ui.values.formatting import with_levels
from ui.values.parameter_text import written
from ui.views.compare.table import file_name, heads, side_by_side

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
        download(found),
        (),
        file_name("levers", found.names, "csv"),
        table=table,
    )


def download(found: ComparedScenarios) -> pd.DataFrame:
    """Return one row per parameter, years and scenario: the value as it is stored, and its tier."""
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
        return "n/a"
    declared = catalogue().parameters.get(parameter)
    return str(setting.value) if declared is None else written(declared, setting.value)


def _table(found: ComparedScenarios) -> str:
    caption = f"Levers and assumptions that differ from {found.base}"
    first = '<th scope="col">Parameter</th><th scope="col" class="text">Years</th>'
    return side_by_side(caption, first + heads(found), "".join(_row(found, one) for one in found.parameters))


def _row(found: ComparedScenarios, change: ParameterDifference) -> str:
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
