"""An analytic world: growth in closed form, so that every answer of a study can be computed by hand.

growth(x) = (1 + cola)(1 + mean merit) − 1 + hires · (new-hire adjustment − 1) + promotions · mean raise
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from planwise.parameters import resolve
from planwise.settings import Settings
from planwise.study import Evaluation, Hooks, StudyResult, StudySpec, run_study
from planwise.study.evaluators import simulation_digest
from planwise.study.space import tuned_levers

YEARS = (2026, 2027, 2028, 2029, 2030)
LEVELS = (1, 2, 3, 4, 5)
BASE = resolve(YEARS, scenario={})
HEADS = {1: 0.35, 2: 0.30, 3: 0.20, 4: 0.10, 5: 0.05}  # head weights of merit
SEED_NOISE = 1e-4
SEED_KINDS = 100
HIRES, PROMOTIONS, DRAG = 0.02, 0.08, 0.045


def growth(levers: Mapping[str, float], base=BASE, seed: int | None = None) -> float:
    """A replicate's growth is off by a ten-thousandth for each unit of its seed's last two digits."""
    effective = base.with_levers(levers)
    noise = 0.0 if seed is None else SEED_NOISE * (seed % SEED_KINDS)
    return noise + closed_form(lambda name: sum(effective.number(name, year) for year in YEARS) / len(YEARS))


def closed_form(value: Callable[[str], float]) -> float:
    merit = sum(share * value(f"merit_rate_level_{level}") for level, share in HEADS.items())
    raises = sum(value(f"promotion_raise_level_{level}") for level in (1, 2, 3, 4)) / 4
    pay = (1 + value("cola_rate")) * (1 + merit) - 1
    return pay + HIRES * (value("new_hire_salary_adjustment") - 1) + PROMOTIONS * raises - DRAG


class FakeEvaluator:
    """Evaluates in closed form; can be off by `bias`, break or fail its gate where told."""

    def __init__(
        self,
        kind: str,
        *,
        base=BASE,
        bias: float = 0.0,
        breaks: Callable[[int], bool] = lambda number: False,
        gated: Callable[[int], bool] = lambda number: False,
    ) -> None:
        self.kind = kind
        self.base, self.bias, self.breaks, self.gated = base, bias, breaks, gated
        self.calls: list[dict[str, float]] = []

    def digest(self, levers: Mapping[str, float], seed: int | None = None) -> str:
        return simulation_digest(self.base, levers, seed)

    def evaluate(self, levers: Mapping[str, float], *, number: int, seed: int | None = None) -> Evaluation:
        self.calls.append(dict(levers))
        if self.breaks(len(self.calls)):
            raise RuntimeError("the disk is full")
        found = growth(levers, self.base, seed) + self.bias
        kpis = [{"simulation_year": year, "growth_compound": found, "payroll": 1e6} for year in YEARS]
        return Evaluation(
            levers=dict(levers),
            kpis=kpis,
            growth=found,
            kind=self.kind,
            fingerprint=self.digest(levers, seed)[:8],
            environment=f"trial_{number}" if self.kind == "real" else None,
            seconds=0.01,
            models_run=3,
            seed=seed,
            gate_status="failed" if self.gated(len(self.calls)) else "passed",
        )


class World:
    """A home with a preview and a real evaluator."""

    def __init__(self, home: Path, **real) -> None:
        self.settings = Settings(home=home)
        base = real.pop("base", BASE)
        self.base = base
        self.preview = FakeEvaluator("preview", base=base)
        self.real = FakeEvaluator("real", base=base, **real)

    def study(
        self,
        target: float,
        name: str = "s",
        *,
        preview=False,
        resume=False,
        hooks=None,
        pool=None,
        **question,
    ) -> StudyResult:
        return run_study(
            self.settings,
            StudySpec(target_growth=target, **question),
            name=name,
            scenario="baseline",
            base=self.base,
            levels=LEVELS,
            preview=self.preview,
            real=None if preview else self.real,
            resume=resume,
            hooks=hooks or Hooks(),
            pool=pool,
        )


SPACE = tuned_levers(BASE, LEVELS)
