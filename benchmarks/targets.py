"""Solve random growth targets from random starting levers: how often each strategy arrives, and in how many.

python -m benchmarks.targets [--runs 200] [--employees 1000] [--real | --preview] [--seed 1] [--output FILE]

Each run draws all levers uniformly within their hard bounds and a target in 1 to 6 %; a target that the pay
levers cannot reach from there is drawn again, with its levers, and counted. With --real every plan of solve
is a plan. Else, and for the tuning loops always, a preview stands for a plan: that they agree to the last
digit is a tested invariant. No gate is asked: random levers need not be plausible.
"""

import argparse
import math
import random
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from benchmarks.record import write
from planwise.census import Census, generate_census
from planwise.engine.outcome import Kpis
from planwise.engine.preview import Preview
from planwise.engine.worker_warehouses import worker_warehouse
from planwise.gate import GateResult
from planwise.parameters import EffectiveParameters, catalogue, resolve, simulated_years
from planwise.settings import Settings
from planwise.study.evaluators import PreviewEvaluator, RealEvaluator
from planwise.study.problem import PP, Problem, problem_of
from planwise.study.reachability import evaluate_bounds
from planwise.study.space import census_levels, extreme, tuned_levers
from planwise.study.spec import StudySpec
from planwise.study.strategies import strategy_named
from planwise.study.trial import Evaluation, Evaluator, Proposal, Trial

STRATEGIES = ("solve", "conservative", "balanced", "aggressive")
TARGETS = (0.01, 0.06)  # rates
HORIZON = 5
REDRAWS_MAX = 1000  # of one run; more says that the census reaches hardly any target
EXPECTED_PLANS = 3
WIDTH = 100  # of the table, also where the output is no terminal


@dataclass(frozen=True)
class Run:
    """One strategy on one draw; `gap_pp` is that of the last plan, infinite when there was none."""

    strategy: str
    gap_pp: float
    plans: int
    evaluations: int
    stopped: str

    @property
    def within(self) -> bool:
        """Whether the last plan is within the tolerance."""
        return abs(self.gap_pp) <= PP * StudySpec().tolerance


class Bench:
    """A synthetic census, its preview, and the plans if wanted."""

    def __init__(self, home: Path, employees: int, *, real: bool, years: int = HORIZON) -> None:
        self.settings = Settings(home=home)
        self.census: Census = generate_census(self.settings, employees=employees, seed=1)
        self.years = simulated_years(years, self.census.first_year)
        self.levels = census_levels(self.census)
        self._stack = ExitStack()
        self.preview = Preview(self.settings, self.census)
        self._stack.callback(self.preview.close)
        self.warehouse = (
            self._stack.enter_context(worker_warehouse(self.settings, "targets")) if real else None
        )

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def draw(self, draws: random.Random) -> tuple[EffectiveParameters, float]:
        """Return random levers in force and a random target."""
        levers = {lever.name: round(draws.uniform(*lever.bounds), 4) for lever in catalogue().levers.values()}
        return resolve(self.years, scenario=levers), round(draws.uniform(*TARGETS), 5)

    def reaches(self, base: EffectiveParameters, target: float) -> bool:
        """Say whether a target lies between the growth at both ends of all pay levers."""
        space = tuned_levers(base, self.levels)
        evaluator = PreviewEvaluator(self.preview, base)
        low, high = (
            evaluator.evaluate(extreme(space, highest=highest), number=0).growth for highest in (False, True)
        )
        return low <= target <= high

    def run(self, strategy: str, base: EffectiveParameters, target: float, number: int) -> Run:
        """Let a strategy look for a target from levers in force."""
        real = self.warehouse is not None and strategy == "solve"
        problem = problem_of(
            StudySpec(target_growth=target, strategy=strategy, tie="none", grid="off"),
            base,
            self.levels,
            "real",
        )
        evaluators: dict[str, Evaluator] = {"preview": PreviewEvaluator(self.preview, base)}
        evaluators["real"] = evaluators["preview"]
        if real:
            assert self.warehouse is not None
            evaluators["real"] = RealEvaluator(
                self.warehouse, self.census, base, f"targets_{number}", _no_gate
            )
        try:
            return _answered(problem, strategy, evaluators)
        finally:
            if isinstance(evaluators["real"], RealEvaluator):
                evaluators["real"].drop_environments()


