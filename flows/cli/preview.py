"""`planwise preview`."""

from typing import Any

from flows.cli.show import kpi_table
from flows.jobs.simulation import resolve_scenario
from flows.options import AS_DEFINED, ScenarioOptions
from planwise.console import emit_json, progress, results, settings_for
from planwise.engine.preview import Preview
from planwise.governance.request import ScenarioRequest
from planwise.options import Home, Json


def preview(
    *,
    scenario: ScenarioOptions = AS_DEFINED,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show a scenario's KPIs without a plan: the same SQL in memory, nothing stored, gated or published."""
    settings = settings_for(home)
    request = ScenarioRequest(**scenario.fields())
    resolved = resolve_scenario(settings, request)
    evaluator = Preview(settings, resolved.census)
    try:
        evaluator.evaluate(resolved.effective)  # renders the models and computes the dynamics
        outcome = evaluator.evaluate(resolved.effective)
    finally:
        evaluator.close()
    if json:
        answer: dict[str, Any] = {
            "scenario": resolved.name,
            "census": resolved.census.name,
            "unsaved_changes": dict(resolved.changes),
            "seconds": round(outcome.seconds, 6),
            "employees": outcome.employees,
            "kpis": outcome.kpis,
        }
        emit_json(answer)
        return
    results().print(kpi_table(outcome.kpis, title=f"Preview of {resolved.name}, {resolved.census.name}"))
    results().print(f"{outcome.employees:,} employees, {1000 * outcome.seconds:.0f} ms once prepared.")
    progress().print("Not gated, not published. Next: planwise simulate with the same options.")
