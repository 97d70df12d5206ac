"""What is shown of a job: who started it, and who asked that it stops."""

from datetime import UTC, datetime

import pytest

from planwise.jobs import Job, JobKind, State
from ui.components.job_panel import shown

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def a_job(state, **more):
    return Job("id", JobKind.SIMULATE, "Simulate lean", "lean", "ana", AT, {}, state, **more)


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (a_job(State.RUNNING), False),
        (a_job(State.RUNNING, cancelling=True, cancelled_by="<bob>"), True),
        (a_job(State.CANCELLED, cancelled_by="<bob>"), True),
        (a_job(State.DONE, cancelled_by="<bob>"), False),  # it was over before it heard
    ],
)
def test_who_asked_for_the_stop_is_said_where_it_stopped(job, said):
    by = shown(job, may_cancel=True, now=AT)["by"]
    assert by.startswith("started by ana, 2026-11-20")
    assert by.endswith("; cancellation requested by <bob>") is said
