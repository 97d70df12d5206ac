"""Levers and assumptions as the editors show them, and the changes that typed and pasted values make."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from planwise.errors import InputError
from planwise.formatting import count, is_missing, percent
from planwise.parameters import Assumption, Catalogue, EffectiveParameters, Lever, Risk, Value, catalogue
from planwise.parameters.catalogue import Unit
from planwise.parameters.values import SHARE_PREFIX
from ui.draft import Draft, Years, changes_of, keys_of
from ui.live_preview.values import PlanDetail
from ui.values.parameter_text import (
    EXAMPLES,
    PERCENT,
    TIMES,
    Declared,
    entered,
    family,
    full_label,
    recommended,
    risk_in,
    row_label,
    typed,
    written,
)

Groups = Sequence[tuple[str, str | tuple[str, ...]]]
# Titles of groups, and what their parameters' names start with; what fits none is shown last.
LEVER_GROUPS: Groups = (
    ("Cost of living", "cola_rate"),
    ("Merit rate by level", "merit_rate_level_"),
    ("New hires", "new_hire_salary_adjustment"),
    ("Promotion probability by level", "promotion_probability_level_"),
    ("Promotion raise by level", "promotion_raise_level_"),
    ("Other", ""),
)
ASSUMPTION_GROUPS: Groups = (
    (
        "Headcount and turnover",
        ("headcount_growth", "termination_rate", "new_hire_termination_rate", "calibrated_rates"),
    ),
    ("Market and ranges", ("market_movement", "range_adjustment", "market_budget")),
    ("Targets and budget", ("target_growth", "payroll_budget")),
    ("Dates and eligibility", ("cola_date", "promotion_date", "merit_date", "promotion_min_", "merit_min_")),
    ("Limits", ("individual_raise_max", "promotion_raise_max", "range_maximum_cap")),
    ("Total cash and employer cost", ("bonus_rate_", "employer_cost_rate_")),
    ("Hiring", ("hire_range_", "new_hire_profile_years", "new_hire_level_share_")),
    ("Horizon and draws", ("years", "seed", "draw_rates")),
    ("How sure rates are", ("calibration_years", "spread_of_", "estimated_", "past_", "exits_vary_")),
    ("Effect of pay on turnover", ("turnover_pay_elasticity",)),
    ("Termination multipliers", ("termination_multiplier_",)),
    ("Promotion multipliers", ("promotion_multiplier_",)),
    ("Merit multipliers and groups", ("merit_multiplier_", "merit_groups")),
    ("Awards and drift", ("awards", "drift_")),
    ("Other", ("",)),
)
VARIES, MIXED = "varies", "mixed"
# The main assumptions, edited beside the levers, and the range of their sliders; the number takes whatever
# the hard bounds allow.
MAIN_ASSUMPTIONS: Mapping[str, tuple[float, float] | None] = {
    "termination_rate": (0.0, 0.35),
    "headcount_growth": (-0.10, 0.20),
    "market_movement": (-0.05, 0.10),
    "target_growth": (0.0, 0.10),
    "payroll_budget": None,
}
MAIN_TITLE = "Main assumptions and goals"
SHORT_LABELS = {
    "cola_rate": "All levels",
    "new_hire_salary_adjustment": "Pay adjustment",
    "termination_rate": "Turnover",
    "headcount_growth": "Headcount growth",
    "market_movement": "Market movement",
    "target_growth": "Growth target",
    "payroll_budget": "Payroll budget",
}
UNITS = {Unit.RATE: "%", Unit.MULTIPLIER: TIMES, Unit.MONEY: "$", Unit.YEARS: "years"}
STEPS = {Unit.RATE: 0.05, Unit.MULTIPLIER: 0.01}  # of a slider, in the unit that people type
WIDE, WIDE_STEP = 0.2, 0.5  # a range of rates from WIDE on is stepped by half points


def lever_sheet(draft: Draft) -> dict[str, Any]:
    """Return the levers of a draft for the grid: years, and groups of rows of cells."""
    return _sheet(draft, list(draft.base.declared.levers.values()), LEVER_GROUPS)


def assumption_sheet(draft: Draft, text: str = "", *, edited: bool = False) -> dict[str, Any]:
    """Return the assumptions whose name, label or description has all words of a text; `edited` ones only."""
    words = text.lower().split()
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


def main_names(declared: Catalogue) -> tuple[str, ...]:
    """Return every lever and the main assumptions, in the order of the editor."""
    return (*declared.levers, *MAIN_ASSUMPTIONS)


def lever_board(draft: Draft, years: Years) -> dict[str, Any]:
    """Return the rows of every lever by group, and the main assumptions folded below."""
    declared = draft.effective.declared
    groups = [
        _board_group(title, members, draft, years)
        for title, members in _grouped(list(declared.levers.values()), LEVER_GROUPS)
    ]
    main = [declared.assumptions[name] for name in MAIN_ASSUMPTIONS]
    folded = _board_group(MAIN_TITLE, main, draft, years) | {"folded": True}
    return _board(draft, years, [*groups, folded]) | {"link": True}


def single_board(draft: Draft, parameter: Declared, years: Years) -> dict[str, Any]:
    """Return the row of one parameter; its years can be chosen where it is given by year."""
    group = _board_group("", [parameter], draft, years)
    return _board(draft, years, [group]) | ({} if parameter.yearly else {"years": []})


def board_values(
    draft: Draft, names: Sequence[str], years: Years, refused: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return what the rows of a board show of each parameter in these years, beside the base scenario."""
    base, effective = draft.current, draft.effective
    found = {}
    for name in names:
        parameter = effective.declared.parameters[name]
        old, new = (_in_years(side, name, years) for side in (base, effective))
        chosen = effective.years if years is None or not parameter.yearly else years
        is_slider = isinstance(parameter, Lever) or MAIN_ASSUMPTIONS.get(name) is not None
        found[name] = {
            "text": VARIES if len(set(new)) > 1 else typed(parameter, new[0]),
            "varies": len(set(new)) > 1,
            "position": _mean(parameter, new) if is_slider else 0.0,
            "base_position": _mean(parameter, old) if is_slider else 0.0,
            "base_text": VARIES if len(set(old)) > 1 else _short(parameter, old[0]),
            "changed": new != old,
            "tier": _one_of(base.tier(name, year) for year in chosen),
            "risk": _worst(risk_in(parameter, value) for value in new),
            "lock": lock_text(draft, parameter),
            "note": "",
            "problem": f"{refused['what']} {refused['remedy']}".strip()
            if refused.get("lever") == name
            else "",
        }
    return found


