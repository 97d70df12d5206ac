"""Check a study's question before it starts."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planwise.census import Census, load_census
from planwise.errors import InputError, PlanWiseError
from planwise.formatting import with_levels
from planwise.governance.scenarios import check_new_name
from planwise.parameters import EffectiveParameters, Risk, validate_target
from planwise.settings import Settings
from planwise.storage import is_locked, read_lock_holder
from planwise.study import OptimizeRequest, StudySpec, census_levels
from planwise.study.advice import evaluation_budget
from planwise.study.constraints import OF_LEVERS_ALONE
from planwise.study.problem import Problem, problem_of, require_groups
from planwise.study.space import extreme
from planwise.study.strategies import check_spec, strategy_info
from planwise.study.strategies.auto import choose
from planwise.study.study_files import running_studies
from ui.values.studies import BoundsCheck, Checked, Measured, PreflightCheck, Tone

if TYPE_CHECKING:
    from ui.queries.scenarios import ScenarioReader

FOUND_BY = "Found by study "  # how the description of a study's winner begins: a later study replaces it
OF_RISK: Mapping[Risk, Tone] = {Risk.OK: "ok", Risk.LOW: "ok"}  # any other finding is a warning
TAKES_TRIALS = frozenset({"objective", "front"})  # what those strategies answer; the others end by themselves


@dataclass(frozen=True)
class Posed:
    """A question that a study can answer, with its scenario's parameters and its census."""

    spec: StudySpec
    problem: Problem
    effective: EffectiveParameters
    census: Census


