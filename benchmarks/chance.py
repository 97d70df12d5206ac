"""How often a payroll is exceeded in worlds that a study has not seen, against its chance constraint.

python -m benchmarks.chance [--employees 1000] [--years 5] [--risks 0.1,0.2] [--worlds 200] [--seed 1]
    [--output FILE]

For each risk a study looks for the largest increase budget whose payroll exceeds a limit with no more than
that chance, so that its answer is at the limit. The answer is then simulated in fresh worlds, drawn from
another seed: the share of them over the limit is held against the claim, with Wilson's interval, beside the
share under luck alone. Previews stand for plans.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from benchmarks.record import write
from planwise.census import generate_census
from planwise.engine.preview import Preview
from planwise.parameters import EffectiveParameters, resolve, simulated_years
from planwise.risk.assessment import wilson
from planwise.risk.decisions import RAISES, decided_by
from planwise.risk.worlds import in_world, luck_alone
from planwise.settings import Settings
from planwise.study import StudySpec, run_study
from planwise.study.chance import ChanceCheck
from planwise.study.constraints import highest_payroll
from planwise.study.evaluators import PreviewEvaluator, effective_of
from planwise.study.space import census_levels

BEYOND = 0.12  # an increase budget that no limit here allows
ROOM = 0.01  # the limit is about right for merit this much higher
RATIO = {
    0.1: 1.07,
    0.2: 1.045,
}  # roughly what a tenth, or a fifth, of worlds pay more than the scenario's own
FRESH_SEED = 1_000_003
WIDTH = 120


@dataclass(frozen=True)
class Held:
    """The answer of one study in fresh worlds."""

    risk: float
    limit: float
    increase: float
    at_bounds: tuple[str, ...]
    stopped: str
    modelled: float | None
    checked: float | None
    fresh: float
    interval: Sequence[float]
    luck_alone: float
    evaluations: int
    seconds: float
    seconds_a_world: float

    @property
    def as_claimed(self) -> bool:
        """Whether the claim is within the interval of the fresh worlds, or above it."""
        return self.interval[0] <= self.risk


def run(
    home: Path, employees: int, years: int, risks: Sequence[float], worlds: int, seed: int
) -> Iterator[Held]:
    """Yield each risk's answer, held against fresh worlds."""
    settings = Settings(home=home)
    census = generate_census(settings, employees=employees, seed=seed)
    base = resolve(simulated_years(years, census.first_year), scenario={})
    with closing(Preview(settings, census)) as preview:
        richer = base.with_levers({f"merit_rate_level_{k}": 0.033 + ROOM for k in range(1, 6)})
        middle = highest_payroll(preview.evaluate(richer).kpis)
        for risk in risks:
            limit = round(middle * RATIO.get(risk, 1.06))
            yield held(settings, preview, base, census_levels(census), risk, limit, worlds)


def held(
    settings: Settings,
    preview: Preview,
    base: EffectiveParameters,
    levels: tuple[int, ...],
    risk: float,
    limit: float,
    worlds: int,
) -> Held:
    """Search, and simulate the answer in fresh worlds."""
    evaluator = PreviewEvaluator(preview, base)
    constraints = (f"payroll<={limit}", f"payroll_risk<={risk}")
    spec = StudySpec(target=f"increase={BEYOND}", constraints=constraints, grid="off")
    started = time.perf_counter()
    found = run_study(
        settings, spec, name=f"chance_{round(100 * risk)}", scenario="baseline", base=base, levels=levels,
        preview=evaluator, real=None,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    answer = effective_of(base, found.levers)
    decided = decided_by(base) | {RAISES}
    started = time.perf_counter()
    fresh = [
        highest_payroll(preview.evaluate(in_world(answer, world, decided, FRESH_SEED)).kpis)
        for world in range(worlds)
    ]
    each = (time.perf_counter() - started) / worlds
    lucky = [
        highest_payroll(preview.evaluate(luck_alone(answer, world, FRESH_SEED)).kpis)
        for world in range(min(worlds, 50))
    ]
    over = sum(paid > limit for paid in fresh)
    claim = next(one["actual"] for one in found.constraints if one["name"] == "payroll_risk")
    return Held(
        risk=risk,
        limit=limit,
        increase=float(found.kpis[0]["increase_rate"]),
        at_bounds=tuple(name for name in found.binding if name in found.levers),
        stopped=found.stopped,
        modelled=claim,
        checked=found.chance.share if isinstance(found.chance, ChanceCheck) else None,
        fresh=over / worlds,
        interval=wilson(over, worlds),
        luck_alone=sum(paid > limit for paid in lucky) / len(lucky),
        evaluations=found.evaluations,
        seconds=seconds,
        seconds_a_world=each,
    )


def shown(found: Sequence[Held], employees: int, worlds: int) -> Table:
    """Return the table of all risks."""
    names = (
        "risk",
        "increase",
        "at bounds",
        "modelled",
        "check",
        f"of {worlds} fresh",
        "95 %",
        "luck alone",
        "previews",
        "s",
    )
    table = Table(*(Column(name, justify="right") for name in names), title=f"{employees:,} employees")
    for one in found:
        low, high = one.interval
        table.add_row(
            f"{one.risk:.0%}", f"{one.increase:.2%}", ", ".join(one.at_bounds) or "none",
            _share(one.modelled), _share(one.checked), f"{one.fresh:.1%}",
            f"{low:.1%} to {high:.1%}", f"{one.luck_alone:.1%}",
            f"{one.evaluations} ({one.seconds_a_world:.2f} s a world)", f"{one.seconds:.1f}",
        )  # fmt: skip
    return table


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def main() -> int:
    """Run, print a table; 1 where a payroll is exceeded more often than allowed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--employees", type=int, default=1000)
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument(
        "--risks", type=lambda text: [float(one) for one in text.split(",")], default=[0.1, 0.2]
    )
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="planwise-chance-") as folder:
        found = list(run(Path(folder), given.employees, given.years, given.risks, given.worlds, given.seed))
    Console(width=WIDTH).print(shown(found, given.employees, given.worlds))
    if given.output is not None:
        write({"employees": given.employees, "found": [asdict(one) for one in found]}, given.output)
    return 0 if all(one.as_claimed for one in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