PROMOTION_RAISE = "promotion_raise_level_"


def lever_notes(detail: PlanDetail, year: int) -> dict[str, str]:
    """Return what is shown beside a level's levers: the effective promotion raise, and what moves nothing."""
    rows = {row.member: row for row in detail.of("group", year, "level")}
    found = {}
    for lever in catalogue().levers.values():
        row = rows.get(str(lever.level_id))
        if lever.level_id is None:
            continue
        if row is None:
            found[lever.name] = f"Moves nothing: no one is in this level in {year}."
        elif lever.name.startswith(PROMOTION_RAISE):
            found[lever.name] = _promotion_note(row, year)
    return found


def _promotion_note(row: Any, year: int) -> str:
    if not row.promotions:
        return f"Moves nothing: no one is promoted in {year}."
    promoted = f"{count(row.promotions)} promoted"
    if is_missing(row.raise_mean):
        return f"{promoted}; the mean raise of so few is not shown."
    below = f", {count(row.below)} still below range" if row.below else ""
    return f"Mean raise {percent(row.raise_mean)} after the lift; {promoted}{below}."


def lock_text(draft: Draft, parameter: Declared) -> str:
    """Return who locked a parameter and why; empty when it can be edited."""
    lock = draft.lock_of(parameter.name)
    if lock is not None:
        return f"Locked by {lock.by}" + (f": {lock.why}" if lock.why else "")
    return "Locked in its declaration" if isinstance(parameter, Lever) and parameter.locked else ""


