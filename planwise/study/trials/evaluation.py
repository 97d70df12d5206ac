"""The one question that every strategy asks, which KPIs some levers give, and its answer."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from planwise.engine.outcome import Kpis
from planwise.errors import CheckFailed

Kind = Literal["real", "preview"]
GROWTH = "growth_compound"  # compound annual growth of mean base pay since the census
NOT_GATED = "not gated"
GATE_FAILED = "failed"


@dataclass(frozen=True)
class Evaluation:
    """What some levers give; `levers` are the tuned ones (none for the baseline), `growth` is a yearly rate.

    `seconds` is wall time. `cache_hit`: no model ran, because equal parameters had been evaluated before.
    `seed` is a replicate's own seed of the simulation, None under the scenario's.
    """

    levers: Mapping[str, float]
    kpis: Kpis
    growth: float
    kind: Kind
    fingerprint: str | None = None
    environment: str | None = None
    seconds: float = 0.0
    models_run: int = 0
    models_reused: int = 0
    gate_status: str = NOT_GATED
    cache_hit: bool = False
    seed: int | None = None

    @property
    def feasible(self) -> bool:
        """Whether no gate found it implausible."""
        return self.gate_status != GATE_FAILED


class Evaluator(Protocol):
    """Evaluates levers on top of one scenario on one census."""

    @property
    def kind(self) -> Kind:
        """Whether it plans or previews."""
        ...

    def digest(self, levers: Mapping[str, float], seed: int | None = None) -> str:
        """Return the same text for the same effective parameters, whatever way they are spelled."""
        ...

    def evaluate(self, levers: Mapping[str, float], *, number: int, seed: int | None = None) -> Evaluation:
        """Return the evaluation for trial `number` of its study; raises what the engine raises.

        `seed` is another seed of the simulation than the scenario's own.

        """
        ...


def growth_of(kpis: Kpis) -> float:
    """Return the growth that a study targets; raises CheckFailed when nobody is left to have a mean pay."""
    growth = kpis[-1][GROWTH] if kpis else None
    if growth is None or not math.isfinite(growth):
        raise CheckFailed(
            "There is no growth: nobody is employed at the end of the horizon.",
            remedy="Check headcount_growth and the termination rates.",
        )
    return float(growth)
