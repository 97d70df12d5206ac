"""Workers of the analytic world: what a trial does is decided by its levers, whatever worker has it."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from study_worlds import BASE, FakeEvaluator, World

from planwise.study import Evaluation, TrialPool
from planwise.study.problem import Search
from planwise.study.strategies import STRATEGIES
from planwise.study.trial import Proposal, TrialPurpose

COLA = "cola_rate"


@dataclass(frozen=True)
class FakeWorkers:
    """`deeds` says by COLA, in thousandths, what becomes of a trial: a number of seconds to take, "breaks",
    "dies" (kill −9) or "gated". Every trial leaves a file named after its number, worker and times."""

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
        if deed == "dies":
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
