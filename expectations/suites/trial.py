"""The gate of one study trial: the KPIs only, quick enough to run after every evaluation."""

from typing import Any

import pandas as pd

from expectations.rules import Rule
from expectations.suites.base import Frames, Suite
from expectations.suites.kpis import TABLE, prepare_kpis, quick_rules
from expectations.thresholds import Thresholds


def _prepare(frames: Frames, **_context: Any) -> dict[str, pd.DataFrame]:
    return {TABLE: prepare_kpis(frames[TABLE])}


def _rules(limits: Thresholds, **_context: Any) -> tuple[Rule, ...]:
    return quick_rules(limits)


TRIAL = Suite(name="trial", tables=(TABLE,), prepare=_prepare, rules=_rules)
