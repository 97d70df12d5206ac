"""Studies on an analytic world: growth in closed form, so that every answer can be computed by hand.

growth(x) = (1 + cola)(1 + mean merit) − 1 + hires · (new-hire adjustment − 1) + promotions · mean raise
"""

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from earlier_defaults import EARLIER

from benchmarks import analytic
from planwise.parameters import resolve
from planwise.settings import Settings
from planwise.study import STRATEGIES, Evaluation, Hooks, StudyResult, StudySpec, TrialPool, run_study
from planwise.study.evaluators import simulation_digest
from planwise.study.lever_rules import merit_monotone
from planwise.study.problem import Problem, Search
from planwise.study.space import tuned_levers
from planwise.study.trial import Proposal, Trial, TrialPurpose
from tests.waiting import wait_until

YEARS = (2026, 2027, 2028, 2029, 2030)
LEVELS = (1, 2, 3, 4, 5)
PAY_LEVERS = (
    *(f"merit_rate_level_{level}" for level in LEVELS),
    *("cola_rate", "new_hire_salary_adjustment"),
    *(f"promotion_raise_level_{level}" for level in LEVELS[:-1]),
)
EXACT = {"tie": "none", "grid": "off", "tune": PAY_LEVERS}  # any value of every pay lever
BASE = resolve(YEARS, scenario=EARLIER)


def exact(**question) -> StudySpec:
    """A question whose answer may have any value of every pay lever."""
    return StudySpec(**(EXACT | question))


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


def drive(search, answer):
    """Answer every proposal of a search; return why it stopped, and its trials."""
    trials, answers = [], None
    while True:
        try:
            batch = search.send(answers)
        except StopIteration as end:
            return end.value, trials
        answers = tuple(answer(proposal) for proposal in batch)
        trials += answers


def trial_of(proposal, evaluation=None, number=0):
    return Trial(
        number, proposal.kind, proposal.purpose, proposal.iteration, proposal.levers, "", evaluation,
        seed=proposal.seed,
    )  # fmt: skip


def reaching(rate: float) -> dict[str, float]:
    """KPIs of a year: both growths have this rate; the increase budget is the market's, so within policy."""
    return {"increase_rate": 0.035, "increase_cost": 1e4, "growth_continuing": rate, "growth_compound": rate}


def grown(found: Evaluation, rate: float) -> Evaluation:
    """The evaluation with another growth."""
    years = found.kpis or [{"simulation_year": 2026}]
    return replace(found, growth=rate, kpis=[{**year, **reaching(rate)} for year in years])


class FakeEvaluator:
    """Evaluates in closed form; can be off by `bias`, fail or be stopped by its gate at chosen calls."""

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
        kpis = [{"simulation_year": year, **reaching(found), "payroll": 1e6} for year in YEARS]
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
            StudySpec(target_growth=target, **(EXACT | question)),
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


SPACE = tuned_levers(BASE, LEVELS, PAY_LEVERS)


PLAIN = {
    "payroll": (110.0, 121.0),
    "payroll_change": (10.0, 11.0),
    "within_level_cv": (0.2, 0.2),
    "adjusted_gap_max": (0.03, 0.03),
    "adjusted_gap_reason": (None, None),
    "raise_min": (0.01, 0.02),
    "raise_max": (0.15, 0.12),
    "below_minimum": (4, 5),
    "headcount": (100, 100),
}


def kpis(**columns):
    rows = {**PLAIN, **columns}
    years = range(len(next(iter(rows.values()))))
    return [{"simulation_year": 2026 + y, **{name: rows[name][y] for name in rows}} for y in years]


def evaluation(levers=(), growth=0.03, kind="preview", gate="passed", **columns):
    figures = [{**reaching(growth), **year} for year in kpis(**columns)]
    return Evaluation(dict(levers), figures, growth, kind, gate_status=gate)


MERITS = tuple(f"merit_rate_level_{level}" for level in (1, 2, 3, 4, 5))
LEVERS = ("cola_rate", *MERITS, "new_hire_salary_adjustment")


def problem_in(world: analytic.World, target=0.03, kind="preview", **question) -> Problem:
    spec = StudySpec(target_growth=target, **(EXACT | {"tune": world.levers} | question))
    rules = ()
    if spec.limit("merit_monotone") is not None:
        rules = merit_monotone(world.base, (1, 2, 3, 4, 5), world.space)
    problem = Problem(spec, world.space, kind, rules)
    return problem.with_baseline(world.evaluation({}, "preview"))


