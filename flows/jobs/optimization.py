"""Optimize: resolve → study over trials → keep the best environments → verify, gate, publish the winner."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic
from typing import Any

import pandas as pd

from flows.jobs.gates import evaluate_gate, key_of
from flows.jobs.simulation import (
    Resolved,
    SimulationReport,
    resolve_scenario,
    simulate_in,
    warehouse_for,
)
from flows.jobs.winner import keep_best_environments, keep_scenario, refuse_taken_name, summary, verify
from flows.parameters import OptimizeRequest
from flows.runner import Runner
from planwise.engine.outcome import Kpis
from planwise.engine.preview import Preview
from planwise.engine.workers import worker_warehouse
from planwise.errors import InputError
from planwise.gate import GateResult
from planwise.governance import utc_now
from planwise.settings import Settings
from planwise.study import (
    Evaluation,
    Hooks,
    PreviewEvaluator,
    Progress,
    Question,
    RealEvaluator,
    StudyResult,
    census_levels,
    run_study,
    study_name,
)
from planwise.study.constraints import within_budget
from planwise.study.objectives import parse_objectives
from planwise.study.problem import refuse_what_the_census_lacks
from planwise.study.reach import BASELINE
from planwise.study.record import finished_trials
from planwise.study.storage import load_study

PROGRESS_SECONDS = 1.0  # a progress artifact costs a request
BUDGETS = frozenset({"trials", "timeout_seconds", "resume"})  # may differ when a study is resumed
NEARLY = 0.99  # what a study still has to do is not known before it ends
EXPECTED_EVALUATIONS = {"solve": 25, "tpe": 50, "conservative": 10, "balanced": 10, "aggressive": 10}
WORKER_NAME_LENGTH = 64


@dataclass(frozen=True)
class OptimizationReport:
    """What a study found, and the simulation that verified and published it (None when none was due)."""

    result: StudyResult
    baseline: Kpis
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
    """Search, verify, publish.

    Raises SimulationBlocked when the gate objects to the winner, BaselineBroken, InputError, Busy. A target
    that is out of reach, or not met within the budget, is a result: nothing is published.
    """
    request = run(resumed, settings, request)
    resolved = run(resolve_scenario, settings, request)
    run(refuse_taken_name, settings, request)
    name = request.resume or study_name(resolved.name, request.chosen_strategy, utc_now())
    result = study(settings, request, resolved, name, run)
    trials = finished_trials(load_study(settings, name))
    baseline = next(t.evaluation.kpis for t in trials if t.purpose == BASELINE and t.evaluation)
    run.page(f"study-{key_of(resolved.name)}", summary(result), f"Study {name}")
    if not (result.converged and result.kind == "real" and request.publish):
        return OptimizationReport(result, baseline, None, None, run.orchestrated)
    winner = run(keep_scenario, settings, request, resolved, result)
    with warehouse_for(settings, f"publish {winner.name}", run) as warehouse:
        report = simulate_in(settings, warehouse, winner, run)
        run(verify, result, report)
        run(keep_best_environments, warehouse, resolved, result, trials)
    run.advance(f"study-{key_of(name)}", 1.0, f"{winner.name} is published.")
    return OptimizationReport(result, baseline, winner.name, report, run.orchestrated)


def study(
    settings: Settings, request: OptimizeRequest, resolved: Resolved, name: str, run: Runner
) -> StudyResult:
    """Run the study; every real trial is a step, in a warehouse of the study's own."""
    question = question_of(request, resolved)
    run.tell(f"Study {name}: growth {question.target_growth:.2%} a year by {question.strategy}.")
    with ExitStack() as stack:
        preview = Preview(settings, resolved.census)
        stack.callback(preview.close)
        real = None
        if not request.preview:
            worker = f"study_{name}"[-WORKER_NAME_LENGTH:]
            warehouse = stack.enter_context(worker_warehouse(settings, worker))
            real = RealEvaluator(warehouse, resolved.census, resolved.effective, name, gate_trial)
            stack.callback(real.drop_environments)
        return run_study(
            settings,
            question,
            name=name,
            scenario=resolved.name,
            base=resolved.effective,
            levels=census_levels(resolved.census),
            preview=PreviewEvaluator(preview, resolved.effective),
            real=real,
            about={
                "request": request.model_dump_json(exclude={"resume"}),
                "census": resolved.census.name,
                "census_hash": resolved.census.content_hash,
            },
            resume=request.resume is not None,
            hooks=_hooks(question, name, run),
        )


