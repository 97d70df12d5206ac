"""Impact of a study's answer on people: everybody's pay as it is, and under the answer."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import pandas as pd

from planwise.processes import raise_if_stopped
from planwise.risk.impact import people_impact
from planwise.study.answer.findings import Found, not_computed
from planwise.study.trials.evaluation import Evaluation

NO_PAY = "these previews have nobody's pay"
NOTHING_CHANGED = "nothing changed"


@runtime_checkable
class PayEvaluator(Protocol):
    """Previews that can tell everybody's pay."""

    def pay(self, levers: Mapping[str, float]) -> pd.DataFrame:
        """Return one row per employee and simulated year."""
        ...


def employee_impact(preview: object, best: Evaluation) -> Found:
    """Return the impact in the last year, two simulations of the pay of everybody, or why there is none."""
    if not best.levers:
        return not_computed(NOTHING_CHANGED)
    if not isinstance(preview, PayEvaluator):
        return not_computed(NO_PAY)
    try:
        before, after = (_last_year(preview.pay(levers)) for levers in ({}, best.levers))
    except Exception as error:  # the study is over: what it found must not be lost with this
        raise_if_stopped()
        return not_computed(f"{type(error).__name__}: {error}")
    return people_impact(before, after).as_json()


def _last_year(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy of the last year alone, so that the others' memory is freed."""
    last: pd.DataFrame = frame[frame["simulation_year"] == frame["simulation_year"].max()].copy()
    return last
