"""Estimate assumptions from yearly censuses, and test them against what happened."""

from planwise.calibration.awards import NOTHING_GIVEN, Given, parse_given
from planwise.calibration.backtest import backtest
from planwise.calibration.backtest_report import backtest_json, backtest_markdown
from planwise.calibration.backtest_results import Backtest
from planwise.calibration.estimate import Basis, Calibration, Raises, calibrate, given_of_last
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
    "NOTHING_GIVEN",
    "Backtest",
    "Basis",
    "Calibration",
    "Given",
    "Raises",
    "YearlyCensus",
    "backtest",
    "backtest_json",
    "backtest_markdown",
    "calibrate",
    "calibration_json",
    "calibration_markdown",
    "description",
    "given_of_last",
    "join_rekeyed",
    "options",
    "parameters_yaml",
    "parse_given",
    "read_years",
]
