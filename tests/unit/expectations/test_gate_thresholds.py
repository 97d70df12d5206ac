"""Thresholds are declared data that an operator's file may tighten."""

from pathlib import Path

import gate_worlds as worlds
import pytest

from expectations import run_gate
from expectations.thresholds import load_thresholds
from planwise.errors import InputError


def write(folder: Path, text: str) -> Path:
    file = folder / "thresholds.yaml"
    file.write_text(text)
    return file


def test_each_declared_threshold_says_why() -> None:
    limits = load_thresholds()
    assert len(limits.root) > 30
    assert all(
        len(limit.reason) > 12 for name, limit in limits.root.items() if "definition" not in limit.reason
    )


def test_an_operator_can_tighten_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kpis = worlds.kpis(growth=0.03)
    assert run_gate("trial", kpis).status == "passed"

    file = write(tmp_path, "growth_all_usual: {maximum: 0.02, severity: critical}")
    monkeypatch.setenv("PLANWISE_GATE_THRESHOLDS", str(file))
    result = run_gate("trial", kpis)

    assert result.status == "failed"
    (check,) = result.failed
    assert check.observed == [0.03, 0.03]
    assert check.threshold.startswith("at least -0.05 and at most 0.02 where")

    monkeypatch.delenv("PLANWISE_GATE_THRESHOLDS")
    assert run_gate("trial", kpis).status == "passed"


def test_the_other_fields_and_thresholds_stay(tmp_path: Path) -> None:
    changed = load_thresholds(write(tmp_path, "raise_max_usual: {maximum: 0.2}"))
    declared = load_thresholds()
    assert changed["raise_max_usual"].maximum == 0.2
    assert changed["raise_max_usual"].severity == declared["raise_max_usual"].severity
    assert {**changed.root, "raise_max_usual": declared["raise_max_usual"]} == declared.root


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("growth_all_usul: {maximum: 1}", "unknown gate threshold 'growth_all_usul'.*\n.*growth_all_usual"),
        ("growth_all_usual: 0.1", "not a mapping"),
        ("growth_all_usual: {maximum: -1}", "minimum -0.05 is above maximum -1"),
        ("growth_all_usual: {maximal: 1}", "growth_all_usual.maximal"),
        ("growth_all_usual: {severity: fatal}", "growth_all_usual.severity"),
        ("- 1", "no mapping"),
        ("a: [", "not readable YAML"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_thresholds(write(tmp_path, text))


def test_a_missing_file_is_not_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANWISE_GATE_THRESHOLDS", str(tmp_path / "nowhere.yaml"))
    with pytest.raises(InputError, match=r"nowhere\.yaml, which is no file"):
        run_gate("trial", worlds.kpis())
