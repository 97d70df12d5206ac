"""The evaluators of a study's trials, and the environments that are kept afterwards."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial

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
from planwise.study import Evaluation, Evaluator, PreviewEvaluator, RealEvaluator
from planwise.study.evaluators import effective_of, trial_environment
from planwise.study.optuna_storage import load_study
from planwise.study.trial import Kind, Trial, ranked_trials
from planwise.workers import StartProcess, Worker, WorkerPool

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
    market_groups: tuple[str, ...] = ()

    def __call__(self, index: int | None, kind: Kind) -> AbstractContextManager[Evaluator]:
        """Open the evaluator of a kind for a worker of the pool, or without an index the study's own."""
        return self._previews() if kind == "preview" else self._plans(index)

    @contextmanager
    def _previews(self) -> Iterator[Evaluator]:
        with closing(Preview(self.settings, self.census, self.market_groups)) as preview:
            yield PreviewEvaluator(preview, self.effective)

    @contextmanager
    def _plans(self, index: int | None) -> Iterator[Evaluator]:
        with worker_warehouse(self.settings, worker_name(self.study, index)) as warehouse:

            def warm_up() -> None:  # nothing is applied
                warehouse.plan(
                    READY, self.census, self.effective, kpis_only=True, market_groups=self.market_groups
                )
                load_gate()

            evaluator = RealEvaluator(
                warehouse, self.census, self.effective, self.study, gate_trial, self.market_groups
            )
            if index is not None:
                warm_up()
                yield evaluator
                return
            with ThreadPoolExecutor(1, "plans") as thread:  # while the study previews
                ready = thread.submit(warm_up)
                yield ThreadedEvaluator(evaluator, thread)
                ready.cancel()


@dataclass(frozen=True)
class ThreadedEvaluator:
    """Evaluates in one thread of its own, which alone uses the warehouse."""

    evaluator: RealEvaluator
    thread: ThreadPoolExecutor

    @property
    def kind(self) -> Kind:
        """Plans."""
        return self.evaluator.kind

    def digest(self, levers: Mapping[str, float], seed: int | None = None) -> str:
        """Return the digest of the parameters that a simulation depends on."""
        return self.evaluator.digest(levers, seed)

    def evaluate(self, levers: Mapping[str, float], *, number: int, seed: int | None = None) -> Evaluation:
        """Plan, apply and gate."""
        return self.thread.submit(self.evaluator.evaluate, levers, number=number, seed=seed).result()


def gate_trial(kpis: Kpis) -> GateResult:
    """Evaluate the trial gate on a trial's KPIs."""
    return evaluate_gate("trial", pd.DataFrame(kpis))


Tried = tuple[Kpis, GateResult, str]
"""The KPIs of a variant, the trial gate's result on them, and the fingerprint."""
VARIANT = "sweep"  # the environment of variants, each in place of the one before


def try_variant(warehouse: Warehouse, census: Census, effective: EffectiveParameters) -> Tried:
    """Plan a variant for its KPIs alone, and gate them."""
    outcome = warehouse.plan(VARIANT, census, effective, kpis_only=True).apply()
    return outcome.kpis, gate_trial(outcome.kpis), outcome.fingerprint


class VariantPool(WorkerPool):
    """Simulates the variants of a sweep in worker processes; a request is a census and its parameters."""

    def __init__(
        self, settings: Settings, name: str, workers: int, start_process: StartProcess | None = None
    ) -> None:
        super().__init__(
            partial(VariantWorker, settings, name), workers, name="sweep worker", start_process=start_process
        )


class VariantWorker(Worker):
    """Simulates variants in a worker process, in a warehouse of its own."""

    def __init__(self, settings: Settings, name: str, index: int) -> None:
        self._stack = ExitStack()
        self._warehouse = self._stack.enter_context(worker_warehouse(settings, f"{name}-{index}"))

    def answer(self, request: tuple[Census, EffectiveParameters]) -> Tried:
        """Simulate a variant."""
        return try_variant(self._warehouse, *request)

    def close(self) -> None:
        """Close and delete the warehouse."""
        self._stack.close()


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
        warehouse.plan(environment, census, effective_of(base, trial.levers), kpis_only=True).apply()
        kept.append(environment)
    own = trial_environment(study, 0).removesuffix("0")
    for name in warehouse.environments():
        if name.removeprefix(own).isdigit() and name.startswith(own) and name not in kept:
            warehouse.drop(name)
    return tuple(kept)
