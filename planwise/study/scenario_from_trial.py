"""Create a scenario from a trial: its levers on the study's scenario and census."""

from collections.abc import Mapping
from typing import Any

from planwise.census import Census, load_census
from planwise.errors import InputError
from planwise.governance import Ledger, Scenario, effective_parameters, open_ledger
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings
from planwise.study.evaluators import effective_of, simulation_digest
from planwise.study.problem import problem_of
from planwise.study.queries import load_view
from planwise.study.result import risk_of, why_ask
from planwise.study.space import census_levels
from planwise.study.spec import OptimizeRequest, RiskNotAllowed, StudySpec
from planwise.study.trial import Trial

SEPARATOR = ":"
SHOW = "`planwise study show {study}` lists its trials."


def parse_trial(text: str) -> tuple[str, int]:
    """Split `STUDY:NUMBER`; raise InputError otherwise."""
    study, _, number = text.rpartition(SEPARATOR)
    if not study or not number.isdecimal():
        raise InputError(
            f"{text!r} is not a trial.",
            remedy="Write STUDY:NUMBER; `planwise study list` and `show` list both.",
        )
    return study, int(number)


def promote_trial(
    settings: Settings,
    study: str,
    number: int,
    name: str,
    *,
    description: str | None = None,
    allow_risk: bool = False,
) -> Scenario:
    """Store a finished trial as a scenario; simulating it gives exactly the growth that the trial had.

    Raises InputError for an unknown study or trial, one that failed or failed its gate, an invalid or
    existing name, and when the study's scenario or census has changed since; RiskNotAllowed for levers
    outside policy, or that add a HIGH or CRITICAL risk, without `allow_risk`.
    """
    view = load_view(settings, study)
    trial = _finished(study, number, view.trials)
    assert trial.evaluation is not None  # it is finished
    about = view.about
    with open_ledger(settings) as ledger:
        census = _census(settings, study, about)
        base = _base(ledger, about, census)
        if simulation_digest(base, trial.levers, trial.seed) != trial.digest:
            raise InputError(
                f"The scenario {about['scenario']}, or a lever in force, has changed since study {study}: "
                f"trial {number} would have another result.",
                remedy="Run the study again; or create a scenario with the trial's levers by --set.",
            )
        effective = effective_of(base, trial.levers, trial.seed)
        spec = StudySpec.from_json(about["question"])
        problem = problem_of(spec, base, census_levels(census), trial.kind)
        why = why_ask(
            risk_of(problem, base, trial.evaluation, for_target=problem.on_target(trial.evaluation)).added,
            within_policy=problem.is_within_policy(trial.evaluation),
        )
        if why is not None and not allow_risk:
            raise RiskNotAllowed(
                f"Trial {number} of study {study} is not saved unasked: {why}.",
                remedy="Allow it (--allow-risk), or choose another trial.",
            )
        growth = f"growth {trial.evaluation.growth:.3%} a year ({trial.kind})"
        return ledger.scenarios.create(
            name,
            effective.overrides(),
            census=census.name,
            description=description or f"Trial {number} of study {study}: {growth}.",
            parent=about["scenario"],
            study=study,
            years=effective.years,
        )


def _finished(study: str, number: int, trials: tuple[Trial, ...]) -> Trial:
    found = {trial.number: trial for trial in trials}.get(number)
    if found is None:
        numbers = f"{trials[0].number} to {trials[-1].number}" if trials else "none"
        raise InputError(
            f"Study {study} has no finished trial {number}; it has {numbers}.",
            remedy=SHOW.format(study=study),
        )
    if found.evaluation is None:
        raise InputError(
            f"Trial {number} of study {study} failed: {found.error}", remedy=SHOW.format(study=study)
        )
    if not found.evaluation.feasible:
        raise InputError(
            f"Trial {number} of study {study} failed its gate: its results are not plausible.",
            remedy=SHOW.format(study=study),
        )
    return found


def _census(settings: Settings, study: str, about: Mapping[str, Any]) -> Census:
    census = load_census(settings, about.get("census"))
    if about.get("census_hash") not in (None, census.content_hash):
        raise InputError(
            f"The census {census.name} is not the one that study {study} ran on.",
            remedy="Run the study again on the current census.",
        )
    return census


def _base(ledger: Ledger, about: Mapping[str, Any], census: Census) -> EffectiveParameters:
    """Return the base of the study's trials: its scenario with the unsaved changes of the request."""
    request = about.get("request")
    changes = {} if request is None else OptimizeRequest.model_validate_json(request).changes()
    scenario = ledger.scenarios.get(about["scenario"])
    return effective_parameters(ledger, scenario, census.first_year, changes)
