"""Parameters as a sheet: a row a parameter, a column a year, cells with value, old value, tier and risk."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from planwise.parameters import Assumption, Lever, Risk, Value, risk_of
from ui.draft import Draft
from ui.values.edits import same_in_all_years
from ui.values.formatting import level
from ui.values.parameter_text import typed, written

Declared = Lever | Assumption
# Titles of groups, and what their parameters' names start with; what fits none is shown last, not left out.
LEVER_GROUPS = (
    ("Cost of living", "cola_rate"),
    ("Merit rate by level", "merit_rate_level_"),
    ("New hires", "new_hire_salary_adjustment"),
    ("Promotion probability by level", "promotion_probability_level_"),
    ("Promotion raise by level", "promotion_raise_level_"),
    ("Other", ""),
)
ASSUMPTION_GROUPS = (
    ("Headcount and turnover", ("headcount_growth", "termination_rate", "new_hire_termination_rate")),
    ("Market and ranges", ("market_movement", "range_adjustment", "market_budget")),
    ("Targets and budget", ("target_growth", "payroll_budget")),
    ("Dates and eligibility", ("cola_date", "promotion_date", "merit_date", "promotion_min_", "merit_min_")),
    ("Limits", ("individual_raise_max", "range_maximum_cap")),
    ("Hiring", ("hire_range_", "new_hire_profile_years", "new_hire_level_share_")),
    ("Horizon and draws", ("years", "seed")),
    ("Turnover answers pay", ("turnover_pay_elasticity",)),
    ("Termination multipliers", ("termination_multiplier_",)),
    ("Promotion multipliers", ("promotion_multiplier_",)),
    ("Merit multipliers", ("merit_multiplier_",)),
    ("Other", ("",)),
)
VARIES = "varies"
MIXED = "mixed"


def lever_sheet(draft: Draft) -> dict[str, Any]:
    """Return the levers of a draft, ready to be shown: years, and groups of rows of cells."""
    return _sheet(draft, list(draft.base.declared.levers.values()), LEVER_GROUPS)


def assumption_sheet(draft: Draft, wanted: str = "", *, edited: bool = False) -> dict[str, Any]:
    """Return the assumptions whose name, label or description has all wanted words, or that are edited."""
    words = wanted.lower().split()
    found = [
        assumption
        for assumption in draft.base.declared.assumptions.values()
        if all(word in _searched(assumption) for word in words)
        and (not edited or any(key.partition("@")[0] == assumption.name for key in draft.changes))
    ]
    return _sheet(draft, found, ASSUMPTION_GROUPS)


def order_of(sheet: dict[str, Any]) -> tuple[str, ...]:
    """Return the parameters of a sheet from top to bottom."""
    return tuple(row["lever"] for group in sheet["groups"] for row in group["rows"])


def row_label(parameter: Declared) -> str:
    """Return what a parameter is called inside its group: a lever by its level, else its own label."""
    if isinstance(parameter, Lever) and parameter.level_id is not None:
        return level(parameter.level_id)
    return parameter.label


def full_label(parameter: Declared) -> str:
    """Return what a parameter is called on its own: Merit rate, L3 Manager."""
    if isinstance(parameter, Lever) and parameter.level_id is not None:
        return f"{parameter.label.partition(',')[0]}, {level(parameter.level_id)}"
    return parameter.label


def family(lever: Lever, levers: Iterable[Lever]) -> tuple[Lever, ...]:
    """Return the same lever of every level, itself included."""
    if lever.level_id is None:
        return (lever,)
    stem = lever.name.removesuffix(str(lever.level_id))
    return tuple(one for one in levers if one.name == f"{stem}{one.level_id}")


def risk_in(parameter: Declared, value: Value) -> str:
    """Return the risk of a lever's value as a word; empty for an assumption: it has no recommended range."""
    if isinstance(parameter, Lever) and isinstance(value, float):
        return risk_of(parameter, value).value
    return ""


def _sheet(
    draft: Draft, parameters: Sequence[Declared], groups: Sequence[tuple[str, str | tuple[str, ...]]]
) -> dict[str, Any]:
    return {
        "years": list(draft.effective.years),
        "groups": [
            {"title": title, "rows": [_row(draft, parameter) for parameter in members]}
            for title, members in _grouped(parameters, groups)
        ],
    }


def _grouped(
    parameters: Sequence[Declared], groups: Sequence[tuple[str, str | tuple[str, ...]]]
) -> Iterator[tuple[str, list[Declared]]]:
    left = list(parameters)
    for title, starts in groups:
        found = [parameter for parameter in left if parameter.name.startswith(starts)]
        left = [parameter for parameter in left if parameter not in found]
        if found:
            yield title, found


def _row(draft: Draft, parameter: Declared) -> dict[str, Any]:
    cells = [_cell(draft, parameter, year) for year in draft.effective.years]
    return {
        "lever": parameter.name,
        "label": row_label(parameter),
        "name": full_label(parameter),
        "lock": _lock(draft, parameter),
        "all": _all_years(draft, parameter, cells),
        "cells": cells if parameter.yearly else [],
    }


def _lock(draft: Draft, parameter: Declared) -> str:
    lock = draft.lock_of(parameter.name)
    if lock is not None:
        return f"Locked by {lock.by}" + (f": {lock.why}" if lock.why else "")
    return "Locked where it is declared" if isinstance(parameter, Lever) and parameter.locked else ""


def _cell(draft: Draft, parameter: Declared, year: int) -> dict[str, Any]:
    row, before = draft.effective.row(parameter.name, year), draft.current.row(parameter.name, year)
    return {
        "year": year,
        "text": written(parameter, row.value),
        "typed": typed(parameter, row.value),
        "was": written(parameter, before.value) if row.value != before.value else "",
        "tier": before.tier,
        "risk": risk_in(parameter, row.value),
    }


def _all_years(draft: Draft, parameter: Declared, cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first = cells[0]
    alike, was_alike = (same_in_all_years(of, parameter.name) for of in (draft.effective, draft.current))
    before = written(parameter, draft.current.value(parameter.name, first["year"])) if was_alike else VARIES
    tiers = {cell["tier"] for cell in cells}
    return {
        "year": None,
        "text": first["text"] if alike else VARIES,
        "typed": first["typed"] if alike else "",
        "was": before if any(cell["was"] for cell in cells) else "",
        "tier": tiers.pop() if len(tiers) == 1 else MIXED,
        "risk": max((cell["risk"] for cell in cells), key=lambda risk: Risk(risk).rank if risk else -1),
    }


def _searched(parameter: Declared) -> str:
    spoken = parameter.name.replace("_", " ")
    return f"{parameter.name} {spoken} {parameter.label} {parameter.description}".lower()
