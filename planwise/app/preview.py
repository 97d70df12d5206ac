"""Preview a scenario: its KPIs in memory, by the plan's own SQL; nothing is gated, stored or published."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from planwise.app.simulate import Resolved, resolve_scenario
from planwise.engine.outcome import Kpis
from planwise.engine.preview import Preview
from planwise.governance.request import ScenarioRequest
from planwise.parameters import Value
from planwise.settings import Settings


@dataclass(frozen=True)
class PreviewReport:
    """KPIs by year, and the seconds of one evaluation once models and dynamics are prepared."""

    scenario: str
    census: str
    changes: Mapping[str, Value]
    seconds: float
    employees: int
    kpis: Kpis

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise preview --json` prints."""
        return {
            "scenario": self.scenario,
            "census": self.census,
            "unsaved_changes": dict(self.changes),
            "seconds": round(self.seconds, 6),
            "employees": self.employees,
            "kpis": self.kpis,
        }


def preview(settings: Settings, request: ScenarioRequest) -> PreviewReport:
    """Evaluate a scenario twice on the preview, and report the second, prepared evaluation.

    Raises InputError for a scenario, census or change that does not exist.
    """
    resolved: Resolved = resolve_scenario(settings, request)
    with closing(Preview(settings, resolved.census)) as evaluator:
        evaluator.evaluate(resolved.effective)  # renders the models and computes the dynamics
        outcome = evaluator.evaluate(resolved.effective)
    return PreviewReport(
        resolved.name,
        resolved.census.name,
        resolved.changes,
        outcome.seconds,
        outcome.employees,
        outcome.kpis,
    )
