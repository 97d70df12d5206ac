"""What reading and importing a file come to: a reading, a registered census, or a refusal with its report."""

from dataclasses import dataclass

import pandas as pd

from planwise.census.registry import Census
from planwise.census.report import ImportReport
from planwise.errors import GateBlocked


class ImportBlocked(GateBlocked):
    """Too few rows are valid: nothing was registered; `report` says which rows and why."""

    def __init__(self, report: ImportReport) -> None:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in report.reject_reasons.items())
        super().__init__(
            f"{report.rows_rejected:,} of {report.rows_accepted + report.rows_rejected:,} rows are not "
            f"valid: {report.valid_share:.3%} valid, {report.valid_share_min:.3%} needed ({reasons}). "
            "Nothing was registered.",
            remedy=f"Every rejected row with its reasons: {report.rejects_file}. Correct the file, or leave "
            "such rows out on purpose with `filter:` in a mapping YAML.",
        )
        self.report = report


@dataclass(frozen=True)
class Reading:
    """A file judged and settled, not registered; `rows` and `ranges` have the schema's columns, pay in USD.

    `ids` are the employee ids of every row of the file, whatever the filter or the judgement said of it.
    """

    name: str
    rows: pd.DataFrame
    ranges: pd.DataFrame
    availability: dict[str, bool]
    ids: frozenset[str]
    report: ImportReport


@dataclass(frozen=True)
class ImportResult:
    """The registered census and the report of how it came to be."""

    census: Census
    report: ImportReport
