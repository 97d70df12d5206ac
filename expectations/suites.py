"""Suites by name: census, simulation, trial, recipient-match, market-match."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pandas as pd

from expectations.mart_expectations import (
    TABLE,
    further_rules,
    mart_rules,
    prepare_kpis,
    prepare_marts,
    prepare_workforce,
    quick_rules,
    workforce_rules,
)
from expectations.rules import (
    Between,
    Columns,
    Frames,
    InSet,
    NotMatching,
    Null,
    RowCount,
    Rule,
    RuleBuilder,
    Suite,
    Table,
    Unique,
    has,
    naming,
    native,
    within,
)
from expectations.thresholds import Thresholds
from planwise.monitoring.drift import NO_PROFILE, ReleaseProfile

REQUIRED = (
    "employee_id",
    "hire_date",
    "base_pay",
    "job_title",
    "department",
    "level_id",
    "performance_rating",
    "fte",
)
OPTIONAL = ("birth_date", "gender", "ethnicity")
RATINGS = (1, 2, 3, 4, 5)
DAYS_PER_YEAR = 365.25
SOURCE = "Correct the rows in the source file, or the column mapping, and import again."
REJECTS = (
    "The rejects file beside the import report names every rejected row and why; correct them or the mapping."
)
EMPTY = "Check the filter, the delimiter and the termination column of the import."
RENAME = "Ids that start with NEW- are reserved for simulated hires: rename them."
DATES = "Correct the hire dates or the census date (--as-of)."
MAP = "Map the titles to levels, or derive the levels from pay (--levels pay-quantiles)."
IMPORT = "Figures by this attribute say how many people they leave out; import the column to have them all."
POSITIVE = Between(0, above_minimum=True)
RESERVED = NotMatching("^NEW-")


def _prepare_census(
    frames: Frames, *, as_of: date, valid_share: float, **_context: object
) -> dict[str, Table]:
    census = native(frames["census"])
    now = pd.Timestamp(as_of)
    census["missing_values"] = naming(census, REQUIRED)
    if has(census, "hire_date"):
        census["days_since_hire"] = (now - pd.to_datetime(census["hire_date"])).dt.days
        census["tenure_years"] = census["days_since_hire"] / DAYS_PER_YEAR
    for name in OPTIONAL:
        if name not in census.columns:
            census[name] = None
    census["age"] = (now - census["birth_date"].astype("datetime64[us]")).dt.days / DAYS_PER_YEAR
    optional = pd.DataFrame(
        {"attribute": OPTIONAL, "known_share": [_known_share(census[name]) for name in OPTIONAL]}
    )
    return {
        "census": census,
        "import": pd.DataFrame({"valid_share": [float(valid_share)]}),
        "optional": optional,
    }


def _known_share(values: pd.Series) -> float | None:
    return float(values.notna().mean()) if len(values) else None


def _census_rules(
    limits: Thresholds, *, known_levels: Iterable[int], valid_rows_min_share: float, **_context: object
) -> tuple[Rule, ...]:
    levels = tuple(int(level) for level in known_levels)
    rows = limits["census_rows"]

    def usual(name: str, column: str) -> Rule:
        return within(name, "census", column, limits[name], remedy=SOURCE)

    ask = RuleBuilder("census", SOURCE)
    size = RowCount(int(rows.minimum or 0))
    share = Between(valid_rows_min_share, 1)
    return (
        RuleBuilder("import", REJECTS)(
            "valid_rows_share", "Nearly all rows are valid.", share, "valid_share"
        ),
        ask("census_columns", "The census has its columns.", Columns(REQUIRED)),
        ask("census_rows", rows.description, size, severity=rows.severity, remedy=EMPTY),
        ask("required_values_known", "Every required value is there.", Null(), "missing_values"),
        ask("employee_id_unique", "Employee ids are unique.", Unique(), "employee_id"),
        ask(
            "employee_id_not_reserved",
            "Ids of simulated hires are free.",
            RESERVED,
            "employee_id",
            remedy=RENAME,
        ),
        ask("base_pay_positive", "Pay is above zero.", POSITIVE, "base_pay"),
        usual("census_pay_usual", "base_pay"),
        ask(
            "hired_by_census_date",
            "Hire dates are not after the census date.",
            Between(0),
            "days_since_hire",
            remedy=DATES,
        ),
        usual("census_tenure_usual", "tenure_years"),
        usual("census_age_usual", "age"),
        ask("level_known", "Every level has a pay range.", InSet(levels), "level_id", remedy=MAP),
        ask("rating_known", "Ratings are 1 to 5.", InSet(RATINGS), "performance_rating"),
        ask("fte_possible", "FTE is above 0 and at most 1.", Between(0, 1, above_minimum=True), "fte"),
        within(
            "census_optional_known", "optional", "known_share", limits["census_optional_known"], remedy=IMPORT
        ),
    )


CENSUS = Suite(
    name="census",
    tables=("census",),
    prepare=_prepare_census,
    rules=_census_rules,
    context=("as_of", "known_levels", "valid_share", "valid_rows_min_share"),
)


TABLES = (
    TABLE,
    "fct_workforce_snapshot",
    "fct_yearly_events",
    "fct_compensation_growth",
    "fct_budget",
    "fct_increase_budget",
    "fct_level_summary",
    "fct_pay_equity",
)


def _prepare_simulation(
    frames: Frames, *, release: ReleaseProfile = NO_PROFILE, **_context: Any
) -> dict[str, Table]:
    kpis = prepare_kpis(frames[TABLE])
    return {TABLE: kpis, **prepare_workforce(frames, kpis, release), **prepare_marts(frames, kpis)}


def _simulation_rules(limits: Thresholds, **_context: Any) -> tuple[Rule, ...]:
    return (*quick_rules(limits), *further_rules(limits), *workforce_rules(limits), *mart_rules(limits))


SIMULATION = Suite(
    name="simulation",
    tables=TABLES,
    prepare=_prepare_simulation,
    rules=_simulation_rules,
    optional=("release",),
)


def _prepare_trial(frames: Frames, **_context: Any) -> dict[str, Table]:
    return {TABLE: prepare_kpis(frames[TABLE])}


def _trial_rules(limits: Thresholds, **_context: Any) -> tuple[Rule, ...]:
    return quick_rules(limits)


TRIAL = Suite(name="trial", tables=(TABLE,), prepare=_prepare_trial, rules=_trial_rules)


DECIDE = (
    "Decide what is for review (`planwise enrich decide`), or correct names and identifiers in the files."
)
BASELINE = "Compare the file with the one before; --save-as-baseline accepts the new match rate."
FIELDS = "Check the columns of the file, or name them with --name-column."


def _prepare_match(frames: Frames, **_context: Any) -> dict[str, Table]:
    match = native(frames["match"])
    return {
        "match": match.assign(match_rate_change=match["match_rate_change"].astype(float)),
        "required_fields": native(frames["required_fields"]),
    }


def _match_rules(limits: Thresholds, **_context: Any) -> tuple[Rule, ...]:
    def match(name: str, column: str, remedy: str) -> Rule:
        return within(name, "match", column, limits[name], remedy=remedy)

    filled = "match_fields_filled"
    return (
        match("match_rate_sufficient", "match_rate", DECIDE),
        match("match_rate_kept", "match_rate_change", BASELINE),
        within(filled, "required_fields", "null_share", limits[filled], remedy=FIELDS),
    )


MATCHES = tuple(
    Suite(name=name, tables=("match", "required_fields"), prepare=_prepare_match, rules=_match_rules)
    for name in ("recipient-match", "market-match")
)

SUITES: dict[str, Suite] = {suite.name: suite for suite in (CENSUS, SIMULATION, TRIAL, *MATCHES)}

__all__ = ["SUITES", "Suite"]
