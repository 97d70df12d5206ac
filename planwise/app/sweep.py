"""Sweep: simulate many scenarios and variants, and report what changed since the last sweep."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version

from planwise.app.gates import record_gate
from planwise.app.requests import SweepRequest
from planwise.app.runner import Runner, Stopped
from planwise.app.simulate import Resolved, resolve_scenario, simulate_resolved
from planwise.app.sweep_report import (
    OWN,
    Sweep,
    SweepInputs,
    SweepRow,
    compared,
    last_sweep,
    page,
    write_sweep,
)
from planwise.app.trial_workers import Tried, VariantPool, try_variant
from planwise.census import census_in_use
from planwise.dask_cluster import DaskCluster, open_cluster, without_secrets
from planwise.engine.outcome import Kpis
from planwise.engine.worker_warehouses import remove_dead_workers, worker_warehouse
from planwise.errors import Busy, GateBlocked, MachineError, PlanWiseError
from planwise.formatting import in_currency, money
from planwise.gate import GateResult
from planwise.governance import Action, open_ledger, require_role, utc_now
from planwise.governance.request import ScenarioRequest
from planwise.monitoring.gate_history import GateOf
from planwise.processes import raise_if_stopped
from planwise.settings import Settings

WORKER = "sweep"
POLL_SECONDS = 1.0  # between two looks for a cancellation request


def sweep(settings: Settings, request: SweepRequest, run: Runner) -> Sweep:
    """Simulate, compare, report; a scenario that fails becomes a row with its reason.

    When the machine or the cluster fails, what was done before is reported, and the error raised.
    """
    require_role(settings, Action.RUN)
    asked = request.model_dump_json(exclude={"workers", "dask"})
    previous = run(last_sweep, settings, asked)
    names = request.scenarios or run(all_scenarios, settings)
    variants = list(variants_of(request))
    elsewhere = run(on_another_census, settings, names, request.census)
    own = (f"census {request.census}", ScenarioRequest(census=request.census))
    tried = [*itertools.product(elsewhere, [own]), *itertools.product(names, variants)]
    rows: list[SweepRow] = []
    total = len(names) * (1 + len(variants))
    lost: MachineError | None = None
    with _cluster(settings, request, run) as cluster:
        for name in (name for name in names if name not in elsewhere):
            try:
                rows.append(published_row(settings, name, request, run))
            except Stopped:
                break
            run.advance("sweep-progress", len(rows) / total, f"{name}: {rows[-1].verdict}")
            if run.stopped():
                break
        if tried and not run.stopped():
            try:
                for row in tried_rows(settings, tried, request.workers, run, cluster):
                    rows.append(row)
                    run.advance("sweep-progress", len(rows) / total, f"{row.label}: {row.verdict}")
            except MachineError as error:  # such as a cluster without workers: the report has what was done
                lost = error
    done = compared(rows, previous, asked=asked, complete=len(rows) == total, at=utc_now())
    run(write_sweep, settings, done)
    run.table("sweep", [row.as_table() for row in done.rows], "Scenarios and variants of the last sweep")
    run.page("sweep-report", page(done), "What changed since the last sweep")
    if lost is not None:
        raise lost
    return done


def all_scenarios(settings: Settings) -> tuple[str, ...]:
    """Return the names of all scenarios, the baseline first."""
    with open_ledger(settings) as ledger:
        return tuple(scenario.name for scenario in ledger.scenarios.list())


def on_another_census(settings: Settings, names: Sequence[str], census: str | None) -> tuple[str, ...]:
    """Return the scenarios whose own census is not the requested one: they are tried, never published."""
    if census is None:
        return ()
    with open_ledger(settings) as ledger:
        stored = {scenario.name: scenario for scenario in ledger.scenarios.list(archived=True)}
    in_use = census_in_use(settings)
    return tuple(name for name in names if name in stored and (stored[name].census or in_use) != census)


def variants_of(request: SweepRequest) -> Iterator[tuple[str, ScenarioRequest]]:
    """Return the label and the changes of every variant: seeds × points of the grid."""
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
    """Simulate and publish a scenario; return its row."""
    try:
        resolved = run(resolve_scenario, settings, ScenarioRequest(scenario=name, census=request.census))
        report = simulate_resolved(settings, resolved, run)
    except (Busy, Stopped, MachineError):
        raise
    except PlanWiseError as error:
        raise_if_stopped()
        return SweepRow.failed(name, OWN, _why(error))
    return _judged(resolved, OWN, report.kpis, report.gate, report.outcome.fingerprint)


Tryable = Callable[[Resolved], Callable[[], Tried]]
"""Begins to simulate a variant, and returns what waits for its result."""


def tried_rows(
    settings: Settings,
    tried: Sequence[tuple[str, tuple[str, ScenarioRequest]]],
    workers: int,
    run: Runner,
    cluster: DaskCluster | None = None,
) -> Iterator[SweepRow]:
    """Yield the rows of variants, simulated in warehouses of the sweep's own; end early when cancelled."""
    with _variants(settings, workers, run, cluster) as begin:
        begun = []
        for name, (label, changes) in tried:
            if run.stopped():
                return
            begun.append((name, label, changes, _begun(settings, name, changes, begin, run)))
        for name, label, changes, (resolved, result) in begun:
            if isinstance(result, PlanWiseError):
                yield SweepRow.failed(name, label, _why(result))
                continue
            assert resolved is not None
            run.note("scenario", name)

            def variant(result: Callable[[], Tried] = result) -> Tried:
                return result()

            try:
                kpis, gate, fingerprint = run(variant)
            except Stopped:
                return
            except MachineError:
                raise
            except PlanWiseError as error:
                raise_if_stopped()
                yield SweepRow.failed(name, label, _why(error))
            else:
                subject = f"{name} ({label})"
                record_gate(settings, run, gate, GateOf.SWEEP, subject, fingerprint, shown=False)
                yield _judged(resolved, label, kpis, gate, fingerprint, changes=changes)
            if run.stopped():
                return


