"""The evaluators of a study's trials, and the environments that are kept afterwards."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass

import pandas as pd

from planwise.app.gates import evaluate_gate, load_gate
from planwise.census import Census
from planwise.engine.outcome import Kpis
from planwise.engine.preview import Preview
from planwise.engine.warehouse import Warehouse
from planwise.engine.worker_warehouses import worker_name, worker_warehouse
from planwise.gate import GateResult
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings
from planwise.study import Evaluator, PreviewEvaluator, RealEvaluator
from planwise.study.evaluators import trial_environment
from planwise.study.optuna_storage import load_study
from planwise.study.trial import Kind, Trial, ranked_trials

READY = "ready"  # an environment that is never made


@dataclass(frozen=True)
class TrialWorkers:
    """Opens the evaluators of a study's workers; picklable, because it is sent to them.

    Each worker plans in a database of its own, a copy of the main one, and previews in one of its own.
    """

    settings: Settings
    census: Census
    effective: EffectiveParameters
    study: str

    def __call__(self, index: int | None, kind: Kind) -> AbstractContextManager[Evaluator]:
        """Open the evaluator of a kind for a worker of the pool, or without an index the study's own."""
        return self._previews() if kind == "preview" else self._plans(index)

    @contextmanager
    def _previews(self) -> Iterator[Evaluator]:
        with closing(Preview(self.settings, self.census)) as preview:
            yield PreviewEvaluator(preview, self.effective)

    @contextmanager
    def _plans(self, index: int | None) -> Iterator[Evaluator]:
        with worker_warehouse(self.settings, worker_name(self.study, index)) as warehouse:
            if index is not None:  # warms up the first plan; nothing is applied
                warehouse.plan(READY, self.census, self.effective, kpis_only=True)
                load_gate()
            yield RealEvaluator(warehouse, self.census, self.effective, self.study, gate_trial)


def gate_trial(kpis: Kpis) -> GateResult:
    """Evaluate the trial gate on a trial's KPIs."""
    return evaluate_gate("trial", pd.DataFrame(kpis))


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
    """Keep these trials as environments, and drop the study's others."""
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
