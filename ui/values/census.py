"""Values of the Census page: stored censuses, and the words for columns, units and rejects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True)
class CensusLevel:
    """A level with its pay range a year."""

    level_id: int
    name: str
    minimum: float
    maximum: float


@dataclass(frozen=True)
class CensusInfo:
    """A census: `rows` employees as of a date; `content_hash` differs when anything in it does.

    `has_derived_ranges`: ranges come from its pay; `has_ratings` is False where everybody has the default
    rating.
    """

    name: str
    content_hash: str
    rows: int
    as_of: date
    first_year: int
    currency: str = ""
    ranges: tuple[CensusLevel, ...] = ()
    has_derived_ranges: bool = False
    has_ratings: bool = True

    @property
    def levels(self) -> dict[int, str]:
        """The names of the levels by their number."""
        return {level.level_id: level.name for level in self.ranges}


@dataclass(frozen=True)
class CensusItem:
    """A stored census.

    `scenarios` are those that name it, `following` those that simulate the census in use, whichever it is.
    `market` is what is known of the market reference of its job titles, empty without one.
    """

    name: str
    people: int
    as_of: date
    source: str
    in_use: bool
    scenarios: tuple[str, ...]
    following: tuple[str, ...]
    levels: tuple[CensusLevel, ...]
    levels_from: str
    currency: str
    available: tuple[str, ...]
    content_hash: str
    created_at: str
    market: Mapping[str, Any] = field(default_factory=dict)


COLUMN_WORDS: Mapping[str, str] = {
    "employee_id": "Employee ID",
    "hire_date": "Hire date",
    "base_pay": "Base pay",
    "job_title": "Job title",
    "department": "Department",
    "level_id": "Level",
    "birth_date": "Birth date",
    "gender": "Gender",
    "ethnicity": "Ethnic group",
    "job_family": "Job family",
    "location": "Location",
    "manager_id": "Manager",
    "performance_rating": "Performance rating",
    "fte": "FTE",
    "termination_date": "End date",
    "active": "Employment status",
}
DATE_COLUMNS = ("hire_date", "birth_date", "termination_date")
NO_CONSTANT = frozenset({"employee_id", "birth_date", "manager_id", "termination_date", "active"})
UNITS = ("annual", "monthly", "semimonthly", "biweekly", "weekly", "daily", "hourly")
DATE_FORMATS: Mapping[str, str] = {
    "As found": "",
    "Month/day/year: 12/31/2025": "%m/%d/%Y",
    "Day/month/year: 31/12/2025": "%d/%m/%Y",
    "Day.month.year: 31.12.2025": "%d.%m.%Y",
    "Year-month-day: 2025-12-31": "%Y-%m-%d",
    "Month/day/year: 12/31/25": "%m/%d/%y",
    "Day/month/year: 31/12/25": "%d/%m/%y",
    "Day numbers of a spreadsheet: 46022": "spreadsheet",
}
NUMBER_FORMATS: Mapping[str, str] = {
    "As found": "",
    "Decimal point: 1,234.56": "1,234.56",
    "Decimal comma: 1.234,56": "1.234,56",
}
REASONS: Mapping[str, str] = {
    "missing_id": "no employee ID",
    "reserved_id": "employee ID begins with NEW-",
    "duplicate_id": "employee ID of several rows",
    "missing_pay": "no pay",
    "unparsable_pay": "pay is no amount",
    "non_positive_pay": "pay of zero or less",
    "implausible_pay": "pay over a billion a year",
    "contradicting_number_format": "amount in another number format than its column",
    "pay_of_another_unit": "pay of another unit, such as per hour",
    "other_currency": "pay in another currency",
    "missing_hire_date": "no hire date",
    "unparsable_hire_date": "hire date is no date",
    "hire_after_census_date": "hired over a year after the census date",
    "unparsable_birth_date": "birth date is no date",
    "unparsable_termination_date": "end date is no date",
    "missing_job_title": "no job title",
    "missing_department": "no department",
    "wrong_field_count": "more or fewer fields than the header",
    "impossible_age": "under 14 or over 100 years old",
    "level_out_of_range": "level is not 1 to 5",
    "title_without_level": "job title without a level",
    "pay_outside_ranges": "pay in no range",
    "rating_out_of_range": "rating is not 1 to 5",
    "fte_out_of_range": "FTE is not above 0 and up to 1",
    "unknown_status": "employment status is not known",
    "filter": "left out by the filter",
    "left": "has left",
    "not_started": "has not started",
    "known_leaver": "leaves within a year",
    "ignored_status": "status to be ignored",
    "sum_of_rows": "sum of other rows",
}