def _board(draft: Draft, years: Years, groups: list[dict[str, Any]]) -> dict[str, Any]:
    chosen = None if years is None else list(years)
    return {"years": list(draft.effective.years), "chosen": chosen, "groups": groups}


def _board_group(title: str, members: Sequence[Declared], draft: Draft, years: Years) -> dict[str, Any]:
    when = "" if years is None else f", {', '.join(map(str, years))}"
    return {
        "title": title,
        "folded": False,
        "levers": [_board_row(member, when if member.yearly else "", alone=not title) for member in members],
    }


def _board_row(parameter: Declared, when: str, *, alone: bool) -> dict[str, Any]:
    scale = PERCENT if parameter.unit is Unit.RATE else 1
    is_lever = isinstance(parameter, Lever)
    reach = parameter.bounds if is_lever else MAIN_ASSUMPTIONS.get(parameter.name)
    low, high = reach or (0.0, 1.0)
    unit = UNITS.get(parameter.unit, "")
    hint = parameter.description
    if isinstance(parameter, Lever):
        bounds = " to ".join(written(parameter, bound) for bound in parameter.bounds)
        hint += f" Recommended {recommended(parameter)}; allowed {bounds}."
    elif not parameter.yearly:
        hint += " One value for all years."
    return {
        "name": parameter.name,
        "label": "Value" if alone else SHORT_LABELS.get(parameter.name, row_label(parameter)),
        "aria": full_label(parameter) + when,
        "unit": unit,
        "low": low * scale,
        "high": high * scale,
        "step": WIDE_STEP
        if parameter.unit is Unit.RATE and high - low > WIDE
        else STEPS.get(parameter.unit, 1),
        "recommended": [edge * scale for edge in parameter.recommended]
        if isinstance(parameter, Lever)
        else None,
        "slider": reach is not None,
        "nullable": isinstance(parameter, Assumption) and parameter.nullable,
        "empty": (parameter.null_means or "") or EXAMPLES[parameter.unit],
        "hint": hint,
    }


def _sheet(draft: Draft, parameters: Sequence[Declared], groups: Groups) -> dict[str, Any]:
    return {
        "years": list(draft.effective.years),
        "groups": [
            {"title": title, "rows": [_row(draft, parameter) for parameter in members]}
            for title, members in _grouped(parameters, groups)
        ],
    }


def _grouped(parameters: Sequence[Declared], groups: Groups) -> Iterator[tuple[str, list[Declared]]]:
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
        "lock": lock_text(draft, parameter),
        "all": _all_years(draft, parameter, cells),
        "cells": cells if parameter.yearly else [],
    }


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
    return {
        "year": None,
        "text": first["text"] if alike else VARIES,
        "typed": first["typed"] if alike else "",
        "was": before if any(cell["was"] for cell in cells) else "",
        "tier": _one_of(cell["tier"] for cell in cells),
        "risk": _worst(cell["risk"] for cell in cells),
    }


def _in_years(side: EffectiveParameters, name: str, years: Years) -> list[Value]:
    if not side.declared.parameters[name].yearly:
        return [side.value(name)]
    return [side.value(name, year) for year in (side.years if years is None else years)]


def _mean(parameter: Declared, values: Sequence[Value]) -> float:
    """Return the mean of values as a slider shows it; nothing counts as zero."""
    numbers = [float(str(value)) for value in values if value is not None]
    mean = sum(numbers) / len(numbers) if numbers else 0.0
    return mean * (PERCENT if parameter.unit is Unit.RATE else 1)


def _short(parameter: Declared, value: Value) -> str:
    """Return a value with its unit and no more decimals than it has."""
    if value is None:
        return "none"
    is_short = parameter.unit in (Unit.RATE, Unit.MULTIPLIER)
    return f"{typed(parameter, value)}{UNITS[parameter.unit]}" if is_short else written(parameter, value)


def _one_of(tiers: Iterator[str]) -> str:
    found = set(tiers)
    return found.pop() if len(found) == 1 else MIXED


