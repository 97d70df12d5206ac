"""Real payrolls: where they are, and the rule that a test of them never passes by skipping.

`PLANWISE_REAL_DATA` names their folder. Without it the tests marked `real_data` are skipped, and the run says
so; with it, each of them must run. pytest calls these functions from `conftest.py`.
"""

import os
from pathlib import Path

import pytest

VARIABLE, MARK = "PLANWISE_REAL_DATA", "real_data"


def folder() -> Path | None:
    """Return the folder of the real data; None when none is expected."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def payroll(name: str) -> Path:
    """Return a payroll file."""
    there = folder()
    assert there is not None, f"a test of real payrolls lacks the mark {MARK}"
    return there / "payroll" / name


def require_or_skip(items: list[pytest.Item], data: Path | None) -> None:
    """Skip the tests of real data when none is expected; raise UsageError when it is missing."""
    found = [item for item in items if item.get_closest_marker(MARK)]
    if data is None:
        for item in found:
            item.add_marker(pytest.mark.skip(reason=f"{VARIABLE} is not set"))
    elif found and not any((data / "payroll").glob("*.csv.gz")):
        raise pytest.UsageError(f"{VARIABLE} names {data}, in which no payroll/*.csv.gz is.")


def fail_skipped(report: pytest.TestReport, data: Path | None) -> None:
    """Turn a skipped test of real data into a failed one when the data is expected."""
    if data is not None and report.skipped and MARK in report.keywords:
        report.outcome = "failed"
        report.longrepr = f"skipped, although {VARIABLE} is set: {report.longrepr}"


def summary(skipped: list[pytest.TestReport], data: Path | None) -> str | None:
    """Return a line on tests of real data that were skipped; None without any."""
    count = sum(MARK in report.keywords for report in skipped)
    if data is not None or not count:
        return None
    return f"{count} tests of real payrolls were skipped: {VARIABLE} is not set."