def question_of(request: OptimizeRequest, resolved: Resolved) -> Question:
    """Return what the study is asked; target and payroll budget are the scenario's own unless given.

    Raises InputError for what cannot be asked, or not of this census.
    """
    target, budget = request.target_growth, resolved.effective.value("payroll_budget")
    question = Question(
        target_growth=float(str(resolved.effective.value("target_growth"))) if target is None else target,
        strategy=request.chosen_strategy,
        tolerance=request.tolerance,
        levers=request.tune,
        by_year=request.by_year,
        locked=request.lock,
        objectives=parse_objectives(request.objectives) if request.objectives else (),
        constraints=within_budget(request.constraints, None if budget is None else float(budget)),
        max_iterations=request.max_iterations,
        trials=request.trials,
        timeout_seconds=request.timeout_seconds,
        stagnation=request.stagnation,
        seeds=request.seeds,
        single_iteration=request.single_iteration,
    )
    refuse_what_the_census_lacks(question, resolved.census)
    return question


def resumed(settings: Settings, request: OptimizeRequest) -> OptimizeRequest:
    """Return the request that a study to be resumed was made with, with new budgets; else the request.

    Raises InputError when something else is asked than before.
    """
    if request.resume is None:
        return request
    about = load_study(settings, request.resume).user_attrs
    stored = OptimizeRequest.model_validate_json(about["request"])
    for field, declared in OptimizeRequest.model_fields.items():
        asked = getattr(request, field)
        if field not in BUDGETS and asked not in (declared.default, getattr(stored, field)):
            raise InputError(
                f"The study {request.resume!r} was asked with {field} {getattr(stored, field)}, not {asked}.",
                remedy="Resume it with nothing but --trials and --timeout, or begin a new study.",
            )
    budgets = {name: getattr(request, name) for name in BUDGETS if getattr(request, name) is not None}
    return stored.model_copy(update=budgets)


def gate_trial(kpis: Kpis) -> GateResult:
    """Ask the quick gate about a trial's KPIs."""
    return evaluate_gate("trial", pd.DataFrame(kpis))


def _hooks(question: Question, name: str, run: Runner) -> Hooks:
    expected = 3 + (question.trials or EXPECTED_EVALUATIONS[question.strategy])
    told = [monotonic()]

    def call(evaluate: Callable[[], Evaluation], number: int) -> Evaluation:
        def trial() -> Evaluation:
            return evaluate()

        trial.__name__ = f"trial_{number}"
        return run(trial)

    def on_progress(progress: Progress) -> None:
        if monotonic() - told[0] > PROGRESS_SECONDS:
            told[0] = monotonic()
            share = min(progress.evaluations / expected, NEARLY)
            run.advance(f"study-{key_of(name)}", share, progress_line(progress))

    return Hooks(call=call, on_progress=on_progress, should_stop=run.stopped)


def progress_line(progress: Progress) -> str:
    """Say in one line how far a study is."""
    best = "" if progress.best_gap_pp is None else f", best gap {progress.best_gap_pp:+.3f} pp"
    growth = "failed" if progress.growth is None else f"growth {progress.growth:.3%}"
    return (
        f"trial {progress.trial} ({progress.kind}, {progress.purpose}): {growth}{best}; "
        f"{progress.real_plans} plans, {progress.seconds:.0f} s"
    )
