"""Run a scenario under many seeds, alone or paired with another one, on the preview."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import Annotated, Any

from pydantic import Field

from planwise.app.runner import Runner
from planwise.app.simulate import Resolved, resolve_scenario
from planwise.engine.preview import Preview
from planwise.governance.request import Bounds, ScenarioRequest
from planwise.risk.ensemble import Ensemble, Step, Watch, run_paired, spreads_json
from planwise.risk.noise import Difference, differences
from planwise.settings import Settings

DEFAULT_SEEDS = 20
PROGRESS_SECONDS = 1.0  # a progress artifact costs a request

Differences = Mapping[str, Mapping[int, Difference | None]]


class EnsembleRequest(ScenarioRequest):
    """A scenario, a number of seeds, and the scenario to compare it with, if any."""

    seeds: Annotated[int, Bounds(1, 100_000)] = Field(
        default=DEFAULT_SEEDS, description="Number of seeds; the scenario's own is the first."
    )
    against: str | None = Field(
        default=None, description="Compare with this scenario: policy effect vs. random variation."
    )


@dataclass(frozen=True)
class EnsembleReport:
    """One ensemble per scenario, the requested one first; with two, `differences` by KPI and year."""

    resolved: tuple[Resolved, ...]
    ensembles: tuple[Ensemble, ...]
    differences: Differences | None

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
            "kpis": spreads_json(first.spreads()),
        }
        if self.differences is None:
            return answer
        against = {
            "scenario": self.resolved[1].name,
            "kpis": spreads_json(self.ensembles[1].spreads()),
            "difference": {
                name: {str(year): d and d.as_json() for year, d in by_year.items()}
                for name, by_year in self.differences.items()
            },
        }
        return {**answer, "against": against}

    def as_table(self) -> list[dict[str, Any]]:
        """Return one flat row per KPI and year of the requested scenario."""
        spreads = spreads_json(self.ensembles[0].spreads())
        return [
            {"KPI": name, "year": year, **(spread or {})}
            for name, by_year in spreads.items()
            for year, spread in by_year.items()
        ]


def ensemble_job(settings: Settings, request: EnsembleRequest, run: Runner) -> EnsembleReport:
    """Run an ensemble as a job that reports its progress and publishes the spreads as a table."""
    shown_at = [monotonic()]

    def on_step(step: Step) -> None:
        if monotonic() - shown_at[0] < PROGRESS_SECONDS:
            return
        shown_at[0] = monotonic()
        run.advance("ensemble-progress", step.done / step.total, f"{step.done} of {step.total} seeds")

    run.note("scenario", request.scenario)
    report = run(run_ensemble, settings, request, Watch(on_step, run.stopped))
    run.table("ensemble", report.as_table(), f"{request.scenario} under {request.seeds} seeds")
    return report


def run_ensemble(settings: Settings, request: EnsembleRequest, watch: Watch) -> EnsembleReport:
    """Simulate under each seed; both scenarios, when there are two, on the same census, years and seeds.

    Raises InputError for a scenario or census that does not exist and for a number of seeds out of bounds.
    """
    resolved = [resolve_scenario(settings, request)]
    if request.against is not None:
        other = ScenarioRequest(scenario=request.against, years=request.years, census=resolved[0].census.name)
        resolved.append(resolve_scenario(settings, other))
    with closing(Preview(settings, resolved[0].census)) as preview:
        ensembles = run_paired(
            lambda effective: preview.evaluate(effective).kpis,
            [each.effective for each in resolved],
            request.seeds,
            watch,
        )
    paired = differences(*ensembles) if request.against is not None else None
    return EnsembleReport(tuple(resolved), tuple(ensembles), paired)
