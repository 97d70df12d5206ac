"""Rules: native expectations of this project, and the frames that they read."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from expectations.thresholds import Threshold, Thresholds
from planwise.gate import Severity


@dataclass(frozen=True)
class Between:
    """Every value that is there lies in the range; an open end is None."""

    minimum: float | None = None
    maximum: float | None = None
    above_minimum: bool = False

    def text(self) -> str:
        """Describe the range."""
        low = (
            None
            if self.minimum is None
            else f"{'above' if self.above_minimum else 'at least'} {self.minimum:,.6g}"
        )
        high = None if self.maximum is None else f"at most {self.maximum:,.6g}"
        return " and ".join(part for part in (low, high) if part)


@dataclass(frozen=True)
class InSet:
    """Every value that is there is one of these."""

    values: tuple[object, ...]

    def text(self) -> str:
        """List the values."""
        return "one of " + ", ".join(map(str, self.values))


@dataclass(frozen=True)
class Null:
    """No row has a value: the column names what is wrong with the row."""

    def text(self) -> str:
        """Describe the check."""
        return "none in any row"


@dataclass(frozen=True)
class Unique:
    """No value occurs twice."""

    def text(self) -> str:
        """Describe the check."""
        return "no value twice"


@dataclass(frozen=True)
class NotMatching:
    """No value matches the regular expression."""

    regex: str

    def text(self) -> str:
        """Show the expression."""
        return f"no value matching {self.regex}"


@dataclass(frozen=True)
class RowCount:
    """The table has at least so many rows."""

    minimum: int

    def text(self) -> str:
        """Describe the minimum."""
        return f"at least {self.minimum:,} rows"


@dataclass(frozen=True)
class Columns:
    """The table has these columns; more are allowed."""

    names: tuple[str, ...]

    def text(self) -> str:
        """List the names."""
        return "the columns " + ", ".join(self.names)


Check = Between | InSet | Null | Unique | NotMatching | RowCount | Columns


@dataclass(frozen=True)
class Where:
    """A condition on rows: the column is at least a minimum, or one of some values."""

    column: str
    minimum: float | None = None
    values: tuple[object, ...] = ()

    def text(self) -> str:
        """Describe the condition."""
        if self.values:
            return f"{self.column} is {' or '.join(map(str, self.values))}"
        return f"{self.column} is at least {self.minimum:,.6g}"

    def mask(self, frame: pd.DataFrame) -> "pd.Series[bool]":
        """Return which rows satisfy it; a missing value does not."""
        values = frame[self.column]
        return (
            values.isin(self.values) if self.values else (values >= self.minimum).fillna(False).astype(bool)
        )


@dataclass(frozen=True)
class Rule:
    """One declared expectation.

    All of `where` limits it to some rows (plausibility that only makes sense for big populations), which only
    a check that ignores missing values can have; `mostly` is the share of those rows (0–1) that must conform.
    """

    name: str
    description: str
    table: str
    check: Check
    column: str | None = None
    severity: Severity = "critical"
    where: tuple[Where, ...] = ()
    mostly: float = 1.0
    remedy: str = field(default="See the sample of offending rows, correct the input and run again.")

    def threshold(self) -> str:
        """Describe what is allowed, and for which rows."""
        share = f"at least {self.mostly:.4g} of the rows " if self.mostly < 1 else ""
        return share + self.check.text() + (f" where {self._condition()}" if self.where else "")

    @property
    def shows_values(self) -> bool:
        """Whether a sample may hold the offending value: of all people, or a name and no figure."""
        return self.table in OF_ALL_PEOPLE or not isinstance(self.check, Between)

    @property
    def shows_range(self) -> bool:
        """Whether the smallest and the largest value may be shown: they are not what a person earns."""
        return self.table in OF_ALL_PEOPLE or self.column not in PAY_COLUMNS

    def checked_column(self) -> str | None:
        """Return the column to check: the declared one, or a copy limited to the rows of `where`."""
        return f"{self.column} where {self._condition()}" if self.where else self.column

    def limited(self, frame: pd.DataFrame) -> pd.Series | None:
        """Return the column, missing outside the rows of `where`; None when a column for it is not there."""
        if not {self.column, *(where.column for where in self.where)} <= set(frame.columns):
            return None
        values = frame[self.column]
        for where in self.where:
            values = values.where(where.mask(frame))
        return values

    def unmet(self) -> str:
        """Say that no row meets the condition."""
        return f"no row where {self._condition()}"

    def _condition(self) -> str:
        return " and ".join(where.text() for where in self.where)


@dataclass(frozen=True)
class RuleBuilder:
    """Declares the rules of one table, critical by default, with a common remedy."""

    table: str
    remedy: str

    def __call__(
        self,
        name: str,
        description: str,
        check: Check,
        column: str | None = None,
        *,
        severity: Severity = "critical",
        remedy: str | None = None,
    ) -> Rule:
        """Declare a rule."""
        return Rule(name, description, self.table, check, column, severity, remedy=remedy or self.remedy)


def within(
    name: str,
    table: str,
    column: str,
    limit: Threshold,
    *,
    remedy: str,
    size: str = "population",
    above_minimum: bool = False,
    only: Where | None = None,
) -> Rule:
    """Declare a range whose limits, severity and size condition are a declared threshold.

    `size` is the column that `minimum_population` is compared with; `only` is a further condition.
    """
    conditions = [only] if only else []
    if limit.minimum_population:
        conditions.append(Where(size, limit.minimum_population))
    if limit.minimum_continuing_share:
        conditions.append(Where("continuing_share", limit.minimum_continuing_share))
    return Rule(
        name=name,
        description=limit.description,
        table=table,
        column=column,
        check=Between(limit.minimum, limit.maximum, above_minimum),
        severity=limit.severity,
        where=tuple(conditions),
        mostly=limit.mostly,
        remedy=remedy,
    )


# Rows of other tables are single people or groups that may be small.
OF_ALL_PEOPLE = frozenset(
    {"fct_scenario_kpis", "fct_compensation_growth", "fct_budget", "year_coverage", "pay_drift", "import",
     "optional", "release_drift"}
)  # fmt: skip
# What says what a person earns: of a table that is not of all people, rows outside are only counted.
PAY_COLUMNS = frozenset(
    {"base_pay", "prorated_pay", "compensation_amount", "compa_ratio", "mean_compa_ratio", "applied_rate"}
)

# What identifies a row to the reader of a sample.
KEYS: dict[str, tuple[str, ...]] = {
    "census": ("employee_id",),
    "import": ("valid_share",),
    "optional": ("attribute",),
    "match": ("matching",),
    "required_fields": ("field",),
    "fct_scenario_kpis": ("simulation_year", "opening_headcount", "headcount"),
    "fct_workforce_snapshot": ("simulation_year", "employee_id"),
    "fct_yearly_events": ("event_id", "employee_id", "event_type", "simulation_year"),
    "fct_compensation_growth": ("simulation_year", "headcount"),
    "fct_budget": ("simulation_year",),
    "fct_increase_budget": ("simulation_year", "attribute", "group"),
    "fct_level_summary": ("simulation_year", "level_id", "headcount"),
    "fct_pay_equity": ("simulation_year", "attribute", "group", "headcount"),
    "year_coverage": ("mart",),
    "pay_drift": ("simulation_year", "population"),
    "release_drift": ("simulation_year", "population"),
}


def native(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a shallow copy with a fresh index, Decimal as float and date as datetime64.

    DuckDB's own frames need nothing; frames read from Parquet hold Python objects. Other objects are
    unchanged, so that a rule that cannot check them reports it.
    """
    out = frame.reset_index(drop=True)
    for name in out.select_dtypes("object").columns:
        if pd.api.types.infer_dtype(out[name], skipna=True) == "string":
            continue
        known = out[name].dropna()
        kinds = set(map(type, known))
        if kinds and kinds <= {Decimal, int, float}:
            out[name] = out[name].astype(float)
        elif kinds == {date}:
            out[name] = out[name].astype("datetime64[us]")
    return out


