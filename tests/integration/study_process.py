"""A study in a process of its own, on the real engine with a gate that always passes: to be killed.

python study_process.py HOME TRIALS WORKERS [STUDY]
"""

import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from earlier_defaults import EARLIER

from planwise.census import Census, load_census
from planwise.engine.preview import Preview
from planwise.engine.worker_warehouses import remove_dead_workers, worker_name, worker_warehouse
from planwise.gate import GateResult
from planwise.parameters import EffectiveParameters, resolve, simulated_years
from planwise.settings import Settings
from planwise.study import PreviewEvaluator, RealEvaluator, StudySpec, TrialPool, census_levels, run_study

STUDY = "killed"
TARGET = 0.09
YEARS = 2


def passing(kpis):
    return GateResult("trial", (), 0.0)


@dataclass(frozen=True)
class Workers:
    settings: Settings
    census: Census
    base: EffectiveParameters

    @contextmanager
    def __call__(self, index, kind):
        assert kind == "real"
        with worker_warehouse(self.settings, worker_name(STUDY, index)) as warehouse:
            yield RealEvaluator(warehouse, self.census, self.base, STUDY, passing)


def main(home: str, trials: str, workers: str, resumed: str | None = None) -> None:
    settings = Settings(home=Path(home))
    census = load_census(settings, None)
    base = resolve(simulated_years(YEARS, census.first_year), scenario=EARLIER)
    remove_dead_workers(settings, STUDY, wait_seconds=10)
    pool = TrialPool(Workers(settings, census, base), int(workers))
    with closing(Preview(settings, census)) as preview, pool:
        run_study(
            settings,
            StudySpec(target_growth=TARGET, strategy="tpe", trials=int(trials), seeds=0),
            name=STUDY,
            scenario="baseline",
            base=base,
            levels=census_levels(census),
            preview=PreviewEvaluator(preview, base),
            real=None,
            pool=pool,
            resume=resumed is not None,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
