"""The gate of a simulated scenario: distributions and plausibility of the marts before they are published.

Invariants (headcount identity, pay chains, sums) are audits of the models and are not repeated here.
"""

from typing import Any

import pandas as pd

from expectations.rules import Rule
from expectations.suites.base import Frames, Suite
from expectations.suites.kpis import TABLE, further_rules, prepare_kpis, quick_rules
from expectations.suites.marts import mart_rules, prepare_marts
from expectations.suites.workforce import prepare_workforce, workforce_rules
from expectations.thresholds import Thresholds

TABLES = (
    TABLE,
    "fct_workforce_snapshot",
    "fct_yearly_events",
    "fct_compensation_growth",
    "fct_budget",
    "fct_level_summary",
    "fct_pay_equity",
)


def _prepare(frames: Frames, **_context: Any) -> dict[str, pd.DataFrame]:
    kpis = prepare_kpis(frames[TABLE])
    return {TABLE: kpis, **prepare_workforce(frames, kpis), **prepare_marts(frames, kpis)}


def _rules(limits: Thresholds, **_context: Any) -> tuple[Rule, ...]:
    return (*quick_rules(limits), *further_rules(limits), *workforce_rules(limits), *mart_rules(limits))


SIMULATION = Suite(name="simulation", tables=TABLES, prepare=_prepare, rules=_rules)
