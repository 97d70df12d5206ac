"""Optimize: run a study, verify the best by a plan, gate it, publish it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from planwise.app.gates import key_of, record_gate
from planwise.app.runner import Runner, require_not_stopped
from planwise.app.simulate import (
    Resolved,
    SimulationReport,
    note_subject,
    resolve_scenario,
    simulate_in,
    warehouse_for,
)
from planwise.app.trial_workers import TrialWorkers, best_real_trials, gate_trial, keep_environments
from planwise.dask_cluster import open_cluster, without_secrets
from planwise.engine.outcome import Kpis
from planwise.engine.worker_warehouses import remove_dead_workers
from planwise.errors import InputError, PlanWiseError
from planwise.formatting import counted, in_currency, money
from planwise.governance import Action, EventType, open_ledger, require_role, utc_now
from planwise.governance.request import ScenarioRequest
from planwise.governance.scenarios import FOUND_BY, check_new_name
from planwise.monitoring.gate_history import GateOf
from planwise.settings import Settings
from planwise.study import (
    Evaluation,
    Hooks,
    Progress,
    StudyResult,
    StudySpec,
    TrialPool,
    census_levels,
    run_study,
    study_name,
)
from planwise.study.chance import ChanceCheck
from planwise.study.optuna_storage import load_study
from planwise.study.post_analysis import NotComputed
from planwise.study.problem import problem_of, require_groups
from planwise.study.spec import CANCELLED, OptimizeRequest
from planwise.study.strategies import question_seconds
from planwise.study.study_files import check_not_running, journal_file, reading_study
from planwise.study.target import MEASURES, Target
from planwise.study.trial import Kind, TrialPurpose, finished_trials

SAME_GROWTH = 1e-9  # the winner is planned by the same SQL: what is left is rounding of a double


def refuse_taken_name(settings: Settings, request: OptimizeRequest) -> None:
    """Raise InputError unless the scenario to save as is new or, unchanged, of a study of this scenario."""
    name = request.target_scenario
    check_new_name(name)
    with open_ledger(settings) as ledger:
        taken = {scenario.name: scenario for scenario in ledger.scenarios.list(archived=True)}.get(name)
    if taken and not (taken.parent == request.scenario and taken.description.startswith(FOUND_BY)):
        raise InputError(
            f"The scenario {name} exists, and is not the unchanged result of a study of {request.scenario}.",
            remedy="Choose another name: --save-as NAME.",
        )


def keep_scenario(
    settings: Settings, request: OptimizeRequest, resolved: Resolved, result: StudyResult
) -> Resolved:
    """Store the winner as a scenario; it replaces an earlier study's scenario of that name.

    The result is read back, so that simulating the scenario later gives the same and runs no model.
    """
    refuse_taken_name(settings, request)  # a person may have changed it while the study ran
    name = request.target_scenario
    new = {lever: change["new"] for lever, change in result.changes.items()}
    effective = resolved.effective.with_levers(new)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create(
            name,
            effective.overrides(),
            census=request.census or resolved.scenario.census,
            description=f"{FOUND_BY}{result.study}: {found_text(result)}.",
            parent=request.scenario,
            years=effective.years,
            replace=True,
            study=result.study,
        )
    return resolve_scenario(settings, ScenarioRequest(scenario=name, census=request.census))


def verify(result: StudyResult, report: SimulationReport) -> None:
    """Raise PlanWiseError unless the full simulation has the growth that the trial had."""
    growth = report.kpis[-1]["growth_compound"]
    if abs(growth - result.growth) > SAME_GROWTH:
        raise PlanWiseError(
            f"The winner of {result.study} grows by {growth:.6%} in the full simulation, "
            f"by {result.growth:.6%} in its trial; both should be the same SQL.",
            remedy="Please report it with the study's export: `planwise study export`.",
        )


def found_text(result: StudyResult) -> str:
    """Return what the result reaches, in words."""
    if result.quality_score is None:
        return f"growth of average pay {result.growth:.3%} a year"
    measure = MEASURES[result.target["measure"]]
    return f"{measure.label} {measure.text(result.reached, 3)}"


def summary(result: StudyResult) -> str:
    """Return the Markdown page that is shown with the run."""
    state = "target met" if result.converged else "target not met" if result.reachable else "out of reach"
    target = Target.from_json(result.target)
    sought = (
        ""
        if result.quality_score is None
        else f" Target: {target.text()}, {result.quality_score:.0%} of the gap closed; "
        f"before: {target.measure.text(result.baseline_reached, 3)}."
    )
    lines = [
        f"# {result.study}: {state}",
        "",
        f"**{found_text(result)}.**{sought}",
        "",
        f"{result.strategy}, {result.evaluations} evaluations, {result.real_plans} plans, "
        f"{result.cache_hits} cache hits, {result.trials_failed} failed trials, {result.seconds:.1f} s; "
        f"stopped: {result.stopped}.",
        "",
        "| lever | old | new | change |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {change['old']:.4f} | {change['new']:.4f} | {change['change']:+.4f} |"
            for name, change in result.changes.items()
        ),
    ]
    if result.nearest is not None:
        lines += ["", f"Nearest reachable {target.measure.label}: {target.measure.text(result.nearest, 3)}."]
    if limits := [name for name in result.binding if name not in result.levers]:
        lines += ["", f"At their limits: {', '.join(limits)}."]
    lines += [f"\n{line}" for line in (*result.at_bounds, *_findings(result), *result.warnings)]
    return "\n".join(lines)


def _findings(result: StudyResult) -> Iterator[str]:
    """Yield a line each on cost, people, robustness and risk, where they were computed."""
    if not isinstance(result.cost_impact, NotComputed):
        payroll = result.cost_impact.horizon.payroll
        yield f"Payroll over the horizon {money(payroll.after)}, {money(payroll.difference, sign=True)}."
    if not isinstance(impact := result.employee_impact, NotComputed):
        people = impact.everybody
        yield (
            f"The pay of {people.differ:,} of {counted(people.compared, 'person', 'people')} differs "
            f"in {impact.year}: "
            f"{people.winners:,} earn more, {people.losers:,} less."
        )
    robust = result.robustness
    if not isinstance(robust, NotComputed) and robust.share_within_tolerance is not None:
        low, high = map(MEASURES[result.target["measure"]].text, (robust.reached.p10, robust.reached.p90))
        yield (
            f"In {robust.seeds} other draws of {robust.drawn} {robust.share_within_tolerance:.0%} are within "
            f"the tolerance; {low} to {high} (P10 to P90)."
        )
    if isinstance(result.chance, ChanceCheck):
        yield result.chance.text
    if not isinstance(result.risk, NotComputed):
        yield f"Risk: {result.risk.level.value}, findings: {len(result.risk.findings)}."


PROGRESS_SECONDS = 1.0  # a progress artifact costs a request
# The fields that may differ when a study is resumed.
BUDGETS = ("trials", "timeout_seconds", "stagnation", "resume", "allow_risk")
NEARLY = 0.99  # the remaining work of a study is unknown until it ends
EXPECTED_EVALUATIONS = {"solve": 25, "conservative": 10, "balanced": 10, "aggressive": 10}
EXPECTED_OTHERWISE = 50
LEAVING_SECONDS = 10.0  # for workers of a killed study to notice that it has ended


@dataclass(frozen=True)
class OptimizationReport:
    """A study's result, and the simulation that verified and published it (None if there was none)."""

    result: StudyResult
    baseline: Kpis
    currency: str
    saved_as: str | None
    simulation: SimulationReport | None
    orchestrated: str

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise optimize --json` prints."""
        simulated = self.simulation.as_json() if self.simulation else {}
        return {
            **self.result.as_json(),
            "growth_is": "compound annual growth of mean base pay from the census to the last year",
            "saved_as": self.saved_as,
            "gate": simulated.get("gate"),
            "published": simulated.get("published", False),
            "orchestrated": self.orchestrated,
        }


def optimize(settings: Settings, request: OptimizeRequest, run: Runner) -> OptimizationReport:
    """Run a study, then verify and publish its best trial.

    Raises SimulationBlocked when the winner fails the gate, BaselineBroken, InputError, Busy. A target
    that is out of reach, or not met within the budget, is a result: nothing is published.
    """
    require_role(settings, Action.RUN)
    request = run(resumed, settings, request)
    resolved = run(resolve_scenario, settings, request)
    note_subject(run, resolved)
    run(refuse_taken_name, settings, request)
    with in_currency(resolved.census.currency):
        return _optimized(settings, request, resolved, run)


def _optimized(
    settings: Settings, request: OptimizeRequest, resolved: Resolved, run: Runner
) -> OptimizationReport:
    name = request.resume or study_name(resolved.name, request.chosen_strategy, utc_now())
    record_study(settings, EventType.OPTIMIZATION_START, request, name)
    started = monotonic()
    result = study(settings, request, resolved, name, run)
    outcome = {"stopped": result.stopped, "converged": result.converged, "plans": result.real_plans}
    seconds = round(monotonic() - started, 3)
    record_study(settings, EventType.OPTIMIZATION_COMPLETE, request, name, seconds=seconds, **outcome)
    if result.kind == "real" and result.kpis:
        record_gate(settings, run, gate_trial(result.kpis), GateOf.STUDY, name, shown=False)
    trials = finished_trials(load_study(settings, name))
    found = (t.evaluation.kpis for t in trials if t.purpose == TrialPurpose.BASELINE and t.evaluation)
    currency = resolved.census.currency
    baseline = next(found, [])  # a study that was stopped at once has no baseline
    run.page(f"study-{key_of(resolved.name)}", summary(result), f"Study {name}")
    saved = result.converged and result.kind == "real" and request.publish and result.stopped != CANCELLED
    unasked = None if request.allow_risk else result.why_ask
    if saved and unasked:
        run.log(f"The answer is not saved: {unasked}. --allow-risk saves it.")
    if not saved or unasked:
        return OptimizationReport(result, baseline, currency, None, None, run.orchestrated)
    require_not_stopped(run, "the winner was simulated")
    winner = run(keep_scenario, settings, request, resolved, result)
    note_subject(run, winner)
    with warehouse_for(settings, f"publish {winner.name}", run) as warehouse:
        report = simulate_in(settings, warehouse, winner, run)
        run(verify, result, report)
        best = run(best_real_trials, settings, name)
        run(keep_environments, warehouse, resolved.census, resolved.effective, name, best)
    run.advance(f"study-{key_of(name)}", 1.0, f"{winner.name} is published.")
    return OptimizationReport(result, baseline, currency, winner.name, report, run.orchestrated)


def record_study(
    settings: Settings, kind: EventType, request: OptimizeRequest, name: str, **outcome: Any
) -> None:
    """Record that a study begins or has ended."""
    question = request.model_dump(mode="json", exclude_defaults=True)
    with open_ledger(settings) as ledger:
        ledger.events.record(
            kind, scenario=request.scenario, subject=name, payload={"question": question, **outcome}
        )


def study(
    settings: Settings, request: OptimizeRequest, resolved: Resolved, name: str, run: Runner
) -> StudyResult:
    """Run the study; every real trial is a step, in warehouses of the study's own.

    Raises Busy while another process runs it.
    """
    spec = request.for_scenario(resolved.effective)
    require_groups(spec, resolved.census)
    check_not_running(settings, name)
    run.note("study", name)
    question = spec.goal.text() if spec.sought else spec.objectives
    run.log(f"Study {name}: {question} by {spec.chosen_strategy}.{_duration(request, spec, resolved)}")
    remove_dead_workers(settings, name, wait_seconds=LEAVING_SECONDS)
    workers = TrialWorkers(settings, resolved.census, resolved.effective, name, spec.market_groups)
    with ExitStack() as stack:
        stack.callback(remove_dead_workers, settings, name)
        preview = stack.enter_context(workers(None, "preview"))
        pool = real = None
        kind: Kind = "preview" if request.preview else "real"
        if request.dask is not None:
            cluster = stack.enter_context(open_cluster(settings, request.dask, request.workers))
            run.log(cluster.summary)
            there = replace(workers, settings=without_secrets(settings))
            pool = stack.enter_context(TrialPool(there, cluster.size, kind=kind, start_process=cluster.start))
        elif request.workers > 1:
            pool = stack.enter_context(TrialPool(workers, request.workers, kind=kind))
        elif not request.preview:
            real = stack.enter_context(workers(None, "real"))
        return run_study(
            settings,
            spec,
            name=name,
            scenario=resolved.name,
            base=resolved.effective,
            levels=census_levels(resolved.census),
            preview=preview,
            real=real,
            pool=pool,
            about={
                "request": request.model_dump_json(exclude={"resume"}),
                "census": resolved.census.name,
                "census_hash": resolved.census.content_hash,
                "currency": resolved.census.currency,
            },
            resume=request.resume is not None,
            hooks=_hooks(spec, name, run),
        )


def _duration(request: OptimizeRequest, spec: StudySpec, resolved: Resolved) -> str:
    """Return a sentence on how long the study will take; nothing for one that is resumed."""
    if request.resume is not None:
        return ""
    kind: Kind = "preview" if request.preview else "real"
    problem = problem_of(spec, resolved.effective, census_levels(resolved.census), kind)
    seconds = question_seconds(request, problem, resolved.census.rows, len(resolved.effective.years))
    return f" It takes about {seconds:,.0f} s."


def resumed(settings: Settings, request: OptimizeRequest) -> OptimizeRequest:
    """Return the stored request of a study to resume, with new budgets; without `resume` the request.

    Raises InputError when anything but a budget differs.
    """
    if request.resume is None:
        return request
    about = load_study(settings, request.resume).user_attrs
    with reading_study(settings, request.resume, journal_file(settings, request.resume)):
        stored = OptimizeRequest.model_validate_json(about["request"])
    for field, declared in OptimizeRequest.model_fields.items():
        given = getattr(request, field)
        may_differ = field in (*BUDGETS, "workers", "dask")
        if not may_differ and given not in (declared.default, getattr(stored, field)):
            raise InputError(
                f"The study {request.resume!r} has {field} {getattr(stored, field)} (got {given}).",
                remedy="Resume it with --trials, --timeout, --stagnation, --workers and --dask only, "
                "or start a new study.",
            )
    budgets = {name: getattr(request, name) for name in BUDGETS if getattr(request, name)}
    workers = request.workers if request.workers > 1 else stored.workers
    return stored.model_copy(update={**budgets, "workers": workers, "dask": request.dask})


def _hooks(spec: StudySpec, name: str, run: Runner) -> Hooks:
    expected = 3 + (spec.trials or EXPECTED_EVALUATIONS.get(spec.chosen_strategy, EXPECTED_OTHERWISE))
    logged_at = [monotonic()]

    def call(evaluate: Callable[[], Evaluation], number: int) -> Evaluation:
        def trial() -> Evaluation:
            return evaluate()

        trial.__name__ = f"trial_{number}"
        return run(trial)

    def on_progress(progress: Progress) -> None:
        if monotonic() - logged_at[0] > PROGRESS_SECONDS:
            logged_at[0] = monotonic()
            share = min(progress.evaluations / expected, NEARLY)
            run.advance(f"study-{key_of(name)}", share, progress_line(progress, spec.goal))

    def on_answer(result: StudyResult) -> None:
        verified = "verified by a plan" if result.kind == "real" else "a preview"
        more = "The evidence follows" if result.within_policy else "Other answers and the evidence follow"
        run.log(
            f"Answer after {result.answer_seconds or 0.0:.1f} s: {found_text(result)}, {verified}, risk "
            f"{result.risk_level}. {more}."
        )

    return Hooks(call=call, on_progress=on_progress, on_answer=on_answer, should_stop=run.stopped)


def progress_line(progress: Progress, target: Target) -> str:
    """Return a line on a study's progress."""
    best = "" if progress.best_gap_pp is None else f", best gap {progress.best_gap_pp:+.3f} pp"
    reached = progress.state if progress.reached is None else target.measure.text(progress.reached, 3)
    return (
        f"trial {progress.trial} ({progress.kind}, {progress.purpose}): {reached}{best}; "
        f"{progress.real_plans} plans, {progress.seconds:.0f} s"
    )
