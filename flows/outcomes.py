"""How flow runs end: the names and messages of their states, and the events that automations react to."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Cancelled, Completed, Failed

from planwise.app.benchmark import BenchmarkReport
from planwise.app.gates import key_of
from planwise.app.maintain import MaintenanceReport
from planwise.app.optimize import OptimizationReport, found_text
from planwise.app.simulate import SimulationReport
from planwise.app.sweep_report import Sweep, report_file
from planwise.errors import Busy, GateBlocked, InputError, MachineError, PlanWiseError
from planwise.formatting import TERMINAL, counted
from planwise.gate import GateResult
from planwise.governance.permissions import Forbidden
from planwise.settings import Settings
from planwise.study.spec import CANCELLED
from planwise.study.target import Target

GATE_BLOCKED = "planwise.gate.blocked"
INFEASIBLE = "planwise.scenario.infeasible"
MOVED = "planwise.sweep.moved"
UNREACHED = "planwise.study.unreached"
REGRESSED = "planwise.benchmark.regressed"
LEDGER_BROKEN = "planwise.ledger.broken"

BLOCKED = "Blocked by gate"
WARNED = "Passed with warnings"
# Names of failed states by class of error, the most special first; other errors are `Failed`.
FAILURES: tuple[tuple[type[PlanWiseError], str], ...] = (
    (GateBlocked, BLOCKED),
    (Forbidden, "Not allowed"),
    (InputError, "Invalid request"),
    (Busy, "Warehouse busy"),
    (MachineError, "Machine fault"),
)


def completed(report: Any) -> State[Any]:
    """Return the state of a run that has ended, with its report as data."""
    name: str | None
    message: str | None
    match report:
        case SimulationReport():
            name, message = _simulated(report)
        case OptimizationReport():
            name, message = _optimized(report)
        case Sweep():
            name, message = _swept(report)
        case MaintenanceReport() if not report.ledger.ok:
            return Failed(name="Audit trail broken", message=report.headline, data=report)
        case BenchmarkReport() if report.failures:
            return Failed(name="Slower than the baseline", message=report.headline, data=report)
        case BenchmarkReport() if report.warnings:
            name, message = WARNED, report.headline
        case _:
            name, message = None, getattr(report, "headline", None)
    if is_cut_short(report):
        return Cancelled(message=f"Stopped before its end. {message}", data=report)
    return Completed(name=name or "Completed", message=message, data=report)


def is_cut_short(report: Any) -> bool:
    """Whether a study or a sweep was cancelled, and has kept what it had."""
    if isinstance(report, OptimizationReport):
        return report.result.stopped == CANCELLED
    return isinstance(report, Sweep) and not report.complete


def failed(error: PlanWiseError) -> State[Any]:
    """Return the state of a run that an expected error ended; of rows that failed it has only counts."""
    gate: GateResult | None = getattr(getattr(error, "report", None), "gate", None)
    name = next((name for kind, name in FAILURES if isinstance(error, kind)), "Failed")
    if gate is None:
        return Failed(name=name, message=str(error), data=error)
    critical = [check for check in gate.failed if check.severity == "critical"]
    lines = [
        f"Nothing was published: the {gate.suite} gate failed {len(critical)} of {gate.evaluated} "
        "expectations."
    ]
    lines += [f"- {check.counted()}" for check in critical]
    return Failed(name=name, message="\n".join([*lines, error.remedy or ""]).rstrip(), data=error)


def announce_failure(error: PlanWiseError, subject: str) -> None:
    """Emit the event of a gate that blocked."""
    if not isinstance(error, GateBlocked):
        return
    gate: GateResult | None = getattr(getattr(error, "report", None), "gate", None)
    checks = [check for check in gate.failed if check.severity == "critical"] if gate else []
    payload = {
        "suite": gate.suite if gate else "audits",
        "failed": [check.counted() for check in checks] or [type(error).__name__],
    }
    payload["message"] = "; ".join(payload["failed"])
    _emit(GATE_BLOCKED, f"scenario.{subject}" if subject else "census", payload)


def announce(report: Any) -> None:
    """Emit the events of what a run has found."""
    match report:
        case OptimizationReport() if not report.result.converged:
            name, message = _optimized(report)
            _emit(
                UNREACHED,
                f"scenario.{report.result.scenario}",
                {"study": report.result.study, "state": name, "message": message},
            )
        case MaintenanceReport() if not report.ledger.ok:
            _emit(LEDGER_BROKEN, "ledger", {"message": report.headline, "first": report.ledger.first_broken})
        case BenchmarkReport() if report.failures:
            _emit(REGRESSED, "benchmark", {"message": report.headline, "failures": list(report.failures)})
        case Sweep():
            for change in report.changes:
                if change.kind == "infeasible":
                    payload = {"variant": change.variant, "why": change.why, "message": str(change)}
                    _emit(INFEASIBLE, f"scenario.{change.scenario}", payload)
            if report.moved:
                _emit(MOVED, "sweep", {"moved": report.moved, "since": report.previous_at})


def links(settings: Settings, report: Any) -> Iterator[tuple[str, str, str]]:
    """Yield key, address and text of the links to a report's page in the dashboard and to its files."""
    match report:
        case SimulationReport():
            key = key_of(report.scenario)
            yield from _page(settings, key, "results", scenario=report.scenario)
            if report.published is not None:
                yield f"published-{key}", report.published.as_uri(), f"Published files: {report.published}"
        case OptimizationReport():
            yield from _page(settings, key_of(report.result.scenario), "optimise", study=report.result.study)
            if report.simulation is not None:
                yield from links(settings, report.simulation)
        case Sweep():
            file = report_file(settings, report)
            yield "sweep-file", file.as_uri(), f"Report: {file}"


