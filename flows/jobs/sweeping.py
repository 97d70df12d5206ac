"""Sweep: every scenario simulated and published, its variants tried, all compared with the last sweep."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack

from flows.jobs.simulation import Resolved, resolve_scenario, simulate_resolved
from flows.jobs.sweep_report import Sweep, SweepRow, compared, last_sweep, page, write_sweep
from flows.jobs.trial_workers import gate_trial
from flows.parameters import SweepRequest
from flows.runner import Runner, Stopped
from planwise.engine.outcome import Kpis
from planwise.engine.warehouse import Warehouse
from planwise.engine.worker_warehouses import worker_warehouse
from planwise.errors import Busy, GateBlocked, PlanWiseError
from planwise.gate import GateResult
from planwise.governance import open_ledger, utc_now
from planwise.governance.request import ScenarioRequest
from planwise.processes import raise_if_stopped
from planwise.settings import Settings

WORKER = "sweep"
OWN = "as it is"


def sweep(settings: Settings, request: SweepRequest, run: Runner) -> Sweep:
    """Simulate, compare, report; a scenario that fails is a row that says why, and does not end the sweep."""
    asked = request.model_dump_json()
    previous = run(last_sweep, settings, asked)
    names = request.scenarios or run(all_scenarios, settings)
    variants = list(variants_of(request))
    rows: list[SweepRow] = []
    total = len(names) * (1 + len(variants))
    for name in names:
        try:
            rows.append(published_row(settings, name, request, run))
        except Stopped:
            break
        run.advance("sweep-progress", len(rows) / total, f"{name}: {rows[-1].verdict}")
        if run.stopped():
            break
    with ExitStack() as stack:
        if variants and not run.stopped():
            warehouse = stack.enter_context(worker_warehouse(settings, WORKER))
            for name, (label, changes) in itertools.product(names, variants):
                rows.append(tried_row(settings, warehouse, name, label, changes, run))
                run.advance("sweep-progress", len(rows) / total, f"{rows[-1].label}: {rows[-1].verdict}")
                if run.stopped():
                    break
    done = compared(rows, previous, asked=asked, complete=len(rows) == total, at=utc_now())
    run(write_sweep, settings, done)
    run.table("sweep", [row.as_table() for row in done.rows], "Scenarios and variants of the last sweep")
    run.page("sweep-report", page(done), "What changed since the last sweep")
    return done


def all_scenarios(settings: Settings) -> tuple[str, ...]:
    """Return the names of all scenarios, the baseline first."""
    with open_ledger(settings) as ledger:
        return tuple(scenario.name for scenario in ledger.scenarios.list())


def variants_of(request: SweepRequest) -> Iterator[tuple[str, ScenarioRequest]]:
    """Return the label and the changes of every variant: seeds × points of the grid, without neither."""
    points = [
        dict(zip(request.grid, values, strict=True)) for values in itertools.product(*request.grid.values())
    ]
    for seed, point in itertools.product((None, *request.seeds), points):
        if seed is None and not point:
            continue
        parts = [f"{name}={value:g}" for name, value in point.items()]
        label = ", ".join([*parts, *([] if seed is None else [f"seed {seed}"])])
        yield label, ScenarioRequest(levers=point, seed=seed, census=request.census)


def published_row(settings: Settings, name: str, request: SweepRequest, run: Runner) -> SweepRow:
    """Simulate and publish a scenario; say what came of it."""
    try:
        resolved = run(resolve_scenario, settings, ScenarioRequest(scenario=name, census=request.census))
        report = simulate_resolved(settings, resolved, run)
    except (Busy, Stopped):
        raise
    except PlanWiseError as error:
        raise_if_stopped()
        return SweepRow.failed(name, OWN, _why(error))
    return _judged(resolved, OWN, report.kpis, report.gate, report.outcome.fingerprint, published=True)


def tried_row(
    settings: Settings, warehouse: Warehouse, name: str, label: str, changes: ScenarioRequest, run: Runner
) -> SweepRow:
    """Plan a variant in the sweep's own warehouse, gate its KPIs; say what came of it."""
    try:
        resolved = run(resolve_scenario, settings, changes.model_copy(update={"scenario": name}))

        def variant() -> tuple[Kpis, GateResult, str]:
            planned = warehouse.plan("sweep", resolved.census, resolved.effective, kpis_only=True)
            outcome = planned.apply()
            return outcome.kpis, gate_trial(outcome.kpis), outcome.fingerprint

        kpis, gate, fingerprint = run(variant)
    except PlanWiseError as error:
        raise_if_stopped()
        return SweepRow.failed(name, label, _why(error))
    return _judged(resolved, label, kpis, gate, fingerprint, published=False)


def _judged(
    resolved: Resolved, label: str, kpis: Kpis, gate: GateResult, fingerprint: str, *, published: bool
) -> SweepRow:
    reasons = [check.summary() for check in gate.failed if check.severity == "critical"]
    budget = resolved.effective.number_or_none("payroll_budget")
    if budget is not None:
        reasons += over_budget(kpis, budget)
    last = kpis[-1]
    return SweepRow(
        scenario=resolved.name,
        variant=label,
        feasible=not reasons,
        reasons=tuple(reasons),
        growth=last["growth_compound"],
        target_growth=resolved.effective.number("target_growth"),
        payroll=last["payroll"],
        headcount=last["headcount"],
        fingerprint=fingerprint,
        gate=gate.status,
        published=published,
    )


def over_budget(kpis: Kpis, budget: float) -> list[str]:
    """Say by how much, and in which years, payroll is over the budget; nothing when it never is."""
    over = {year["simulation_year"]: year["payroll"] - budget for year in kpis if year["payroll"] > budget}
    if not over:
        return []
    worst = max(over, key=over.__getitem__)
    years = ", ".join(map(str, over))
    return [f"payroll over the budget of {budget:,.0f} in {years}; most in {worst}, by {over[worst]:,.0f}"]


def _why(error: PlanWiseError) -> str:
    return (
        " ".join(error.what.split())
        if isinstance(error, GateBlocked)
        else f"{type(error).__name__}: {error.what}"
    )