class Searched:
    """The batches that a strategy proposed, its trials, and why it stopped."""

    def __init__(self, strategy, problem, world, *, breaks=lambda proposal, number: False, stop_after=None):
        self.batches, self.trials, self.stopped = [], [], None
        search = strategy.propose(problem, problem.baseline)
        answers = None
        try:
            while True:
                batch = search.send(answers)
                self.batches.append(batch)
                if stop_after is not None and len(self.trials) >= stop_after:
                    search.close()
                    return
                answers = tuple(self._answer(proposal, world, breaks) for proposal in batch)
        except StopIteration as end:
            self.stopped = end.value

    def _answer(self, proposal, world, breaks):
        number = len(self.trials)
        broken = breaks(proposal, number)
        found = None if broken else world.evaluation(proposal.levers, proposal.kind)
        trial = trial_of(proposal, found, number)
        self.trials.append(trial)
        return trial

    def of(self, purpose):
        return [trial for trial in self.trials if trial.purpose == purpose]

    def best(self, problem):
        found = [trial.evaluation for trial in self.trials if trial.evaluation is not None]
        return min(found, key=lambda one: (problem.violation(one), problem.score(one)))


COLA = "cola_rate"


@dataclass(frozen=True)
class FakeWorkers:
    """`deeds` says by COLA, in thousandths, what becomes of a trial: a number of seconds to take, "breaks",
    "dies" (kill −9), "dies once", "gated", or the name of a trial's file to wait for. Every trial leaves
    a file named after its number, worker and times."""

    folder: Path
    deeds: Mapping[int, object] = field(default_factory=dict)

    @contextmanager
    def __call__(self, index, kind):
        yield FakeWorker(self, index, kind)


class FakeWorker(FakeEvaluator):
    def __init__(self, workers: FakeWorkers, index: int, kind: str) -> None:
        super().__init__(kind, base=BASE)
        self.workers, self.index = workers, index

    def evaluate(self, levers, *, number, seed=None) -> Evaluation:
        deed = self.workers.deeds.get(round(1000 * levers.get(COLA, 0)))
        begun = time.monotonic()
        (self.workers.folder / f"begun-{number}-{os.getpid()}").touch()
        if isinstance(deed, int | float):
            time.sleep(deed)
        elif str(deed).startswith("begun-"):
            wait_until(lambda: any(self.workers.folder.glob(str(deed))))
        again = len(list(self.workers.folder.glob(f"begun-{number}-*"))) > 1
        if deed == "dies" or (deed == "dies once" and not again):
            os.kill(os.getpid(), signal.SIGKILL)
        self.breaks = lambda call: deed == "breaks"
        self.gated = lambda call: deed == "gated"
        found = super().evaluate(levers, number=number, seed=seed)
        (self.workers.folder / f"ended-{number}-{self.index}-{begun}-{time.monotonic()}").touch()
        return found


@dataclass(frozen=True)
class Listed:
    """A strategy that evaluates the given values of COLA, all at once; None is drawn at random."""

    points: tuple[float | None, ...]
    kind: str = "real"
    name: str = "tpe"
    multi_objective: bool = False
    answers: ClassVar[tuple] = ()  # of the last one that was not stopped

    def sampler(self, problem, past_trials):
        from optuna.samplers import RandomSampler

        return RandomSampler(seed=past_trials)

    def reason(self, problem):
        return None

    def propose(self, problem, baseline) -> Search:
        answers = yield tuple(
            Proposal(None if point is None else {COLA: point}, self.kind, TrialPurpose.SAMPLE, place)
            for place, point in enumerate(self.points)
        )
        Listed.answers = answers
        return "trials"


class ParallelWorld(World):
    """A world whose plans are made by workers."""

    def __init__(self, home: Path, deeds: Mapping[int, object] | None = None) -> None:
        super().__init__(home)
        self.folder = home / "calls"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.workers = FakeWorkers(self.folder, deeds or {})

    def study(self, target, name="s", *, size=2, **question):
        self.real = None
        with TrialPool(self.workers, size) as pool:
            self.pool = pool
            return super().study(target, name, pool=pool, tune=(COLA,), seeds=0, **question)

    def listed(self, monkeypatch, *points, **question):
        monkeypatch.setitem(STRATEGIES, "tpe", Listed(points))
        Listed.answers = ()
        result = self.study(0.04, strategy="tpe", **question)
        return result, Listed.answers

    def files(self, stage: str) -> list[list[str]]:
        return sorted(
            (f.name.split("-")[1:] for f in self.folder.glob(f"{stage}-*")), key=lambda n: int(n[0])
        )