def _page(settings: Settings, key: str, page: str, **selection: str) -> Iterator[tuple[str, str, str]]:
    if settings.dashboard_url is not None:
        query = urlencode({"page": page, **selection})
        yield f"dashboard-{key}", f"{settings.dashboard_url.rstrip('/')}/?{query}", f"Dashboard: {page}"


def _emit(event: str, subject: str, payload: Mapping[str, Any]) -> None:
    """Emit an event on a scenario or part of PlanWise; Prefect relates it to the flow run and its tags."""
    name = subject.removeprefix("scenario.")
    resource = {"prefect.resource.id": f"planwise.{subject}", "prefect.resource.name": name}
    emit_event(event, resource, payload=dict(payload))


def _simulated(report: SimulationReport) -> tuple[str | None, str]:
    outcome, last = report.outcome, report.kpis[-1]
    growth = TERMINAL.percent(last["growth_compound"], 2)
    text = (
        f"{report.scenario} is published: average pay grows {growth} a year until {last['simulation_year']}; "
        f"{counted(len(outcome.models_run), 'model')} run, {len(outcome.models_reused)} reused, "
        f"{outcome.seconds:.1f} s."
    )
    return _with_warnings(report.gate, text)


def _with_warnings(gate: GateResult, text: str) -> tuple[str | None, str]:
    warnings = [check.counted() for check in gate.failed if check.severity == "warning"]
    return (WARNED, "\n- ".join([text, *warnings])) if warnings else (None, text)


def _optimized(report: OptimizationReport) -> tuple[str | None, str]:
    result = report.result
    target = Target.from_json(result.target)
    found = f"{found_text(result)} (target: {target.text()}), stopped: {result.stopped}"
    if result.stopped == CANCELLED:
        more = f"`planwise optimize --resume {result.study}` continues it"
        return None, f"Best of {result.evaluations} evaluations: {found}; {more}."
    if not result.reachable:
        nearest = "" if result.nearest is None else f" Nearest: {target.measure.text(result.nearest, 3)}."
        return "Out of reach", f"No levers within their bounds reach the target.{nearest} Best: {found}."
    if not result.converged:
        unmet = _unmet(result.constraints)
        return "Not converged", f"The target is not met: {found}.{unmet} Nothing is published."
    if report.simulation is None:
        why = result.why_ask or "publishing was not requested"
        return "Not published", f"The target is met, but nothing is published: {why}. {found}."
    return _with_warnings(report.simulation.gate, f"{report.saved_as} is published: {found}.")


def _unmet(constraints: Iterable[Mapping[str, Any]]) -> str:
    names = [str(one["text"]) for one in constraints if not one["satisfied"]]
    return f" Not held: {', '.join(names)}." if names else ""


def _swept(sweep: Sweep) -> tuple[str | None, str]:
    infeasible = [row.label for row in sweep.rows if not row.feasible]
    changes = f"{len(sweep.moved)} moved, {len(sweep.became_infeasible)} became infeasible"
    since = f"since {sweep.previous_at}: {changes}" if sweep.previous_at else "the first sweep"
    text = (
        f"{counted(len(sweep.rows), 'scenario or variant', 'scenarios and variants')}, "
        f"{len(infeasible)} infeasible; {since}."
    )
    return ("Infeasible scenarios" if infeasible else None), "\n- ".join([text, *infeasible[:20]])
