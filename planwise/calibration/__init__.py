"""Estimate assumptions from yearly censuses, and test them against what happened."""

from planwise.calibration.backtest import backtest
from planwise.calibration.backtest_report import backtest_json, backtest_markdown
from planwise.calibration.backtest_results import Backtest
from planwise.calibration.estimate import Basis, Calibration, calibrate
from planwise.calibration.rekeyed import join_rekeyed
from planwise.calibration.report import (
    calibration_json,
    calibration_markdown,
    description,
    options,
    parameters_yaml,
)
from planwise.calibration.years import YearlyCensus, read_years

__all__ = [
    "Backtest",
    "Basis",
    "Calibration",
    "YearlyCensus",
    "backtest",
    "backtest_json",
    "backtest_markdown",
    "calibrate",
    "calibration_json",
    "calibration_markdown",
    "description",
    "join_rekeyed",
    "options",
    "parameters_yaml",
    "read_years",
]
