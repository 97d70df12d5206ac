"""Ingest: a census is in use after its gate, never before."""

import pytest

from planwise.app.ingest import ingest
from planwise.app.requests import IngestRequest
from planwise.census import census_in_use, list_censuses, load_census
from planwise.errors import GateBlocked

HEAD = "employee_id,hire_date,base_pay,job_title,department\n"


def _payroll(tmp_path, rows):
    file = tmp_path / "payroll.csv"
    lines = (f"E{i},2020-01-{1 + i % 28:02d},{50000 + 500 * i},Clerk,Ops\n" for i in range(rows))
    file.write_text(HEAD + "".join(lines), encoding="utf-8")
    return file


def test_what_passes_is_in_use(settings, run, tmp_path):
    file = _payroll(tmp_path, 200)
    report = ingest(settings, IngestRequest(file=file, name="staff", as_of="2025-12-31"), run)
    assert census_in_use(settings) == "staff"
    assert report.as_json()["in_use"]
    assert report.gate.status != "failed"
    assert run.tables["gate-census-staff"]
    assert {census.name for census in list_censuses(settings)} == {"staff", "synthetic_500"}


def test_what_does_not_pass_leaves_the_census_in_use_as_it_is(settings, run, tmp_path, monkeypatch):
    before = load_census(settings)
    thresholds = tmp_path / "thresholds.yaml"
    thresholds.write_text("census_rows: {minimum: 1000000, severity: critical}\n", encoding="utf-8")
    monkeypatch.setenv("PLANWISE_GATE_THRESHOLDS", str(thresholds))
    request = IngestRequest(file=_payroll(tmp_path, 300), name=before.name, as_of="2025-12-31")
    with pytest.raises(GateBlocked, match="census_rows"):
        ingest(settings, request, run)
    assert load_census(settings) == before
    assert not [census.name for census in list_censuses(settings) if census.name.endswith("_incoming")]