def _worst(risks: Iterator[str]) -> str:
    return max(risks, key=lambda risk: Risk(risk).rank if risk else -1)


def _searched(parameter: Declared) -> str:
    spoken = parameter.name.replace("_", " ")
    return f"{parameter.name} {spoken} {parameter.label} {parameter.description}".lower()


def same_in_all_years(effective: EffectiveParameters, name: str) -> bool:
    """Say whether a parameter has one value in all simulated years."""
    if not effective.declared.parameters[name].yearly:
        return True
    return len({effective.value(name, year) for year in effective.years}) == 1


def typed_changes(effective: EffectiveParameters, name: str, years: Years, text: str) -> dict[str, object]:
    """Return the changes that a typed text makes; raises InputError in the unit that was typed.

    The five shares of hires belong together: five numbers typed for one of them set all five.
    """
    parameter = effective.declared.parameter(name)
    parts = re.split(r"[\s;/]+", text.strip().replace("%", ""))
    if name.startswith(SHARE_PREFIX):
        shares = [one for one in effective.declared.assumptions.values() if one.name.startswith(SHARE_PREFIX)]
        if len(parts) == len(shares):
            return {one.name: entered(one, part) for one, part in zip(shares, parts, strict=True)}
        if entered(parameter, text) is None:
            return {one.name: None for one in shares}
    return changes_of(effective, name, years, entered(parameter, text))


def pasted_changes(
    effective: EffectiveParameters,
    order: Sequence[str],
    name: str,
    year: int | None,
    texts: Sequence[Sequence[str]],
) -> dict[str, object]:
    """Return the changes of a block whose first cell is a parameter and year (None: the all-years column).

    Rows go down in `order`, columns to the right; empty cells are skipped. Raises InputError, naming the
    place, for a text that is no value or a block that does not fit.
    """
    columns: list[int | None] = [None, *effective.years]
    row_at, column_at = order.index(name), columns.index(year)
    if row_at + len(texts) > len(order) or column_at + max(map(len, texts), default=0) > len(columns):
        raise InputError(
            f"The block of {len(texts)} rows does not fit from here.",
            remedy="Start further up or to the left, or copy a smaller block.",
        )
    found: dict[str, object] = {}
    for row, line in zip(order[row_at:], texts, strict=False):
        for column, text in zip(columns[column_at:], line, strict=False):
            if text.strip():
                found |= typed_changes(effective, row, None if column is None else (column,), text)
    return found


def copied_to_levels(effective: EffectiveParameters, name: str, years: Years) -> dict[str, object]:
    """Return the changes that give every level what this level's lever has in these years."""
    lever = effective.declared.parameter(name, "lever")
    assert isinstance(lever, Lever)
    members = [one for one in family(lever, effective.declared.levers.values()) if one.name != name]
    if years is None and same_in_all_years(effective, name):
        return {member.name: effective.value(name) for member in members}
    return {
        key: effective.value(name, year)
        for member in members
        for year in (effective.years if years is None else years)
        for key in keys_of(effective, member.name, (year,))
    }


def ramp(
    effective: EffectiveParameters, name: str, first: tuple[int, float], last: tuple[int, float]
) -> dict[str, object]:
    """Return the changes of a straight line from (year, value) to (year, value), years between included.

    Raises InputError unless the last year is after the first one.
    """
    (start, low), (end, high) = first, last
    if end <= start:
        raise InputError(f"{end} is not after {start}.", remedy="Choose a later year to end in.")
    step = (high - low) / (end - start)
    years = [year for year in effective.years if start <= year <= end]
    return {key: low + step * (year - start) for year in years for key in keys_of(effective, name, (year,))}


def unlocked(changes: Mapping[str, Value], locks: Sequence[str]) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Return the changes of levers that are not locked, and the locked levers that are skipped."""
    kept = {key: value for key, value in changes.items() if key.partition("@")[0] not in locks}
    names = dict.fromkeys(key.partition("@")[0] for key in changes if key not in kept)
    return kept, tuple(names)
