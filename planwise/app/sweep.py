"""Sweep: simulate many scenarios and variants, and report what changed since the last sweep."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from planwise.app.requests import SweepRequest
from planwise.app.runner import Runner, Stopped
from planwise.app.simulate import Resolved, resolve_scenario, simulate_resolved
from planwise.app.trial_workers import gate_trial
from planwise.census import census_in_use
from planwise.engine.outcome import Kpis
from planwise.engine.warehouse import Warehouse
from planwise.engine.worker_warehouses import worker_warehouse
from planwise.errors import Busy, GateBlocked, MachineError, PlanWiseError
from planwise.formatting import in_currency, money
from planwise.gate import GateResult
from planwise.governance import Action, open_ledger, require_role, utc_now
from planwise.governance.request import ScenarioRequest
from planwise.processes import raise_if_stopped
from planwise.settings import Settings
from planwise.storage import reading, write_json

FOLDER = "sweeps"
OWN = "as it is"  # the stored variant of a scenario with its saved values
SAVED = "saved values"
MOVED_RATE = 0.001  # 0.1 pp of growth: a study's tolerance
PP = 100


@dataclass(frozen=True)
class SweepRow:
    """One scenario or variant: growth is compound to the last year, payroll and headcount are that year's."""

    scenario: str
    variant: str
    feasible: bool
    reasons: tuple[str, ...]
    growth: float | None = None
    target_growth: float | None = None
    payroll: float | None = None
    headcount: int | None = None
    fingerprint: str | None = None
    gate: str | None = None
    published: bool = False
    currency: str = ""

    @classmethod
    def failed(cls, scenario: str, variant: str, why: str) -> "SweepRow":
        """Return the row of a scenario that could not be simulated or was blocked."""
        return cls(scenario, variant, feasible=False, reasons=(why,))

    @property
    def label(self) -> str:
        """Scenario and, for a variant, its changes in one name."""
        return self.scenario if self.variant == OWN else f"{self.scenario} ({self.variant})"

    @property
    def variant_text(self) -> str:
        """The changes of a variant; `saved values` for the scenario itself."""
        return SAVED if self.variant == OWN else self.variant

    @property
    def verdict(self) -> str:
        """The text `feasible`, or the reasons why not."""
        return "feasible" if self.feasible else f"infeasible: {'; '.join(self.reasons)}"

    def as_table(self) -> dict[str, Any]:
        """Return a flat row for a table artifact."""
        return {
            "scenario": self.scenario,
            "variant": self.variant_text,
            "verdict": self.verdict,
            "growth %": None if self.growth is None else round(PP * self.growth, 3),
            "target %": None if self.target_growth is None else round(PP * self.target_growth, 3),
            "payroll": None if self.payroll is None else round(self.payroll),
            "headcount": self.headcount,
            "gate": self.gate or "",
            "published": self.published,
        }


