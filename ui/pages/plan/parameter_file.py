"""The parameters as one table for a file, and a file of values as changes; formulas are escaped both ways."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from planwise.errors import InputError
from planwise.parameters import EffectiveParameters, Value, canonical_overrides, check_overrides
from planwise.parameters.values import Key
from ui.draft import Draft
from ui.pages.plan.sheet import same_in_all_years
from ui.values.parameter_text import full_label, risk_in

ROWS_MAX = 5000
BYTES_MAX = 1_000_000
NEEDED = ("parameter", "value")
EVERY_YEAR = frozenset({"", "all", "all years", "nan"})


@dataclass(frozen=True)
class RowError:
    """An error in one row of a file; `row` counts as a spreadsheet does: the header is row 1."""

    row: int
    text: str
    what: str
    remedy: str


def parameter_table(draft: Draft) -> pd.DataFrame:
    """Return every parameter with value, base value, tier and risk: a row a parameter, by year if it differs.

    `year` is empty where a value holds for all years. Values are as the files and the command line have them:
    0.035 is 3.5%.
    """
    declared = draft.effective.declared
    rows: list[dict[str, Any]] = []
    for name, parameter in declared.parameters.items():
        alike = all(same_in_all_years(of, name) for of in (draft.effective, draft.current))
        for year in (None,) if alike else draft.effective.years:
            one_year = draft.effective.years[0] if year is None else year
            value, base = (of.value(name, one_year) for of in (draft.effective, draft.current))
            rows.append(
                {
                    "parameter": name,
                    "year": year,
                    "value": value,
                    "base_value": base,
                    "changed": value != base,
                    "tier": "draft" if value != base else draft.current.tier(name, one_year),
                    "risk": risk_in(parameter, value) or None,
                    "kind": declared.kind(name),
                    "label": full_label(parameter),
                    "unit": parameter.unit.value,
                    "lower_bound": parameter.bounds[0] if parameter.bounds else None,
                    "upper_bound": parameter.bounds[1] if parameter.bounds else None,
                    "default": parameter.default,
                    "source": parameter.source,
                }
            )
    frame = pd.DataFrame(rows, dtype=object)
    return frame.astype({"year": "Int64", "changed": bool})


def read_changes(
    content: bytes, effective: EffectiveParameters
) -> tuple[dict[str, Value], tuple[RowError, ...]]:
    """Return the changes that a CSV file (parameter, year, value) has, and the errors of its rows.

    Other columns are ignored, so that a downloaded table can be edited and uploaded. Values are canonical
    (0.035) or in percent with the sign (3.5%). Raises InputError for a file that is no such table.
    """
    errors: list[RowError] = []
    found: dict[str, Value] = {}
    places: dict[str, int] = {}
    for at, row in _rows(content):
        text = f"{row['parameter']} {row.get('year', '')}".strip()
        try:
            key, value = _change(row, effective)
            if key in found:
                raise InputError(
                    f"{key} is in row {places[key]} already.", remedy="Keep one of the two rows."
                )
            found[key], places[key] = value, at
        except InputError as error:
            errors.append(RowError(at, text, error.what, error.remedy or ""))
    return ({} if errors else found), tuple(errors)


def _change(row: Mapping[str, str], effective: EffectiveParameters) -> tuple[str, Value]:
    year = _plain(row.get("year", "")).lower().removesuffix(".0")
    if year not in EVERY_YEAR and not (year.isascii() and year.isdecimal() and len(year) == 4):
        raise InputError(
            f"{year!r} is not a year.", remedy="Write a year such as 2028, or nothing for all years."
        )
    key = Key(_plain(row["parameter"]), None if year in EVERY_YEAR else int(year))
    value = canonical_overrides({str(key): _plain(row["value"])}, declared=effective.declared)
    (checked,) = check_overrides(value, years=effective.years, declared=effective.declared).items()
    return checked


def _rows(content: bytes) -> list[tuple[int, dict[str, str]]]:
    if len(content) > BYTES_MAX:
        raise InputError(
            "The file is larger than 1 MB.", remedy="Keep the columns parameter, year and value."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("The file is not UTF-8 text.", remedy="Save it as CSV (UTF-8).") from None
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if header.count(";") > header.count(",") else ",")
    try:
        lines = list(reader)
    except csv.Error as error:
        raise InputError(f"The file is not CSV: {error}.", remedy="Save it as CSV (UTF-8).") from None
    names = [name.strip().lower() for name in lines[0]] if lines else []
    if missing := [name for name in NEEDED if name not in names]:
        raise InputError(
            f"The file has no column {' and no column '.join(missing)}.",
            remedy="Its first row names the columns: parameter, year, value.",
        )
    if len(lines) > ROWS_MAX:
        raise InputError(f"The file has more than {ROWS_MAX:,} rows.", remedy="Keep the rows to be changed.")
    rows = [
        (at, dict(zip(names, [*line, *[""] * len(names)], strict=False)))
        for at, line in enumerate(lines[1:], start=2)
        if any(text.strip() for text in line)
    ]
    if not rows:
        raise InputError("The file has no rows.", remedy="Add a row: cola_rate, 2028, 0.03.")
    return rows


def _plain(text: str) -> str:
    """Return a cell without the quote that keeps a spreadsheet from reading it as a formula."""
    return text.strip().removeprefix("'").strip()
