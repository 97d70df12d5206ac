"""What pay looks like at the end: spread, gaps, ranges, raises; before and after."""

from collections.abc import Callable

from planwise.study.report.blocks import Section, Table
from planwise.study.report.evidence import Evidence
from planwise.study.report.figures import amount, amount_change, number, percent, points

Written = Callable[[float | None], str]


def _ratio(value: float | None) -> str:
    return number(value, 4)


def _ratio_change(value: float | None) -> str:
    return "-" if value is None else f"{value:+.4f}".replace("-", "−")


# KPI of the last year, what it is called, how it and its difference are written.
ROWS: tuple[tuple[str, str, Written, Written], ...] = (
    ("headcount", "people", amount, amount_change),
    ("mean_base_pay", "mean base pay", amount, amount_change),
    ("median_base_pay", "median base pay", amount, amount_change),
    ("mean_compa_ratio", "mean pay / range midpoint", _ratio, _ratio_change),
    ("within_level_cv", "spread within levels (coefficient of variation)", percent, points),
    ("adjusted_gap_max", "largest adjusted pay gap (log points)", percent, points),
    ("below_minimum", "people under their range", amount, amount_change),
    ("above_maximum", "people at or over their range's end", amount, amount_change),
    ("raise_min", "smallest raise of the year", percent, points),
    ("raise_max", "largest raise of the year", percent, points),
)


def structure_section(evidence: Evidence) -> Section | None:
    """Return the last year's pay structure, before and after; None where the KPIs do not have it."""
    if not evidence.baseline or not evidence.kpis:
        return None
    before, after = evidence.baseline[-1], evidence.kpis[-1]
    rows = []
    for name, label, written, difference in ROWS:
        old, new = before.get(name), after.get(name)
        if name in before and name in after:
            moved = None if old is None or new is None else new - old
            rows.append([label, written(old), written(new), difference(moved)])
    if not rows:
        return None
    year = after["simulation_year"]
    table = Table(f"At the end of {year}.", ("", "before", "after", "difference"), rows)
    return Section("Pay structure", [table])
