"""Run a scenario in many worlds, alone or paired with another one, on the preview."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import Annotated, Any

from pydantic import Field

from planwise.app.runner import Runner
from planwise.app.simulate import Resolved, resolve_scenario
from planwise.engine.outcome import Kpis
from planwise.engine.preview import Preview
from planwise.governance.request import SWITCH, Bounds, ScenarioRequest
from planwise.parameters import EffectiveParameters
from planwise.parameters.calibrated_rates import ASSUMPTION, anything_drifts
from planwise.risk.decisions import decided_by
from planwise.risk.ensemble import Ensemble, Step, Watch, run_drawn, spreads_json
from planwise.risk.noise import Difference, differences
from planwise.risk.worlds import LUCK, MEANS, RATES_AND_LUCK, RateDraws
from planwise.settings import Settings

DEFAULT_SEEDS = 20
PROGRESS_SECONDS = 1.0  # a progress artifact costs a request

Differences = Mapping[str, Mapping[int, Difference | None]]


class EnsembleRequest(ScenarioRequest):
    """A scenario, a number of draws, and the scenario to compare it with, if any."""

    seeds: Annotated[int, Bounds(1, 100_000)] = Field(
        default=DEFAULT_SEEDS,
        description="Number of draws, each with a seed; the scenario's own first.",
    )
    against: str | None = Field(
        default=None, description="Compare with this scenario: policy effect vs. random variation."
    )
    luck_only: Annotated[bool, SWITCH] = Field(
        default=False,
        description="Keep turnover and headcount growth as stated, and draw luck alone: who leaves, joins "
        "and is promoted.",
    )


@dataclass(frozen=True)
class EnsembleReport:
    """One ensemble per scenario, the requested one first; with two, `differences` by KPI and year.

    `luck` has the ensembles of luck alone, the same as `ensembles` where no rate is drawn.
    """

    resolved: tuple[Resolved, ...]
    ensembles: tuple[Ensemble, ...]
    luck: tuple[Ensemble, ...]
    rates: RateDraws
    differences: Differences | None

    @property
    def drawn(self) -> str:
        """What differs between the draws: rates and luck, or luck alone."""
        return self.ensembles[0].drawn

    @property
    def means(self) -> tuple[str, ...]:
        """A sentence on each thing that is drawn."""
        return MEANS[self.drawn]

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise ensemble --json` prints."""
        first, own = self.ensembles[0], self.resolved[0]
        answer: dict[str, Any] = {
            "scenario": own.name,
            "census": own.census.name,
            "unsaved_changes": dict(own.changes),
            "seeds": list(first.seeds),
            "seeds_asked": first.requested,
            "stopped": first.stopped,
            "drawn": self.drawn,
            "drawn_means": list(self.means),
            "rates": self.rates.as_json(),
            "kpis": spreads_json(first.spreads()),
            "luck_alone": {"kpis": spreads_json(self.luck[0].spreads())},
        }
        if self.differences is None:
            return answer
        against = {
            "scenario": self.resolved[1].name,
            "kpis": spreads_json(self.ensembles[1].spreads()),
            "luck_alone": {"kpis": spreads_json(self.luck[1].spreads())},
            "difference": {
                name: {str(year): d and d.as_json() for year, d in by_year.items()}
                for name, by_year in self.differences.items()
            },
        }
        return {**answer, "against": against}

    def as_table(self) -> list[dict[str, Any]]:
        """Return one flat row per KPI, year and thing that is drawn, of the requested scenario."""
        both = (self.ensembles[0],) if self.drawn == LUCK else (self.ensembles[0], self.luck[0])
        return [
            {"KPI": name, "year": year, "drawn": one.drawn, **(spread or {})}
            for one in both
            for name, by_year in spreads_json(one.spreads()).items()
            for year, spread in by_year.items()
        ]


def ensemble_job(settings: Settings, request: EnsembleRequest, run: Runner) -> EnsembleReport:
    """Run an ensemble as a job that reports its progress and publishes the spreads as a table."""
    shown_at = [monotonic()]

    def on_step(step: Step) -> None:
        if monotonic() - shown_at[0] < PROGRESS_SECONDS:
            return
        shown_at[0] = monotonic()
        run.advance("ensemble-progress", step.done / step.total, f"{step.done} of {step.total} simulations")

    run.note("scenario", request.scenario)
    report = run(run_ensemble, settings, request, Watch(on_step, run.stopped))
    run.table("ensemble", report.as_table(), f"{request.scenario}, {request.seeds} draws of {report.drawn}")
    return report


def run_ensemble(settings: Settings, request: EnsembleRequest, watch: Watch) -> EnsembleReport:
    """Simulate each draw of rates and luck, and the same luck with the rates as stated.

    Both scenarios, when there are two, are on the same census, years, seeds and deviations of rates. Raises
    InputError for a scenario or census that does not exist and for a number of draws out of bounds.
    """
    resolved = [resolve_scenario(settings, request)]
    if request.against is not None:
        other = ScenarioRequest(scenario=request.against, years=request.years, census=resolved[0].census.name)
        resolved.append(resolve_scenario(settings, other))
    plans = [each.effective for each in resolved]
    rates = RateDraws.of(plans[0], decided_by(*plans))
    rates = rates.without() if request.luck_only else rates
    if not anything_drifts(settings, plans[0].value(ASSUMPTION)):
        rates = rates.without_drift()
    drawn = (RATES_AND_LUCK, LUCK) if rates.anything else (LUCK,)
    with closing(Preview(settings, resolved[0].census)) as preview:

        def kpis_of(effective: EffectiveParameters) -> Kpis:
            return preview.evaluate(effective, passing=True).kpis  # twice at most, then the next draw

        found = run_drawn(kpis_of, plans, request.seeds, watch, drawn)
    paired = differences(*found[0]) if request.against is not None else None
    return EnsembleReport(tuple(resolved), found[0], found[-1], rates, paired)
