"""What becomes of a study's winner: a scenario of its own, verified."""

from collections.abc import Iterator

from flows.jobs.simulation import Resolved, SimulationReport, resolve_scenario
from planwise.errors import InputError, PlanWiseError
from planwise.governance import open_ledger
from planwise.governance.request import ScenarioRequest
from planwise.governance.scenarios import check_new_name
from planwise.settings import Settings
from planwise.study import StudyResult
from planwise.study.spec import OptimizeRequest

SAME_GROWTH = 1e-9  # the winner is planned by the same SQL: what is left is rounding of a double
FOUND_BY = "Found by study "


def refuse_taken_name(settings: Settings, request: OptimizeRequest) -> None:
    """Raise InputError when the winner's scenario exists and no study of this scenario made it."""
    name = request.target_scenario
    check_new_name(name)
    with open_ledger(settings) as ledger:
        taken = {scenario.name: scenario for scenario in ledger.scenarios.list()}.get(name)
    if taken and not (taken.parent == request.scenario and taken.description.startswith(FOUND_BY)):
        raise InputError(
            f"There is a scenario {name} that no study of {request.scenario} made.",
            remedy="Choose another name: --save-as NAME.",
        )


def keep_scenario(
    settings: Settings, request: OptimizeRequest, resolved: Resolved, result: StudyResult
) -> Resolved:
    """Store the winner as a scenario, in place of what an earlier study found under that name.

    What is returned is read back, so that simulating the scenario later gives the same and runs no model.
    """
    name = request.target_scenario
    new = {lever: change["new"] for lever, change in result.changes.items()}
    effective = resolved.effective.with_levers(new)
    with open_ledger(settings) as ledger:
        if name in {scenario.name for scenario in ledger.scenarios.list()}:
            ledger.scenarios.delete(name)
        ledger.scenarios.create(
            name,
            effective.overrides(),
            census=request.census or resolved.scenario.census,
            description=f"{FOUND_BY}{result.study}: growth {result.growth:.3%} a year.",
            parent=request.scenario,
            years=effective.years,
        )
    return resolve_scenario(settings, ScenarioRequest(scenario=name, census=request.census))


def verify(result: StudyResult, report: SimulationReport) -> None:
    """Raise PlanWiseError unless the full simulation has the growth that the trial had."""
    growth = report.kpis[-1]["growth_compound"]
    if abs(growth - result.growth) > SAME_GROWTH:
        raise PlanWiseError(
            f"The winner of {result.study} grows by {growth:.6%} in the full simulation, "
            f"by {result.growth:.6%} in its trial; both should be the same SQL.",
            remedy="Please report it with the study's export: `planwise study export`.",
        )


def summary(result: StudyResult) -> str:
    """Return the page that operators see beside the run."""
    state = "converged" if result.converged else "not converged" if result.reachable else "out of reach"
    target = (
        ""
        if result.quality_score is None
        else f" target {result.target_growth:.3%}, gap {result.gap_pp:+.3f} pp,"
        f" {result.quality_score:.0%} of the gap closed;"
    )
    lines = [
        f"# {result.study}: {state}",
        "",
        f"Growth of mean base pay (compound, a year) **{result.growth:.3%}**,{target} "
        f"as it was {result.baseline_growth:.3%}.",
        "",
        f"{result.strategy}, {result.evaluations} evaluations, {result.real_plans} plans, "
        f"{result.cache_hits} cache hits, {result.trials_failed} failed trials, {result.seconds:.1f} s; "
        f"ended: {result.stopped}.",
        "",
        "| lever | old | new | change |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {change['old']:.4f} | {change['new']:.4f} | {change['change']:+.4f} |"
            for name, change in result.changes.items()
        ),
    ]
    if result.nearest_growth is not None:
        lines += ["", f"Nearest reachable growth: {result.nearest_growth:.3%}."]
    if result.binding:
        lines += ["", f"At their bounds: {', '.join(result.binding)}."]
    lines += [f"\n{line}" for line in (*_findings(result), *result.warnings)]
    return "\n".join(lines)


def _findings(result: StudyResult) -> Iterator[str]:
    """Yield a line each on cost, people, robustness and risk, where they were computed."""
    if not isinstance(result.cost_impact, str):
        payroll = result.cost_impact["horizon"]["payroll"]
        yield f"Payroll over the horizon {payroll['after']:,.0f}, {payroll['difference']:+,.0f}."
    if not isinstance(people := result.employee_impact, str):
        yield (
            f"The pay of {people['differ']:,} of {people['compared']:,} people differs in {people['year']}: "
            f"{people['winners']:,} earn more, {people['losers']:,} less."
        )
    if not isinstance(robust := result.robustness, str) and robust["share_within_tolerance"] is not None:
        yield (
            f"Under {robust['seeds']} other seeds {robust['share_within_tolerance']:.0%} are within the "
            f"tolerance; growth {robust['growth']['p10']:.2%} to {robust['growth']['p90']:.2%} (P10 to P90)."
        )
    if not isinstance(result.risk, str):
        yield f"Risk: {result.risk['level']}, findings: {len(result.risk['findings'])}."
