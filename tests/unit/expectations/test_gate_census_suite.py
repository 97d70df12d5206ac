"""Each expectation of the census gate has a census that it, and nothing else, objects to."""

from collections.abc import Callable
from datetime import date

import gate_worlds as worlds
import pandas as pd
import pytest

from expectations import run_gate
from expectations.suites import SUITES
from expectations.thresholds import load_thresholds
from planwise.gate import GateResult

Change = Callable[[pd.DataFrame], pd.DataFrame]


def gate(frame: pd.DataFrame, **context: object) -> GateResult:
    return run_gate("census", frame, **{**worlds.CENSUS_CONTEXT, **context})


def put(column: str, value: object) -> Change:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[3, column] = value
        return frame

    return change


CASES: dict[str, tuple[Change, object, set[str]]] = {
    "census_columns": (lambda f: f.drop(columns="department"), ["without department"], set()),
    "required_values_known": (put("job_title", None), 1, set()),
    "employee_id_unique": (put("employee_id", "E00004"), 2, set()),
    "employee_id_not_reserved": (put("employee_id", "NEW-2026-1"), 1, set()),
    "base_pay_positive": (put("base_pay", 0.0), [0.0, 69_000.0], {"census_pay_usual"}),
    "census_pay_usual": (put("base_pay", 25.5), [25.5, 69_000.0], set()),
    "hired_by_census_date": (put("hire_date", pd.Timestamp(2026, 1, 2)), [-2, 3958], set()),
    "census_tenure_usual": (put("hire_date", pd.Timestamp(1925, 12, 31)), [1.83, 100.0], set()),
    "census_age_usual": (put("birth_date", pd.Timestamp(2013, 12, 31)), [12.0, 45.58], set()),
    "level_known": (put("level_id", 7), [7], set()),
    "rating_known": (put("performance_rating", 0), [0], set()),
    "fte_possible": (put("fte", 0.0), [0.0, 1.0], set()),
    "census_optional_known": (lambda f: f.drop(columns="ethnicity"), [0.0, 1.0], set()),
}


@pytest.mark.parametrize("name", CASES)
def test_it_alone_objects(name: str) -> None:
    change, observed, others = CASES[name]

    failed = {check.expectation: check for check in gate(change(worlds.census())).failed}

    assert set(failed) == {name} | others
    numbers = isinstance(observed, list) and all(isinstance(value, float) for value in observed)
    assert failed[name].observed == (pytest.approx(observed, abs=0.01) if numbers else observed)


def test_a_valid_census_passes_whatever_types_its_columns_have() -> None:
    census = worlds.census()
    assert gate(census).status == "passed"
    from decimal import Decimal

    objects = census.assign(
        base_pay=[Decimal(f"{pay:.2f}") for pay in census["base_pay"]],
        fte=[Decimal("1.0000")] * len(census),
        hire_date=[day.date() for day in census["hire_date"]],
        birth_date=[None, *(day.date() for day in census["birth_date"][1:])],
    )
    assert gate(objects).status == "passed"
    broken = objects.assign(base_pay=[Decimal("-1.00"), *objects["base_pay"][1:]])
    assert gate(broken).failed[0].sample == ({"employee_id": "E00000", "base_pay": -1.0},)


def test_every_declared_expectation_has_a_case() -> None:
    declared = {rule.name for rule in SUITES["census"].declare(load_thresholds(), worlds.CENSUS_CONTEXT)}
    assert declared == set(CASES) | {"valid_rows_share", "census_rows"}


def test_too_few_valid_rows_block() -> None:
    result = gate(worlds.census(), valid_share=0.9985)
    (check,) = result.failed
    assert (check.expectation, check.observed, check.severity) == (
        "valid_rows_share",
        [0.9985, 0.9985],
        "critical",
    )
    assert result.blocks
    assert gate(worlds.census(), valid_share=0.9985, valid_rows_min_share=0.99).status == "passed"


def test_an_empty_census_blocks() -> None:
    (check,) = gate(worlds.census().iloc[:0]).failed
    assert (check.expectation, check.observed) == ("census_rows", 0)


def test_missing_optional_columns_are_information_only() -> None:
    result = gate(worlds.census().drop(columns=["birth_date", "gender", "ethnicity"]))
    (check,) = result.failed
    assert check.severity == "info"
    assert [row["attribute"] for row in check.sample] == ["birth_date", "gender", "ethnicity"]
    assert result.status == "passed"


def test_one_employee_on_one_level_hired_on_the_census_date() -> None:
    census = worlds.census(1).assign(hire_date=pd.Timestamp(worlds.AS_OF))
    assert gate(census, known_levels=(1,)).status == "passed"
    assert (
        gate(census, known_levels=(1,), as_of=date(2025, 12, 30)).failed[0].expectation
        == "hired_by_census_date"
    )
