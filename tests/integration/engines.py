"""A small census on the real engine, its preview, and the studies of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from earlier_defaults import EARLIER

from planwise.census import generate_census
from planwise.engine.preview import Preview
from planwise.gate import GateResult
from planwise.parameters import resolve, simulated_years
from planwise.settings import Settings
from planwise.study import PreviewEvaluator, RealEvaluator, StudySpec, census_levels, run_study


def passing(kpis):
    return GateResult("trial", (), 0.0)


@dataclass
class Engine:
    """With a warehouse, studies plan their trials in it; without one they are previews."""

    settings: Settings
    employees: int
    years: int
    seed: int = 7
    warehouse: Any = None
    evaluator: type[RealEvaluator] = RealEvaluator
    market_groups: tuple[str, ...] = ()

    def __post_init__(self):
        self.census = generate_census(self.settings, employees=self.employees, seed=self.seed)
        self.base = resolve(simulated_years(self.years, self.census.first_year), scenario=EARLIER)
        self.levels = census_levels(self.census)
        self.preview = Preview(self.settings, self.census, self.market_groups)
        self.previews = PreviewEvaluator(self.preview, self.base)

    @cached_property
    def baseline(self):
        return self.previews.evaluate({}, number=0)

    def simulate(self, effective):
        return self.preview.evaluate(effective).kpis

    def study(self, name, growth, *, preview=False, **question):
        self.real = None
        if self.warehouse is not None and not preview:
            self.real = self.evaluator(
                self.warehouse, self.census, self.base, name, passing, self.market_groups
            )
        free = {"seeds": 0, "tie": "none", "grid": "off"}
        limits = ("merit_step<=0.1", *question.pop("constraints", ()))  # levels as far apart as they may be
        return run_study(
            self.settings,
            StudySpec(target_growth=growth, **{**free, **question, "constraints": limits}),
            name=name,
            scenario="baseline",
            base=self.base,
            levels=self.levels,
            preview=self.previews,
            real=self.real,
        )
