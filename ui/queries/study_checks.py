"""Check a study's question before it starts."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planwise.census import Census, load_census
from planwise.errors import InputError, PlanWiseError
from planwise.formatting import PAGE, counted, with_levels
from planwise.governance.scenarios import FOUND_BY, check_new_name
from planwise.parameters import EffectiveParameters, Risk, validate_target
from planwise.settings import Settings
from planwise.storage import is_locked, read_lock_holder
from planwise.study import OptimizeRequest, StudySpec, census_levels
from planwise.study.constraints import OF_LEVERS_ALONE
from planwise.study.problem import Budget, Problem, evaluation_budget, problem_of, require_groups
from planwise.study.space import expanded, extreme
from planwise.study.strategies import check_spec, expected_seconds, strategy_info
from planwise.study.strategies.auto import choose
from planwise.study.study_files import running_studies
from planwise.study.target import GROWTH
from ui.values.studies import GrowthRange, Preflight, PreflightCheck, Tone

if TYPE_CHECKING:
    from ui.queries.scenarios import ScenarioReader

OF_RISK: dict[Risk, Tone] = {Risk.OK: "ok", Risk.LOW: "ok"}  # any other finding is a warning
TAKES_TRIALS = frozenset({"objective", "front"})  # strategies with these answers have a number of trials


@dataclass(frozen=True)
class AnswerableQuestion:
    """A question that a study can answer, with its scenario's parameters and its census."""

    spec: StudySpec
    problem: Problem
    effective: EffectiveParameters
    census: Census


def preflight(
    settings: Settings, plans: "ScenarioReader", request: OptimizeRequest, growth: GrowthRange | None
) -> Preflight:
    """Return every check of a question; `growth` has what its levers reach, where it is known."""
    wrong: list[PreflightCheck] = []
    question = _answerable(settings, plans, request, wrong)
    around = [*_name(plans, request), *_busy(settings, request)]
    if question is None:
        return Preflight((*wrong, *around))
    spec, problem = question.spec, question.problem
    picked = choose(problem) if spec.chosen_strategy == "auto" else None
    strategy = picked.strategy if picked else spec.chosen_strategy
    takes_trials = strategy_info(strategy).answers in TAKES_TRIALS
    budget = evaluation_budget(problem, growth.seconds if growth else None)
    census = question.census
    checks = (
        PreflightCheck(
            "Census", "ok", f"{census.name}: {counted(census.rows, 'employee')} as of {census.as_of}."
        ),
        *_target(question, growth),
        _strategy(spec, strategy, picked.reason if picked else ""),
        *_constraints(spec),
        *([_trials(spec, budget)] if takes_trials else []),
        *_time(spec, budget, takes_trials),
        *around,
    )
    return Preflight(
        checks,
        reason=picked.reason if picked else "",
        strategy=strategy,
        spec=spec,
        budget=budget,
        takes_trials=takes_trials,
        ends=(
            expanded(extreme(problem.space, highest=False)),
            expanded(extreme(problem.space, highest=True)),
        ),
        seconds=None
        if growth is None
        else expected_seconds(request, strategy, request.trials or budget.recommended, growth.seconds),
    )


