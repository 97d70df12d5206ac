"""The levers in force, and the simulation runs."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.settings import Settings

STARTED = datetime(2026, 11, 20, 14, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(Settings(home=tmp_path)) as opened:
        yield opened


def test_levers_in_force_are_replaced_as_a_whole(ledger):
    assert ledger.dynamic_levers.current() == {}
    ledger.dynamic_levers.replace({"cola_rate": 0.03, "cola_rate@2027": 0.04})
    assert ledger.dynamic_levers.current() == {"cola_rate": 0.03, "cola_rate@2027": 0.04}
    ledger.dynamic_levers.replace({"merit_rate_level_1": "4%"})
    assert ledger.dynamic_levers.current() == {"merit_rate_level_1": 0.04}


@pytest.mark.parametrize("levers", [{"cola_rate": 0.03, "merit_rate_level_1": 0.5}, {"seed": 1}])
def test_a_bad_lever_leaves_the_old_ones_in_force(ledger, levers):
    ledger.dynamic_levers.replace({"cola_rate": 0.02})
    with pytest.raises(InputError):
        ledger.dynamic_levers.replace(levers)
    assert ledger.dynamic_levers.current() == {"cola_rate": 0.02}


def record(ledger, scenario, **changes):
    values = {
        "fingerprint": "f" * 64,
        "environment": "scenario_a",
        "started_at": STARTED,
        "seconds": 1.5,
        "models_run": 12,
        "models_reused": 3,
        "gate_status": "passed",
        "published": True,
        "kpis": [{"simulation_year": 2026, "growth_all": 0.031}],
    }
    return ledger.runs.record(scenario=scenario, **{**values, **changes})


def test_runs_are_listed_newest_first_as_recorded(ledger):
    first, second, third = (record(ledger, name) for name in ("a", "b", "a"))
    assert ledger.runs.list() == [third, second, first]
    assert ledger.runs.list("a", limit=1) == [third]
    assert first.kpis == [{"simulation_year": 2026, "growth_all": 0.031}]


def test_times_are_kept_in_utc(ledger):
    record(ledger, "a")
    (run,) = ledger.runs.list()
    assert run.started_at == STARTED
    assert run.started_at.tzinfo is UTC


def test_a_time_without_zone_is_refused(ledger):
    with pytest.raises(Exception, match="has no time zone"):
        record(ledger, "a", started_at=datetime(2026, 1, 1))
    assert ledger.runs.list() == []