def posed_by(
    settings: Settings, plans: "ScenarioReader", request: OptimizeRequest, wrong: list[PreflightCheck]
) -> Posed | None:
    """Return the question of a request; None, with the reasons in `wrong`, where no study can answer it."""

    def look(name: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except PlanWiseError as error:
            wrong.append(PreflightCheck(name, "bad", error.what, error.remedy or ""))
            return None

    info = look("Scenario", lambda: plans.get(request.scenario))
    if info is None:
        return None
    census = look("Census", lambda: load_census(settings, request.census or info.census))
    if census is None:
        return None
    changes = look("Levers", request.changes)
    if changes is None:
        return None
    effective = look("Scenario", lambda: plans.effective(request.scenario, changes))
    if effective is None:
        return None
    spec = look("Question", lambda: request.for_scenario(effective))
    if spec is None:
        return None
    look("Strategy", lambda: check_spec(spec))
    look("Census", lambda: require_groups(spec, census))
    kind: Any = "preview" if request.preview else "real"
    problem = look("Levers", lambda: problem_of(spec, effective, census_levels(census), kind))
    if problem is None or wrong:
        return None
    return Posed(spec, problem, effective, census)


def checked(
    settings: Settings, plans: "ScenarioReader", request: OptimizeRequest, measured: Measured | None
) -> Checked:
    """Return every check of a question, in the order people think of them."""
    wrong: list[PreflightCheck] = []
    posed = posed_by(settings, plans, request, wrong)
    around = [*_name(plans, request), *_busy(settings, request)]
    if posed is None:
        return Checked((*wrong, *around), request.chosen_strategy, "")
    spec, problem = posed.spec, posed.problem
    picked = choose(problem) if spec.chosen_strategy == "auto" else None
    strategy = picked.strategy if picked else spec.chosen_strategy
    takes_trials = strategy_info(strategy).answers in TAKES_TRIALS
    budget = evaluation_budget(problem, measured.seconds if measured else None)
    checks = [
        PreflightCheck(
            "Census",
            "ok",
            f"{posed.census.name}: {posed.census.rows:,} employees as of {posed.census.as_of}.",
        ),
        *_target(posed, measured),
        _strategy(posed, strategy, picked.reason if picked else ""),
        *_constraints(posed),
        *([_trials(spec, budget)] if takes_trials else []),
        *_time(spec, budget, strategy, measured),
        *around,
    ]
    low, high = (extreme(problem.space, highest=highest) for highest in (False, True))
    return Checked(
        tuple(checks),
        strategy,
        picked.reason if picked else "",
        tuple(map(str, spec.limits)),
        tuple(lever.name for lever in problem.space),
        (budget.minimum, budget.recommended, budget.maximum),
        budget.problem_class,
        takes_trials,
        BoundsCheck(request.scenario, low, high),
    )


def _target(posed: Posed, measured: Measured | None) -> list[PreflightCheck]:
    spec = posed.spec
    if not spec.seeks_target:
        return [
            PreflightCheck("Target", "ok", "No target is sought: growth is whatever the objectives lead to.")
        ]
    market_budget = posed.effective.number_or_none("market_budget")
    findings = validate_target(posed.problem.target, market_budget=market_budget)
    tone: Tone = "warn" if any(found.risk not in OF_RISK for found in findings) else "ok"
    checks = [PreflightCheck("Target", tone, " ".join(with_levels(found.message) for found in findings))]
    if measured is None:
        return checks
    low, high = sorted((measured.lowest, measured.highest))
    target, tolerance = posed.problem.target, spec.tolerance
    span = f"{low:.2%} to {high:.2%} a year"
    moves_people = any(lever.dynamics for lever in posed.problem.space)
    nearest = high if target > high else low
    if low - tolerance <= target <= high + tolerance:
        cut = [one for one in spec.limits if one.name not in OF_LEVERS_ALONE]
        may = (
            " Constraints may cut this; the study looks before any plan."
            if cut or posed.problem.rules
            else ""
        )
        reached = PreflightCheck(
            "Reach", "ok", f"The levers tuned reach {span}; {target:.2%} is within.{may}"
        )
        return [*checks, reached]
    tone = "warn" if moves_people else "bad"  # levers that move people need not act monotonically
    says = f"The levers tuned reach {span} at their bounds; {target:.2%} is beyond."
    remedy = f"Ask for {nearest:.2%}, tune more levers, or unlock some."
    return [*checks, PreflightCheck("Reach", tone, says, remedy)]


def _strategy(posed: Posed, strategy: str, reason: str) -> PreflightCheck:
    spec = posed.spec
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
    return PreflightCheck("Strategy", "ok", f"{strategy}: fits what is asked; takes {known.takes}.")


def _constraints(posed: Posed) -> list[PreflightCheck]:
    limits = tuple(map(str, posed.spec.limits))
    if not limits:
        return []
    return [PreflightCheck("Constraints", "ok", f"{', '.join(limits)}: can be asked of these levers.")]


def _trials(spec: StudySpec, budget: Any) -> PreflightCheck:
    worth = f"a {budget.problem_class} problem: {budget.minimum} at least, {budget.recommended} recommended, "
    worth += f"{budget.maximum} at most"
    if spec.trials is None:
        return PreflightCheck("Trials", "ok", f"As many as the strategy takes by itself; {worth}.")
    if spec.trials < budget.minimum:
        return PreflightCheck(
            "Trials", "warn", f"{spec.trials} trials are few for {worth}.", f"Give {budget.recommended}."
        )
    if spec.trials > budget.maximum:
        return PreflightCheck(
            "Trials",
            "warn",
            f"{spec.trials} trials are more than help: {worth}.",
            f"Give {budget.recommended} and a stagnation limit.",
        )
    return PreflightCheck("Trials", "ok", f"{spec.trials} trials for {worth}.")


def _time(spec: StudySpec, budget: Any, strategy: str, measured: Measured | None) -> list[PreflightCheck]:
    if measured is None or spec.timeout_seconds is None:
        return []
    affordable = budget.affordable(spec.timeout_seconds)
    wanted = spec.trials or budget.minimum
    if affordable is not None and affordable < wanted and strategy_info(strategy).answers in TAKES_TRIALS:
        return [
            PreflightCheck(
                "Time",
                "warn",
                f"{spec.timeout_seconds:g} s last for about {affordable} previews of "
                f"{measured.seconds:.2g} s; {wanted} are asked for.",
                "Give more time, or fewer trials.",
            )
        ]
    return [PreflightCheck("Time", "ok", f"The study ends after {spec.timeout_seconds:g} s at the latest.")]


def _name(plans: "ScenarioReader", request: OptimizeRequest) -> list[PreflightCheck]:
    """Return whether the winner's scenario may have its name; nothing is kept of a preview."""
    if request.preview or not request.publish:
        return [PreflightCheck("Result", "ok", "Nothing is stored or published: only the study is kept.")]
    base, name = request.scenario, request.target_scenario
    try:
        check_new_name(name)
    except InputError as error:
        return [PreflightCheck("Save as", "bad", error.what, error.remedy or "")]
    taken = {info.name: info for info in plans.list()}.get(name)
    if taken is None:
        return [PreflightCheck("Save as", "ok", f"The winner is kept as {name}; the name is free.")]
    if taken.parent == base and taken.description.startswith(FOUND_BY):
        return [
            PreflightCheck(
                "Save as",
                "warn",
                f"{name} is what an earlier study found, and will be replaced.",
                "Choose another name to keep both.",
            )
        ]
    return [PreflightCheck("Save as", "bad", f"There is a scenario {name} already.", "Choose another name.")]


def _busy(settings: Settings, request: OptimizeRequest) -> list[PreflightCheck]:
    checks = []
    if is_locked(settings.warehouse_lock_file):
        checks.append(
            PreflightCheck(
                "Warehouse",
                "warn",
                f"Held by {read_lock_holder(settings.warehouse_lock_file)}.",
                f"The study searches meanwhile; publishing waits up to {settings.lock_timeout_seconds:g} s.",
            )
        )
    else:
        checks.append(PreflightCheck("Warehouse", "ok", "Free."))
    running = running_studies(settings)
    cores = os.cpu_count() or 1
    if running:
        says = f"{len(running)} running: {', '.join(running)}."
        checks.append(
            PreflightCheck("Other studies", "warn", says, f"They share {cores} cores; both take longer.")
        )
    workers = request.workers
    if workers > cores:
        checks.append(
            PreflightCheck(
                "Workers", "warn", f"{workers} workers on {cores} cores.", f"More than {cores} gain nothing."
            )
        )
    return checks
