"""The sweep: what became infeasible, and why; the maintenance that follows it."""

from datetime import UTC, datetime

import pytest

from planwise.app.maintain import maintain
from planwise.app.requests import MaintainRequest, SweepRequest
from planwise.app.sweep import SweepRow, compared, page, sweep, variants_of
from planwise.engine.publishing import load_publication
from planwise.governance import open_ledger

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def row(name, *, feasible=True, growth=0.03, reason="payroll over the budget"):
    return SweepRow(name, "as it is", feasible, () if feasible else (reason,), growth=growth)


def test_comparison_names_what_changed_and_why():
    first = compared(
        [row("a"), row("b"), row("c"), row("d", feasible=False)], None, asked="", complete=True, at=NOW
    )
    second = compared(
        [row("a"), row("b", feasible=False), row("c", growth=0.032), row("d")],
        first,
        asked="",
        complete=True,
        at=NOW,
    )
    assert first.previous_at is None
    assert second.became_infeasible == ("b (as it is): payroll over the budget",)
    assert second.became_feasible == ("d (as it is)",)
    assert second.moved == ("c (as it is): growth 3.000% → 3.200%",)
    assert "b (as it is): payroll over the budget" in page(second)


def test_a_sweep_that_was_stopped_calls_nothing_gone():
    first = compared([row("a"), row("b")], None, asked="", complete=True, at=NOW)
    assert compared([row("a")], first, asked="", complete=False, at=NOW).gone == ()
    assert compared([row("a")], first, asked="", complete=True, at=NOW).gone == ("b (as it is)",)


def test_variants_are_seeds_times_grid():
    request = SweepRequest(seeds=(7,), grid={"cola_rate": (0.02, 0.03)})
    assert [label for label, _ in variants_of(request)] == [
        "cola_rate=0.02",
        "cola_rate=0.03",
        "cola_rate=0.02, seed 7",
        "cola_rate=0.03, seed 7",
    ]
    assert list(variants_of(SweepRequest())) == []


def test_an_empty_grid_is_refused():
    with pytest.raises(ValueError, match="empty"):
        SweepRequest(grid={"cola_rate": ()})


def test_a_sweep_reports_what_became_infeasible_and_maintenance_drops_what_is_gone(settings, run):
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("budgeted", {"payroll_budget": 1e9})
    request = SweepRequest(scenarios=("baseline", "budgeted"), seeds=(7,))
    first = sweep(settings, request, run)
    assert [(r.scenario, r.variant, r.feasible) for r in first.rows] == [
        ("baseline", "as it is", True),
        ("budgeted", "as it is", True),
        ("baseline", "seed 7", True),
        ("budgeted", "seed 7", True),
    ]
    assert first.rows[0].fingerprint == load_publication(settings, "baseline").fingerprint
    assert first.rows[2].growth != first.rows[0].growth
    with open_ledger(settings) as ledger:
        ledger.scenarios.set("budgeted", {"payroll_budget": 1e6})
    second = sweep(settings, request, run)
    assert second.previous_at == first.at
    assert len(second.became_infeasible) == 2
    assert (
        "budgeted (as it is): payroll over the budget of 1,000,000 in 2026, " in second.became_infeasible[0]
    )
    assert "Became infeasible" in run.pages["sweep-report"]
    assert len(run.tables["sweep"]) == 4

    with open_ledger(settings) as ledger:
        ledger.scenarios.delete("budgeted")
    (settings.workers_dir / "dead.duckdb").write_bytes(b"")
    (settings.workers_dir / "dead.lock").write_bytes(b"")
    said = maintain(settings, MaintainRequest(), run)
    assert said.environments == ("scenario_budgeted",)
    assert (settings.workers_dir / "dead.duckdb").exists()
    done = maintain(settings, MaintainRequest(dry_run=False), run)
    assert done.environments == said.environments
    assert not (settings.workers_dir / "dead.duckdb").exists()
    assert maintain(settings, MaintainRequest(), run).environments == ()


def test_a_scenario_that_cannot_be_simulated_is_a_row_that_says_why(settings, run):
    done = sweep(settings, SweepRequest(scenarios=("nowhere",)), run)
    assert not done.rows[0].feasible
    assert "nowhere" in done.rows[0].reasons[0]
