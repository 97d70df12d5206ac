"""The two ways to evaluate: a full plan with its gate, or the same SQL in memory."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from planwise.census import Census
from planwise.engine.outcome import Kpis
from planwise.gate import GateResult
from planwise.parameters import Chain, EffectiveParameters
from planwise.study.evaluation import Evaluation, Kind, growth_of

if TYPE_CHECKING:
    from planwise.engine.preview import Preview
    from planwise.engine.warehouse import Warehouse

Gate = Callable[[Kpis], GateResult]


def trial_environment(study: str, number: int) -> str:
    """Return the environment of a study's trial."""
    return f"trial_{study}_{number}"


class PreviewEvaluator:
    """Evaluates in memory, exactly what a plan would give; no gate."""

    kind: Kind = "preview"

    def __init__(self, preview: "Preview", base: EffectiveParameters) -> None:
        self._preview = preview
        self._base = base

    def digest(self, levers: Mapping[str, float]) -> str:
        """Return the digest of what a simulation depends on."""
        return simulation_digest(self._base, levers)

    def evaluate(self, levers: Mapping[str, float], *, number: int) -> Evaluation:
        """Return the preview's KPIs."""
        outcome = self._preview.evaluate(self._base.with_levers(levers))
        return Evaluation(
            levers=dict(levers),
            kpis=outcome.kpis,
            growth=growth_of(outcome.kpis),
            kind=self.kind,
            seconds=outcome.seconds,
        )


class RealEvaluator:
    """Evaluates by a plan of the KPIs in an environment of the trial's own, and gates what comes out.

    A gate that fails makes the evaluation infeasible; only what breaks raises.
    """

    kind: Kind = "real"

    def __init__(
        self, warehouse: "Warehouse", census: Census, base: EffectiveParameters, study_name: str, gate: Gate
    ) -> None:
        self._warehouse = warehouse
        self._census = census
        self._base = base
        self._study = study_name
        self._gate = gate
        self._environments: list[str] = []

    def digest(self, levers: Mapping[str, float]) -> str:
        """Return the digest of what a simulation depends on."""
        return simulation_digest(self._base, levers)

    def evaluate(self, levers: Mapping[str, float], *, number: int) -> Evaluation:
        """Plan, apply and gate; raises SimulationFailed or AuditFailed when the plan breaks."""
        environment = trial_environment(self._study, number)
        planned = self._warehouse.plan(
            environment, self._census, self._base.with_levers(levers), kpis_only=True
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
        )

    def drop_environments(self, keep: Collection[str] = ()) -> None:
        """Drop the environments made here but those to keep; `Warehouse.collect` then frees the tables."""
        for environment in [name for name in self._environments if name not in keep]:
            self._warehouse.drop(environment)
            self._environments.remove(environment)


def simulation_digest(base: EffectiveParameters, levers: Mapping[str, float]) -> str:
    """Return the digest of the parameters that a simulation depends on: what a study aims at is left out."""
    return base.with_levers(levers).digest_of(Chain.DYNAMICS, Chain.PAY)