def naming(frame: pd.DataFrame, columns: Iterable[str], is_bad: pd.DataFrame | None = None) -> pd.Series:
    """Name, per row, the columns that are bad (null, unless a frame of flags says otherwise), or None."""
    present = [name for name in columns if name in frame.columns]
    flags = (frame[present].isna() if is_bad is None else is_bad[present]).fillna(False).to_numpy(dtype=bool)
    names = np.array(present, dtype=object)
    listed = [", ".join(names[row]) or None for row in flags] if flags.any() else [None] * len(frame)
    return pd.Series(listed, index=frame.index, dtype=object)


def negative(frame: pd.DataFrame, columns: Iterable[str]) -> pd.Series:
    """Name, per row, the columns below zero."""
    present = [name for name in columns if name in frame.columns]
    return naming(frame, present, frame[present] < 0)


def ratio(numerator: pd.Series, denominator: pd.Series) -> pd.Series:
    """Divide where the denominator is above zero; missing elsewhere."""
    base = denominator.astype(float)
    return numerator.astype(float) / base.where(base > 0)


def has(frame: pd.DataFrame, *columns: str) -> bool:
    """Whether all the columns are there; a rule on a column that cannot be derived says it is missing."""
    return set(columns) <= set(frame.columns)


Table = pd.DataFrame | Iterable[pd.DataFrame]
"""A frame, or its parts in order."""
Frames = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Suite:
    """A named set of rules.

    `prepare(frames, **context)` returns the tables that rules name, with derived columns and tables; they are
    evaluated in the order of the rules.
    `rules(thresholds, **context)` declares the expectations; both get the same keyword context, of which the
    `optional` part may be missing.
    """

    name: str
    tables: tuple[str, ...]
    prepare: Callable[..., dict[str, Table]]
    rules: Callable[..., tuple[Rule, ...]]
    context: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def declare(self, thresholds: Thresholds, context: Mapping[str, Any]) -> tuple[Rule, ...]:
        """Declare the rules; two of one name are a defect of the suite."""
        rules = self.rules(thresholds, **context)
        names = [rule.name for rule in rules]
        if len(set(names)) != len(names):
            raise AssertionError(f"suite {self.name} declares a name twice: {sorted(names)}")
        return rules
