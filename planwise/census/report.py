"""The report of an import: counts, notices, rejected rows."""

import csv
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from planwise.errors import GateBlocked
from planwise.formatting import escape_formula
from planwise.storage import write_json

REPORT_FILE, REJECTS_FILE = "report.json", "rejects.csv"


@dataclass(frozen=True)
class ImportReport:
    """Counts: rows_read = rows_accepted + rows_rejected + rows_filtered; blank lines are not rows.

    `reject_reasons` counts each rejected row once, by its first reason. `census` is None if it failed.
    """

    census: str | None
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    rows_filtered: int
    reject_reasons: dict[str, int]
    filter_reasons: dict[str, int]
    valid_share: float
    valid_share_min: float
    as_of: str
    levels_from: str
    levels: list[dict[str, Any]]
    columns: dict[str, str]
    columns_guessed: list[str]
    columns_dropped: list[str]
    constants: dict[str, str]
    filter: str | None
    notices: list[str]
    source: dict[str, Any]
    content_hash: str | None
    rejects_file: Path
    report_file: Path
    first_rejects: tuple[str, ...] = ()  # such as "line 3 (missing_pay)"

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return asdict(self) | {"rejects_file": str(self.rejects_file), "report_file": str(self.report_file)}

    def write(self) -> None:
        """Write the JSON report atomically."""
        write_json(self.report_file, self.as_dict(), indent=2)


def write_rejects(path: Path, rejects: pd.DataFrame) -> None:
    """Write the rejected rows as CSV that a spreadsheet shows as text and never runs as a formula."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rejects.columns)
        writer.writerows(
            [escape_formula(str(cell)) for cell in row] for row in rejects.itertuples(index=False)
        )


class ImportBlocked(GateBlocked):
    """Too few rows are valid: nothing was registered; `report` says which rows and why."""

    def __init__(self, report: ImportReport) -> None:
        rows = f"The first: {', '.join(report.first_rejects)}."
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in report.reject_reasons.items())
        super().__init__(
            f"{report.rows_rejected:,} of {report.rows_accepted + report.rows_rejected:,} rows are not "
            f"valid: {report.valid_share:.3%} valid, {report.valid_share_min:.3%} needed ({reasons}). "
            f"Nothing was registered. {rows}",
            remedy=f"Every rejected row with its reasons: {report.rejects_file}. Correct the file, or leave "
            "such rows out on purpose with `filter:` in a mapping YAML. The setting "
            "PLANWISE_VALID_ROWS_MIN_SHARE (such as 0.9) accepts a smaller share.",
        )
        self.report = report