@dataclass(frozen=True)
class Sweep:
    """All rows of one sweep; the lists name rows that differ from the previous sweep (None if there is none).

    `asked` is the request; a sweep is compared with the last complete one with the same request. `complete`
    is false when it was stopped before its end.
    """

    at: str
    asked: str
    previous_at: str | None
    complete: bool
    rows: tuple[SweepRow, ...]
    became_infeasible: tuple[str, ...]
    became_feasible: tuple[str, ...]
    moved: tuple[str, ...]
    gone: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the sweep as JSON values."""
        return asdict(self)


def compared(
    rows: Sequence[SweepRow], previous: Sweep | None, *, asked: str, complete: bool, at: datetime
) -> Sweep:
    """Return the sweep with the changes since the previous one, as text."""
    before = {row.label: row for row in previous.rows} if previous else {}
    now = {row.label: row for row in rows}
    both = [(before[label], row) for label, row in now.items() if label in before]
    return Sweep(
        at=at.isoformat(timespec="milliseconds"),
        asked=asked,
        previous_at=previous.at if previous else None,
        complete=complete,
        rows=tuple(rows),
        became_infeasible=tuple(
            f"{new.label}: {'; '.join(new.reasons)}" for old, new in both if old.feasible and not new.feasible
        ),
        became_feasible=tuple(new.label for old, new in both if new.feasible and not old.feasible),
        moved=tuple(
            f"{new.label}: growth {old.growth:.3%} → {new.growth:.3%}"
            for old, new in both
            if old.growth is not None and new.growth is not None and abs(new.growth - old.growth) > MOVED_RATE
        ),
        gone=tuple(label for label in before if label not in now) if complete else (),
    )


STORED = TypeAdapter(Sweep)


def last_sweep(settings: Settings, asked: str) -> Sweep | None:
    """Return the newest complete sweep with the same request, None when there is none."""
    for file in sorted((settings.root / FOLDER).glob("*.json"), reverse=True):
        with reading("The report of a sweep", file, "Delete it, then run `planwise sweep` again."):
            found = STORED.validate_json(file.read_bytes())
        if found.complete and found.asked == asked:
            return found
    return None


def write_sweep(settings: Settings, sweep: Sweep) -> Path:
    """Write the sweep atomically."""
    stamp = datetime.fromisoformat(sweep.at)
    file = settings.root / FOLDER / f"{stamp:%Y%m%dT%H%M%S}{stamp.microsecond // 1000:03d}.json"
    write_json(file, sweep.as_json(), indent=1)
    return file


def page(sweep: Sweep) -> str:
    """Return the Markdown report that is shown with the run."""
    feasible = sum(row.feasible for row in sweep.rows)
    lines = [
        f"# Sweep of {sweep.at}",
        "",
        f"{len(sweep.rows)} scenarios and variants, {feasible} feasible"
        f"{'' if sweep.complete else '; **stopped before its end**'}. "
        + (f"Compared with the sweep of {sweep.previous_at}." if sweep.previous_at else "The first sweep."),
    ]
    for title, found in (
        ("Became infeasible", sweep.became_infeasible),
        ("Became feasible", sweep.became_feasible),
        ("Growth moved by more than 0.1 pp", sweep.moved),
        ("No longer swept", sweep.gone),
    ):
        lines += ["", f"## {title}", "", *([f"- {line}" for line in found] or ["None."])]
    lines += ["", "## Infeasible now", ""]
    lines += [f"- {row.label}: {'; '.join(row.reasons)}" for row in sweep.rows if not row.feasible] or [
        "None."
    ]
    return "\n".join(lines)


WORKER = "sweep"


def sweep(settings: Settings, request: SweepRequest, run: Runner) -> Sweep:
    """Simulate, compare, report; a scenario that fails becomes a row with its reason."""
    require_role(settings, Action.RUN)
    asked = request.model_dump_json()
    previous = run(last_sweep, settings, asked)
    names = request.scenarios or run(all_scenarios, settings)
    variants = list(variants_of(request))
    elsewhere = run(on_another_census, settings, names, request.census)
    own = (f"census {request.census}", ScenarioRequest(census=request.census))
    tried = [*itertools.product(elsewhere, [own]), *itertools.product(names, variants)]
    rows: list[SweepRow] = []
    total = len(names) * (1 + len(variants))
    for name in (name for name in names if name not in elsewhere):
        try:
            rows.append(published_row(settings, name, request, run))
        except Stopped:
            break
        run.advance("sweep-progress", len(rows) / total, f"{name}: {rows[-1].verdict}")
        if run.stopped():
            break
    with ExitStack() as stack:
        if tried and not run.stopped():
            warehouse = stack.enter_context(worker_warehouse(settings, WORKER))
            for name, (label, changes) in tried:
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
    return _judged(resolved, OWN, report.kpis, report.gate, report.outcome.fingerprint, published=True)


def tried_row(
    settings: Settings, warehouse: Warehouse, name: str, label: str, changes: ScenarioRequest, run: Runner
) -> SweepRow:
    """Plan a variant in the sweep's own warehouse and gate its KPIs; return its row."""
    try:
        resolved = run(resolve_scenario, settings, changes.model_copy(update={"scenario": name}))

        def variant() -> tuple[Kpis, GateResult, str]:
            planned = warehouse.plan("sweep", resolved.census, resolved.effective, kpis_only=True)
            outcome = planned.apply()
            return outcome.kpis, gate_trial(outcome.kpis), outcome.fingerprint

        kpis, gate, fingerprint = run(variant)
    except MachineError:
        raise
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
        published=published,
        currency=resolved.census.currency,
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
