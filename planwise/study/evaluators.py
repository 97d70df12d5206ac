"""Evaluators of trials: by a plan with its gate, or by the same SQL in memory."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from planwise.census import Census
from planwise.engine.outcome import Kpis
from planwise.gate import GateResult
from planwise.parameters import Chain, EffectiveParameters
from planwise.study.chance import in_replicate
from planwise.study.space import expanded
from planwise.study.trial import Evaluation, Kind, growth_of

if TYPE_CHECKING:
    from planwise.engine.preview import Preview
    from planwise.engine.warehouse import Warehouse

Gate = Callable[[Kpis], GateResult]


def trial_environment(study: str, number: int) -> str:
    """Return the environment of a study's trial."""
    return f"trial_{study}_{number}"


class _OnBase:
    """Evaluates levers on top of the parameters `base`."""

    def __init__(self, base: EffectiveParameters) -> None:
        self._base = base

    def digest(self, levers: Mapping[str, float], seed: int | None = None) -> str:
        """Return the digest of the parameters that a simulation depends on."""
        return simulation_digest(self._base, levers, seed)


class PreviewEvaluator(_OnBase):
    """Evaluates in memory, with the same KPIs as a plan; without a gate."""

    kind: Kind = "preview"

    def __init__(self, preview: "Preview", base: EffectiveParameters) -> None:
        super().__init__(base)
        self._preview = preview

    def evaluate(self, levers: Mapping[str, float], *, number: int, seed: int | None = None) -> Evaluation:
        """Return the preview's KPIs."""
        outcome = self._preview.evaluate(effective_of(self._base, levers, seed))
        return Evaluation(
            levers=dict(levers),
            kpis=outcome.kpis,
            growth=growth_of(outcome.kpis),
            kind=self.kind,
            seconds=outcome.seconds,
            seed=seed,
        )

    def pay(self, levers: Mapping[str, float]) -> pd.DataFrame:
        """Return every employee's pay under the levers: one row per employee and simulated year."""
        return self._preview.pay(effective_of(self._base, levers))


class RealEvaluator(_OnBase):
    """Evaluates by a plan of the KPIs in the trial's own environment, and runs the gate on them.

    A failed gate makes the evaluation infeasible and does not raise.
    """

    kind: Kind = "real"

    def __init__(
        self,
        warehouse: "Warehouse",
        census: Census,
        base: EffectiveParameters,
        study_name: str,
        gate: Gate,
        market_groups: tuple[str, ...] = (),
    ) -> None:
        super().__init__(base)
        self._warehouse = warehouse
        self._census = census
        self._study = study_name
        self._gate = gate
        self._market_groups = market_groups
        self._environments: list[str] = []

    def evaluate(self, levers: Mapping[str, float], *, number: int, seed: int | None = None) -> Evaluation:
        """Plan, apply and gate; raises SimulationFailed or AuditFailed when the plan fails."""
        environment = trial_environment(self._study, number)
        planned = self._warehouse.plan(
            environment,
            self._census,
            effective_of(self._base, levers, seed),
            kpis_only=True,
            market_groups=self._market_groups,
        )
        self._environments.append(environment)
        outcome = planned.apply()
        return Evaluation(
            levers=dict(levers),
            kpis=outcome.kpis,
            growth=growth_of(outcome.kpis),
            kind=self.kind,
            fingerprint=outcome.fingerprint,
            environment=environment,
            seconds=outcome.seconds,
            models_run=len(outcome.models_run),
            models_reused=len(outcome.models_reused),
            gate_status=self._gate(outcome.kpis).status,
            cache_hit=not outcome.models_run,
            seed=seed,
        )

    def drop_environments(self, keep: Collection[str] = ()) -> None:
        """Drop this evaluator's environments except `keep`; `Warehouse.collect` then frees the tables."""
        for environment in [name for name in self._environments if name not in keep]:
            self._warehouse.drop(environment)
            self._environments.remove(environment)


def effective_of(
    base: EffectiveParameters, levers: Mapping[str, float], seed: int | None = None
) -> EffectiveParameters:
    """Return the parameters to simulate: the base with these levers and, given a seed, in its world."""
    effective = base.with_levers(expanded(levers))
    return effective if seed is None else in_replicate(effective, base.seed, seed)


def simulation_digest(base: EffectiveParameters, levers: Mapping[str, float], seed: int | None = None) -> str:
    """Return the digest of the parameters that a simulation depends on: targets are left out."""
    return effective_of(base, levers, seed).digest_of(Chain.DYNAMICS, Chain.PAY)