def measure(
    bench: Bench,
    runs: int,
    *,
    seed: int = 1,
    strategies: tuple[str, ...] = STRATEGIES,
    progress: Callable[[str], None] = lambda line: None,
) -> tuple[list[Run], int]:
    """Return every strategy's runs on the same draws, and how many draws could not be reached."""
    draws, found, redrawn = random.Random(seed), [], 0
    for number in range(runs):
        for _ in range(REDRAWS_MAX):
            base, target = bench.draw(draws)
            if bench.reaches(base, target):
                break
            redrawn += 1
        of_this_draw = [bench.run(strategy, base, target, number) for strategy in strategies]
        found += of_this_draw
        told = f"{of_this_draw[0].gap_pp:+.4f} pp after {of_this_draw[0].plans}"
        progress(f"run {number + 1} of {runs}: target {target:.3%}, solve {told}")
    return found, redrawn


def summary(runs: list[Run]) -> dict[str, dict[str, float]]:
    """Return the figures of each strategy: shares, counts, and percentage points."""
    return {
        strategy: {
            "within_share": statistics.mean(run.within for run in chosen),
            "plans_mean": statistics.mean(run.plans for run in chosen),
            "plans_max": max(run.plans for run in chosen),
            "evaluations_mean": statistics.mean(run.evaluations for run in chosen),
            "gap_mean_pp": statistics.mean(abs(run.gap_pp) for run in chosen),
        }
        for strategy, chosen in _by_strategy(runs)
    }


def _answered(problem: Problem, strategy: str, evaluators: Mapping[str, Evaluator]) -> Run:
    search, answers = evaluate_bounds(problem, strategy_named(strategy)), None
    known: dict[tuple[str, str], Evaluation] = {}
    plans: list[Evaluation] = []
    count = 0

    def trial(proposal: Proposal) -> Trial:
        nonlocal count
        assert proposal.levers is not None  # none of these strategies draws
        evaluator = evaluators[proposal.kind]
        key = (proposal.kind, evaluator.digest(proposal.levers))
        if key not in known:
            count += 1
            known[key] = evaluator.evaluate(proposal.levers, number=count)
            if proposal.kind == "real":
                plans.append(known[key])
        found = replace(known[key], levers=dict(proposal.levers))
        return Trial(
            count, proposal.kind, proposal.purpose, proposal.iteration, proposal.levers, key[1], found
        )

    while True:
        try:
            batch = next(search) if answers is None else search.send(answers)
        except StopIteration as end:
            gap = problem.gap(plans[-1]) if plans else math.inf
            return Run(strategy, PP * gap, len(plans), count, str(end.value))
        answers = tuple(trial(proposal) for proposal in batch)


def _by_strategy(runs: list[Run]) -> Iterator[tuple[str, list[Run]]]:
    for strategy in STRATEGIES:
        if chosen := [run for run in runs if run.strategy == strategy]:
            yield strategy, chosen


def _no_gate(kpis: Kpis) -> GateResult:
    return GateResult(suite="none", results=(), seconds=0.0)


def _table(figures: Mapping[str, Mapping[str, float]], title: str, real: bool) -> Table:
    heads = ("strategy", "its plans", "within", "mean plans", "max", "previews too", "mean gap")
    table = Table(*(Column(head, no_wrap=True) for head in heads), title=title)
    for strategy, row in figures.items():
        table.add_row(
            strategy,
            "plans" if real and strategy == "solve" else "previews",
            f"{row['within_share']:.1%}",
            f"{row['plans_mean']:.2f}",
            f"{row['plans_max']:.0f}",
            f"{row['evaluations_mean']:.1f}",
            f"{row['gap_mean_pp']:.4f} pp",
        )
    return table


def main() -> int:
    """Measure and print; exit with 1 when solve missed a target or took more than three plans."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--employees", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--real", action="store_true", help="every plan of solve is a plan")
    kind.add_argument("--preview", action="store_true", help="a preview stands for a plan (default)")
    asked = parser.parse_args()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as home, Bench(Path(home), asked.employees, real=asked.real) as bench:
        runs, redrawn = measure(bench, asked.runs, seed=asked.seed, progress=console.print)
    figures = summary(runs)
    title = f"{asked.runs} targets in 1 to 6 %, {asked.employees:,} employees, {redrawn} draws out of reach"
    Console(width=WIDTH).print(_table(figures, title, asked.real))
    if asked.output:
        told: dict[str, Any] = {**vars(asked), "output": None, "redrawn": redrawn, "strategies": figures}
        write({**told, "by_run": [asdict(run) for run in runs]}, asked.output)
    solve = figures["solve"]
    return 0 if solve["within_share"] == 1 and solve["plans_max"] <= EXPECTED_PLANS else 1


if __name__ == "__main__":
    raise SystemExit(main())
