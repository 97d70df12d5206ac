"""A request made into the question of a study, on its scenario and census, as the flow will make it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planwise.census import Census, load_census
from planwise.errors import PlanWiseError
from planwise.governance import BASELINE
from planwise.parameters import EffectiveParameters, Value, canonical_overrides
from planwise.settings import Settings
from planwise.study import StudySpec, census_levels
from planwise.study.constraints import within_budget
from planwise.study.objectives import parse_objectives
from planwise.study.problem import Problem, problem_of, refuse_what_the_census_lacks
from planwise.study.spec import DEFAULT_ITERATIONS, DEFAULT_SEEDS, DEFAULT_TOLERANCE_RATE
from planwise.study.strategies import check
from ui.values.searches import Check

if TYPE_CHECKING:
    from ui.reading.scenarios import ScenarioReader


@dataclass(frozen=True)
class Posed:
    """A question that can be asked, with what it is asked of."""

    question: StudySpec
    problem: Problem
    effective: EffectiveParameters
    census: Census


def question_of(request: Mapping[str, Any], effective: EffectiveParameters) -> StudySpec:
    """Return what a study is asked; target and payroll budget are the scenario's own unless given."""
    target, limit = request.get("target_growth"), effective.value("payroll_budget")
    tune = request.get("tune")
    return StudySpec(
        target_growth=effective.number("target_growth") if target is None else float(target),
        strategy=request.get("strategy") or "",
        tolerance=float(request.get("tolerance", DEFAULT_TOLERANCE_RATE)),
        levers=None if tune is None else tuple(tune),
        by_year=bool(request.get("by_year", False)),
        locked=tuple(request.get("lock", ())),
        objectives=parse_objectives(request["objectives"]) if request.get("objectives") else (),
        constraints=within_budget(
            request.get("constraints", ()), None if limit is None else float(str(limit))
        ),
        max_iterations=int(request.get("max_iterations", DEFAULT_ITERATIONS)),
        trials=request.get("trials"),
        timeout_seconds=request.get("timeout_seconds"),
        stagnation=request.get("stagnation"),
        seeds=int(request.get("seeds", DEFAULT_SEEDS)),
    )


def posed_by(
    settings: Settings, plans: "ScenarioReader", request: Mapping[str, Any], wrong: list[Check]
) -> Posed | None:
    """Return the question where it can be asked; else say in `wrong` why not."""
    changes: dict[str, Value] = {}

    def look(name: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except PlanWiseError as error:
            wrong.append(Check(name, "bad", error.what, error.remedy or ""))
            return None

    scenario = str(request.get("scenario") or BASELINE)
    info = look("Scenario", lambda: plans.get(scenario))
    if info is None:
        return None
    census = look("Census", lambda: load_census(settings, request.get("census") or info.census))
    if census is None:
        return None
    found = look("Levers", lambda: _changes(request))
    if found is None:
        return None
    changes |= found
    effective = look("Scenario", lambda: plans.effective(scenario, changes))
    if effective is None:
        return None
    question = look("Question", lambda: question_of(request, effective))
    if question is None:
        return None
    look("Strategy", lambda: check(question))
    look("Census", lambda: refuse_what_the_census_lacks(question, census))
    kind: Any = "preview" if request.get("preview") else "real"
    problem = look("Levers", lambda: problem_of(question, effective, census_levels(census), kind))
    if problem is None or wrong:
        return None
    return Posed(question, problem, effective, census)


def _changes(request: Mapping[str, Any]) -> dict[str, Value]:
    return {
        **canonical_overrides(request.get("levers", {}), "lever"),
        **canonical_overrides(request.get("assumptions", {}), "assumption"),
    }
