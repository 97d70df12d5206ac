"""What is looked at before a study starts: each check a sentence with a remedy, a bad one blocks."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from planwise.census import Census
from planwise.errors import InputError
from planwise.governance import BASELINE
from planwise.governance.scenarios import check_new_name
from planwise.parameters import Risk, validate_target
from planwise.settings import Settings
from planwise.storage import is_locked, read_lock_holder
from planwise.study import StudySpec
from planwise.study.answer.advice import evaluation_budget
from planwise.study.constraints import OF_LEVERS_ALONE
from planwise.study.space import extreme
from planwise.study.strategies import about
from planwise.study.strategies.auto import choose
from planwise.study.trials.holding import held_studies
from ui.reading.search_question import Posed, posed_by
from ui.values.formatting import with_levels
from ui.values.searches import Check, Checked, Frame, Measured, Tone

if TYPE_CHECKING:
    from ui.reading.scenarios import ScenarioReader

FOUND_BY = "Found by study "  # how the description of a study's winner begins: a later study replaces it
OF_RISK: Mapping[Risk, Tone] = {Risk.OK: "ok", Risk.LOW: "ok"}  # any other finding is a warning
TAKES_TRIALS = frozenset({"objective", "front"})  # what those strategies answer; the others end by themselves


def checked(
    settings: Settings, plans: "ScenarioReader", request: Mapping[str, Any], measured: Measured | None
) -> Checked:
    """Return every check of a question, in the order people think of them."""
    wrong: list[Check] = []
    posed = posed_by(settings, plans, request, wrong)
    around = [*_name(plans, request), *_busy(settings, request)]
    if posed is None:
        asked = str(request.get("strategy") or "")
        return Checked((*wrong, *around), asked, "")
    question, problem = posed.question, posed.problem
    picked = choose(problem) if question.strategy == "auto" else None
    strategy = picked.strategy if picked else question.strategy
    takes_trials = about(strategy).answers in TAKES_TRIALS
    budget = evaluation_budget(problem, measured.seconds if measured else None)
    checks = [
        Check(
            "Census",
            "ok",
            f"{posed.census.name}: {posed.census.rows:,} employees as of {posed.census.as_of}.",
        ),
        *_target(posed, measured),
        _strategy(posed, strategy, picked.reason if picked else ""),
        *_constraints(posed),
        *([_trials(question, budget)] if takes_trials else []),
        *_time(question, budget, strategy, measured),
        *around,
    ]
    low, high = (extreme(problem.space, highest=highest) for highest in (False, True))
    return Checked(
        tuple(checks),
        strategy,
        picked.reason if picked else "",
        question.constraints,
        tuple(lever.name for lever in problem.space),
        (budget.minimum, budget.recommended, budget.maximum),
        budget.problem_class,
        takes_trials,
        Frame(str(request.get("scenario") or BASELINE), low, high),
    )


def _census(census: Census) -> Check:
    return Check("Census", "ok", f"{census.name}: {census.rows:,} employees as of {census.as_of}.")


def _target(posed: Posed, measured: Measured | None) -> list[Check]:
    question = posed.question
    if not question.seeks_target:
        return [Check("Target", "ok", "No target is sought: growth is whatever the objectives lead to.")]
    market_budget = posed.effective.number_or_none("market_budget")
    findings = validate_target(question.target_growth, market_budget=market_budget)
    tone: Tone = "warn" if any(found.risk not in OF_RISK for found in findings) else "ok"
    checks = [Check("Target", tone, " ".join(with_levels(found.message) for found in findings))]
    if measured is None:
        return checks
    low, high = sorted((measured.lowest, measured.highest))
    target, tolerance = question.target_growth, question.tolerance
    span = f"{low:.2%} to {high:.2%} a year"
    moves_people = any(lever.dynamics for lever in posed.problem.space)
    nearest = high if target > high else low
    if low - tolerance <= target <= high + tolerance:
        cut = [one for one in question.limits if one.name not in OF_LEVERS_ALONE]
        may = (
            " Constraints may cut this; the study looks before any plan."
            if cut or posed.problem.rules
            else ""
        )
        reached = Check("Reach", "ok", f"The levers tuned reach {span}; {target:.2%} is within.{may}")
        return [*checks, reached]
    tone = "warn" if moves_people else "bad"  # levers that move people need not act monotonically
    says = f"The levers tuned reach {span} at their bounds; {target:.2%} is beyond."
    remedy = f"Ask for {nearest:.2%}, tune more levers, or unlock some."
    return [*checks, Check("Reach", tone, says, remedy)]


def _strategy(posed: Posed, strategy: str, reason: str) -> Check:
    question = posed.question
    known = about(strategy)
    if reason:
        return Check("Strategy", "ok", f"auto picks {reason}")
    if question.constraints and known.constraints.startswith("judged"):
        return Check(
            "Strategy",
            "warn",
            f"{strategy} judges the {len(question.constraints)} constraints but does not seek to keep them.",
            "Use solve, cobyqa or tpe where constraints matter.",
        )
    return Check("Strategy", "ok", f"{strategy}: fits what is asked; takes {known.takes}.")


def _constraints(posed: Posed) -> list[Check]:
    limits = posed.question.constraints
    if not limits:
        return []
    return [Check("Constraints", "ok", f"{', '.join(limits)}: can be asked of these levers.")]


def _trials(question: StudySpec, budget: Any) -> Check:
    worth = f"a {budget.problem_class} problem: {budget.minimum} at least, {budget.recommended} recommended, "
    worth += f"{budget.maximum} at most"
    if question.trials is None:
        return Check("Trials", "ok", f"As many as the strategy takes by itself; {worth}.")
    if question.trials < budget.minimum:
        return Check(
            "Trials", "warn", f"{question.trials} trials are few for {worth}.", f"Give {budget.recommended}."
        )
    if question.trials > budget.maximum:
        return Check(
            "Trials",
            "warn",
            f"{question.trials} trials are more than help: {worth}.",
            f"Give {budget.recommended} and a stagnation limit.",
        )
    return Check("Trials", "ok", f"{question.trials} trials for {worth}.")


def _time(question: StudySpec, budget: Any, strategy: str, measured: Measured | None) -> list[Check]:
    if measured is None or question.timeout_seconds is None:
        return []
    affordable = budget.affordable(question.timeout_seconds)
    wanted = question.trials or budget.minimum
    if affordable is not None and affordable < wanted and about(strategy).answers in TAKES_TRIALS:
        return [
            Check(
                "Time",
                "warn",
                f"{question.timeout_seconds:g} s last for about {affordable} previews of "
                f"{measured.seconds:.2g} s; {wanted} are asked for.",
                "Give more time, or fewer trials.",
            )
        ]
    return [Check("Time", "ok", f"The study ends after {question.timeout_seconds:g} s at the latest.")]


def _name(plans: "ScenarioReader", request: Mapping[str, Any]) -> list[Check]:
    """Return whether the winner's scenario may have its name; nothing is kept of a preview."""
    if request.get("preview") or request.get("publish") is False:
        return [Check("Result", "ok", "Nothing is stored or published: only the study is kept.")]
    base = str(request.get("scenario") or BASELINE)
    name = request.get("save_as") or f"{base}_optimized"
    try:
        check_new_name(name)
    except InputError as error:
        return [Check("Save as", "bad", error.what, error.remedy or "")]
    taken = {info.name: info for info in plans.list()}.get(name)
    if taken is None:
        return [Check("Save as", "ok", f"The winner is kept as {name}; the name is free.")]
    if taken.parent == base and taken.description.startswith(FOUND_BY):
        return [
            Check(
                "Save as",
                "warn",
                f"{name} is what an earlier study found, and will be replaced.",
                "Choose another name to keep both.",
            )
        ]
    return [Check("Save as", "bad", f"There is a scenario {name} already.", "Choose another name.")]


def _busy(settings: Settings, request: Mapping[str, Any]) -> list[Check]:
    checks = []
    if is_locked(settings.warehouse_lock_file):
        checks.append(
            Check(
                "Warehouse",
                "warn",
                f"Held by {read_lock_holder(settings.warehouse_lock_file)}.",
                f"The study searches meanwhile; publishing waits up to {settings.lock_timeout_seconds:g} s.",
            )
        )
    else:
        checks.append(Check("Warehouse", "ok", "Free."))
    running = held_studies(settings)
    cores = os.cpu_count() or 1
    if running:
        says = f"{len(running)} running: {', '.join(running)}."
        checks.append(Check("Other studies", "warn", says, f"They share {cores} cores; both take longer."))
    workers = int(request.get("workers") or 1)
    if workers > cores:
        checks.append(
            Check(
                "Workers", "warn", f"{workers} workers on {cores} cores.", f"More than {cores} gain nothing."
            )
        )
    return checks
