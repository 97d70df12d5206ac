"""A job and a plan as they are told."""

from datetime import UTC, datetime

from planwise.jobs import Job, JobKind, State

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
JOB = Job(
    id="20261120T120000000-simulate-abcdef",
    kind=JobKind.SIMULATE,
    title="Simulate lean",
    scenario="lean",
    started_by="ana",
    started_at=NOON,
    request={"scenario": "lean"},
    state=State.RUNNING,
    how="a worker process on this machine",
)
PLAN = {
    "scenario": "lean", "census": "tiny", "employees": 10_300, "models_to_run": 3, "models_reused": 9,
    "models": {"to_run": ["marts.fct_budget"], "reused": []}, "in_force": False, "models_seconds": 1.2,
    "whole_seconds": 9.8, "based_on_runs": 5,
}  # fmt: skip