def _begun(
    settings: Settings, name: str, changes: ScenarioRequest, begin: Tryable, run: Runner
) -> tuple[Resolved | None, Callable[[], Tried] | PlanWiseError]:
    """Resolve a variant and begin to simulate it; return the error where there is no such scenario."""
    try:
        resolved = run(resolve_scenario, settings, changes.model_copy(update={"scenario": name}))
    except MachineError:
        raise
    except PlanWiseError as error:
        raise_if_stopped()
        return None, error
    return resolved, begin(resolved)


@contextmanager
def _cluster(settings: Settings, request: SweepRequest, run: Runner) -> Iterator[DaskCluster | None]:
    """Yield the requested cluster: one that cannot be used ends the sweep before it begins."""
    if request.dask is None:
        yield None
        return
    with open_cluster(settings, request.dask, request.workers) as cluster:
        run.log(cluster.summary)
        yield cluster


@contextmanager
def _variants(
    settings: Settings, workers: int, run: Runner, cluster: DaskCluster | None
) -> Iterator[Tryable]:
    """Yield what simulates variants: workers, each with its own warehouse, or this process."""
    if workers == 1 and cluster is None:
        with worker_warehouse(settings, WORKER) as warehouse:
            yield lambda resolved: partial(try_variant, warehouse, resolved.census, resolved.effective)
        return
    if cluster is None:
        pool = VariantPool(settings, WORKER, workers)
    else:
        pool = VariantPool(without_secrets(settings), WORKER, cluster.size, cluster.start)
    try:
        yield lambda resolved: partial(_waited, pool.submit((resolved.census, resolved.effective)), run)
    finally:
        pool.stop()  # all results are in, or no longer wanted
        remove_dead_workers(settings)


def _waited(future: Future[Tried], run: Runner) -> Tried:
    """Wait for a worker's result; raises Stopped when the sweep is cancelled meanwhile."""
    while not wait((future,), timeout=POLL_SECONDS).done:
        if run.stopped():
            raise Stopped("Stopped while variants were simulated.")
    return future.result()


def _judged(
    resolved: Resolved,
    label: str,
    kpis: Kpis,
    gate: GateResult,
    fingerprint: str,
    *,
    changes: ScenarioRequest | None = None,
) -> SweepRow:
    """Return the row of a result; without changes it is a scenario's own, which is published."""
    reasons = [check.summary() for check in gate.failed if check.severity == "critical"]
    budget = resolved.effective.number_or_none("payroll_budget")
    if budget is not None:
        with in_currency(resolved.census.currency):
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
        published=changes is None,
        currency=resolved.census.currency,
        point={n: v for n, v in (changes.levers if changes else {}).items() if isinstance(v, float)},
        seed=changes.seed if changes else None,
        inputs=SweepInputs(
            resolved.census.name,
            resolved.census.content_hash,
            resolved.effective.overrides(),
            version("planwise"),
        ),
    )


def over_budget(kpis: Kpis, budget: float) -> list[str]:
    """Return a reason with years and amount when payroll is over the budget, else nothing."""
    over = {year["simulation_year"]: year["payroll"] - budget for year in kpis if year["payroll"] > budget}
    if not over:
        return []
    worst = max(over, key=over.__getitem__)
    years = ", ".join(map(str, over))
    return [
        f"payroll over the budget of {money(budget)} in {years}; most in {worst}, by {money(over[worst])}"
    ]


def _why(error: PlanWiseError) -> str:
    return (
        " ".join(error.what.split())
        if isinstance(error, GateBlocked)
        else f"{type(error).__name__}: {error.what}"
    )
