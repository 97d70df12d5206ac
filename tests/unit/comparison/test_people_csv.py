"""The list of everyone: complete, exact, and inert in a spreadsheet."""

import csv

import pytest
from comparison_worlds import Person, publish, staff

from planwise.comparison import compare
from planwise.comparison.people import write_people_csv
from planwise.errors import InputError


def rows(file):
    with open(file, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def _write(comparison, file):
    return write_people_csv(comparison.sources, comparison.people, file)


def test_one_row_a_person_and_pair(four_to_read, tmp_path):
    file = tmp_path / "new" / "people.csv"
    comparison = compare(four_to_read, ["base", "lean", "hiring"])
    assert _write(comparison, file) == 24
    found = rows(file)
    assert [row["scenario"] for row in found] == ["lean"] * 12 + ["hiring"] * 12
    assert found[0] == {
        "scenario": "lean", "against": "base", "employee_id": "E00", "level_id": "1", "other_level_id": "1",
        "department": "Sales", "gender": "F", "base_pay": "51000.00", "other_pay": "50000.00",
        "difference": "-1000.00", "share": "-0.019608",
    }  # fmt: skip
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "|x", "%x", "\r=1"])
def test_text_that_would_calculate_is_quoted(settings, tmp_path, text):
    people = [Person(f"{text}{n}", (50_000, 50_000, 50_000), department=text, gender=text) for n in range(12)]
    publish(settings, "base", people)
    publish(settings, "other", people)
    _write(compare(settings, ["base", "other"]), tmp_path / "people.csv")
    found = rows(tmp_path / "people.csv")
    assert {row["department"] for row in found} == {f"'{text}"}
    assert all(row["employee_id"].startswith(f"'{text}") for row in found)
    assert all(row["gender"] == f"'{text}" for row in found)


def test_commas_quotes_and_lines_stay_one_cell(settings, tmp_path):
    people = [Person(f"E{n}", (50_000,) * 3, department='R&D, "new"\nline; x') for n in range(12)]
    publish(settings, "base", people)
    publish(settings, "other", people)
    _write(compare(settings, ["base", "other"]), tmp_path / "people.csv")
    assert {row["department"] for row in rows(tmp_path / "people.csv")} == {'R&D, "new"\nline; x'}


def test_what_cannot_be_written_is_said(four, tmp_path):
    publish(four, "away", staff(*[0] * 12), census={"content_hash": "x" * 64})
    with pytest.raises(InputError, match="no people to list"):
        _write(compare(four, ["base", "away"]), tmp_path / "people.csv")
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(InputError, match="cannot be written"):
        _write(compare(four, ["base", "lean"]), tmp_path / "taken" / "people.csv")
