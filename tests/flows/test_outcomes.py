"""The states that flow runs end in: their names, and what their messages say."""

from dataclasses import replace

import httpx
import pytest
from prefect.client.schemas.objects import StateType

from flows.launch import ServerUnreachable, server_answers
from flows.outcomes import completed, failed
from planwise.app.benchmark import BenchmarkReport
from planwise.app.maintain import MaintenanceReport
from planwise.app.optimize import OptimizationReport
from planwise.app.simulate import SimulationBlocked, SimulationReport
from planwise.app.sweep_report import Sweep, SweepRow
from planwise.engine.outcome import PlanOutcome
from planwise.errors import Busy, GateBlocked, InputError, PlanWiseError
from planwise.gate import GateCheck, GateResult
from planwise.governance.verifier import ChainCheck
from tests.flows.test_optimize import full_result

CHECK = GateCheck(
    expectation="base_pay_possible", description="", table="fct_workforce_snapshot", column="base_pay",
    severity="critical", success=False, observed=[12.5, 987654.0], threshold="at least 1,000",
    evaluated_rows=1200, unexpected_rows=7, sample=({"employee_id": "E1", "base_pay": 12.5},),
    remedy="Check the census.",
)  # fmt: skip


def gate(*checks):
    return GateResult("simulation", tuple(checks), 0.1)


def simulated(*checks):
    kpis = [{"simulation_year": 2026, "growth_compound": 0.031}]
    outcome = PlanOutcome("scenario_lean", "f" * 32, 1.2, ("a", "b"), ("c",), kpis)
    return SimulationReport("lean", "staff", "USD", {}, outcome, gate(*checks), None, "prefect")


def studied(**changes):
    simulation = simulated() if changes.pop("published", False) else None
    saved_as = "lean" if simulation else None
    return OptimizationReport(full_result(**changes), [], "USD", saved_as, simulation, "prefect")


def swept(*rows, complete=True):
    return Sweep("now", "{}", None, complete, rows, (), (), (), ())


def maintained(*, ok):
    ledger = ChainCheck(ok, 12, "h", None if ok else 7, None if ok else "event 7 was changed")
    return MaintenanceReport(False, (), (), (), (), (), 0, 0, {}, 1.0, None, ledger)


def benchmarked(**regressions):
    found = {"warnings": [], "failures": [], "analysis": [], **regressions}
    return BenchmarkReport({"regressions": found}, "file", "", (), "baseline.json", False)


SLOWER = [{"figure": "real_trial_seconds_median", "change": 0.3}]
BAD = SweepRow("rich", "as it is", False, ("payroll over the budget",))
MET = {"published": True}


@pytest.mark.parametrize(
    ("report", "kind", "name", "says"),
    [
        (
            simulated(),
            "COMPLETED",
            "Completed",
            "lean is published: average pay grows 3.10% a year until 2026",
        ),
        (
            simulated(replace(CHECK, severity="warning")),
            "COMPLETED",
            "Passed with warnings",
            "7 of 1,200 rows",
        ),
        (studied(**MET), "COMPLETED", "Completed", "lean is published: growth of average pay 3.000%"),
        (studied(converged=False), "COMPLETED", "Not converged", "Not held: raise<=0.2."),
        (
            studied(converged=False, reachable=False, nearest=0.041),
            "COMPLETED",
            "Out of reach",
            "Nearest: 4.100%",
        ),
        (studied(), "COMPLETED", "Not published", "nothing is published"),
        (
            studied(converged=False, stopped="cancelled"),
            "CANCELLED",
            "Cancelled",
            "--resume s` continues it",
        ),
        (swept(BAD), "COMPLETED", "Infeasible scenarios", "1 infeasible; the first sweep.\n- rich"),
        (swept(complete=False), "CANCELLED", "Cancelled", "Stopped before its end."),
        (maintained(ok=True), "COMPLETED", "Completed", "The audit trail is whole: 12 events."),
        (maintained(ok=False), "FAILED", "Audit trail broken", "event 7 was changed"),
        (
            benchmarked(failures=SLOWER),
            "FAILED",
            "Slower than the baseline",
            "real_trial_seconds_median +30%",
        ),
        (benchmarked(warnings=SLOWER), "COMPLETED", "Passed with warnings", "0 failures, 1 warning"),
    ],
)
def test_a_report_ends_in_a_state_that_says_what_came_out(report, kind, name, says):
    state = completed(report)
    assert (state.type, state.name) == (StateType(kind), name)
    assert says in state.message
    assert state.data is report


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (InputError("Unknown scenario 'x'.", remedy="Choose another."), "Invalid request"),
        (Busy("The warehouse is held by process 7."), "Warehouse busy"),
        (GateBlocked("headcount_balances: 1 row"), "Blocked by gate"),
        (PlanWiseError("other"), "Failed"),
    ],
)
def test_an_expected_error_is_the_message(error, name):
    state = failed(error)
    assert (state.type, state.name, state.message) == (StateType.FAILED, name, str(error))


def test_a_blocked_gate_names_the_rows_by_number_and_shows_no_pay():
    blocked = SimulationBlocked(simulated(CHECK), GateBlocked("12.5 is too low", remedy="Check the census."))
    message = failed(blocked).message
    assert (
        "base_pay_possible on fct_workforce_snapshot.base_pay: 7 of 1,200 rows, allowed at least 1,000"
        in message
    )
    assert "Check the census." in message
    assert not {"12.5", "987,654", "E1"} & set(message.split())


def test_a_prefect_server_that_is_away_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(ServerUnreachable) as raised, server_answers():
        httpx.get("http://127.0.0.1:9/api")  # what Prefect's client does
    assert raised.value.what.startswith("The Prefect server http://127.0.0.1:9/api does not answer: ")
    assert "--no-flow" in raised.value.remedy and raised.value.exit_code == 2
