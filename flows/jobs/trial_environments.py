"""Environments of a study's best trials in the main warehouse; the others went with the workers'."""

from planwise.census import Census
from planwise.engine.warehouse import Warehouse
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings
from planwise.study.trials.evaluators import trial_environment
from planwise.study.trials.record import ranked_trials
from planwise.study.trials.storage import load_study
from planwise.study.trials.trial import Trial

KEPT_ENVIRONMENTS = 3  # of a study's real trials, the best


def best_real_trials(settings: Settings, study: str) -> tuple[Trial, ...]:
    """Return the best plans of a study: feasible first, then by its objective; at most three."""
    plans = [
        trial
        for trial in ranked_trials(load_study(settings, study))
        if trial.kind == "real" and trial.seed is None and trial.answered_by is None
    ]
    return tuple(plans[:KEPT_ENVIRONMENTS])


def keep_environments(
    warehouse: Warehouse, census: Census, base: EffectiveParameters, study: str, trials: tuple[Trial, ...]
) -> tuple[str, ...]:
    """Show these trials as environments, and drop the study's others, of an earlier or interrupted run."""
    kept = []
    for trial in trials:
        environment = trial_environment(study, trial.number)
        warehouse.plan(environment, census, base.with_levers(trial.levers), kpis_only=True).apply()
        kept.append(environment)
    own = trial_environment(study, 0).removesuffix("0")
    for name in warehouse.environments():
        if name.removeprefix(own).isdigit() and name.startswith(own) and name not in kept:
            warehouse.drop(name)
    return tuple(kept)
