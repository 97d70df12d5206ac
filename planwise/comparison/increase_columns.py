"""The columns of the increase list, and their names in an HR system."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from planwise.census.mapping import read_mapping
from planwise.formatting import FORMULA_PATTERN, escape_formula

Kind = Literal["text", "whole", "money", "ratio", "rate", "fte", "date"]


@dataclass(frozen=True)
class ListColumn:
    """One column of the list: its SQL over the mart, and what it is."""

    name: str
    kind: Kind
    sql: str
    description: str


REMARK = """CASE
    WHEN NOT merit_eligible THEN 'not eligible for merit yet'
    WHEN lump_sum > 0 THEN 'at the range maximum: merit above it is a lump sum'
    ELSE '' END"""
# Which date has the new base pay in full, why there is a raise, and by which rule.
EFFECTIVE = "greatest(cola_date, merit_date)"
REASON = """concat_ws(' and ',
    CASE WHEN cola > 0 THEN 'COLA' END, CASE WHEN merit > 0 THEN 'merit' END,
    CASE WHEN lump_sum > 0 THEN 'lump sum' END)"""
RULE = """concat_ws('; ',
    CASE WHEN cola > 0
        THEN format('COLA of {:.2f} %', 100 * CAST(cola AS DOUBLE)
            / CAST(CASE WHEN merit_date < cola_date THEN old_pay + merit ELSE old_pay END AS DOUBLE)) END,
    CASE WHEN merit + lump_sum > 0 THEN format('merit matrix: rating {}, pay at {:.0f} % of the range',
        performance_rating, 100 * CAST(range_penetration AS DOUBLE)) END,
    CASE WHEN lump_sum > 0 THEN 'range maximum: the rest is paid once' END)"""
INCREASE = "(cola + merit + lump_sum)"
COLUMNS = (
    ListColumn("employee_id", "text", "employee_id", "Census id"),
    ListColumn("job_title", "text", "job_title", "Job title"),
    ListColumn("department", "text", "department", "Department"),
    ListColumn("job_family", "text", "job_family", "Job family; empty where the census has none"),
    ListColumn("location", "text", "location", "Location; empty where the census has none"),
    ListColumn("manager", "text", "manager_id", "Manager's id; empty where the census has none"),
    ListColumn("level", "whole", "level_id", "Level in the census"),
    ListColumn("level_name", "text", "level_name", "Name of the level"),
    ListColumn("performance_rating", "whole", "performance_rating", "Rating, 1 to 5"),
    ListColumn("position_in_range", "rate", "range_penetration", "Old pay in the census's range, 0 to 1"),
    ListColumn(
        "compa_ratio_before", "ratio", "compa_ratio_before", "Old pay / midpoint of the census's range"
    ),
    ListColumn("compa_ratio_after", "ratio", "compa_ratio_after", "New pay / midpoint of the year's range"),
    ListColumn(
        "market_reference",
        "money",
        "market_reference",
        "Market's median of the year for the job title, or empty",
    ),
    ListColumn(
        "market_ratio_before", "ratio", "market_ratio_before", "Old pay / market's median at the census date"
    ),
    ListColumn("market_ratio_after", "ratio", "market_ratio_after", "New pay / market_reference"),
    ListColumn("fte", "fte", "fte", "Full-time equivalent"),
    ListColumn("old_base_pay", "money", "old_pay", "Full-time annual base pay before"),
    ListColumn("cola", "money", "cola", "Added by COLA, full-time"),
    ListColumn("cola_date", "date", "cola_date", "Effective date of the COLA"),
    ListColumn("merit", "money", "merit", "Added by merit, full-time"),
    ListColumn("merit_date", "date", "merit_date", "Effective date of merit and lump sum"),
    ListColumn("lump_sum", "money", "lump_sum", "Paid once at the range maximum, full-time"),
    ListColumn("new_base_pay", "money", "new_pay", "Full-time annual base pay after"),
    ListColumn(
        "increase_rate",
        "rate",
        f"round(CAST({INCREASE} AS DOUBLE) / CAST(old_pay AS DOUBLE), 6)",
        "(COLA + merit + lump sum) / old base pay",
    ),
    ListColumn("old_pay_at_fte", "money", "old_pay * fte", "Old base pay x FTE"),
    ListColumn("increase_at_fte", "money", f"{INCREASE} * fte", "(COLA + merit + lump sum) x FTE"),
    ListColumn("lump_sum_at_fte", "money", "lump_sum * fte", "Lump sum x FTE"),
    ListColumn("new_pay_at_fte", "money", "new_pay * fte", "New base pay x FTE"),
    ListColumn("effective_date", "date", EFFECTIVE, "From when the new base pay is paid in full"),
    ListColumn("reason", "text", REASON, "COLA, merit, lump sum; empty without a raise"),
    ListColumn("rule", "text", RULE, "What gives the raise its size"),
    ListColumn("remark", "text", REMARK, "Why a raise is missing or paid once"),
)
BY_NAME = {column.name: column for column in COLUMNS}


class ListMapping(BaseModel):
    """The columns of the list by the headers of an HR system, in order; constants are columns of one value.

    `formats` writes a date as a text, such as "%m/%d/%Y".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    columns: dict[str, str] = {column.name: column.name for column in COLUMNS}
    constants: dict[str, str] = {}
    formats: dict[str, str] = {}

    @field_validator("columns", "formats")
    @classmethod
    def _known(cls, named: dict[str, str]) -> dict[str, str]:
        for name in named:
            if name not in BY_NAME:
                near = get_close_matches(name, BY_NAME, n=1)
                hint = f"did you mean {near[0]}?" if near else f"columns: {', '.join(BY_NAME)}"
                raise ValueError(f"{name!r} is not a column of the list; {hint}")
        return named

    @field_validator("columns")
    @classmethod
    def _some(cls, named: dict[str, str]) -> dict[str, str]:
        if not named:
            raise ValueError("it names no column")
        return named

    @field_validator("formats")
    @classmethod
    def _dates(cls, formats: dict[str, str]) -> dict[str, str]:
        if others := [name for name in formats if BY_NAME[name].kind != "date"]:
            raise ValueError(f"{', '.join(others)}: only dates have a format")
        return formats

    @field_validator("constants", mode="before")
    @classmethod
    def _texts(cls, values: Any) -> Any:
        return {str(k): str(v) for k, v in values.items()} if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _headers_differ(self) -> "ListMapping":
        if twice := sorted({name for name in self.headers if self.headers.count(name) > 1}):
            raise ValueError(f"two columns have the header {', '.join(twice)}")
        return self

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers in order."""
        return (*self.columns.values(), *self.constants)


def load_list_mapping(source: Path | Mapping[str, Any] | None) -> ListMapping:
    """Return the mapping of a YAML file or dict (none: every column); raises InputError naming the key."""
    return read_mapping(source, ListMapping)


def selected_columns(mapping: ListMapping, *, as_text: bool = False) -> str:
    """Return the columns of a query in a mapping's order; as text, safe in a spreadsheet."""
    made = [
        f"{_cell(BY_NAME[name], mapping.formats.get(name), as_text)} AS {_name(header, as_text)}"
        for name, header in mapping.columns.items()
    ]
    made += [
        f"{_literal(escape_formula(value) if as_text else value)} AS {_name(header, as_text)}"
        for header, value in mapping.constants.items()
    ]
    return ", ".join(made)


def _cell(column: ListColumn, date_format: str | None, as_text: bool) -> str:
    if date_format is not None:
        return f"strftime({column.sql}, {_literal(date_format)})"
    if as_text and column.kind == "text":
        return (
            f"CASE WHEN regexp_matches({column.sql}, {_literal(FORMULA_PATTERN)}) "
            f"THEN '''' || {column.sql} ELSE {column.sql} END"
        )
    if as_text and column.kind == "money":  # two decimals, and those that sums to the cent need
        return rf"regexp_replace(CAST({column.sql} AS TEXT), '(\.\d\d\d*?)0*$', '\1')"
    return column.sql


def _name(header: str, as_text: bool) -> str:
    text = str(escape_formula(header)) if as_text else header
    return '"' + text.replace('"', '""') + '"'


def _literal(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"