def _answerable(
    settings: Settings, plans: "ScenarioReader", request: OptimizeRequest, wrong: list[PreflightCheck]
) -> AnswerableQuestion | None:
    """Return the question of a request; None, with the reasons in `wrong`, where no study can answer it."""

    def attempt(name: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except PlanWiseError as error:
            wrong.append(PreflightCheck(name, "bad", error.what, error.remedy or ""))
            return None

    info = attempt("Scenario", lambda: plans.get(request.scenario))
    if info is None:
        return None
    census = attempt("Census", lambda: load_census(settings, request.census or info.census))
    changes = None if census is None else attempt("Levers", request.changes)
    if changes is None:
        return None
    effective = attempt("Scenario", lambda: plans.effective(request.scenario, changes))
    spec = None if effective is None else attempt("Question", lambda: request.for_scenario(effective))
    if spec is None:
        return None
    attempt("Strategy", lambda: check_spec(spec))
    attempt("Census", lambda: require_groups(spec, census))
    kind: Any = "preview" if request.preview else "real"
    problem = attempt("Levers", lambda: problem_of(spec, effective, census_levels(census), kind))
    return None if wrong else AnswerableQuestion(spec, problem, effective, census)


def _target(question: AnswerableQuestion, growth: GrowthRange | None) -> list[PreflightCheck]:
    spec, problem = question.spec, question.problem
    if not spec.seeks_target:
        return [PreflightCheck("Target", "ok", "No target: it follows from the objectives.")]
    goal = spec.goal
    findings = validate_target(goal.value) if goal.measure.name == GROWTH else []
    tone: Tone = "warn" if any(found.risk not in OF_RISK for found in findings) else "ok"
    said = " ".join([f"{goal.text(PAGE)}.", *(with_levels(found.message) for found in findings)])
    checks = [PreflightCheck("Target", tone, said[0].upper() + said[1:])]
    if growth is None:
        return checks
    low, high = sorted((growth.lowest, growth.highest))
    near = goal.of_share(spec.tolerance)
    lowest, highest, target = (goal.measure.text(value, form=PAGE) for value in (low, high, goal.value))
    span = f"{lowest} to {highest}"
    if low - near <= goal.value <= high + near:
        limited = problem.rules or any(one.name not in OF_LEVERS_ALONE for one in spec.limits)
        more = " Constraints may narrow this; the study checks it before any plan." if limited else ""
        text = f"The tuned levers reach {span}; {target} is within.{more}"
        return [*checks, PreflightCheck("Reach", "ok", text)]
    # Levers that move people need not act monotonically, so their bounds are not the last word.
    tone = "warn" if any(lever.dynamics for lever in problem.space) else "bad"
    text = f"The tuned levers reach {span} at their bounds; {target} is beyond."
    nearest = highest if goal.value > high else lowest
    remedy = f"Set the target to {nearest}, tune more levers, or unlock some."
    return [*checks, PreflightCheck("Reach", tone, text, remedy)]


def _strategy(spec: StudySpec, strategy: str, reason: str) -> PreflightCheck:
    known = strategy_info(strategy)
    if reason:
        return PreflightCheck("Strategy", "ok", f"auto picks {reason}")
    if spec.limits and known.constraints.startswith("judged"):
        return PreflightCheck(
            "Strategy",
            "warn",
            f"{strategy} judges the {len(spec.limits)} constraints but does not seek to keep them.",
            "Use solve, cobyqa or tpe where constraints matter.",
        )
    return PreflightCheck("Strategy", "ok", f"{strategy}: suits the question; takes {known.takes}.")


def _constraints(spec: StudySpec) -> list[PreflightCheck]:
    texts = ", ".join(map(str, spec.limits))
    return [PreflightCheck("Constraints", "ok", f"{texts}: valid for these levers.")] if texts else []


def _trials(spec: StudySpec, budget: Budget) -> PreflightCheck:
    advised = (
        f"a {budget.problem_class} problem: at least {budget.minimum}, recommended {budget.recommended}, "
        f"at most {budget.maximum}"
    )
    if spec.trials is None:
        return PreflightCheck("Trials", "ok", f"The strategy's own number, for {advised}.")
    remedy = f"Set {budget.recommended}"
    if spec.trials < budget.minimum:
        return PreflightCheck("Trials", "warn", f"{spec.trials} trials are few for {advised}.", f"{remedy}.")
    if spec.trials > budget.maximum:
        text = f"{spec.trials} trials are more than help with {advised}."
        return PreflightCheck("Trials", "warn", text, f"{remedy} and a stagnation limit.")
    return PreflightCheck("Trials", "ok", f"{spec.trials} trials for {advised}.")


def _time(spec: StudySpec, budget: Budget, takes_trials: bool) -> list[PreflightCheck]:
    each, limit = budget.seconds_per_evaluation, spec.timeout_seconds
    if each is None or limit is None:
        return []
    affordable, trials = budget.affordable(limit), spec.trials or budget.minimum
    if takes_trials and affordable is not None and affordable < trials:
        text = f"{limit:g} s are enough for about {affordable} previews of {each:.2g} s, not for {trials}."
        return [PreflightCheck("Time", "warn", text, "Allow more time, or fewer trials.")]
    return [PreflightCheck("Time", "ok", f"The study ends after at most {limit:g} s.")]


def _name(plans: "ScenarioReader", request: OptimizeRequest) -> list[PreflightCheck]:
    """Return whether the result's scenario may have its name; a preview's result is not stored."""
    if request.preview or not request.publish:
        return [PreflightCheck("Result", "ok", "Nothing is stored or published: only the study is kept.")]
    base, name = request.scenario, request.target_scenario
    try:
        check_new_name(name)
    except InputError as error:
        return [PreflightCheck("Save as", "bad", error.what, error.remedy or "")]
    taken = {info.name: info for info in plans.list()}.get(name)
    if taken is None:
        return [PreflightCheck("Save as", "ok", f"The result is saved as {name}; the name is free.")]
    if taken.parent == base and taken.description.startswith(FOUND_BY):
        text = f"{name} is the result of an earlier study and will be replaced."
        return [PreflightCheck("Save as", "warn", text, "Choose another name to keep both.")]
    return [PreflightCheck("Save as", "bad", f"There is already a scenario {name}.", "Choose another name.")]


def _busy(settings: Settings, request: OptimizeRequest) -> list[PreflightCheck]:
    checks = [PreflightCheck("Warehouse", "ok", "Free.")]
    if is_locked(settings.warehouse_lock_file):
        text = f"Locked by {read_lock_holder(settings.warehouse_lock_file)}."
        remedy = f"The study starts anyway; publishing waits up to {settings.lock_timeout_seconds:g} s."
        checks = [PreflightCheck("Warehouse", "warn", text, remedy)]
    cores, running = os.cpu_count() or 1, running_studies(settings)
    if running:
        text = f"{len(running)} running: {', '.join(running)}."
        remedy = f"They share {cores} cores; both take longer."
        checks.append(PreflightCheck("Other studies", "warn", text, remedy))
    if request.workers > cores:
        text = f"{request.workers} workers on {cores} cores."
        checks.append(PreflightCheck("Workers", "warn", text, f"More than {cores} are no faster."))
    return checks
